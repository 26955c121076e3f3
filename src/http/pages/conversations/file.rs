//! A conversation as text or Markdown, in UTC.

use std::fmt::Write as _;

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::words::{answered, attachment, between, is_message, way_in};
use crate::query::{Attachment, Line, Party};

/// Form of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    Markdown,
}

/// Writer of a conversation.
#[derive(Clone, Debug)]
pub(super) struct Script {
    form: Form,
    day: Option<Date>,
}

impl Form {
    pub(super) const ALL: &'static [Self] = &[Self::Text, Self::Markdown];

    /// Name in a query.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Markdown => "markdown",
        }
    }

    /// Ending of the file and its media type.
    pub(super) fn file(self) -> [&'static str; 2] {
        match self {
            Self::Text => ["txt", "text/plain; charset=utf-8"],
            Self::Markdown => ["md", "text/markdown; charset=utf-8"],
        }
    }
}

impl Script {
    pub(super) fn new(form: Form) -> Self {
        Self { form, day: None }
    }

    /// Heading of the file.
    pub(super) fn head(&self, account: &str, person: &str) -> String {
        let mark = self.marks("# ", "");
        format!(
            "{mark}Conversation of account {} with person {}\n\nTimes are UTC.\n",
            self.text(account, ""),
            self.text(person, "")
        )
    }

    /// Writes lines, with a heading for each new day.
    pub(super) fn lines(&mut self, lines: &[Line]) -> String {
        let mut written = String::new();
        for line in lines {
            self.line(&mut written, line);
        }
        written
    }

    fn line(&mut self, written: &mut String, line: &Line) {
        let at = line.at.to_zoned(TimeZone::UTC);
        if self.day.replace(at.date()) != Some(at.date()) {
            let _ = write!(written, "\n{}{}\n\n", self.marks("## ", ""), at.date());
        }
        let time = at.strftime("%H:%M");
        let bullet = self.marks("- ", "");
        if let Some(words) = way_in(line) {
            let _ = writeln!(written, "{bullet}{time} -- {}", self.text(&words, ""));
        } else if !is_message(line) {
            let words = self.text(&between(line), "");
            let _ = writeln!(written, "{bullet}{time} -- {words}");
        }
        if is_message(line) {
            let strong = self.marks("**", "");
            let author = self.text(&author(line), "");
            let _ = writeln!(
                written,
                "{bullet}{time} {strong}{author}:{strong} {}",
                self.said(line)
            );
            for remark in remarks(line) {
                let indent = self.marks("  - ", "      ");
                let _ = writeln!(written, "{indent}{}", self.text(&remark, "        "));
            }
        }
    }

    /// Text of a message, or the reason why there is none.
    fn said(&self, line: &Line) -> String {
        let indent = self.marks("  ", "      ");
        let is_hidden = !line.masked.is_empty();
        match (&line.text, line.unsent_at, line.erased_at) {
            (_, Some(at), _) => format!("(unsent at {})", time(at)),
            (Some(text), ..) => self.text(text, indent),
            (None, None, Some(at)) => format!("(erased on {})", time(at)),
            _ if is_hidden => "(not visible with this token)".to_owned(),
            _ if line.is_missing => "(the message itself is not stored)".to_owned(),
            _ if line.attachments.is_empty() => "(no text)".to_owned(),
            _ => String::new(),
        }
    }

    /// Stored text without controls; further lines are indented, so that none looks like a message
    /// of its own. In Markdown, it has no markup.
    fn text(&self, text: &str, indent: &str) -> String {
        let text = text.replace(['\u{2028}', '\u{2029}'], "\n");
        let is_control = |char: char| char.is_control() && char != '\n';
        let text = text.replace(is_control, " ");
        let lines = text.split('\n').map(|line| match self.form {
            Form::Text => line.to_owned(),
            Form::Markdown => escaped(line),
        });
        let ending = self.marks("\\\n", "\n");
        lines.collect::<Vec<_>>().join(&format!("{ending}{indent}"))
    }

    fn marks(&self, markdown: &'static str, text: &'static str) -> &'static str {
        match self.form {
            Form::Text => text,
            Form::Markdown => markdown,
        }
    }
}

fn author(line: &Line) -> String {
    let author = match line.from {
        Some(Party::Account) => "Account",
        Some(Party::Person) => "Person",
        None => "Unknown",
    };
    match &line.app_id {
        Some(app) => format!("{author} (app {app})"),
        None => author.to_owned(),
    }
}

fn remarks(line: &Line) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Some(reply) = &line.reply_to {
        let text = reply.text.as_deref().unwrap_or_else(|| answered(reply));
        remarks.push(format!("answers: {text}"));
    }
    remarks.extend(line.attachments.iter().map(attached));
    let former = line.versions.split_last().map_or(&[][..], |(_, it)| it);
    for version in former {
        let text = version.text.as_deref().unwrap_or("(text not sent by Meta)");
        remarks.push(format!("before the edit, {}: {text}", time(version.at)));
    }
    for reaction in &line.reactions {
        let by = match reaction.by {
            Party::Account => "account",
            Party::Person => "person",
        };
        let emoji = reaction.emoji.as_deref().unwrap_or("reaction");
        remarks.push(format!("{emoji} by {by}, {}", time(reaction.at)));
    }
    if line.is_late {
        remarks.push(format!("arrived {}", time(line.received_at)));
    }
    remarks
}

fn attached(attachment_of: &Attachment) -> String {
    let (_, word) = attachment(&attachment_of.kind);
    let parts = [&attachment_of.title, &attachment_of.url];
    let parts = parts.into_iter().flatten().map(String::as_str);
    let all: Vec<_> = std::iter::once(word.as_str()).chain(parts).collect();
    all.join(" ")
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

/// A line of text without markup: a picture would be loaded by whoever opens the file.
fn escaped(line: &str) -> String {
    let mut written = String::with_capacity(line.len());
    let start = line.trim_start();
    let digits = start.trim_start_matches(|char: char| char.is_ascii_digit());
    let begins_item = digits.starts_with(['.', ')']) && digits.len() < start.len();
    let mark = if begins_item {
        line.len() - digits.len()
    } else {
        line.len() - start.len()
    };
    for (place, char) in line.char_indices() {
        let is_first = place == mark && (begins_item || "#+-=:".contains(char));
        if is_first || r"\`*_[]<>&|~$!".contains(char) {
            written.push('\\');
        }
        written.push(char);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Version;

    fn message(at: &str, from: Party, text: &str) -> Line {
        Line {
            kind: "message".to_owned(),
            at: at.parse().unwrap(),
            from: Some(from),
            text: Some(text.to_owned()),
            ..Line::default()
        }
    }

    fn written(form: Form, lines: &[Line]) -> String {
        Script::new(form).lines(lines)
    }

    #[test]
    fn no_text_looks_like_another_message() {
        let forged = "hello\n10:01 Account: forged\r\n";
        let line = message("2026-11-30T10:00:00Z", Party::Person, forged);
        let text = written(Form::Text, &[line]);
        assert!(text.contains("\n10:00 Person: hello\n      10:01 Account: forged"));
        assert!(!text.contains("\n10:01"));
    }

    #[test]
    fn markdown_has_no_markup_of_a_person() {
        let line = message(
            "2026-11-30T10:00:00Z",
            Party::Person,
            "![x](https://example.org/a.png) <img>\n# big\n1. one\n- two",
        );
        let markdown = written(Form::Markdown, &[line]);
        for escaped in [
            r"\!\[x\](https",
            r"\<img\>",
            r"\# big",
            r"1\. one",
            r"\- two",
        ] {
            assert!(markdown.contains(escaped), "{escaped} in {markdown}");
        }
    }

    #[test]
    fn a_day_has_one_heading_over_all_pages() {
        let mut script = Script::new(Form::Text);
        let first = script.lines(&[message("2026-11-30T10:00:00Z", Party::Person, "a")]);
        let second = script.lines(&[
            message("2026-11-30T11:00:00Z", Party::Account, "b"),
            message("2026-12-01T11:00:00Z", Party::Person, "c"),
        ]);
        let all = first + &second;
        assert_eq!(all.matches("2026-11-30").count(), 1);
        assert!(all.contains("\n2026-12-01\n\n11:00 Person: c\n"), "{all}");
    }

    #[test]
    fn an_unsent_message_has_no_text_and_an_edited_one_has_both() {
        let mut unsent = message("2026-11-30T10:00:00Z", Party::Person, "");
        unsent.text = None;
        unsent.unsent_at = Some("2026-11-30T10:05:00Z".parse().unwrap());
        let mut edited = message("2026-11-30T10:00:00Z", Party::Person, "new");
        edited.versions = ["old", "new"]
            .map(|text| Version {
                at: edited.at,
                text: Some(text.to_owned()),
            })
            .to_vec();
        let text = written(Form::Text, &[unsent, edited]);
        assert!(text.contains("(unsent at 2026-11-30 10:05)"), "{text}");
        assert!(text.contains("Person: new\n      before the edit, 2026-11-30 10:00: old"));
    }
}
