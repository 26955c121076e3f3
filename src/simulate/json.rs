//! The JSON of a body before a sender writes it.
//!
//! Keys stay in the order in which they were put, because Meta's senders have one;
//! `serde_json::Value` would sort them.

use std::borrow::Cow;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Integer(i64),
    Decimal(f64),
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(Cow<'static, str>, Json)>),
    /// When Meta sends the body: the one number that another try has anew.
    SentAt(i64),
}

impl Json {
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
        $crate::simulate::json::Json::Object(vec![
            $((::std::borrow::Cow::Borrowed($key), $crate::simulate::json::Json::from($value)),)*
        ])
    };
}
pub(super) use object;

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Json {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<bool> for Json {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<i64> for Json {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<f64> for Json {
    fn from(number: f64) -> Self {
        Self::Decimal(number)
    }
}

impl<const N: usize> From<[Json; N]> for Json {
    fn from(items: [Json; N]) -> Self {
        Self::Array(items.into())
    }
}

impl From<Vec<Json>> for Json {
    fn from(items: Vec<Json>) -> Self {
        Self::Array(items)
    }
}
