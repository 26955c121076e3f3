//! Kind `postback`: a tap on a button, an icebreaker or a menu item (`messaging_postbacks`). In
//! standby it has no payload; before version 11 of the API it had no `mid`.

use super::{
    Content, Item, NaturalKey,
    field::{Fields, text, written},
    referral,
};
use crate::meta::{data::Data, ids::Ids};

/// Own fields of a postback.
pub(super) const FIELDS: Fields = &[
    &[
        written("title"),
        text("button_payload").at("payload").content(),
    ],
    &referral::fields("referral"),
];

pub(super) fn read<'a>(item: &Item<'_, 'a>, key: &mut NaturalKey<'_>) -> Content<'a> {
    let postback = &item.inner;
    let mid = postback.id("mid");
    let [title, payload] = ["title", "payload"].map(|key| postback.text(key));
    match &mid {
        Some(mid) => key.message(Some(mid)),
        None => key.between(&[payload.as_deref(), title.as_deref()]),
    }
    Content {
        ids: Ids::message(mid),
        text: title,
        data: Data::default()
            .text("payload", payload)
            .object("referral", referral::beside(item)),
        ..Content::default()
    }
}
