//! Parts of events that a destination does not get.

use super::super::{print::Printer, reader::Reader};
use crate::vocabulary::spelled;

/// Parts that are masked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mask {
    /// Written text, titles, reactions, ratings, and the payloads and tokens of developers.
    pub text: bool,
    /// Names of people.
    pub username: bool,
    /// Attachments but for their types, stickers, and URLs.
    pub media: bool,
}

spelled! {
    /// A part that can be masked.
    enum Part {
        /// Written text.
        Text = "text",
        /// Names of people.
        Username = "username",
        /// Attachments.
        Media = "media",
    }
}

impl Mask {
    /// True if nothing is masked.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let parts: Vec<Part> = reader.names_of("mask");
        Self {
            text: parts.contains(&Part::Text),
            username: parts.contains(&Part::Username),
            media: parts.contains(&Part::Media),
        }
    }

    pub(super) fn print(self, out: &mut Printer) {
        let is_masked = |part: &&Part| match part {
            Part::Text => self.text,
            Part::Username => self.username,
            Part::Media => self.media,
        };
        let parts: Vec<_> = Part::ALL.iter().filter(is_masked).collect();
        if !parts.is_empty() {
            let names: Vec<_> = parts.iter().map(|part| part.as_str()).collect();
            out.list("mask", &names);
        }
    }
}
