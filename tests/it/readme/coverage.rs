//! Documentation coverage: every verb, kind, problem and view.

use clap::Command;
use hookshelf::meta::event::{Kind, Problem};

use super::pages;
use crate::support::server::Server;

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

#[tokio::test]
async fn every_kind_problem_and_view_is_on_the_page_of_events() {
    let page = pages::named("docs/events.md").text;
    let is_row = |name: &str| {
        page.lines()
            .any(|line| line.starts_with(&format!("| `{name}`")))
    };
    let kinds = Kind::ALL.iter().map(|kind| kind.as_str());
    let problems = Problem::ALL.iter().map(|problem| problem.as_str());
    for name in kinds.chain(problems) {
        assert!(is_row(name), "docs/events.md has no row of {name}");
    }
    let server = Server::start().await;
    let views: Vec<String> =
        sqlx::query_scalar("SELECT viewname::text FROM pg_views WHERE schemaname = 'public' AND viewname NOT IN ('deliveries', 'events', 'repeats')")
            .fetch_all(&mut server.database().await)
            .await
            .unwrap();
    assert_eq!(views.len(), Kind::ALL.len());
    for view in views {
        assert!(
            page.contains(&format!("| `{view}` |")),
            "no row ends with the view {view}"
        );
    }
}
