//! Project rules that neither the compiler nor clippy can check, as tests.
//!
//! Each rule is a pure function from text to faults, with unit tests that prove that it can fail;
//! the tests at the end apply the rules to the repository. A fault names a file, a line and the
//! remedy. No rule needs the network, a service or an earlier command.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a rule that cannot read the house has to fail"
)]

#[path = "tidy/applied.rs"]
mod applied;
#[path = "tidy/contrast.rs"]
mod contrast;
#[path = "tidy/cycles.rs"]
mod cycles;
#[path = "tidy/dependencies.rs"]
mod dependencies;
#[path = "tidy/files.rs"]
mod files;
#[path = "tidy/fixtures.rs"]
mod fixtures;
#[path = "tidy/floors.rs"]
mod floors;
#[path = "tidy/imports.rs"]
mod imports;
#[path = "tidy/messages.rs"]
mod messages;
#[path = "tidy/places.rs"]
mod places;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/sql.rs"]
mod sql;
#[path = "tidy/vendored.rs"]
mod vendored;

use source::{Source, paths, read, sources};

/// A violation of a rule, in words for the person who has to fix it.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    /// Path of the file, relative to the repository.
    path: String,
    /// Line, counted from one; zero for the whole file.
    line: usize,
    /// Problem and remedy.
    text: String,
}

impl Fault {
    /// Makes a fault for one line of a file.
    fn at(path: &str, line: usize, text: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            text: text.into(),
        }
    }
}

/// Panics if there are faults, listing each as `path:line: text`.
fn assert_none(faults: &[Fault]) {
    let lines: Vec<String> = faults
        .iter()
        .map(|f| format!("{}:{}: {}", f.path, f.line, f.text))
        .collect();
    assert!(faults.is_empty(), "\n{}\n", lines.join("\n"));
}

/// Applies one rule to every file below `places`.
fn hold(places: &[&str], ending: &str, rule: impl Fn(&Source) -> Vec<Fault>) {
    let files = sources(places, ending);
    assert!(
        !files.is_empty(),
        "no {ending} file below {places:?}: a rule that reads nothing"
    );
    assert_none(&files.iter().flat_map(rule).collect::<Vec<_>>());
}

const RUST: &[&str] = &[
    "src",
    "tests",
    "benches",
    "torture",
    "build.rs",
    "fuzz/src",
    "fuzz/fuzz_targets",
];

#[test]
fn imports_point_down_only() {
    hold(&["src"], ".rs", floors::faults);
}

#[test]
fn files_import_each_other_in_no_circle() {
    assert_none(&cycles::faults(&sources(&["src"], ".rs")));
}

#[test]
fn each_thing_stays_in_its_room() {
    hold(&["src"], ".rs", places::faults);
}

#[test]
fn messages_say_what_happened_and_accuse_nobody() {
    hold(&["src", "torture"], ".rs", messages::faults);
}

#[test]
fn a_message_that_names_a_plan_names_what_applies_it() {
    let verbs = applied::verbs(&sources(&["src/cli"], ".rs"));
    assert_eq!(verbs.len(), 5, "{verbs:?}");
    hold(&["src"], ".rs", |file| applied::faults(file, &verbs));
}

#[test]
fn every_rust_file_opens_with_its_purpose() {
    hold(RUST, ".rs", files::rust_header);
}

#[test]
fn every_migration_opens_with_its_reason() {
    hold(&["migrations"], ".sql", files::migration_header);
}

#[test]
fn files_stay_short() {
    hold(&["src", "torture"], ".rs", files::too_long);
}

#[test]
fn nothing_is_left_for_later() {
    hold(RUST, ".rs", files::postponed);
    hold(&["migrations"], ".sql", files::postponed);
    hold(&["config"], ".toml", files::postponed);
}

#[test]
fn every_sample_and_fixture_is_listed_and_reviewed() {
    let snapshots = sources(&["tests"], ".snap");
    for place in ["samples", "tests/fixtures"] {
        let (index, bodies) = (
            read(&format!("{place}/INDEX.tsv")),
            paths(&[place], ".json"),
        );
        assert_none(&fixtures::faults(
            &format!("{place}/"),
            &index,
            &bodies,
            &snapshots,
        ));
    }
}

#[test]
fn every_second_version_of_a_crate_has_a_reason() {
    assert_none(&dependencies::duplicates(
        &read("Cargo.lock"),
        dependencies::TWICE,
    ));
}

#[test]
fn unwanted_crates_stay_out() {
    assert_none(&dependencies::unwanted(&read("Cargo.lock")));
}

#[test]
fn what_is_fuzzed_is_what_is_shipped() {
    assert_none(&dependencies::strayed(
        &read("fuzz/Cargo.lock"),
        &read("Cargo.lock"),
    ));
}

#[test]
fn every_licence_is_allowed() {
    assert_none(&dependencies::licences(&dependencies::metadata()));
}

#[test]
fn every_vendored_file_is_listed_with_its_sum() {
    let files = vendored::files();
    assert!(
        !files.is_empty(),
        "no vendored file: a rule that reads nothing"
    );
    assert_none(&vendored::faults(
        &read("assets/vendor/SOURCES.toml"),
        &files,
    ));
}

#[test]
fn every_icon_that_a_page_names_is_in_the_sprite() {
    let pages = [
        sources(&["templates"], ".html"),
        sources(&["src/http/pages"], ".rs"),
        sources(&["assets/js"], ".js"),
    ];
    let list = read("assets/vendor/SOURCES.toml");
    let pages: Vec<_> = pages.into_iter().flatten().collect();
    assert_none(&vendored::icons(&list, &pages));
}

#[test]
fn colors_of_the_pages_have_enough_contrast() {
    assert_none(&contrast::faults(&read("assets/styles.css")));
}
