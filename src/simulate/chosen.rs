//! One item of the user's choice: their own words, by a person whom they name.

use jiff::Timestamp;

use super::{
    sample::Sample,
    slot::Name,
    values::Said,
    variants::{Variant, context, values},
};
use crate::meta::event::Kind;

/// How long before now it happened.
const AGO_MS: i64 = 1_000;

/// One item of a kind.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The kind of the item.
    pub kind: Kind,
    /// The text of the item.
    pub text: Option<String>,
    /// The IGSID of the person: digits.
    pub person: Option<String>,
    /// The user name of the person: letters, digits, dots and underscores.
    pub username: Option<String>,
}

/// The item cannot carry what was chosen.
#[derive(Debug, thiserror::Error)]
#[error(
    "an item of the kind {named} carries no {part}: leave out --{option}, or choose --kind {carriers}",
    named = .kind.as_str(),
    carriers = .others.join(" or --kind "),
)]
pub struct NotCarried {
    kind: Kind,
    part: &'static str,
    option: &'static str,
    /// The kinds that carry it.
    others: Vec<&'static str>,
}

impl NotCarried {
    fn new(kind: Kind, (name, part, option): Part) -> Self {
        let carry = |kind: &Kind| samples(*kind).any(|sample| sample.has(name));
        let others = Kind::ALL.iter().copied().filter(carry);
        Self {
            kind,
            part,
            option,
            others: others.map(Kind::as_str).collect(),
        }
    }
}

type Part = (Name, &'static str, &'static str);

const TEXT: Part = (Name::Text, "text", "text");
const PERSON: Part = (Name::Igsid, "id of a person", "person");
const USERNAME: Part = (Name::Username, "user name", "username");

impl Chosen {
    /// The delivery that holds it, and true if its user name is left out: most items name a person
    /// by the id alone.
    ///
    /// # Errors
    /// When items of this kind carry no text, or do not name the person.
    pub fn variant(&self, seed: u64, now: Timestamp) -> Result<(Variant, bool), NotCarried> {
        let wanted = self.wanted();
        let carried =
            |sample: &&Sample| wanted.iter().filter(|(name, ..)| sample.has(*name)).count();
        let plain = |sample: &&Sample| (carried(sample), sample.name.ends_with("/text"));
        // Of several the first one: `max_by_key` would take the last.
        let sample = samples(self.kind).rev().max_by_key(plain);
        let missing = wanted
            .iter()
            .find(|(name, ..)| sample.is_none_or(|it| !it.has(*name)));
        let without_username = missing == Some(&USERNAME) && self.person.is_some();
        match (sample, missing) {
            (Some(sample), missing) if missing.is_none() || without_username => {
                Ok((self.of(sample, seed, now), without_username))
            }
            (_, missing) => Err(NotCarried::new(self.kind, *missing.unwrap_or(&TEXT))),
        }
    }

    fn wanted(&self) -> Vec<Part> {
        let text = self.text.as_ref().map(|_| TEXT);
        let person = self.person.as_ref().map(|_| PERSON);
        let username = self.username.as_ref().map(|_| USERNAME);
        [text, person, username].into_iter().flatten().collect()
    }

    fn of(&self, sample: &'static Sample, seed: u64, now: Timestamp) -> Variant {
        let now = now.as_millisecond();
        let mut context = context(seed, now);
        let mut values = values(&mut context, now - AGO_MS);
        values.said = self.text.clone().map_or(Said::Sample, Said::Own);
        if let Some(person) = values.people.first_mut() {
            person.id = self.person.clone().unwrap_or_else(|| person.id.clone());
            person.username = self
                .username
                .clone()
                .unwrap_or_else(|| person.username.clone());
        }
        Variant::new(sample, &mut context, &mut values)
    }
}

/// The samples of a kind.
fn samples(kind: Kind) -> impl DoubleEndedIterator<Item = &'static Sample> {
    Sample::all()
        .iter()
        .filter(move |sample| sample.kind() == Some(kind))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::simulate::Sender;

    const WORDS: &str = "Größe \"M\"/L\\ 50% {{mid}} 🥐\n<b>مرحبا</b>";

    fn chosen(kind: Kind) -> Chosen {
        Chosen {
            kind,
            text: Some(WORDS.to_owned()),
            person: Some("178414000000001".to_owned()),
            username: Some("anna.b".to_owned()),
        }
    }

    fn now() -> Timestamp {
        "2026-11-20T09:30:00Z".parse().unwrap()
    }

    #[test]
    fn the_words_of_the_user_stand_in_the_body_of_either_sender() {
        let (comment, left_out) = chosen(Kind::Comment).variant(1, now()).unwrap();
        assert_eq!((comment.sender, left_out), (Sender::Changes, false));
        let body: Value = serde_json::from_slice(&comment.body).unwrap();
        let value = &body["entry"][0]["changes"][0]["value"];
        assert_eq!(value["text"], WORDS);
        assert_eq!(value["from"]["id"], "178414000000001");
        assert_eq!(value["from"]["username"], "anna.b");

        let (message, left_out) = chosen(Kind::Message).variant(1, now()).unwrap();
        assert_eq!((message.sender, left_out), (Sender::Messaging, true));
        let body: Value = serde_json::from_slice(&message.body).unwrap();
        let item = &body["entry"][0]["messaging"][0];
        assert_eq!(item["message"]["text"], WORDS);
        assert_eq!(item["sender"]["id"], "178414000000001");
        assert_eq!(message.name, "message/text");
    }

    #[test]
    fn a_part_that_a_kind_does_not_carry_is_refused() {
        let refused = |chosen: Chosen| chosen.variant(1, now()).unwrap_err().to_string();
        let text = refused(chosen(Kind::Reaction));
        assert!(text.contains("the kind reaction carries no text"), "{text}");
        assert!(text.contains("--kind message_edit"), "{text}");
        let nobody = Chosen {
            text: None,
            ..chosen(Kind::Mention)
        };
        assert!(refused(nobody).contains("leave out --person"));
        let username = Chosen {
            person: None,
            ..chosen(Kind::Message)
        };
        let username = refused(username);
        assert!(
            username.contains("--kind comment or --kind live_comment"),
            "{username}"
        );
    }

    #[test]
    fn every_kind_that_names_a_person_names_the_chosen_one() {
        for kind in Kind::ALL {
            let chosen = Chosen {
                text: None,
                ..chosen(*kind)
            };
            if let Ok((variant, _)) = chosen.variant(1, now()) {
                let body = String::from_utf8(variant.body.to_vec()).unwrap();
                assert!(body.contains("\"178414000000001\""), "{body}");
                assert!(variant.has_one_of(&[*kind]), "{body}");
            }
        }
    }
}
