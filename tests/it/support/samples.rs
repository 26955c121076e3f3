//! The samples of `samples/` as bodies: with the values of `samples/values.tsv` for their
//! placeholders, or with a test's own.

use std::{collections::HashMap, sync::LazyLock};

// `FILES`: name and text of each sample; written by `build.rs`.
include!(concat!(env!("OUT_DIR"), "/samples.rs"));

const VALUES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/samples/values.tsv"));

/// Name and text of every sample, such as `comment/reply`, in the order of the names.
pub(crate) fn samples() -> &'static [(&'static str, &'static str)] {
    FILES
}

/// The body of a sample: `own` gives the values of the placeholders that a test chooses, as they
/// stand in JSON; the others have the text of the sample, else that of the table.
pub(crate) fn fill(sample: &str, own: impl Fn(&str) -> Option<String>) -> String {
    let mut parts = sample.split("{{");
    let mut body = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (inside, rest) = part.split_once("}}").unwrap();
        let (name, text) = inside.split_once('|').unwrap_or((inside, ""));
        match own(name) {
            Some(own) => body += &own,
            None if text.is_empty() => body += value(name),
            None => body += text,
        }
        body += rest;
    }
    body
}

fn value(name: &str) -> &'static str {
    static TABLE: LazyLock<HashMap<&str, &str>> = LazyLock::new(|| {
        let lines = VALUES.lines().skip(1);
        lines.filter_map(|line| line.split_once('\t')).collect()
    });
    TABLE
        .get(name)
        .unwrap_or_else(|| panic!("samples/values.tsv has no value of {name}"))
}
