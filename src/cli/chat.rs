//! Layout of a chat: days, authors, and texts in any writing system, as wide as the terminal.
//!
//! A text stands on lines of its own, so that its direction of writing does not turn the time or
//! the author around.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{
    colours::{DIM, HEADER},
    output::{self, Output},
};

/// Width without a terminal.
const WIDTH: usize = 80;

/// Indentation of the account's messages.
const ACCOUNT: usize = 12;

/// Indentation of a text below its author.
const TEXT: usize = 2;

/// A text is not folded into less.
const READABLE: usize = 20;

/// Joiner of two characters into one sign.
const JOINER: char = '\u{200d}';

/// A chat on standard output.
pub(super) struct Chat {
    output: Output,
    width: usize,
    indent: usize,
    day: Option<Date>,
}

impl Chat {
    /// Begins a chat as wide as the terminal.
    pub(super) fn new() -> Self {
        Self {
            output: Output::new(),
            width: output::width(std::io::stdout()).unwrap_or(WIDTH),
            indent: 0,
            day: None,
        }
    }

    /// Writes about the whole chat.
    pub(super) fn note(&mut self, text: &str) -> anyhow::Result<()> {
        self.lines(0, Some(DIM), text)
    }

    /// Begins the day (UTC) of `at`, unless it has begun.
    pub(super) fn day(&mut self, at: Timestamp) -> anyhow::Result<()> {
        let day = at.to_zoned(TimeZone::UTC).date();
        if self.day.replace(day) == Some(day) {
            return Ok(());
        }
        self.gap()?;
        self.lines(0, Some(HEADER), &day.to_string())
    }

    /// Indents what follows if the account wrote it.
    pub(super) fn side(&mut self, is_account: bool) {
        self.indent = if is_account { ACCOUNT } else { 0 };
    }

    /// Begins a message.
    pub(super) fn by(&mut self, at: Timestamp, author: &str) -> anyhow::Result<()> {
        self.lines(self.indent, Some(DIM), &format!("{} {author}", time(at)))
    }

    /// Begins a comment with its day and time.
    pub(super) fn on_day(&mut self, at: Timestamp, author: &str) -> anyhow::Result<()> {
        let at = at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M");
        self.lines(self.indent, Some(DIM), &format!("{at} {author}"))
    }

    /// Leaves a line free.
    pub(super) fn gap(&mut self) -> anyhow::Result<()> {
        self.output.line("")
    }

    /// Writes an event between the messages.
    pub(super) fn between(&mut self, at: Timestamp, text: &str) -> anyhow::Result<()> {
        self.lines(0, Some(DIM), &format!("{} -- {text}", time(at)))
    }

    /// Writes a text; its own line breaks stay.
    pub(super) fn text(&mut self, text: &str) -> anyhow::Result<()> {
        let indent = self.indent + TEXT;
        let mut paragraphs = text.split('\n');
        paragraphs.try_for_each(|paragraph| self.lines(indent, None, paragraph))
    }

    /// Writes the beginning of the answered text on one line.
    pub(super) fn quote(&mut self, text: &str) -> anyhow::Result<()> {
        let indent = self.indent + TEXT;
        let lines = folded(&output::plain(text), self.room(indent));
        let more = if lines.len() > 1 { " …" } else { "" };
        let first = lines.first().map_or("", String::as_str);
        self.lines(indent, Some(DIM), &format!("{first}{more}"))
    }

    /// Writes about the message.
    pub(super) fn remark(&mut self, text: &str) -> anyhow::Result<()> {
        self.lines(self.indent + TEXT, Some(DIM), text)
    }

    /// Sees to it that everything is written.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        self.output.finish()
    }

    fn room(&self, indent: usize) -> usize {
        self.width.saturating_sub(indent).max(READABLE)
    }

    fn lines(
        &mut self,
        indent: usize,
        style: Option<anstyle::Style>,
        text: &str,
    ) -> anyhow::Result<()> {
        for line in folded(&output::plain(text), self.room(indent)) {
            let line = match style {
                Some(style) => self.output.paint(style, &line),
                None => line,
            };
            let line = format!("{:indent$}{line}", "");
            self.output.line(line.trim_end())?;
        }
        Ok(())
    }
}

fn time(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%H:%M").to_string()
}

/// A text as lines of at most `room` columns: broken between words, or within a word that is wider,
/// as in writing systems without spaces.
fn folded(text: &str, room: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last().map_or(0, |line| line.width());
        let joint = usize::from(line > 0);
        if line + joint + word.width() <= room {
            push(&mut lines, if joint == 1 { " " } else { "" }, word);
            continue;
        }
        if line > 0 {
            lines.push(String::new());
        }
        let mut pieces = broken(word, room).into_iter();
        pieces
            .next()
            .into_iter()
            .for_each(|first| push(&mut lines, "", &first));
        lines.extend(pieces);
    }
    lines
}

fn push(lines: &mut [String], joint: &str, word: &str) {
    if let Some(line) = lines.last_mut() {
        line.push_str(joint);
        line.push_str(word);
    }
}

/// Breaks a word between its signs. Marks and joined characters stay with their sign.
fn broken(word: &str, room: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for sign in signs(word) {
        let full = pieces
            .last()
            .is_some_and(|piece| !piece.is_empty() && piece.width() + sign.width() > room);
        if full {
            pieces.push(String::new());
        }
        push(&mut pieces, "", &sign);
    }
    pieces
}

fn signs(word: &str) -> Vec<String> {
    let mut signs: Vec<String> = Vec::new();
    for char in word.chars() {
        let is_mark = char.width() == Some(0) || ('\u{1f3fb}'..='\u{1f3ff}').contains(&char);
        match signs.last_mut() {
            Some(sign) if is_mark || sign.ends_with(JOINER) || is_half_a_flag(sign, char) => {
                sign.push(char);
            }
            _ => signs.push(char.into()),
        }
    }
    signs
}

/// True if both are regional indicators, of which two make a flag.
fn is_half_a_flag(sign: &str, char: char) -> bool {
    let indicators = '\u{1f1e6}'..='\u{1f1ff}';
    let mut chars = sign.chars();
    indicators.contains(&char)
        && chars
            .next()
            .is_some_and(|first| indicators.contains(&first))
        && chars.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_is_wider_than_the_room_in_any_writing_system() {
        for text in [
            "a short one and an-unusually-long-word-that-does-not-fit-anywhere",
            "パンは土曜日にもありますか、それとも日曜日だけですか",
            "هل الخبز متوفر يوم السبت أيضا أم يوم الأحد فقط من فضلك",
            "👩\u{200d}👩\u{200d}👧👩\u{200d}👩\u{200d}👧👩\u{200d}👩\u{200d}👧🇩🇪🇦🇹👍🏽👍🏽👍🏽👍🏽👍🏽👍🏽👍🏽👍🏽👍🏽👍🏽",
            "ไม่มีช่องว่างระหว่างคำในภาษาไทยเลยสักนิดเดียว",
        ] {
            let lines = folded(text, 20);
            assert!(lines.iter().all(|line| line.width() <= 20), "{lines:?}");
            let bare = |text: &str| text.replace(' ', "");
            assert_eq!(bare(&lines.concat()), bare(text));
        }
    }

    #[test]
    fn a_sign_of_several_characters_is_not_broken() {
        let family = "👩\u{200d}👩\u{200d}👧";
        assert_eq!(broken(&family.repeat(2), 2), [family, family]);
        assert_eq!(broken("🇩🇪🇦🇹", 2), ["🇩🇪", "🇦🇹"]);
        assert_eq!(broken("e\u{301}a", 1), ["e\u{301}", "a"]);
        assert_eq!(folded("", 20), [""]);
    }
}
