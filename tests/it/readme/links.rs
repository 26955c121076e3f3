//! Links of the documents: files and headings must exist.

use std::path::Path;

use super::pages;

/// Text and target of each link.
fn links(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("](") {
        let target = text[at + 2..].split(')').next().unwrap_or_default();
        let shown = text[..at].rsplit('[').next().unwrap_or_default();
        found.push((shown.trim_matches('`').to_owned(), target.to_owned()));
    }
    found
}

/// The anchors of a document: of its headings, as the common hosts make them, and explicit ones.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let slug = |line: &str| {
        let line = line.trim_start_matches('#').trim().to_lowercase();
        let kept = line
            .chars()
            .filter(|it| it.is_alphanumeric() || " -_".contains(*it));
        kept.collect::<String>().replace(' ', "-")
    };
    let explicit = text.split("<a id=\"").skip(1);
    let explicit = explicit.filter_map(|rest| rest.split('"').next());
    headings
        .map(slug)
        .chain(explicit.map(ToOwned::to_owned))
        .collect()
}

/// True if the text of a link to a source file is the name of the module or file, or of an item
/// defined in it.
fn names_what_is_there(shown: &str, file: &Path, text: &str) -> bool {
    if file.extension().is_none_or(|it| it != "rs") {
        return true;
    }
    let parts = file.with_extension("");
    let is_place = parts.iter().rev().take(2).any(|part| part == shown);
    let defined = ["fn ", "struct ", "enum "].map(|kind| format!("{kind}{shown}"));
    let ends = |rest: &str| !rest.starts_with(|it: char| it.is_alphanumeric() || it == '_');
    let is_defined = |name: &String| text.split(name.as_str()).skip(1).any(ends);
    is_place || defined.iter().any(is_defined)
}

#[test]
fn every_link_leads_somewhere() {
    let mut checked = 0;
    for page in pages::all() {
        let path = pages::root().join(&page.name);
        for (shown, target) in links(&page.text) {
            if target.contains("://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let file = match file {
                "" => path.clone(),
                file => path.parent().unwrap().join(file),
            };
            let there = std::fs::read(&file);
            let there = there.unwrap_or_else(|_| panic!("{}: no {target}", path.display()));
            let there = String::from_utf8_lossy(&there);
            let has_anchor = anchor.is_empty() || anchors(&there).iter().any(|it| it == anchor);
            assert!(has_anchor, "{}: no heading {target}", path.display());
            assert!(
                names_what_is_there(&shown, &file, &there),
                "{}: {target} has no `{shown}`",
                path.display()
            );
            checked += 1;
        }
    }
    assert!(checked > 60, "{checked}");
}
