//! An item of known kind, and its content.

use std::borrow::Cow;

use crate::meta::{
    data::Data,
    ids::Ids,
    json::{Object, Value},
};

/// An optional text.
pub(in crate::meta) type Text<'a> = Option<Cow<'a, str>>;

/// An item of known kind.
pub(in crate::meta) struct Item<'t, 'a> {
    /// Key of its content.
    pub key: Option<&'static str>,
    /// Object with that key: a messaging item, or the value of a change.
    pub value: Object<'t, 'a>,
    /// Object under the key, else `value`, since samples of the dashboard omit the inner object.
    pub inner: Object<'t, 'a>,
    /// `verb` beside the value of a change.
    pub verb: Option<Value<'t, 'a>>,
    /// The account id: `entry.id`.
    pub account_id: Text<'a>,
}

/// Columns and own fields read from an item.
#[derive(Default)]
pub(in crate::meta) struct Content<'a> {
    pub ids: Ids<Text<'a>>,
    pub text: Text<'a>,
    pub is_echo: bool,
    pub is_self: bool,
    /// Author of a comment, who is its sender: id and user name.
    pub author: Option<[Text<'a>; 2]>,
    /// Own fields of the kind, under Meta's names.
    pub data: Data,
}
