//! `data` of an event: a JSON object under Meta's names that Postgres can store as `jsonb`.

use std::borrow::Cow;

use bytestring::ByteString;
use jiff::Timestamp;

use super::{json::Value, time};

/// Maximum length in bytes, and maximum power of ten, of a JSON number in `data`: Postgres refuses
/// numbers of more than 131,072 digits. A larger number becomes a string.
const MAX_NUMBER: usize = 1_000;

/// A JSON object without its braces; empty if no field was added.
#[derive(Clone, Debug, Default)]
pub struct Data(String);

impl Data {
    /// Adds a text or an id.
    #[must_use]
    pub fn text(self, name: &str, text: Option<Cow<'_, str>>) -> Self {
        self.with(name, text, |to, text| push_string(to, &text))
    }

    /// Adds a whole number.
    #[must_use]
    pub fn integer(self, name: &str, number: Option<i64>) -> Self {
        self.with(name, number, |to, number| to.push_str(&number.to_string()))
    }

    /// Adds a flag if it is set.
    #[must_use]
    pub fn flag(self, name: &str, is_set: bool) -> Self {
        self.with(name, is_set.then_some("true"), String::push_str)
    }

    /// Adds a time in milliseconds since 1970, parsed from any of Meta's spellings.
    #[must_use]
    pub fn moment(self, name: &str, spelled: Option<&str>) -> Self {
        let moment = spelled.and_then(time::read);
        self.integer(name, moment.map(Timestamp::as_millisecond))
    }

    /// Adds a value unchanged.
    #[must_use]
    pub fn value(self, name: &str, value: Option<Value<'_, '_>>) -> Self {
        self.with(name, value, push_value)
    }

    /// Adds an object unless it is empty.
    #[must_use]
    pub fn object(self, name: &str, object: Option<Self>) -> Self {
        let object = object.filter(|object| !object.0.is_empty());
        self.with(name, object, |to, object| push_braced(to, &object.0))
    }

    /// The object as text; none if it has no field.
    pub fn finish(self) -> Option<ByteString> {
        let mut text = String::with_capacity(self.0.len() + 2);
        push_braced(&mut text, &self.0);
        (!self.0.is_empty()).then(|| text.into())
    }

    fn with<T>(mut self, name: &str, field: Option<T>, push: impl FnOnce(&mut String, T)) -> Self {
        if let Some(field) = field {
            if !self.0.is_empty() {
                self.0.push(',');
            }
            push_string(&mut self.0, name);
            self.0.push(':');
            push(&mut self.0, field);
        }
        self
    }
}

fn push_braced(to: &mut String, inside: &str) {
    to.push('{');
    to.push_str(inside);
    to.push('}');
}

fn push_string(to: &mut String, text: &str) {
    let plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if text.bytes().all(plain) {
        to.push('"');
        to.push_str(text);
        to.push('"');
    } else {
        to.push_str(&serde_json::Value::from(text).to_string());
    }
}

/// Appends a value that has no unsafe text and is not nested too deep.
fn push_value(to: &mut String, value: Value<'_, '_>) {
    if let Some(list) = value.list() {
        push_parts(to, ['[', ']'], list, push_value);
    } else if let Some(object) = value.object() {
        push_parts(to, ['{', '}'], object.pairs(), |to, (key, value)| {
            to.push_str(key.raw());
            to.push(':');
            push_value(to, value);
        });
    } else if value.is_number() && !fits(value.raw()) {
        push_string(to, value.raw());
    } else {
        to.push_str(value.raw());
    }
}

fn push_parts<T>(
    to: &mut String,
    brackets: [char; 2],
    parts: impl Iterator<Item = T>,
    push: impl Fn(&mut String, T),
) {
    to.push(brackets[0]);
    for (at, part) in parts.enumerate() {
        if at > 0 {
            to.push(',');
        }
        push(to, part);
    }
    to.push(brackets[1]);
}

/// True if Postgres can store the number in `jsonb`.
fn fits(number: &str) -> bool {
    let exponent = number.split(['e', 'E']).nth(1).unwrap_or("0");
    let exponent = exponent.trim_start_matches(['+', '-']).parse::<usize>();
    number.len() <= MAX_NUMBER && exponent.is_ok_and(|exponent| exponent <= MAX_NUMBER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meta::json::Index;

    fn value_of(text: &str) -> String {
        let index = Index::of(text).unwrap();
        let data = Data::default().value("v", Some(index.root(text)));
        data.finish().unwrap().to_string()
    }

    #[test]
    fn fields_are_added_in_order_and_absent_ones_are_left_out() {
        let data = Data::default()
            .text("a", Some("x\"\n".into()))
            .text("b", None)
            .integer("c", Some(-1))
            .flag("d", true)
            .flag("e", false)
            .moment("f", Some("1793000000"))
            .moment("g", Some("soon"))
            .object("h", Some(Data::default().text("i", Some("".into()))))
            .object("j", Some(Data::default()));
        let expected = r#"{"a":"x\"\n","c":-1,"d":true,"f":1793000000000,"h":{"i":""}}"#;
        assert_eq!(data.finish().as_deref(), Some(expected));
        assert_eq!(Data::default().finish(), None);
    }

    #[test]
    fn a_value_is_kept_as_it_came() {
        let text = r#"[ {"a" : 1.50,"b":[ ]}, "\u00e4", null ]"#;
        assert_eq!(value_of(text), r#"{"v":[{"a":1.50,"b":[]},"\u00e4",null]}"#);
    }

    #[test]
    fn a_number_that_postgres_refuses_is_kept_as_a_string() {
        assert_eq!(value_of("1e999999999"), r#"{"v":"1e999999999"}"#);
        assert_eq!(value_of("[-1E-99999]"), r#"{"v":["-1E-99999"]}"#);
        assert_eq!(value_of("1e99"), r#"{"v":1e99}"#);
        let long = "7".repeat(MAX_NUMBER + 1);
        assert_eq!(value_of(&long), format!("{{\"v\":\"{long}\"}}"));
    }
}
