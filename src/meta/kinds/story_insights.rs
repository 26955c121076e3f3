//! Kind `story_insights`: the numbers of an expired story (`story_insights`). Meta writes −1 for a
//! count below 5.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    Content, Item, NaturalKey,
    field::{Fields, integer},
};
use crate::meta::{data::Data, ids::Ids, json::Object};

/// Own fields of a story: its numbers.
pub(super) const FIELDS: Fields = &[&[
    integer("impressions"),
    integer("reach"),
    integer("taps_forward"),
    integer("taps_back"),
    integer("exits"),
    integer("replies"),
]];

pub(super) fn read<'a>(item: &Item<'_, 'a>, key: &mut NaturalKey<'_>) -> Content<'a> {
    let media_id = item.value.id("media_id");
    key.named(media_id.as_deref(), &[]);
    for (name, number) in numbers(&item.value) {
        key.part(Some(&name)).part(Some(&number));
    }
    let own = FIELDS.iter().copied().flatten();
    let data = own.fold(Data::default(), |data, field| {
        data.integer(field.name, item.value.integer(field.name))
    });
    Content {
        ids: Ids {
            media_id,
            ..Ids::default()
        },
        data,
        ..Content::default()
    }
}

/// The numbers of a story, including names that no view has yet, since Meta renames and adds
/// counts. The last of a repeated name counts.
fn numbers<'a>(value: &Object<'_, 'a>) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> {
    let is_number = |text: &Cow<'_, str>| text.trim().parse::<f64>().is_ok_and(f64::is_finite);
    let numbers = value.pairs().map(|(name, value)| {
        let number = value.id().filter(is_number);
        (name.string().unwrap_or_default(), number)
    });
    let numbers: BTreeMap<_, _> = numbers.filter(|(name, _)| name != "media_id").collect();
    let numbers = numbers.into_iter();
    numbers.filter_map(|(name, number)| Some((name, number?)))
}
