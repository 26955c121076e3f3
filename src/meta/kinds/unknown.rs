//! Kind `unknown`: an item without a kind here. Only its payload is kept.

use super::{
    Content, Item, NaturalKey,
    field::{self, Fields},
};

/// No own fields.
pub(super) const FIELDS: Fields = field::NONE;

pub(super) fn read<'a>(_: &Item<'_, 'a>, _: &mut NaturalKey<'_>) -> Content<'a> {
    Content::default()
}
