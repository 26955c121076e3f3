//! Writes the values in effect as TOML, with every secret redacted.

use std::fmt::{Display, Write};

/// Stands where a secret is set.
pub(super) const REDACTED: &str = "[redacted]";

/// Collects lines of TOML.
#[derive(Debug, Default)]
pub(super) struct Printer {
    text: String,
}

impl Printer {
    pub(super) fn finish(self) -> String {
        self.text
    }

    pub(super) fn section(&mut self, name: &str) {
        self.line(format_args!("\n[{name}]"));
    }

    /// Begins a table of a list of tables.
    pub(super) fn table(&mut self, name: &str) {
        self.line(format_args!("\n[[{name}]]"));
    }

    pub(super) fn remark(&mut self, text: &str) {
        self.line(format_args!("\n# {text}"));
    }

    /// A number or a boolean.
    pub(super) fn plain(&mut self, key: &str, value: impl Display) {
        self.line(format_args!("{key} = {value}"));
    }

    pub(super) fn text(&mut self, key: &str, value: impl Display) {
        self.line(format_args!("{key} = {}", quoted(&value)));
    }

    /// A key that is not set is named in a comment.
    pub(super) fn optional(&mut self, key: &str, value: Option<impl Display>) {
        match value {
            Some(value) => self.text(key, value),
            None => self.line(format_args!("# {key} is not set")),
        }
    }

    pub(super) fn list(&mut self, key: &str, values: &[impl Display]) {
        let values: Vec<_> = values.iter().map(|value| quoted(value)).collect();
        self.line(format_args!("{key} = [{}]", values.join(", ")));
    }

    /// Prints a placeholder if the secret is set, never the secret.
    pub(super) fn secret(&mut self, key: &str, set: bool) {
        self.optional(key, set.then_some(REDACTED));
    }

    /// Prints a placeholder for each secret, never a secret.
    pub(super) fn secrets(&mut self, key: &str, count: usize) {
        self.list(key, &vec![REDACTED; count]);
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "{line}");
    }
}

fn quoted(value: &impl Display) -> String {
    toml::Value::String(value.to_string()).to_string()
}
