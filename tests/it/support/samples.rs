//! Bodies from the samples of `samples/`. Placeholders get the values of a test, or those of
//! `samples/values.tsv`.

use std::{collections::HashMap, sync::LazyLock};

// `FILES`: name and text of each sample; written by `build.rs`.
include!(concat!(env!("OUT_DIR"), "/samples.rs"));

const VALUES: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/samples/values.tsv"));

/// Name, such as `comment/reply`, and text of every sample, in the order of the names.
pub(crate) fn samples() -> &'static [(&'static str, &'static str)] {
    FILES
}

/// Fills the placeholders of a sample with the values of `own`, in their JSON form, else with the
/// text in the sample, else with the value in the table.
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
