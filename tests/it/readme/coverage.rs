//! Documentation coverage: every verb, problem and natural key. `views::page` writes the table of
//! kinds.

use clap::Command;
use hookshelf::meta::event::{Kind, Problem};

use super::pages;

/// All visible verbs, with their full names.
fn verbs(command: &Command, before: &str) -> Vec<String> {
    let shown = command.get_subcommands().filter(|it| !it.is_hide_set());
    shown
        .flat_map(|verb| {
            let call = format!("{before}{}", verb.get_name());
            let below = verbs(verb, &format!("{call} "));
            std::iter::once(call).chain(below).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn every_verb_is_documented() {
    let pages = pages::all();
    let pages = pages.iter().filter(|page| page.name != "CHANGELOG.md");
    let all: String = pages.map(|page| page.text.as_str()).collect();
    let ends_there = |rest: &str| !rest.starts_with(|it: char| it.is_ascii_alphanumeric());
    let named = |verb: &String| {
        ["hookshelf ", "cargo run -- ", "`"].iter().any(|before| {
            let call = format!("{before}{verb}");
            all.split(&call).skip(1).any(ends_there)
        })
    };
    let verbs = verbs(&hookshelf::cli::command(), "");
    assert!(verbs.len() > 18, "{verbs:?}");
    let missing: Vec<_> = verbs.into_iter().filter(|it| !named(it)).collect();
    assert!(missing.is_empty(), "no document tells of {missing:?}");
}

#[test]
fn every_problem_and_the_natural_key_of_every_kind_is_on_the_page_of_events() {
    let page = pages::named("docs/events.md").text;
    for problem in Problem::ALL.iter().map(|problem| problem.as_str()) {
        let row = format!("| `{problem}`");
        let has_row = page.lines().any(|line| line.starts_with(&row));
        assert!(has_row, "docs/events.md has no row of {problem}");
    }
    let (_, keys) = page.split_once("\n## Repeats\n").unwrap();
    let (keys, _) = keys.split_once("\n## ").unwrap();
    for kind in Kind::ALL.iter().map(|kind| kind.as_str()) {
        let is_named = keys.contains(&format!("`{kind}`"));
        assert!(is_named, "docs/events.md has no natural key of {kind}");
    }
}
