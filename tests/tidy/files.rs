//! Rules for whole files: header, length, and no unfinished work.

use crate::Fault;
use crate::source::{Source, matches};

/// Maximum number of production lines of a file.
const MOST_LINES: usize = 400;

/// Words for unfinished work, split so that this file does not contain them.
const PROMISES: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];

/// Macros used in place of missing code.
const STAND_INS: &[&str] = &["todo", "unimplemented", "dbg"];

/// Requires a Rust file to open with a `//!` comment.
pub(crate) fn rust_header(file: &Source) -> Vec<Fault> {
    opening(
        file,
        "//!",
        "open the file with `//!`: what it owns, and what it must not do",
    )
}

/// Requires a migration to open with a `--` comment.
pub(crate) fn migration_header(file: &Source) -> Vec<Fault> {
    opening(
        file,
        "--",
        "open the migration with `--`: what it changes, and which query needs it",
    )
}

fn opening(file: &Source, mark: &str, say: &str) -> Vec<Fault> {
    let first = file.text.lines().next().unwrap_or_default();
    let said = first
        .strip_prefix(mark)
        .is_some_and(|rest| !rest.trim().is_empty());
    if said {
        Vec::new()
    } else {
        vec![Fault::at(&file.path, 1, say)]
    }
}

/// Limits the length of a file without its trailing test module. Files of tests may be longer.
pub(crate) fn too_long(file: &Source) -> Vec<Fault> {
    let lines = production_lines(file);
    if lines <= MOST_LINES || file.is_test() {
        return Vec::new();
    }
    let say = format!("{lines} lines without tests, {MOST_LINES} are allowed: split it by subject");
    vec![Fault::at(&file.path, MOST_LINES + 1, say)]
}

/// Number of lines before the trailing `#[cfg(test)] mod name {`, or of the whole file.
fn production_lines(file: &Source) -> usize {
    let tokens = file.tokens();
    let code = tokens
        .iter()
        .rposition(|token| !token.test)
        .map_or(0, |i| i + 1);
    if !matches(&tokens, code, &["mod"]) {
        return file.text.lines().count();
    }
    let items = tokens[..code]
        .iter()
        .rfind(|token| matches!(token.text.as_str(), "}" | ";"));
    items.map_or(0, |token| token.line)
}

/// Rejects unfinished work: words in comments, and macros in place of missing code.
pub(crate) fn postponed(file: &Source) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (line, text) in (1..).zip(file.text.lines()) {
        let promises = PROMISES.iter().filter(|word| has_word(text, word));
        faults.extend(promises.map(|word| later(file, line, word)));
    }
    if file.is_rust() {
        let tokens = file.tokens();
        let calls = (0..tokens.len()).filter(|&i| matches(&tokens, i + 1, &["!"]));
        let calls = calls.filter(|&i| STAND_INS.contains(&tokens[i].text.as_str()));
        faults.extend(calls.map(|i| later(file, tokens[i].line, &tokens[i].text)));
    }
    faults
}

fn later(file: &Source, line: usize, word: &str) -> Fault {
    Fault::at(
        &file.path,
        line,
        format!("`{word}`: do it now, or open an issue and remove the note"),
    )
}

/// True if `word` occurs in `text` as a whole word.
fn has_word(text: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        !text[..at].ends_with(part_of_word) && !text[at + word.len()..].starts_with(part_of_word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: [usize; 0] = [];

    fn lines(path: &str, text: &str, rule: fn(&Source) -> Vec<Fault>) -> Vec<usize> {
        rule(&Source::sample(path, text))
            .into_iter()
            .map(|fault| fault.line)
            .collect()
    }

    #[test]
    fn a_file_without_a_header_is_a_fault() {
        assert_eq!(lines("src/app.rs", "use a::b;\n", rust_header), [1]);
        assert_eq!(lines("src/app.rs", "", rust_header), [1]);
        assert_eq!(lines("src/app.rs", "//!\n//! Late.\n", rust_header), [1]);
        assert_eq!(lines("src/app.rs", "//! The house.\n", rust_header), NONE);
        assert_eq!(
            lines("migrations/1.sql", "CREATE TABLE a ();", migration_header),
            [1]
        );
        assert_eq!(
            lines("migrations/1.sql", "-- Accounts.\n", migration_header),
            NONE
        );
    }

    #[test]
    fn a_long_file_is_a_fault_and_its_tests_do_not_count() {
        let code = "fn f() {}\n".repeat(MOST_LINES);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{code}}}\n");
        assert_eq!(lines("src/app.rs", &code, too_long), NONE);
        assert_eq!(
            lines("src/app.rs", &format!("{code}fn g() {{}}\n"), too_long),
            [401]
        );
        assert_eq!(
            lines("src/app.rs", &format!("{code}{tests}"), too_long),
            NONE
        );
        assert_eq!(
            lines("src/app.rs", &format!("{tests}{code}"), too_long),
            [401]
        );
        assert_eq!(
            lines("src/app/tests.rs", &format!("{code}{code}"), too_long),
            NONE
        );
    }

    #[test]
    fn a_promise_is_a_fault_and_a_longer_word_is_none() {
        let promise = format!("//! A.\n// {}: later\nfn f() {{ todo!() }}\n", PROMISES[0]);
        assert_eq!(lines("src/app.rs", &promise, postponed), [2, 3]);
        assert_eq!(
            lines(
                "src/app.rs",
                "fn f() { dbg!(1); unimplemented!() }",
                postponed
            ),
            [1, 1]
        );
        assert_eq!(
            lines(
                "src/app.rs",
                "fn todo() { let dbg = 1; \"todo!\"; }",
                postponed
            ),
            NONE
        );
        let id = format!("-- {}: an id\n", PROMISES[2]);
        assert_eq!(lines("migrations/1.sql", &id, postponed), [1]);
        assert_eq!(
            lines(
                "config/default.toml",
                &format!("a = \"E{}1\"", PROMISES[2]),
                postponed
            ),
            NONE
        );
    }
}
