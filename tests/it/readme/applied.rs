//! Verbs that only show a plan without `--yes`: a section that names such a verb must also give the
//! call with `--yes`, and so must the help of the verb.

use clap::Command;

use super::pages::{self, Page};

/// Help text of the option `--yes`.
const APPLIES: &str = "Do it";

/// Verbs that need `--yes`, with their full names.
fn verbs(command: &Command, before: &str) -> Vec<(String, Command)> {
    let mut found = Vec::new();
    for verb in command.get_subcommands() {
        let call = format!("{before}{}", verb.get_name());
        found.extend(verbs(verb, &format!("{call} ")));
        let options = verb.get_arguments().filter(|it| it.get_id() == "yes");
        let says = options.filter_map(|it| Some(it.get_help()?.to_string()));
        if says.into_iter().any(|it| it == APPLIES) {
            // A single word, such as replay, is also a key of JSON.
            let is_word = before.is_empty();
            let call = if is_word {
                format!("hookshelf {call}")
            } else {
                call
            };
            found.push((call, verb.clone()));
        }
    }
    found
}

fn all() -> Vec<(String, Command)> {
    verbs(&hookshelf::cli::command(), "")
}

/// Sections of a page that name the verb in code, but never with `--yes`.
fn plans_alone(page: &Page, verb: &str) -> Vec<String> {
    let sections = page.text.split("\n#");
    let typed = |section: &&str| {
        let code: Vec<_> = section.split('`').skip(1).step_by(2).collect();
        code.iter().any(|it| it.contains(verb)) || section.contains(&format!("hookshelf {verb}"))
    };
    let named = sections.filter(typed).filter(|it| it.contains('`'));
    let alone = named.filter(|section| {
        let mut calls = section.split(verb).skip(1);
        !calls.any(|rest| {
            rest.split(['`', '\n'])
                .next()
                .unwrap_or_default()
                .contains("--yes")
        })
    });
    alone
        .map(|it| format!("{}: {}", page.name, it.lines().next().unwrap_or_default()))
        .collect()
}

#[test]
fn a_section_that_names_a_plan_names_what_applies_it() {
    let verbs = all();
    assert!(verbs.len() >= 2, "{verbs:?}");
    let mut faults = Vec::new();
    // The changelog lists verbs, and the schema names the verbs that write a table.
    let left_out = ["CHANGELOG.md", "docs/reference/schema.md"];
    for page in pages::all()
        .iter()
        .filter(|it| !left_out.contains(&&*it.name))
    {
        for (verb, _) in &verbs {
            faults.extend(plans_alone(page, verb));
        }
    }
    assert!(faults.is_empty(), "without --yes:\n{}", faults.join("\n"));
}

#[test]
fn the_help_of_a_verb_that_plans_shows_how_it_is_applied() {
    for (call, verb) in all() {
        let examples = verb.get_after_help().map(ToString::to_string);
        let examples = examples.unwrap_or_default();
        let applied = examples
            .lines()
            .any(|it| it.contains(&call) && it.contains("--yes"));
        assert!(applied, "{call}: {examples}");
    }
}

#[test]
fn a_plan_alone_is_found() {
    let page = |text: &str| Page {
        name: String::new(),
        text: text.to_owned(),
    };
    let found = |text: &str| plans_alone(&page(text), "events purge").len();
    assert_eq!(found("run `hookshelf events purge`"), 1);
    assert_eq!(
        found("a\n# b\n```sh\nhookshelf events purge\n```\n# c\n--yes"),
        1
    );
    assert_eq!(found("it waits for `events purge`; `events list --yes`"), 1);
    let both = "```sh\nhookshelf events purge\n```\nthen `hookshelf events purge --yes`";
    assert_eq!(found(both), 0);
}
