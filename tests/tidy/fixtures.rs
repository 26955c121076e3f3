//! Samples and fixtures: each must be listed in `INDEX.tsv` with its expected events, and must have a
//! reviewed snapshot. The `input_file` of a snapshot, written by insta, names the body.
//!
//! An empty directory is a fault too, so that the rule cannot pass without reading a file.

use crate::Fault;
use crate::source::Source;

/// Bodies in the directory `root` without a listing or a snapshot, and listings and snapshots
/// without a body.
pub(crate) fn faults(
    root: &str,
    index: &str,
    bodies: &[String],
    snapshots: &[Source],
) -> Vec<Fault> {
    let list = format!("{root}INDEX.tsv");
    let listed = listed(root, index);
    let reviewed: Vec<(&str, String)> = snapshots.iter().filter_map(input).collect();
    if bodies.is_empty() {
        let say = "no body at all: the documented shapes belong here";
        return vec![Fault::at(&list, 0, say)];
    }
    let mut faults = Vec::new();
    for body in bodies {
        if !listed.iter().any(|(_, path)| path == body) {
            faults.push(Fault::at(body, 0, format!("list it in {list}")));
        }
        if !reviewed.iter().any(|(_, path)| path == body) {
            let say = "it has no snapshot: run its test with INSTA_UPDATE=new, review, commit";
            faults.push(Fault::at(body, 0, say));
        }
    }
    let listed = listed.into_iter().map(|(line, path)| (&*list, line, path));
    let reviewed = reviewed.into_iter().map(|(snap, path)| (snap, 0, path));
    let below = listed
        .chain(reviewed)
        .filter(|(_, _, path)| path.starts_with(root));
    faults.extend(stale(bodies, below));
    faults
}

/// Faults for names of missing bodies.
fn stale<'a>(
    bodies: &[String],
    places: impl Iterator<Item = (&'a str, usize, String)>,
) -> Vec<Fault> {
    places
        .filter(|(_, _, path)| !bodies.contains(path))
        .map(|(at, line, path)| {
            Fault::at(at, line, format!("`{path}` does not exist: remove this"))
        })
        .collect()
}

/// Paths of bodies in the first column, with their line numbers, without the heading.
fn listed(root: &str, index: &str) -> Vec<(usize, String)> {
    let lines = (1..).zip(index.lines()).skip(1);
    lines
        .filter(|(_, text)| !text.is_empty() && !text.starts_with('#'))
        .map(|(line, text)| (line, text.split('\t').next().unwrap_or_default()))
        .map(|(line, name)| (line, format!("{root}{name}")))
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

    const ROOT: &str = "samples/";
    const HEADING: &str = "file\tkinds\n";

    fn body(name: &str) -> String {
        format!("{ROOT}{name}")
    }

    fn snapshot(name: &str) -> Source {
        let text = format!("---\nsource: a.rs\ninput_file: {ROOT}{name}\n---\n{{}}\n");
        Source::sample("src/snapshots/a.snap", &text)
    }

    #[test]
    fn a_listed_and_reviewed_body_is_in_step() {
        let index = format!("{HEADING}messages/text.json\tmessage\n");
        let found = faults(
            ROOT,
            &index,
            &[body("messages/text.json")],
            &[snapshot("messages/text.json")],
        );
        assert_eq!(found, []);
    }

    #[test]
    fn every_way_to_be_out_of_step_is_a_fault() {
        let index = format!("{HEADING}gone.json\tmessage\n");
        let found = faults(ROOT, &index, &[body("new.json")], &[snapshot("old.json")]);
        let said: Vec<String> = found
            .iter()
            .map(|f| format!("{}:{}", f.path, f.line))
            .collect();
        let snap = "src/snapshots/a.snap:0".to_owned();
        let new = format!("{ROOT}new.json:0");
        assert_eq!(said, [new.clone(), new, format!("{ROOT}INDEX.tsv:2"), snap]);
    }

    #[test]
    fn no_body_is_a_fault() {
        assert_eq!(faults(ROOT, HEADING, &[], &[]).len(), 1);
    }
}
