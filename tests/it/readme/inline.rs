//! Calls of this program that documents name without running them: verbs, options and values must
//! exist. Words in capitals and `…` are placeholders.

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::pages::{self, Page};

/// Prefixes of a call.
const PROGRAM: [&str; 2] = ["hookshelf ", "cargo run -- "];

/// Words that end a call.
const ENDS: [&str; 7] = ["|", ">", "<", "&&", "&", ";", "#"];

/// Words of a command, up to one of [`ENDS`].
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut quoted) = (Vec::new(), String::new(), None, false);
    for char in line.chars().chain([' ']) {
        match (char, quote) {
            ('"' | '\'', None) => (quote, quoted) = (Some(char), true),
            (_, Some(open)) if open == char => quote = None,
            (' ', None) if word.is_empty() && !quoted => {}
            (' ', None) if !quoted && ENDS.contains(&word.as_str()) => break,
            (' ', None) => {
                words.push(std::mem::take(&mut word));
                quoted = false;
            }
            _ => word.push(char),
        }
    }
    words
}

/// Arguments of a call on a shell line.
fn call(line: &str) -> Option<&str> {
    let line = line.trim().trim_start_matches(['$', '#']).trim_start();
    let line = line.strip_prefix("sudo ").unwrap_or(line);
    PROGRAM.iter().find_map(|name| line.strip_prefix(name))
}

/// Calls in inline code and in shell blocks.
fn calls(page: &Page) -> Vec<String> {
    let prose = page.prose();
    let between = prose.split('`').skip(1).step_by(2);
    let inline = between.filter_map(|code| call(code).map(ToOwned::to_owned));
    let blocks = page.blocks();
    let shell = |language: &str| matches!(language, "sh" | "console");
    let lines = blocks.iter().filter(|it| shell(&it.language));
    let lines = lines.flat_map(|it| {
        it.text()
            .replace("\\\n", " ")
            .lines()
            .map(ToOwned::to_owned)
            .collect::<Vec<_>>()
    });
    let lines = lines.filter_map(|line| call(&line).map(ToOwned::to_owned));
    inline.chain(lines).collect()
}

/// True for a placeholder.
fn stands_for(word: &str) -> bool {
    let is_name = |char: char| char.is_ascii_uppercase() || matches!(char, '_' | '-');
    word.ends_with('…') || word.chars().all(is_name)
}

/// Error message if the program does not accept a call.
fn misunderstood(call: &str) -> Option<String> {
    let words = words(call);
    let words = words.iter().filter(|word| *word != "…");
    let all = ["hookshelf".to_owned()];
    let parsed = hookshelf::cli::command().try_get_matches_from(all.iter().chain(words));
    let error = parsed.err()?;
    let value = match error.get(ContextKind::InvalidValue) {
        Some(ContextValue::String(value)) => value.as_str(),
        _ => "",
    };
    let understood = match error.kind() {
        // Arguments may be omitted.
        ErrorKind::MissingRequiredArgument
        | ErrorKind::MissingSubcommand
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        | ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion => true,
        // A placeholder may stand for a value.
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => stands_for(value),
        _ => false,
    };
    (!understood).then(|| error.to_string())
}

#[test]
fn every_call_in_the_documents_is_understood() {
    let mut tried = 0;
    let mut faults = Vec::new();
    // The changelog may name removed verbs and options.
    let pages = pages::all().into_iter();
    for page in pages.filter(|page| page.name != "CHANGELOG.md") {
        for call in calls(&page) {
            let why = misunderstood(&call);
            faults.extend(why.map(|why| format!("{}: `{call}`: {why}", page.name)));
            tried += 1;
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
    assert!(tried > 30, "{tried}");
}

#[test]
fn a_call_that_is_not_understood_is_found() {
    for fine in [
        "events list --kind reaction --since 1h --json | head -n 1",
        "deliveries list --problem …",
        "events list --account ACCOUNT --limit COUNT",
        "deliveries show",
        "events",
        "psql -- --command 'SELECT 1; SELECT 2' > file",
    ] {
        assert_eq!(misunderstood(fine), None, "{fine}");
    }
    for wrong in [
        "event list",
        "events list --sort up",
        "events list --kind comments",
        "events list --limit many",
        "deliveries show x",
    ] {
        assert!(misunderstood(wrong).is_some(), "{wrong}");
    }
    let page = Page {
        name: String::new(),
        text: "`hookshelf a`, `b`\n```console\n$ sudo hookshelf c \\\n  --d\n```\n```json\nhookshelf e\n```\n"
            .to_owned(),
    };
    assert_eq!(calls(&page), ["a", "c    --d"]);
}
