//! Text of a notification: items in Meta's containers.

use crate::config::Mask;
use crate::meta::split::{Part, Place};

/// Body with the items at `places`, in this order. Items of several notifications are a list of
/// notifications, as they were.
pub(super) fn body(places: &[&Place<'_>], mask: Mask) -> String {
    let same = |a: &&Place<'_>, b: &&Place<'_>| {
        (a.notification, a.entry.is_some()) == (b.notification, b.entry.is_some())
    };
    let documents = places.chunk_by(same);
    let documents: Vec<_> = documents.map(|items| document(items, mask)).collect();
    match documents.as_slice() {
        [document] => document.clone(),
        several => format!("[{}]", several.join(",")),
    }
}

/// A notification. Consecutive items of one list stay in one list.
fn document(items: &[&Place<'_>], mask: Mask) -> String {
    let Some(first) = items.first() else {
        return String::new();
    };
    let same =
        |a: &&Place<'_>, b: &&Place<'_>| a.list.is_some() && (a.entry, a.list) == (b.entry, b.list);
    let containers = items.chunk_by(same);
    let mut pairs = pairs(&first.notification);
    if first.entry.is_some() {
        let entries: Vec<_> = containers.map(|items| entry(items, mask)).collect();
        pairs.push(format!("\"entry\":[{}]", entries.join(",")));
    } else {
        pairs.extend(containers.map(|items| container(items, mask)));
    }
    format!("{{{}}}", pairs.join(","))
}

fn entry(items: &[&Place<'_>], mask: Mask) -> String {
    let parts = items.first().and_then(|place| place.entry);
    let mut pairs = parts.map(|parts| pairs(&parts)).unwrap_or_default();
    pairs.push(container(items, mask));
    format!("{{{}}}", pairs.join(","))
}

/// The list of the items, or the item on the entry itself, without braces.
fn container(items: &[&Place<'_>], mask: Mask) -> String {
    let elements: Vec<_> = items.iter().map(|place| element(place, mask)).collect();
    let elements = elements.join(",");
    match items.first().and_then(|place| place.list) {
        Some(list) => format!("\"{list}\":[{elements}]"),
        None => elements,
    }
}

/// The item, and the change around it if the item is only its value.
fn element(place: &Place<'_>, mask: Mask) -> String {
    let Some(wrapper) = &place.wrapper else {
        return mask.apply(place.list.unwrap_or_default(), place.item);
    };
    let item = mask.apply(wrapper.key, place.item);
    let value = if wrapper.is_member {
        format!("[{item}]")
    } else {
        item
    };
    let mut pairs = pairs(&wrapper.beside);
    pairs.push(format!("\"{}\":{value}", wrapper.key));
    let change = pairs.join(",");
    match place.list {
        Some(_) => format!("{{{change}}}"),
        None => change,
    }
}

fn pairs(parts: &[Part<'_>]) -> Vec<String> {
    let pairs = parts.iter().filter_map(|(key, text)| {
        let text = (*text)?;
        Some(format!("\"{key}\":{text}"))
    });
    pairs.collect()
}
