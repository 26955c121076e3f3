//! Options for a single item in the user's own words.

use clap::Args;
use jiff::Timestamp;

use super::wrong_usage;
use crate::{
    cli::output::Output,
    meta::event::Kind,
    simulate::{Chosen, Variant},
};

/// The longest text of a comment on Instagram, in characters.
const LONGEST_TEXT: usize = 2200;

/// The longest user name on Instagram.
const LONGEST_NAME: usize = 30;

/// The most digits of an id.
const MOST_DIGITS: usize = 20;

/// Text, person and user name of one item.
#[derive(Args, Debug)]
#[command(next_help_heading = "One item in your words")]
pub(super) struct Words {
    /// Send one item with this text: a message, or what --kind says.
    #[arg(long, value_parser = text, conflicts_with = "length")]
    text: Option<String>,
    /// Send one item of the person with this Instagram-scoped id.
    #[arg(long, value_name = "ID", value_parser = person, conflicts_with = "length")]
    person: Option<String>,
    /// Send one item of the person with this user name, which comments carry.
    #[arg(long, value_name = "NAME", value_parser = username, conflicts_with = "length")]
    username: Option<String>,
}

impl Words {
    /// The delivery with these words; none if there are none.
    pub(super) fn variant(
        &self,
        kinds: &[Kind],
        seed: u64,
        now: Timestamp,
    ) -> anyhow::Result<Option<Variant>> {
        if self.text.is_none() && self.person.is_none() && self.username.is_none() {
            return Ok(None);
        }
        let kind = match kinds {
            [] => Kind::Message,
            [kind] => *kind,
            _ => {
                let text = "--text, --person and --username are for one item: name one --kind";
                return Err(wrong_usage(text));
            }
        };
        let chosen = Chosen {
            kind,
            text: self.text.clone(),
            person: self.person.clone(),
            username: self.username.clone(),
        };
        let (variant, without_username) = chosen.variant(seed, now).map_err(wrong_usage)?;
        if without_username {
            Output::note(
                "items of this kind name a person by the id alone: --username is left out",
            )?;
        }
        Ok(Some(variant))
    }
}

fn text(text: &str) -> Result<String, String> {
    let fits = (1..=LONGEST_TEXT).contains(&text.chars().count());
    if fits && !text.trim().is_empty() {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "allowed: 1 to {LONGEST_TEXT} characters, not only white space"
        ))
    }
}

fn person(text: &str) -> Result<String, String> {
    let fits = (1..=MOST_DIGITS).contains(&text.len());
    if fits && text.bytes().all(|byte| byte.is_ascii_digit()) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "allowed: an id of 1 to {MOST_DIGITS} digits, such as 739184620517346"
        ))
    }
}

fn username(text: &str) -> Result<String, String> {
    let name = text.strip_prefix('@').unwrap_or(text);
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._".contains(&byte);
    if (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(is_allowed) {
        Ok(name.to_owned())
    } else {
        Err(format!(
            "allowed: 1 to {LONGEST_NAME} letters, digits, dots and underscores"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_within_the_bounds_of_instagram() {
        let longest = "ü".repeat(LONGEST_TEXT);
        assert_eq!(text(&longest).as_ref(), Ok(&longest));
        for bad in ["", " \n", &format!("{longest}.")] {
            assert!(text(bad).unwrap_err().contains("2200"), "{bad}");
        }
        assert_eq!(person("739184620517346").as_deref(), Ok("739184620517346"));
        for bad in ["", "12a", "-1", "123456789012345678901"] {
            assert!(person(bad).is_err(), "{bad}");
        }
        assert_eq!(username("@anna.b_1").as_deref(), Ok("anna.b_1"));
        for bad in ["", "@", "a b", "ä", "a\"", &"a".repeat(LONGEST_NAME + 1)] {
            assert!(username(bad).is_err(), "{bad}");
        }
    }
}
