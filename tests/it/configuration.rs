//! `docs/reference/configuration.md`: the keys, generated from the comments of `config/default.toml`.

use std::fmt::Write as _;

use crate::support::page;

const PAGE: &str = "docs/reference/configuration.md";

const DEFAULTS: &str = include_str!("../../config/default.toml");

const INTRODUCTION: &str = "# Configuration

Reference of every key. A dash means that a key has no fixed default.

Generated from [config/default.toml](../../config/default.toml) by \
`INSTA_UPDATE=always cargo test --test it -- configuration`; do not edit this page.
";

/// Sentence of a key that is commented out with its default.
const AS_HERE: &str = " If unset, as here.";

/// A key of a paragraph, and its default if it has a fixed one.
type Key<'a> = (&'a str, Option<&'a str>);

/// A line `key = value`, also if it is commented out.
fn key(line: &str) -> Option<Key<'_>> {
    let open = line.strip_prefix("# ");
    let (name, value) = open.unwrap_or(line).split_once(" = ")?;
    let is_name = name.chars().all(|it| it.is_ascii_lowercase() || it == '_');
    is_name.then_some((name, open.is_none().then_some(value)))
}

/// A line `[section]`, also if it is commented out.
fn section(line: &str) -> Option<&str> {
    let line = line.strip_prefix("# ").unwrap_or(line);
    line.strip_prefix('[')?.strip_suffix(']')
}

/// The comment of a paragraph as one line; a `#` alone ends a paragraph of the page.
fn comment(paragraph: &str) -> String {
    let lines = paragraph.lines();
    let comments = lines.filter(|line| key(line).is_none() && section(line).is_none());
    let said: Vec<_> = comments
        .map(|line| line.trim_start_matches('#').trim())
        .collect();
    said.join(" ").replace("  ", "\n\n").replace('|', "\\|")
}

fn row(section: &str, keys: &[Key<'_>], meaning: &str) -> String {
    let named = |(name, _): &Key<'_>| match section {
        "" => format!("`{name}`"),
        section => format!("`{section}.{name}`"),
    };
    let listed: Vec<_> = keys.iter().map(named).collect();
    let meaning = meaning.strip_suffix(AS_HERE).unwrap_or(meaning);
    let default = keys[0]
        .1
        .map_or("–".to_owned(), |value| format!("`{value}`"));
    format!("| {} | {default} | {meaning} |", listed.join("<br>"))
}

fn write() -> String {
    let mut page = INTRODUCTION.to_owned();
    let (mut place, mut in_table) = ("", false);
    for paragraph in DEFAULTS.split("\n\n") {
        let meaning = comment(paragraph);
        let shown = if meaning.ends_with(AS_HERE) {
            &paragraph.replace("\n# ", "\n")
        } else {
            paragraph
        };
        let keys: Vec<_> = shown.lines().filter_map(key).collect();
        if let Some(name) = paragraph.lines().find_map(section) {
            let _ = write!(page, "\n## {name}\n");
            (place, in_table) = (name, false);
        }
        if keys.is_empty() {
            if !meaning.is_empty() {
                let _ = write!(page, "\n{meaning}\n");
            }
            continue;
        }
        if !in_table {
            page.push_str("\n| key | default | meaning |\n|---|---|---|\n");
            in_table = true;
        }
        let _ = writeln!(page, "{}", row(place, &keys, &meaning));
    }
    page
}

#[test]
fn the_reference_of_configuration_is_generated_from_the_defaults() {
    page::hold(PAGE, &write());
}

#[test]
fn every_key_of_the_defaults_has_a_row_with_a_meaning() {
    let page = write();
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let named: usize = rows
        .clone()
        .map(|row| 1 + row.matches("<br>").count())
        .sum();
    assert_eq!(named, DEFAULTS.lines().filter_map(key).count());
    let listen = "| `http.listen` | `\"127.0.0.1:8080\"` | Address and port.";
    assert!(page.contains(listen), "{page}");
    for row in rows {
        assert!(!row.ends_with("|  |"), "{row}");
    }
}
