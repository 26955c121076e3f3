//! Lays defaults, file and environment over each other into one tree of untyped values.
//!
//! Values of the environment stay strings, whatever they look like: an app id of digits or a
//! verify token `true` must not become a number or a boolean. They carry the name of their
//! variable as their origin; values of files carry none.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use config::{FileFormat, Map, Source, Value, ValueKind};

use super::fault::{Fault, Faults};
use super::sources::{PREFIX, Sources};
use super::{apps, file};

/// Every key with its default and meaning.
pub(super) const DEFAULTS: &str = include_str!("../../config/default.toml");

/// A configuration file larger than this is a mistake.
const LARGEST_FILE_BYTES: u64 = 1024 * 1024;

/// The tree that results from all layers.
///
/// # Errors
/// The file that cannot be read or is not TOML, and variables that are not UTF-8.
pub(super) fn merge(sources: &Sources) -> Result<Map<String, Value>, Faults> {
    let mut faults = Faults::default();
    let text = match sources.config_file().map(|path| read_file(&path)) {
        None => String::new(),
        Some(Ok(text)) => text,
        Some(Err(fault)) => {
            faults.push(fault);
            String::new()
        }
    };
    misspelt(sources).for_each(|fault| faults.push(fault));
    if !faults.is_empty() {
        return Err(faults);
    }
    let defaults = table(DEFAULTS, "defaults")?;
    let mut file = table(&text, "configuration file")?;
    let variables = variables(sources);
    give_way(&mut file, &variables);
    Ok(overlay([defaults, file, variables])?)
}

/// A secret in place and its `_file` twin are one setting: whichever of them `upper` sets goes
/// before the other one in `lower`.
fn give_way(lower: &mut Map<String, Value>, upper: &Map<String, Value>) {
    for (key, value) in upper {
        let twin = key
            .strip_suffix("_file")
            .map_or_else(|| format!("{key}_file"), str::to_owned);
        lower.remove(&twin);
        let below = lower.get_mut(key).map(|below| &mut below.kind);
        if let (Some(ValueKind::Table(below)), ValueKind::Table(above)) = (below, &value.kind) {
            give_way(below, above);
        }
    }
}

/// The tree of one text of TOML alone; `path` says in faults where it was read.
pub(super) fn parse(text: &str, path: &Path) -> Result<Map<String, Value>, Fault> {
    check_syntax(text, path)?;
    table(text, &path.display().to_string())
}

/// Lays layers over each other, later ones on top.
fn overlay(layers: [Map<String, Value>; 3]) -> Result<Map<String, Value>, Fault> {
    let layers = layers.map(Layer).to_vec();
    let merged = config::Config::builder().add_source(layers).build();
    let tree = merged.and_then(|merged| merged.get_table(Layer::ROOT));
    tree.map_err(|_| illegible("configuration"))
}

/// The layer of a text of TOML that has been checked.
fn table(text: &str, place: &str) -> Result<Map<String, Value>, Fault> {
    let file = config::File::from_str(text, FileFormat::Toml);
    file.collect().map_err(|_| illegible(place))
}

/// The library's own message may quote the line, which may hold a secret.
fn illegible(place: &str) -> Fault {
    Fault::new(place, "cannot be put together")
}

/// The text of a configuration file that is TOML.
fn read_file(path: &Path) -> Result<String, Fault> {
    let text = file::read(path, LARGEST_FILE_BYTES).map_err(|error| {
        let problem = format!("the configuration file cannot be read: {error}");
        Fault::new(path.display().to_string(), problem)
    })?;
    check_syntax(&text, path)?;
    Ok(text)
}

/// Says where TOML is broken; the broken line itself is not shown, for it may hold a secret.
fn check_syntax(text: &str, path: &Path) -> Result<(), Fault> {
    let broken = toml::de::DeTable::parse(text).map(|_| ());
    let broken = broken.map_err(|error| (error.span(), format!("not TOML: {}", error.message())));
    broken
        .and_then(|()| check_numbers(text))
        .map_err(|(span, problem)| Fault::new(position(text, path, span), problem))
}

/// Numbers are syntax of any length, and values of 64 bits.
fn check_numbers(text: &str) -> Result<(), (Option<Range<usize>>, String)> {
    let values = toml::from_str::<toml::Table>(text).map(|_| ());
    values.map_err(|error| (error.span(), "a number that is too large".to_owned()))
}

/// `file:line:column`, both from 1.
fn position(text: &str, path: &Path, span: Option<Range<usize>>) -> String {
    let before = span
        .and_then(|span| text.get(..span.start))
        .unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
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
        super::SECTIONS
            .contains(&section.to_lowercase().as_str())
            .then(|| {
                let problem = format!("not a variable of ours; did you mean {PREFIX}{rest}?");
                Fault::new(name, problem)
            })
    });
    broken.chain(single)
}

/// The layer of the environment.
fn variables(sources: &Sources) -> Map<String, Value> {
    let mut tree = Map::new();
    for (key, variable, value) in sources.keys() {
        let path = split(&key.to_lowercase());
        // An empty variable is an unset one (compose files write them), except in an app,
        // where a secret that went missing must not pass for one that was never wanted.
        if value.is_empty() && path.first().is_none_or(|section| section != "apps") {
            continue;
        }
        insert(
            &mut tree,
            &path,
            Value::new(Some(&variable.to_owned()), value),
        );
    }
    tree
}

/// A layer as the library takes it.
///
/// It reads the names at the top as expressions, of which `a[9]` would make a list of ten; one
/// level further down it takes them as they are.
#[derive(Clone)]
struct Layer(Map<String, Value>);

impl Layer {
    const ROOT: &str = "root";
}

impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Layer(..)")
    }
}

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, config::ConfigError> {
        let tree = Value::new(None, self.0.clone());
        Ok(Map::from([(Self::ROOT.to_owned(), tree)]))
    }
}

/// `http__listen` as its path. The name of an app may itself hold underscores, so that its keys
/// are looked for from the end.
fn split(key: &str) -> Vec<String> {
    let Some(rest) = key.strip_prefix("apps__") else {
        return key.split("__").map(str::to_owned).collect();
    };
    let known = apps::KEYS.iter().find_map(|key| {
        let name = rest.strip_suffix(key)?.strip_suffix("__")?;
        Some((name, *key))
    });
    match known.or_else(|| rest.rsplit_once("__")) {
        Some((name, key)) => ["apps", name, key].map(str::to_owned).to_vec(),
        None => ["apps", rest].map(str::to_owned).to_vec(),
    }
}

fn insert(table: &mut Map<String, Value>, path: &[String], value: Value) {
    let [first, rest @ ..] = path else { return };
    if rest.is_empty() {
        table.insert(first.clone(), value);
        return;
    }
    let empty = || Value::new(None, ValueKind::Table(Map::new()));
    // A variable `HOOKSHELF__HTTP` stays in the way, to be reported as no table.
    if let ValueKind::Table(inner) = &mut table.entry(first.clone()).or_insert_with(empty).kind {
        insert(inner, rest, value);
    }
}
