//! The JSON of a body before a sender writes it.
//!
//! Keys stay in the order in which they were put, because Meta's senders have one;
//! `serde_json::Value` would sort them.

use std::borrow::Cow;

/// A JSON value that owns its texts.
pub(super) type Json = Value<'static>;

/// A JSON value, whose texts may be those of whoever tells it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    Decimal(f64),
    Text(Cow<'a, str>),
    Array(Vec<Self>),
    Object(Keys<'a>),
    /// When Meta sends the body: the one number that another try has anew.
    SentAt(i64),
    /// What its sender has written already.
    Written(Vec<u8>),
}

/// The keys of an object: names in letters that every sender writes as they are.
pub(super) type Keys<'a> = Vec<(&'static str, Value<'a>)>;

impl<'a> Value<'a> {
    /// A text that is not copied.
    pub(super) fn lent(text: &'a str) -> Self {
        Self::Text(text.into())
    }

    /// The keys of this object and then those of `more`. What is no object stays as it is.
    pub(super) fn and(mut self, more: Self) -> Self {
        if let (Self::Object(keys), Self::Object(added)) = (&mut self, more) {
            keys.extend(added);
        }
        self
    }
}

/// Writes an object as it will look: `object! { "id": id, "text": "Hello" }`.
macro_rules! object {
    ($($key:literal : $value:expr),* $(,)?) => {
        $crate::simulate::json::Value::Object(vec![
            $(($key, $crate::simulate::json::Value::from($value)),)*
        ])
    };
}
pub(super) use object;

impl From<&str> for Value<'_> {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned().into())
    }
}

impl From<&String> for Value<'_> {
    fn from(text: &String) -> Self {
        Self::Text(text.clone().into())
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<bool> for Value<'_> {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<f64> for Value<'_> {
    fn from(number: f64) -> Self {
        Self::Decimal(number)
    }
}

impl<'a, const N: usize> From<[Value<'a>; N]> for Value<'a> {
    fn from(items: [Value<'a>; N]) -> Self {
        Self::Array(items.into())
    }
}

impl<'a> From<Vec<Value<'a>>> for Value<'a> {
    fn from(items: Vec<Value<'a>>) -> Self {
        Self::Array(items)
    }
}
