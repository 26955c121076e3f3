//! Commands in the documents are run, and their output is compared with the shown output.
//!
//! Each page has its own server with some data, so that pages are independent. A text block after a
//! command is its output, line by line. A line `…` stands for omitted lines; `…` within a line
//! stands for omitted text. Digits, ids and white space may differ.

use std::fmt::Write as _;

use super::{
    pages::{self, Block, Page},
    start,
};
use crate::support::desk::Desk;

/// Marks an omission in an output.
const LEFT_OUT: &str = "…";

/// Pages whose queries have their own test.
const ELSEWHERE: [(&str, &str); 1] = [(
    "docs/questions.md",
    "its answers belong to a simulation with a seed, which the test of the questions makes",
)];

/// Command that runs the query of a block.
const QUERY: &str = "hookshelf psql -- --no-psqlrc --quiet --set ON_ERROR_STOP=1 --file query.sql";

/// Normalises a line: collapses white space and digits, and replaces ids and the length of rules.
pub(super) fn shape(line: &str) -> String {
    let spaced = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_word = |char: char| char.is_ascii_alphanumeric() || char == '-';
    let mut shaped = String::new();
    for piece in spaced.split_inclusive(|char: char| !is_word(char)) {
        let word = piece.trim_end_matches(|char: char| !is_word(char));
        let is_rule = word.bytes().all(|it| it == b'-');
        let is_id = word.len() >= 32 && word.chars().all(|it| it.is_ascii_hexdigit() || it == '-');
        shaped.push_str(&if is_id && !is_rule {
            "#".to_owned()
        } else {
            once(&word.replace(|char: char| char.is_ascii_digit(), "0"))
        });
        shaped.push_str(&piece[word.len()..]);
    }
    shaped
}

/// Collapses runs of digits and dashes.
fn once(word: &str) -> String {
    let mut shaped = word.to_owned();
    for (many, one) in [("00", "0"), ("--", "-")] {
        while shaped.contains(many) {
            shaped = shaped.replace(many, one);
        }
    }
    shaped
}

/// First shown line that is missing in the output; `None` if the output matches.
pub(super) fn unprinted(shown: &[String], printed: &str) -> Option<String> {
    let is_text = |line: &&str| !line.trim().is_empty();
    let printed: Vec<_> = printed.lines().filter(is_text).map(shape).collect();
    let shown = shown.iter().map(|line| line.trim()).filter(is_text);
    missing(&shown.collect::<Vec<_>>(), &printed, false)
}

/// Recursive part of [`unprinted`]; `left_out` is true after an omission.
fn missing(shown: &[&str], printed: &[String], left_out: bool) -> Option<String> {
    let Some((&line, rest)) = shown.split_first() else {
        let more = printed.first().filter(|_| !left_out);
        return more.map(|line| format!("its end, but there is more: {line}"));
    };
    if line == LEFT_OUT {
        return missing(rest, printed, true);
    }
    let places = if left_out { printed.len() } else { 1 };
    let mut fault = line.to_owned();
    for (place, _) in (0..)
        .zip(printed.iter().take(places))
        .filter(|(_, it)| is_shown(line, it))
    {
        fault = missing(rest, &printed[place + 1..], false)?;
    }
    Some(fault)
}

/// True if a printed line matches a shown line with its omissions.
fn is_shown(line: &str, printed: &str) -> bool {
    let parts: Vec<_> = line.trim().split(LEFT_OUT).map(shape).collect();
    let [first, between @ .., last] = parts.as_slice() else {
        return printed == shape(line);
    };
    let mut rest = printed.strip_prefix(first.as_str());
    for part in between {
        rest = rest.and_then(|rest| Some(rest.split_once(part.as_str())?.1));
    }
    rest.is_some_and(|rest| rest.ends_with(last.as_str()))
}

/// Output of a block, or its error message.
fn output(desk: &Desk, block: &Block) -> Result<String, String> {
    let script = if block.language == "sql" {
        std::fs::write(desk.file("query.sql"), block.text()).unwrap();
        QUERY.to_owned()
    } else {
        block.text()
    };
    desk.try_out(&script)
}

/// Beginning of the output, for an error message.
pub(super) fn beginning(printed: &str) -> String {
    let lines = printed.lines().take(40);
    let lines = lines.map(|line| line.chars().take(200).collect::<String>());
    lines.collect::<Vec<_>>().join("\n")
}

/// Differences between a page and the program. A failing command ends the check of its page.
async fn faults(page: &Page) -> String {
    let own_test = ELSEWHERE.iter().any(|(name, _)| *name == page.name);
    let blocks = page.blocks();
    let runs = |it: &Block| it.language == "sh" || it.language == "sql" && !own_test;
    let mut faults = String::new();
    if !blocks.iter().any(runs) {
        return faults;
    }
    let desk = Desk::create().await;
    desk.be_refused().await;
    for (place, block) in blocks.iter().enumerate().filter(|(_, it)| runs(it)) {
        let at = format!("{}:{}", page.name, block.line);
        let next = blocks.get(place + 1);
        let shown = next.filter(|next| next.language == "text");
        let shown = shown.map_or(&[] as &[_], |block| &block.lines);
        if let Some(arguments) = start::arguments(block) {
            let fault = start::unserved(&desk, &arguments, shown).await;
            faults.extend(fault.map(|fault| format!("{at}: {fault}\n")));
            continue;
        }
        let printed = match output(&desk, block) {
            Ok(printed) => printed,
            Err(said) => return format!("{faults}{at}: this fails: {said}\n"),
        };
        let unprinted = unprinted(shown, &printed).filter(|_| !shown.is_empty());
        if let Some(line) = unprinted {
            let _ = writeln!(
                faults,
                "{at} shows `{line}`; this is printed:\n{}",
                beginning(&printed)
            );
        }
    }
    faults
}

#[tokio::test]
async fn the_documents_show_what_the_program_does() {
    let mut all = String::new();
    for page in pages::all() {
        all.push_str(&faults(&page).await);
    }
    assert!(all.is_empty(), "\n{all}");
}

#[test]
fn every_block_that_calls_this_program_is_one_that_runs() {
    let ran = |name: &str| {
        let blocks = pages::named(name).blocks();
        blocks.iter().filter(|it| it.language == "sh").count()
    };
    assert!(ran("docs/setup.md") >= 6 && ran("docs/operations.md") >= 4);
}

#[test]
fn what_is_shown_is_held_line_by_line() {
    let check = |shown: &str, printed: &str| {
        let shown: Vec<_> = shown.lines().map(ToOwned::to_owned).collect();
        unprinted(&shown, printed)
    };
    assert_eq!(check("a  12\nb", "a 7\n\nb\n"), None);
    assert_eq!(check("a\n…\nc", "a\nb\nc\nb\nc\n"), None);
    assert_eq!(check("a\n…", "a\nb\n"), None);
    assert_eq!(check("a b…", "a b c\n"), None);
    assert_eq!(check("a … b, … c", "a 1 b, 2 c\n"), None);
    assert!(check("a … b", "a 1 c\n").is_some());
    assert!(check("a … c … b", "a 1 b\n").is_some());
    assert_eq!(check("----+---", "--+-------\n"), None);
    assert_eq!(check("a\nc", "a\nb\nc\n").as_deref(), Some("c"));
    assert_eq!(check("c\n…\na", "a\nb\nc\n").as_deref(), Some("c"));
    assert!(check("a", "a\nb\n").is_some());
    let id = "01a1fba1-6f8a-7f4b-bf49-9c348765527a";
    assert_eq!(check(id, "02b1fba1-6f8a-7f4b-bf49-9c3487655271"), None);
}
