//! The tree of values that have no type yet. None of them can be printed: they may be secrets.

use std::collections::BTreeMap;

/// The values of a section by their keys.
pub(super) type Table = BTreeMap<String, Value>;

/// A value as it was found.
#[derive(Clone)]
pub(super) enum Value {
    /// A text, and the environment variable that set it, if one did.
    Text {
        text: String,
        variable: Option<String>,
    },
    Number(i64),
    Fraction,
    Flag(bool),
    List(Vec<Self>),
    Table(Table),
}

impl Value {
    /// The value of an environment variable: a text, whatever it looks like.
    pub(super) fn of_variable(name: &str, text: &str) -> Self {
        Self::Text {
            text: text.to_owned(),
            variable: Some(name.to_owned()),
        }
    }

    /// The environment variable that set the value, if one did.
    pub(super) fn variable(&self) -> Option<&str> {
        match self {
            Self::Text { variable, .. } => variable.as_deref(),
            _ => None,
        }
    }

    /// The kind of the value, without what it says.
    pub(super) fn describe(&self) -> &'static str {
        match self {
            Self::Text { .. } => "a text",
            Self::Number(_) => "a number",
            Self::Fraction => "a number with a fraction",
            Self::Flag(_) => "a boolean",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// A value of a file.
impl From<toml::Value> for Value {
    fn from(value: toml::Value) -> Self {
        let text = |text| Self::Text {
            text,
            variable: None,
        };
        match value {
            toml::Value::String(value) => text(value),
            toml::Value::Datetime(time) => text(time.to_string()),
            toml::Value::Integer(number) => Self::Number(number),
            toml::Value::Float(_) => Self::Fraction,
            toml::Value::Boolean(flag) => Self::Flag(flag),
            toml::Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            toml::Value::Table(table) => Self::Table(from_file(table)),
        }
    }
}

/// The values of a file or of a table in it.
pub(super) fn from_file(table: toml::Table) -> Table {
    let values = table.into_iter();
    values.map(|(key, value)| (key, value.into())).collect()
}

/// The values of a constant text of TOML.
pub(super) fn of_text(text: &str) -> Table {
    toml::from_str(text).map(from_file).unwrap_or_default()
}

/// Lays `upper` over `lower`: a table is merged with a table, anything else replaces what is there.
pub(super) fn overlay(lower: &mut Table, upper: Table) {
    for (key, above) in upper {
        let value = match (lower.remove(&key), above) {
            (Some(Value::Table(mut below)), Value::Table(above)) => {
                overlay(&mut below, above);
                Value::Table(below)
            }
            (_, above) => above,
        };
        lower.insert(key, value);
    }
}
