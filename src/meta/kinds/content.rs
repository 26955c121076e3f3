//! An item whose kind is decided, and its content.

use std::borrow::Cow;

use super::NaturalKey;
use crate::meta::{
    data::Data,
    ids::Ids,
    json::{Object, Value},
};

/// A text that may be missing.
pub(in crate::meta) type Text<'a> = Option<Cow<'a, str>>;

/// An item whose kind is decided.
pub(in crate::meta) struct Item<'t, 'a> {
    /// The key under which its content stands.
    pub key: Option<&'static str>,
    /// The object that holds that key: a messaging item, or the value of a change.
    pub value: Object<'t, 'a>,
    /// The object under the key, else `value`: samples of the dashboard leave the inner one out.
    pub inner: Object<'t, 'a>,
    /// `verb` beside the value of a change.
    pub verb: Option<Value<'t, 'a>>,
    /// `entry.id`.
    pub account_id: Text<'a>,
}

/// The columns that an item of a kind fills, and the own fields of its kind.
#[derive(Default)]
pub(in crate::meta) struct Content<'a> {
    pub ids: Ids<Text<'a>>,
    pub text: Text<'a>,
    pub is_echo: bool,
    pub is_self: bool,
    /// The author of a comment, who is its sender: id and user name.
    pub author: Option<[Text<'a>; 2]>,
    /// The own fields under Meta's names.
    pub data: Data,
}

/// The content of an item without a kind.
pub(super) fn nothing<'a>(_: &Item<'_, 'a>, _: &mut NaturalKey<'_>) -> Content<'a> {
    Content::default()
}
