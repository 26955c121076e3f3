//! Fixtures in step: each is listed in `INDEX.tsv` with what comes out of it, and each has a
//! reviewed snapshot, which names it in the `input_file` that insta writes.
//!
//! None at all is a fault too, so that the rule cannot pass by reading nothing.

use crate::Fault;
use crate::source::Source;

const ROOT: &str = "tests/fixtures/";
const INDEX: &str = "tests/fixtures/INDEX.tsv";

/// Every fixture that is not listed or not reviewed, and every listing or snapshot of none.
pub(crate) fn faults(index: &str, fixtures: &[Source], snapshots: &[Source]) -> Vec<Fault> {
    let listed: Vec<(usize, &str)> = listed(index);
    let reviewed: Vec<(&Source, &str)> = snapshots
        .iter()
        .filter_map(|snap| input(&snap.text).map(|path| (snap, path)))
        .collect();
    let mut faults = Vec::new();
    if fixtures.is_empty() {
        faults.push(Fault::at(
            INDEX,
            0,
            "no fixture at all: the documented shapes belong here",
        ));
    }
    for fixture in fixtures {
        if !listed
            .iter()
            .any(|(_, name)| fixture.path == format!("{ROOT}{name}"))
        {
            faults.push(Fault::at(&fixture.path, 0, format!("list it in {INDEX}")));
        }
        if !reviewed.iter().any(|(_, path)| *path == fixture.path) {
            let say = "it has no snapshot: run its test with INSTA_UPDATE=new, review, commit";
            faults.push(Fault::at(&fixture.path, 0, say));
        }
    }
    let exists = |path: &str| fixtures.iter().any(|fixture| fixture.path == path);
    for (line, name) in listed
        .iter()
        .filter(|(_, name)| !exists(&format!("{ROOT}{name}")))
    {
        faults.push(Fault::at(
            INDEX,
            *line,
            format!("`{name}` does not exist: remove the line"),
        ));
    }
    for (snap, path) in reviewed
        .iter()
        .filter(|(_, p)| p.starts_with(ROOT) && !exists(p))
    {
        faults.push(Fault::at(
            &snap.path,
            0,
            format!("`{path}` does not exist: remove it"),
        ));
    }
    faults
}

/// The first column of every line but the heading, with its line.
fn listed(index: &str) -> Vec<(usize, &str)> {
    let lines = (1..).zip(index.lines()).skip(1);
    lines
        .filter(|(_, text)| !text.is_empty() && !text.starts_with('#'))
        .map(|(line, text)| (line, text.split('\t').next().unwrap_or_default()))
        .collect()
}

/// The file that a snapshot was made from, as its heading says.
fn input(snapshot: &str) -> Option<&str> {
    let heading = snapshot.strip_prefix("---\n")?.split("\n---\n").next()?;
    let path = heading
        .lines()
        .find_map(|line| line.strip_prefix("input_file: "))?;
    Some(path.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADING: &str = "file\tkinds\n";

    fn fixture(name: &str) -> Source {
        Source::sample(&format!("{ROOT}{name}"), "{}")
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
