//! Kind `policy_enforcement`: a warning, block or unblock of the account
//! (`messaging_policy_enforcement`). It has no sender.

use super::{
    Content, Item, NaturalKey,
    field::{Fields, text},
};
use crate::meta::data::Data;

/// Own fields of a policy enforcement.
pub(super) const FIELDS: Fields = &[&[text("action"), text("reason")]];

pub(super) fn read<'a>(item: &Item<'_, 'a>, key: &mut NaturalKey<'_>) -> Content<'a> {
    let [action, reason] = ["action", "reason"].map(|key| item.inner.text(key));
    key.between(&[action.as_deref()]);
    Content {
        data: Data::default()
            .text("action", action)
            .text("reason", reason),
        ..Content::default()
    }
}
