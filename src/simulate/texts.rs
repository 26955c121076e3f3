//! The texts of people and accounts: invented, in several languages and scripts, in
//! `samples/texts.tsv`.

use std::{collections::BTreeMap, sync::LazyLock};

use super::random::Random;

/// A language stands here as often as it is spoken.
const LANGUAGES: [&str; 8] = ["de", "en", "fr", "de", "tr", "en", "ja", "ar"];

/// A text that fits this part of a conversation; `language` chooses the language.
pub(super) fn pick(language: usize, part: &str, random: &mut Random) -> Option<&'static str> {
    let texts = texts(LANGUAGES[language % LANGUAGES.len()], part);
    random.pick(texts).copied()
}

/// The title of the ad with this number.
pub(super) fn ad_title(number: u64) -> Option<&'static str> {
    let titles = texts("de", "ad_title");
    let place = number % (titles.len() as u64).max(1);
    titles.get(usize::try_from(place).ok()?).copied()
}

fn texts(language: &str, part: &str) -> &'static [&'static str] {
    type Parts = BTreeMap<&'static str, Vec<&'static str>>;
    static TEXTS: LazyLock<BTreeMap<&str, Parts>> = LazyLock::new(|| {
        let mut languages = BTreeMap::<_, Parts>::new();
        for line in include_str!("../../samples/texts.tsv").lines() {
            if let [language, part, text] = *line.split('\t').collect::<Vec<_>>() {
                let parts = languages.entry(language).or_default();
                parts.entry(part).or_default().push(text);
            }
        }
        languages
    });
    let texts = TEXTS.get(language).and_then(|parts| parts.get(part));
    texts.map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_every_part_in_its_own_words() {
        let talk = ["ask", "more", "corrected", "answer", "thanks", "story"];
        let below_media = ["comment", "reply", "own_reply", "live"];
        for part in talk.into_iter().chain(below_media) {
            for language in LANGUAGES {
                assert!(texts(language, part).len() > 2, "{language} {part}");
            }
        }
        let scripts = texts("ja", "ask").iter().chain(texts("ar", "ask"));
        assert!(scripts.into_iter().all(|text| !text.is_ascii()));
        assert!(ad_title(0).is_some() && ad_title(100).is_some());
    }
}
