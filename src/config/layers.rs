//! Lays defaults, file and environment over each other into one tree of untyped values.
//!
//! Values of the environment stay strings, whatever they look like: an app id of digits or a
//! verify token `true` must not become a number or a boolean. They carry the name of their
//! variable as their origin; values of files carry none.

use std::ops::Range;
use std::path::Path;

use super::fault::{Fault, Faults};
use super::sources::{PREFIX, Sources};
use super::tree::{Table, Value, from_file, overlay};
use super::{apps, choice::EventChoice, consumers, destinations, file};

/// Every key with its default and meaning.
pub(super) const DEFAULTS: &str = include_str!("../../config/default.toml");

/// The sections, as variables of the environment name them.
const SECTIONS: [&str; 10] = [
    "http",
    "admin",
    "database",
    "spool",
    "dedupe",
    "rejections",
    "log",
    "apps",
    "consumers",
    "destinations",
];

/// Sections with a table for each name, and the keys of a table.
const NAMED: [(&str, &[&[&str]]); 3] = [
    ("apps", &[&apps::KEYS]),
    ("consumers", &[&consumers::KEYS, &EventChoice::KEYS]),
    ("destinations", &[&destinations::KEYS, &EventChoice::KEYS]),
];

/// A configuration file larger than this is a mistake.
const LARGEST_FILE_BYTES: u64 = 1024 * 1024;

/// The tree that results from all layers.
///
/// # Errors
/// The file that cannot be read or is not TOML, and variables that are not UTF-8.
pub(super) fn merge(sources: &Sources) -> Result<Table, Faults> {
    let mut faults = Faults::default();
    let file = sources
        .config_file()
        .map_or(Ok(Table::new()), |path| read_file(&path));
    let mut file = file.unwrap_or_else(|fault| {
        faults.push(fault);
        Table::new()
    });
    misspelt(sources).for_each(|fault| faults.push(fault));
    if !faults.is_empty() {
        return Err(faults);
    }
    let variables = variables(sources);
    give_way(&mut file, &variables);
    let mut tree = parse(DEFAULTS, Path::new("config/default.toml"))?;
    overlay(&mut tree, file);
    overlay(&mut tree, variables);
    Ok(tree)
}

/// A secret in place and its `_file` twin are one setting: whichever of them `upper` sets goes
/// before the other one in `lower`.
fn give_way(lower: &mut Table, upper: &Table) {
    for (key, value) in upper {
        let twin = key
            .strip_suffix("_file")
            .map_or_else(|| format!("{key}_file"), str::to_owned);
        lower.remove(&twin);
        if let (Some(Value::Table(below)), Value::Table(above)) = (lower.get_mut(key), value) {
            give_way(below, above);
        }
    }
}

/// The tree of one text of TOML alone; `path` says in faults where it was read, and not what the
/// line holds, which may be a secret.
pub(super) fn parse(text: &str, path: &Path) -> Result<Table, Fault> {
    let at = |error: &toml::de::Error, problem: String| {
        Fault::new(position(text, path, error.span()), problem)
    };
    toml::de::DeTable::parse(text)
        .map_err(|error| at(&error, format!("invalid TOML: {}", error.message())))?;
    // Numbers are syntax of any length, and values of 64 bits.
    let table = toml::from_str(text);
    let table = table.map_err(|error| at(&error, "a number that is too large".to_owned()))?;
    Ok(from_file(table))
}

/// The tree of a configuration file.
fn read_file(path: &Path) -> Result<Table, Fault> {
    let text = file::read(path, LARGEST_FILE_BYTES).map_err(|error| {
        let problem = format!("failed to read the configuration file: {error}");
        Fault::new(path.display().to_string(), problem)
    })?;
    parse(&text, path)
}

/// `file:line:column`, both from 1.
fn position(text: &str, path: &Path, span: Option<Range<usize>>) -> String {
    let before = span
        .and_then(|span| text.get(..span.start))
        .unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let last = before.rsplit('\n').next().unwrap_or_default();
    let column = last.chars().count() + 1;
    format!("{}:{line}:{column}", path.display())
}

/// Variables that are meant for us and would be passed over in silence.
fn misspelt(sources: &Sources) -> impl Iterator<Item = Fault> {
    let ours = |name: &&String| name.starts_with("HOOKSHELF_") || *name == "DATABASE_URL";
    let broken = sources.not_utf8.iter().filter(ours);
    let broken = broken.map(|name| Fault::new(name, "the value is not UTF-8"));
    let single = sources.env.iter().filter_map(|(name, _)| {
        let rest = name.strip_prefix("HOOKSHELF_")?;
        let (section, _) = rest.split_once("__")?;
        SECTIONS
            .contains(&section.to_lowercase().as_str())
            .then(|| {
                let problem = format!("unknown variable; did you mean {PREFIX}{rest}?");
                Fault::new(name, problem)
            })
    });
    broken.chain(single)
}

/// The layer of the environment.
fn variables(sources: &Sources) -> Table {
    let mut tree = Table::new();
    for (key, variable, value) in sources.keys() {
        let path = split(&key.to_lowercase());
        // An empty variable is an unset one (compose files write them), except in an app or a
        // destination, where a secret that went missing must not pass for one that was never wanted.
        let has_secrets = |section: &String| matches!(&**section, "apps" | "destinations");
        if value.is_empty() && !path.first().is_some_and(has_secrets) {
            continue;
        }
        insert(&mut tree, &path, Value::of_variable(variable, value));
    }
    tree
}

/// `http__listen` as its path. The name of a table may itself hold underscores, so that its keys
/// are looked for from the end.
fn split(key: &str) -> Vec<String> {
    let named = NAMED.iter().find_map(|(section, keys)| {
        let rest = key.strip_prefix(section)?.strip_prefix("__")?;
        Some((*section, *keys, rest))
    });
    let Some((section, keys, rest)) = named else {
        return key.split("__").map(str::to_owned).collect();
    };
    let known = keys.iter().copied().flatten().find_map(|key| {
        let name = rest.strip_suffix(key)?.strip_suffix("__")?;
        Some((name, *key))
    });
    match known.or_else(|| rest.rsplit_once("__")) {
        Some((name, key)) => [section, name, key].map(str::to_owned).to_vec(),
        None => [section, rest].map(str::to_owned).to_vec(),
    }
}

fn insert(table: &mut Table, path: &[String], value: Value) {
    let [first, rest @ ..] = path else { return };
    if rest.is_empty() {
        table.insert(first.clone(), value);
        return;
    }
    let empty = || Value::Table(Table::new());
    // A variable `HOOKSHELF__HTTP` stays in the way, to be reported as no table.
    if let Value::Table(inner) = table.entry(first.clone()).or_insert_with(empty) {
        insert(inner, rest, value);
    }
}
