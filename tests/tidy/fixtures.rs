//! Fixtures: each must be listed in `INDEX.tsv` with its expected events, and must have a reviewed
//! snapshot. The `input_file` of a snapshot, written by insta, names the fixture.
//!
//! An empty set of fixtures is a fault too, so that the rule cannot pass without reading a file.

use crate::Fault;
use crate::source::Source;

const ROOT: &str = "tests/fixtures/";
const INDEX: &str = "tests/fixtures/INDEX.tsv";

/// Fixtures without a listing or a snapshot, and listings and snapshots without a fixture.
pub(crate) fn faults(index: &str, fixtures: &[String], snapshots: &[Source]) -> Vec<Fault> {
    let listed = listed(index);
    let reviewed: Vec<(&str, String)> = snapshots.iter().filter_map(input).collect();
    if fixtures.is_empty() {
        let say = "no fixture at all: the documented shapes belong here";
        return vec![Fault::at(INDEX, 0, say)];
    }
    let mut faults = Vec::new();
    for fixture in fixtures {
        if !listed.iter().any(|(_, path)| path == fixture) {
            faults.push(Fault::at(fixture, 0, format!("list it in {INDEX}")));
        }
        if !reviewed.iter().any(|(_, path)| path == fixture) {
            let say = "it has no snapshot: run its test with INSTA_UPDATE=new, review, commit";
            faults.push(Fault::at(fixture, 0, say));
        }
    }
    let listed = listed.into_iter().map(|(line, path)| (INDEX, line, path));
    let reviewed = reviewed.into_iter().map(|(snap, path)| (snap, 0, path));
    faults.extend(stale(fixtures, listed.chain(reviewed)));
    faults
}

/// Faults for names of missing fixtures.
fn stale<'a>(
    fixtures: &[String],
    places: impl Iterator<Item = (&'a str, usize, String)>,
) -> Vec<Fault> {
    places
        .filter(|(_, _, path)| path.starts_with(ROOT) && !fixtures.contains(path))
        .map(|(at, line, path)| {
            Fault::at(at, line, format!("`{path}` does not exist: remove this"))
        })
        .collect()
}

/// Fixture paths in the first column, with their line numbers, without the heading.
fn listed(index: &str) -> Vec<(usize, String)> {
    let lines = (1..).zip(index.lines()).skip(1);
    lines
        .filter(|(_, text)| !text.is_empty() && !text.starts_with('#'))
        .map(|(line, text)| (line, text.split('\t').next().unwrap_or_default()))
        .map(|(line, name)| (line, format!("{ROOT}{name}")))
        .collect()
}

/// A snapshot and its `input_file`.
fn input(snapshot: &Source) -> Option<(&str, String)> {
    let heading = snapshot
        .text
        .strip_prefix("---\n")?
        .split("\n---\n")
        .next()?;
    let path = heading
        .lines()
        .find_map(|line| line.strip_prefix("input_file: "))?;
    Some((&snapshot.path, path.trim_matches('"').to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADING: &str = "file\tkinds\n";

    fn fixture(name: &str) -> String {
        format!("{ROOT}{name}")
    }

    fn snapshot(name: &str) -> Source {
        let text = format!("---\nsource: a.rs\ninput_file: {ROOT}{name}\n---\n{{}}\n");
        Source::sample("src/snapshots/a.snap", &text)
    }

    #[test]
    fn a_listed_and_reviewed_fixture_is_in_step() {
        let index = format!("{HEADING}messages/text.json\tmessage\n");
        let found = faults(
            &index,
            &[fixture("messages/text.json")],
            &[snapshot("messages/text.json")],
        );
        assert_eq!(found, []);
    }

    #[test]
    fn every_way_to_be_out_of_step_is_a_fault() {
        let index = format!("{HEADING}gone.json\tmessage\n");
        let found = faults(&index, &[fixture("new.json")], &[snapshot("old.json")]);
        let said: Vec<String> = found
            .iter()
            .map(|f| format!("{}:{}", f.path, f.line))
            .collect();
        let snap = "src/snapshots/a.snap:0".to_owned();
        let new = format!("{ROOT}new.json:0");
        assert_eq!(said, [new.clone(), new, format!("{INDEX}:2"), snap]);
    }

    #[test]
    fn no_fixture_is_a_fault() {
        assert_eq!(faults(HEADING, &[], &[]).len(), 1);
    }
}
