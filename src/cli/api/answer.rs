//! Answers of the API, and their rows.

use std::collections::BTreeMap;

use anyhow::Context;
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::{Value, value::RawValue};

use crate::{meta::json, query};

/// JSON object of an answer.
#[derive(Debug)]
pub(in crate::cli) struct Answer {
    whole: Row,
    members: BTreeMap<String, Box<RawValue>>,
}

/// JSON object of a list, as the API spells it.
#[derive(Debug)]
pub(in crate::cli) struct Row(Box<RawValue>);

impl Answer {
    pub(super) fn read(body: &[u8]) -> serde_json::Result<Self> {
        let whole: Box<RawValue> = serde_json::from_slice(body)?;
        Ok(Self {
            members: serde_json::from_str(whole.get())?,
            whole: Row(whole),
        })
    }

    /// The answer as one object.
    pub(in crate::cli) fn whole(&self) -> &Row {
        &self.whole
    }

    /// The rows of a list.
    pub(in crate::cli) fn rows(&self, name: &str) -> anyhow::Result<Vec<Row>> {
        let list = self.members.get(name);
        let rows: Option<Vec<Box<RawValue>>> =
            list.and_then(|list| serde_json::from_str(list.get()).ok());
        let rows = rows.with_context(|| format!("the answer has no list {name}"))?;
        Ok(rows.into_iter().map(Row).collect())
    }

    /// The object `name`; `None` if there is none.
    pub(in crate::cli) fn row(&self, name: &str) -> Option<Row> {
        let found = self.members.get(name)?;
        (found.get() != "null").then(|| Row(found.clone()))
    }

    /// A value; null if there is none.
    pub(in crate::cli) fn value(&self, name: &str) -> Value {
        self.row(name).map(|row| row.value()).unwrap_or_default()
    }

    /// A text; `None` for null.
    pub(in crate::cli) fn text(&self, name: &str) -> Option<String> {
        self.value(name).as_str().map(str::to_owned)
    }
}

impl Row {
    /// The object, for tables.
    pub(in crate::cli) fn value(&self) -> Value {
        serde_json::from_str(self.0.get()).unwrap_or_default()
    }

    /// The row with the keys of `shape` in its order, then those that `shape` lacks.
    ///
    /// # Errors
    /// If `shape` cannot be serialised.
    pub(in crate::cli) fn arranged(&self, shape: &impl Serialize) -> anyhow::Result<Self> {
        self.arrange(shape, true)
    }

    /// The row with the keys of `shape` and no others, in its order.
    ///
    /// # Errors
    /// If `shape` cannot be serialised.
    pub(in crate::cli) fn columns(&self, shape: &impl Serialize) -> anyhow::Result<Self> {
        self.arrange(shape, false)
    }

    fn arrange(&self, shape: &impl Serialize, others: bool) -> anyhow::Result<Self> {
        let shape = query::line(shape)?;
        let names = json::pairs(&shape).unwrap_or_default();
        let found = json::pairs(self.0.get()).unwrap_or_default();
        let value = |name: &str| found.iter().find(|(known, _)| known == name);
        let missing = |name: &str| !names.iter().any(|(known, _)| known == name);
        let arranged = names.iter().map(|(name, _)| {
            let value = value(name).map_or("null", |(_, value)| value);
            (name, value)
        });
        let others = found.iter().filter(|(name, _)| others && missing(name));
        let pairs = arranged.chain(others.map(|(name, value)| (name, *value)));
        let pairs: Vec<_> = pairs
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        let text = format!("{{{}}}", pairs.join(","));
        Ok(Self(RawValue::from_string(text)?))
    }
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// Typed fields of a JSON object. A missing field is as null.
pub(in crate::cli) trait Fields {
    /// A text or number; empty for null.
    fn text(&self, name: &str) -> String {
        self.some_text(name).unwrap_or_default()
    }

    /// A text or number; `None` for null.
    fn some_text(&self, name: &str) -> Option<String>;

    /// A time; `None` for null.
    fn at(&self, name: &str) -> Option<Timestamp> {
        self.some_text(name)?.parse().ok()
    }

    /// A time to the second; empty for null.
    fn time(&self, name: &str) -> String {
        let at = self.at(name).map(|at| format!("{at:.0}"));
        at.unwrap_or_default()
    }

    /// A flag; false for null.
    fn flag(&self, name: &str) -> bool;

    /// A list; empty for null.
    fn list(&self, name: &str) -> &[Value];

    /// Texts of a list.
    fn texts(&self, name: &str) -> Vec<String> {
        self.list(name).iter().filter_map(scalar).collect()
    }
}

impl Fields for Value {
    fn some_text(&self, name: &str) -> Option<String> {
        scalar(&self[name])
    }

    fn flag(&self, name: &str) -> bool {
        self[name].as_bool().unwrap_or(false)
    }

    fn list(&self, name: &str) -> &[Value] {
        self[name].as_array().map_or(&[], Vec::as_slice)
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
