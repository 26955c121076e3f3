//! Style of error messages, as far as it can be checked mechanically.
//!
//! A message says what happened, what it means and what to do, on one line. It may follow another
//! message, so it begins in lower case and has no full stop. It does not accuse the reader.

use crate::Fault;
use crate::source::{Source, Token, matches};

/// Calls and attributes whose first text is a message.
const SAYS: &[&[&str]] = &[
    &["error", "("],
    &["bail", "!", "("],
    &["anyhow", "!", "("],
    &["ensure", "!", "("],
    &["context", "("],
    &["with_context", "("],
];

/// Words that accuse, excuse or say nothing, each with an alternative.
const UNWANTED: &[(&str, &str)] = &[
    ("illegal", "say what is allowed"),
    ("bad", "say what is allowed"),
    ("forgot", "say what is missing"),
    ("please", "say what to do"),
    ("sorry", "say what to do"),
    ("oops", "say what happened"),
    ("unable to", "say `cannot` or `failed to`"),
];

/// Messages in production code that break the style.
pub(crate) fn faults(file: &Source) -> Vec<Fault> {
    let tokens = file.tokens();
    let production = |i: &usize| !tokens[*i].test && says(&tokens, *i).is_some();
    let found = (0..tokens.len()).filter(production);
    let messages = found.filter_map(|i| message(&tokens[i + says(&tokens, i)?..]));
    messages
        .flat_map(|(line, text)| judge(&file.path, line, &text))
        .collect()
}

/// Length of a call or attribute in [`SAYS`] that starts at `i`, up to its first argument.
fn says(tokens: &[Token], i: usize) -> Option<usize> {
    let found = SAYS.iter().find(|call| matches(tokens, i, call))?;
    // The log macro `error!(` and methods named `error` are not meant.
    let attribute = found[0] != "error" || i > 0 && tokens[i - 1].text == "[";
    attribute.then_some(found.len())
}

/// First text among the arguments, with its line; `None` if there is no text.
fn message(arguments: &[Token]) -> Option<(usize, String)> {
    let mut open = 1;
    for token in arguments {
        open += usize::from(token.text == "(");
        open -= usize::from(token.text == ")");
        if open == 0 {
            return None;
        }
        if let Some(text) = literal(&token.text) {
            return Some((token.line, text));
        }
    }
    None
}

/// Content of a string literal, with escaped line breaks joined.
pub(crate) fn literal(token: &str) -> Option<String> {
    let text = token.strip_prefix('"')?.strip_suffix('"')?;
    let mut lines = text.split("\\\n");
    let first = lines.next().unwrap_or_default().to_owned();
    Some(lines.fold(first, |text, line| text + line.trim_start()))
}

fn judge(path: &str, line: usize, text: &str) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut fault = |say: String| faults.push(Fault::at(path, line, format!("\"{text}\": {say}")));
    if shouts(text) {
        fault("begin small: it goes on from `hookshelf: `, or from another message".to_owned());
    }
    if text.ends_with(['.', '!']) {
        fault("end without a full stop: its cause may follow".to_owned());
    }
    let said = text.to_lowercase();
    let words: Vec<_> = said.split(|it: char| !it.is_alphanumeric()).collect();
    let said = format!(" {} ", words.join(" "));
    let is_said = |word: &str| said.contains(&format!(" {word} "));
    for (word, instead) in UNWANTED.iter().filter(|(word, _)| is_said(word)) {
        fault(format!("without `{word}`: {instead}"));
    }
    faults
}

/// True if the text begins with a capital letter that is not part of a name: a name has further
/// capitals or is in the list.
fn shouts(text: &str) -> bool {
    const NAMES: [&str; 3] = ["Postgres", "Meta", "Hookshelf"];
    let word = text.split_whitespace().next().unwrap_or_default();
    let small = !word.chars().skip(1).any(char::is_uppercase);
    word.starts_with(char::is_uppercase) && small && !NAMES.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(code: &str) -> usize {
        faults(&Source::sample("src/app/error.rs", code)).len()
    }

    #[test]
    fn each_rule_of_style_can_be_broken() {
        for code in [
            "#[error(\"No database\")] enum A {}",
            "#[error(\"no database.\")] enum A {}",
            "#[error(\n\"no \\\n  database!\")] enum A {}",
            "fn f() { bail!(\"illegal port\") }",
            "fn f() { g().with_context(|| format!(\"unable to read {}\", 1)) }",
            "fn f() { g().context(\"please wait\") }",
            "fn f() { ensure!(a(1), \"you forgot the port\", b); }",
            "fn f() { anyhow::anyhow!(\"oops: {e}\") }",
        ] {
            assert!(found(code) > 0, "{code}");
        }
    }

    #[test]
    fn what_is_said_well_or_to_nobody_is_no_fault() {
        for code in [
            "#[error(\"Postgres is away; see that it runs\")] enum A {}",
            "#[error(\"X-Hub-Signature-256 is missing\")] enum A {}",
            "#[error(\"failed to read a: unexpected end\")] enum A {}",
            "#[error(\"invalid signature\")] enum A {}",
            "#[error(transparent)] enum A {} const B: &str = \"Invalid.\";",
            "fn f() { tracing::error!(a, \"Panicked.\"); g(\"Invalid.\"); h.error(\"Bad.\") }",
            "#[cfg(test)]\nmod tests {\nfn f() { bail!(\"Invalid.\") }\n}",
            "fn f() { context(); g(\"Invalid.\") }",
        ] {
            assert_eq!(found(code), 0, "{code}");
        }
    }
}
