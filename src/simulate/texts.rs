//! The texts of people and accounts: invented, in several languages and scripts, in
//! `samples/texts.tsv`.

use std::{collections::BTreeMap, sync::LazyLock};

use super::{random::Random, sender::Sender};

/// A language stands here as often as it is spoken.
const LANGUAGES: [&str; 8] = ["de", "en", "fr", "de", "tr", "en", "ja", "ar"];

/// A text as each sender writes it.
#[derive(Debug)]
pub(super) struct Text {
    messaging: Vec<u8>,
    changes: Vec<u8>,
}

impl Text {
    fn new(text: &str) -> Self {
        let written = |sender: Sender| {
            let mut out = Vec::new();
            sender.write(text, &mut out);
            out
        };
        Self {
            messaging: written(Sender::Messaging),
            changes: written(Sender::Changes),
        }
    }

    /// The bytes between the quotes.
    pub(super) fn written(&self, sender: Sender) -> &[u8] {
        match sender {
            Sender::Messaging => &self.messaging,
            Sender::Changes => &self.changes,
        }
    }
}

/// A text that fits this part of a conversation; `language` chooses the language.
pub(super) fn pick(
    language: usize,
    part: &'static str,
    random: &mut Random,
) -> Option<&'static Text> {
    random.pick(texts(LANGUAGES[language % LANGUAGES.len()], part))
}

/// The title of the ad with this number.
pub(super) fn ad_title(number: usize) -> Option<&'static Text> {
    let titles = texts("de", "ad_title");
    titles.get(number % titles.len().max(1))
}

fn texts(language: &'static str, part: &'static str) -> &'static [Text] {
    type Parts = BTreeMap<(&'static str, &'static str), Vec<Text>>;
    static TEXTS: LazyLock<Parts> = LazyLock::new(|| {
        let mut parts = Parts::new();
        for line in include_str!("../../samples/texts.tsv").lines() {
            if let [language, part, text] = *line.split('\t').collect::<Vec<_>>() {
                parts
                    .entry((language, part))
                    .or_default()
                    .push(Text::new(text));
            }
        }
        parts
    });
    TEXTS.get(&(language, part)).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_every_part_in_its_own_words() {
        let parts = [
            "ask",
            "more",
            "corrected",
            "answer",
            "thanks",
            "story",
            "comment",
            "reply",
        ];
        for part in parts.into_iter().chain(["own_reply", "live"]) {
            for language in LANGUAGES {
                assert!(texts(language, part).len() > 2, "{language} {part}");
            }
        }
        let asked = texts("ja", "ask").iter().chain(texts("ar", "ask"));
        assert!(
            asked
                .map(|text| &text.changes)
                .all(|text| text.contains(&b'\\'))
        );
        assert!(ad_title(0).is_some() && ad_title(100).is_some());
    }
}
