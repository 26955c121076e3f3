//! Help: every verb shows an example, in one form, and every example works.

use clap::Command;

use crate::support::{desk::Desk, directory::Directory, postgres::TestDatabase, server::Server};

/// Heading of the examples.
const HEADING: &str = "Examples:\n";

/// Destructive examples contain this option and run last.
const DESTRUCTIVE: &str = "--yes";

/// Examples that need a receiver or files of secrets: tests/it/destinations tries them.
pub(super) const ELSEWHERE: [&str; 2] = [
    "hookshelf destinations test",
    "hookshelf destinations rotate",
];

/// All visible verbs, each with its path.
fn verbs(command: &Command, path: &[String]) -> Vec<(Vec<String>, Command)> {
    let mut found = vec![(path.to_vec(), command.clone())];
    for verb in command.get_subcommands().filter(|it| !it.is_hide_set()) {
        let path = [path, &[verb.get_name().to_owned()]].concat();
        found.extend(verbs(verb, &path));
    }
    found
}

fn all() -> Vec<(Vec<String>, Command)> {
    verbs(&hookshelf::cli::command(), &[])
}

/// Examples of a verb, trimmed.
fn examples(verb: &Command) -> Vec<String> {
    let after = verb.get_after_help().map(ToString::to_string);
    let after = after.unwrap_or_default();
    let listed = after.split_once(HEADING).map_or("", |(_, listed)| listed);
    listed.lines().map(|it| it.trim().to_owned()).collect()
}

/// Distinct examples of all verbs.
pub(super) fn every_example() -> Vec<String> {
    let mut found: Vec<_> = all().iter().flat_map(|(_, it)| examples(it)).collect();
    let removes = |it: &str| it.contains("remove") || it.contains("purge");
    let is_last = |it: &str| it.contains(DESTRUCTIVE) && removes(it);
    found.sort_by_key(|it| (is_last(it), it.contains(DESTRUCTIVE), it.clone()));
    found.dedup();
    found
}

/// Help text of a verb, with white space collapsed.
fn help(path: &[String]) -> String {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_hookshelf"));
    let output = command.args(path).arg("--help").output().unwrap();
    assert!(output.status.success(), "{path:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_verb_shows_an_example() {
    let verbs = all();
    assert!(verbs.len() > 18, "{}", verbs.len());
    for (path, verb) in verbs {
        let examples = examples(&verb);
        assert!(
            !examples.is_empty(),
            "{path:?} has no example: write `/// Example: hookshelf …` into its doc comment"
        );
        let help = help(&path);
        let (_, shown) = help.split_once(HEADING.trim()).unwrap();
        let call = ["hookshelf"].into_iter().chain(path.iter().map(|it| &**it));
        let call = call.collect::<Vec<_>>().join(" ");
        for example in examples {
            assert!(shown.contains(&example), "{path:?}: {help}");
            assert!(example.contains(&call), "{path:?} shows `{example}`");
            // It fits on one line of a usual terminal.
            assert!(example.chars().count() <= 98, "{example} is too long");
        }
    }
}

#[test]
fn every_verb_and_option_says_what_it_is() {
    for (path, verb) in all() {
        let about = verb.get_about().map(ToString::to_string);
        assert!(about.is_some_and(|it| !it.ends_with('.')), "{path:?}");
        for option in verb.get_arguments() {
            let name = option.get_id();
            let says = option.get_help().map(ToString::to_string);
            let says = says.unwrap_or_else(|| panic!("{path:?}: {name} says nothing"));
            let first = says.chars().next();
            let reads_well = first.is_some_and(|it| !it.is_lowercase()) && !says.ends_with('.');
            assert!(reads_well, "{path:?}: {name}: {says}");
        }
    }
}

/// Starts a server as in an example, waits for its startup output, and stops it.
async fn serve(example: &str, desk: &Desk) {
    let directory = Directory::create();
    let there = desk.server.directory.join("hookshelf.toml");
    std::os::unix::fs::symlink(there, directory.join("hookshelf.toml")).unwrap();
    let example = desk.own(example);
    let arguments: Vec<_> = example.split(' ').skip(2).collect();
    let place = Some(TestDatabase::create().await);
    let programs = desk.server.directory.join("bin");
    let server = Server::start_called(directory, place, &arguments, Some(&programs));
    let (status, directory, _) = server.stop();
    let log = std::fs::read_to_string(directory.join("log")).unwrap();
    assert!(status.success(), "{example}: {log}");
}

#[tokio::test]
async fn every_example_works() {
    let desk = Desk::create().await;
    desk.add_consumers().await;
    let is_here = |it: &String| !ELSEWHERE.iter().any(|call| it.starts_with(call));
    for example in every_example().into_iter().filter(is_here) {
        if example.starts_with("hookshelf serve") {
            serve(&example, &desk).await;
            continue;
        }
        let tried = desk.try_out(&example);
        assert!(tried.is_ok(), "`{example}` fails: {}", tried.unwrap_err());
    }
}
