//! What people and accounts say: invented, in several languages and scripts.

mod arabic;
mod english;
mod french;
mod german;
mod japanese;
mod labels;
mod turkish;

pub(super) use self::labels::{ad_title, button, link, newsletter, quick_reply, reaction, title};
use super::act::Words;
use crate::simulate::random::Random;

/// The texts of one language. `{thing}` stands for what the account deals in, in a form that fits
/// every place; `{day}` for a day or time; `{number}` for a small number.
#[derive(Debug)]
struct Language {
    /// By trade: bakery, bicycles, museum.
    things: [&'static [&'static str]; 3],
    days: &'static [&'static str],
    ask: &'static [&'static str],
    more: &'static [&'static str],
    corrected: &'static [&'static str],
    oops: &'static [&'static str],
    answer: &'static [&'static str],
    automatic: &'static [&'static str],
    thanks: &'static [&'static str],
    to_story: &'static [&'static str],
    praise: &'static [&'static str],
    question: &'static [&'static str],
    reply: &'static [&'static str],
    own_reply: &'static [&'static str],
    live: &'static [&'static str],
}

/// A language stands here as often as it is spoken.
static LANGUAGES: [&Language; 8] = [
    &german::GERMAN,
    &english::ENGLISH,
    &french::FRENCH,
    &german::GERMAN,
    &turkish::TURKISH,
    &english::ENGLISH,
    &japanese::JAPANESE,
    &arabic::ARABIC,
];

/// Somebody says `words`: `sort` tells the language, `trade` what it is about.
pub(super) fn speak(sort: usize, trade: usize, words: Words, random: &mut Random) -> String {
    let language = LANGUAGES[sort % LANGUAGES.len()];
    let template = pick(language.templates(words), random);
    fill(template, language, trade, random)
}

impl Language {
    fn templates(&self, words: Words) -> &'static [&'static str] {
        match words {
            Words::Ask => self.ask,
            Words::More => self.more,
            Words::Corrected => self.corrected,
            Words::Oops => self.oops,
            Words::Answer => self.answer,
            Words::Automatic => self.automatic,
            Words::Thanks => self.thanks,
            Words::ToStory => self.to_story,
            Words::Praise => self.praise,
            Words::Question => self.question,
            Words::Reply => self.reply,
            Words::OwnReply => self.own_reply,
            Words::Live => self.live,
        }
    }
}

fn pick<T: Copy + Default>(choices: &[T], random: &mut Random) -> T {
    choices
        .get(random.index(choices.len()))
        .copied()
        .unwrap_or_default()
}

fn fill(template: &str, language: &Language, trade: usize, random: &mut Random) -> String {
    let mut text = String::with_capacity(template.len() + 24);
    let mut rest = template;
    while let Some((before, name, after)) = slot(rest) {
        text.push_str(before);
        match name {
            "thing" => text.push_str(pick(language.things[trade % 3], random)),
            "day" => text.push_str(pick(language.days, random)),
            _ => text.push_str(&(2 + random.below(28)).to_string()),
        }
        rest = after;
    }
    text.push_str(rest);
    text
}

/// The next `{name}` of a template, with what stands before and after it.
fn slot(template: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = template.split_once('{')?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Words; 13] = [
        Words::Ask,
        Words::More,
        Words::Corrected,
        Words::Oops,
        Words::Answer,
        Words::Automatic,
        Words::Thanks,
        Words::ToStory,
        Words::Praise,
        Words::Question,
        Words::Reply,
        Words::OwnReply,
        Words::Live,
    ];

    #[test]
    fn every_language_fills_every_template() {
        let mut random = Random::new(1);
        for language in LANGUAGES {
            for template in ALL.iter().flat_map(|words| language.templates(*words)) {
                for trade in 0..3 {
                    let text = fill(template, language, trade, &mut random);
                    assert!(!text.is_empty() && !text.contains(['{', '}']), "{text}");
                    let slots = ["{thing}", "{day}", "{number}"];
                    let known: usize = slots
                        .iter()
                        .map(|slot| template.matches(slot).count())
                        .sum();
                    assert_eq!(template.matches('{').count(), known, "{template}");
                }
            }
        }
    }

    #[test]
    fn people_of_other_languages_say_other_things() {
        let mut random = Random::new(2);
        let said: std::collections::HashSet<_> = (0..400)
            .map(|sort| speak(sort, sort, Words::Ask, &mut random))
            .collect();
        assert!(said.len() > 150, "{}", said.len());
        assert!(said.iter().any(|text| text.contains("か")));
        assert!(said.iter().any(|text| text.contains("هل")));
    }
}
