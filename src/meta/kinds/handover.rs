//! Kind `handover`: a step of the handover protocol, which moves the control of a conversation
//! between apps (`messaging_handover`). The key of the content names the step.

use super::{
    Content, Item, NaturalKey,
    field::{Fields, json, text},
};
use crate::meta::data::Data;

const APP_ROLES: &str = "app_roles";

/// Own fields of a handover.
pub(super) const FIELDS: Fields = &[&[
    text("step"),
    text("previous_owner_app_id"),
    text("new_owner_app_id"),
    text("requested_owner_app_id"),
    text("caller_app_id"),
    text("metadata").content(),
    json(APP_ROLES),
]];

pub(super) fn read<'a>(item: &Item<'_, 'a>, key: &mut NaturalKey<'_>) -> Content<'a> {
    let step = &item.inner;
    let roles = item.key.filter(|key| *key == APP_ROLES);
    let roles = roles.and_then(|key| item.value.get(key));
    if let Some(roles) = roles {
        key.content(roles);
    }
    let apps = [
        "previous_owner_app_id",
        "new_owner_app_id",
        "requested_owner_app_id",
        "caller_app_id",
    ];
    let [previous, new, requested, caller] = apps.map(|name| step.id(name));
    let metadata = step.text("metadata");
    // A bulk release hands over many conversations at the same time.
    key.between(&[
        item.key,
        previous.as_deref(),
        new.as_deref(),
        requested.as_deref(),
        caller.as_deref(),
        metadata.as_deref(),
    ]);
    let ids = apps.into_iter().zip([previous, new, requested, caller]);
    let data = Data::default().text("step", item.key.map(Into::into));
    let data = ids.fold(data, |data, (name, id)| data.text(name, id));
    Content {
        data: data.text("metadata", metadata).value(APP_ROLES, roles),
        ..Content::default()
    }
}
