//! Item with text, person and user name chosen by the user.

use jiff::Timestamp;

use super::{
    sample::Sample,
    slot::Name,
    variants::{Variant, context, values},
};
use crate::meta::event::Kind;

/// Age of the item.
const AGO_MS: i64 = 1_000;

/// Item of a kind.
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
    "an item of the kind {kind} carries no {part}: leave out --{option}, or choose --kind {carriers}"
)]
pub struct NotCarried {
    kind: &'static str,
    part: &'static str,
    option: &'static str,
    /// The kinds that carry it.
    carriers: String,
}

impl NotCarried {
    fn new(kind: Kind, (name, part, option): Part) -> Self {
        let carry = |kind: &Kind| samples(*kind).any(|sample| sample.has(name));
        let carriers = Kind::ALL.iter().copied().filter(carry).map(Kind::as_str);
        Self {
            kind: kind.as_str(),
            part,
            option,
            carriers: carriers.collect::<Vec<_>>().join(" or --kind "),
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
        let refuse = |part: Part| NotCarried::new(self.kind, part);
        let has = |sample: &Sample, (name, ..): Part| sample.has(name);
        let carried = |sample: &Sample| wanted.iter().filter(|(it, _)| has(sample, *it)).count();
        let plain = |sample: &&Sample| (carried(sample), sample.name.ends_with("/text"));
        // Of several the first one: `max_by_key` would take the last.
        let sample = samples(self.kind).rev().max_by_key(plain);
        let sample = sample.ok_or_else(|| refuse(TEXT))?;
        let mut missing = wanted
            .iter()
            .map(|(it, _)| *it)
            .filter(|it| !has(sample, *it));
        let missing = missing.next();
        let without_username = missing == Some(USERNAME) && self.person.is_some();
        if let Some(missing) = missing.filter(|_| !without_username) {
            return Err(refuse(missing));
        }
        let now = now.as_millisecond();
        let mut context = context(seed, now);
        let mut values = values(&mut context, now - AGO_MS);
        for ((name, ..), value) in wanted {
            values.set(name, value);
        }
        let variant = Variant::new(sample, &mut context, &mut values);
        Ok((variant, without_username))
    }

    /// The chosen parts and their values.
    fn wanted(&self) -> Vec<(Part, &str)> {
        let parts = [
            (TEXT, &self.text),
            (PERSON, &self.person),
            (USERNAME, &self.username),
        ];
        let parts = parts.into_iter();
        parts
            .filter_map(|(part, value)| Some((part, value.as_deref()?)))
            .collect()
    }
}

/// The samples of a kind.
fn samples(kind: Kind) -> impl DoubleEndedIterator<Item = &'static Sample> {
    let samples = Sample::all().iter();
    samples.filter(move |sample| sample.kind == Some(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(kind: Kind) -> Chosen {
        Chosen {
            kind,
            text: Some("words".to_owned()),
            person: Some("178414000000001".to_owned()),
            username: Some("anna.b".to_owned()),
        }
    }

    fn now() -> Timestamp {
        "2026-11-20T09:30:00Z".parse().unwrap()
    }

    #[test]
    fn a_part_that_a_kind_does_not_carry_is_refused() {
        let refused = |chosen: Chosen| chosen.variant(1, now()).unwrap_err().to_string();
        let text = refused(chosen(Kind::Reaction));
        assert!(text.contains("the kind reaction carries no text"), "{text}");
        assert!(text.contains("--kind message_edit"), "{text}");
        let username = refused(Chosen {
            person: None,
            ..chosen(Kind::Message)
        });
        let carriers = "--kind comment or --kind live_comment";
        assert!(username.contains(carriers), "{username}");
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
