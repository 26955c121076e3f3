//! The same list by the API and by the command line.

use super::copies;
use crate::http::{api::shown, parameters::Parameters};

/// Path of the API with the parameters of a page.
pub(super) fn call(path: &str, parameters: &Parameters) -> String {
    let url = shown::url(path, parameters, &[]);
    url.trim_end_matches('?').to_owned()
}

/// Command with the parameters of a page as options.
pub(super) fn command(verb: &str, parameters: &Parameters) -> String {
    let options = parameters.pairs().filter(|(name, _)| *name != "before");
    let options = options.map(|(name, value)| format!(" --{name} {}", quoted(value)));
    format!("hookshelf {verb}{}", options.collect::<String>())
}

/// A value for a shell.
fn quoted(value: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "-_.:,/".contains(char);
    if !value.is_empty() && value.chars().all(is_plain) {
        return value.to_owned();
    }
    copies::quoted(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_word_of_a_shell() {
        assert_eq!(quoted("2026-11-30T10:00:00Z"), "2026-11-30T10:00:00Z");
        assert_eq!(quoted("$(id) it's"), r"'$(id) it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
