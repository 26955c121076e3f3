//! Masks: parts of items and events that a destination does not get.
//!
//! A masked string becomes an empty string, so that an item keeps its keys, its types and its kind.
//! A masked attachment keeps nothing but its type; any other masked value is left out. Ids, times
//! and flags are never masked.
//!
//! Meta adds keys. A string under a key without a meaning here may be a text, a name or a URL, so
//! each mask hides it. The keys with a meaning are the own fields of all kinds, and a few more.

mod event;

use std::{collections::HashSet, sync::LazyLock};

use crate::config::Mask;
use crate::meta::{
    event::Kind,
    json::{Index, MAX_DEPTH, Value},
    kinds::Field,
};

/// Key of a list of attachments.
const ATTACHMENTS: &str = "attachments";

/// Key of an object from app ids to roles.
const ROLES: &str = "app_roles";

/// Keys of written text, besides the own fields.
const TEXTS: &[&str] = &["text", "subtitle"];

/// Keys of ids, times and names of fields, besides the own fields and the keys of ids and flags that
/// [`is_plain`] knows by their form.
const PLAIN: &[&str] = &[
    "id",
    "mid",
    "mids",
    "time",
    "timestamp",
    "field",
    "changed_fields",
];

/// Keys of the own fields that a reader without content sees.
static OWN: LazyLock<HashSet<&str>> = LazyLock::new(|| keys(|field| !field.is_content));

/// Keys of the own fields that only a reader with content sees.
static CONTENT: LazyLock<HashSet<&str>> = LazyLock::new(|| keys(|field| field.is_content));

/// Keys of the own fields of all kinds.
fn keys(is_it: impl Fn(&Field) -> bool) -> HashSet<&'static str> {
    let fields = Kind::ALL.iter().flat_map(|kind| kind.own_fields());
    let fields = fields.filter(|field| is_it(field));
    fields.filter_map(|field| field.keys().last()).collect()
}

impl Mask {
    /// The text of `item`, which stands under `key`, without the masked parts. Parts that are nested
    /// deeper than [`MAX_DEPTH`] are left out, because nothing is known about them.
    pub(super) fn apply(self, key: &str, item: &str) -> String {
        if self.is_empty() {
            return item.to_owned();
        }
        let index = Index::of(item).unwrap_or_default();
        let masked = self.masked(key, index.root(item), MAX_DEPTH);
        masked.unwrap_or_else(|| "null".to_owned())
    }

    /// The value under `key`, with at most `levels` levels; none if it is left out.
    fn masked(self, key: &str, value: Value<'_, '_>, levels: usize) -> Option<String> {
        let is_string = value.raw().starts_with('"');
        if self.media && key == ATTACHMENTS {
            return types(value);
        }
        if self.hides(key, is_string) {
            return is_string.then(|| "\"\"".to_owned());
        }
        if let Some(object) = value.object() {
            let inside = levels.checked_sub(1)?;
            let pairs = object.pairs().filter_map(|(name, value)| {
                let own = name.string()?;
                let key = if key == ROLES { key } else { &own };
                let masked = self.masked(key, value, inside)?;
                Some([name.raw(), ":", &masked].concat())
            });
            return Some(format!("{{{}}}", joined(pairs)));
        }
        if let Some(list) = value.list() {
            let inside = levels.checked_sub(1)?;
            let members = list.filter_map(|member| self.masked(key, member, inside));
            return Some(format!("[{}]", joined(members)));
        }
        Some(value.raw().to_owned())
    }

    /// True if a value under `key` is masked. The mask is not empty.
    fn hides(self, key: &str, is_string: bool) -> bool {
        if key.ends_with("name") {
            self.username
        } else if is_media(key) {
            self.media
        } else {
            is_string && !is_plain(key) && (self.text || !is_text(key))
        }
    }
}

fn is_text(key: &str) -> bool {
    TEXTS.contains(&key) || CONTENT.contains(key) && key != ATTACHMENTS
}

fn is_media(key: &str) -> bool {
    key == "sticker_id" || key.ends_with("url") || key.ends_with("uri")
}

/// True if a string under `key` is no content.
fn is_plain(key: &str) -> bool {
    let is_own = OWN.contains(key) && !CONTENT.contains(key);
    is_own || PLAIN.contains(&key) || key.ends_with("_id") || key.starts_with("is_")
}

/// Attachments with nothing but their types.
fn types(attachments: Value<'_, '_>) -> Option<String> {
    let attachments = attachments.list()?.filter_map(Value::object);
    let types = attachments.map(|attachment| match attachment.get("type") {
        Some(kind) if kind.string().is_some() => format!("{{\"type\":{}}}", kind.raw()),
        _ => "{}".to_owned(),
    });
    Some(format!("[{}]", joined(types)))
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(",")
}
