//! Kind `response_feedback`: a rating of an answer (`response_feedback`).

use super::{
    Content, Item, NaturalKey,
    field::{Fields, text},
};
use crate::meta::{data::Data, ids::Ids};

/// Own fields of a rating.
pub(super) const FIELDS: Fields = &[&[text("feedback").content()]];

pub(super) fn read<'a>(item: &Item<'_, 'a>, key: &mut NaturalKey<'_>) -> Content<'a> {
    let mid = item.inner.id("mid");
    let feedback = item.inner.text("feedback");
    key.of_message(mid.as_deref(), &[feedback.as_deref()]);
    Content {
        ids: Ids::message(mid),
        data: Data::default().text("feedback", feedback),
        ..Content::default()
    }
}
