//! Known names: tables by name, and names of which only known ones are allowed.

use std::{collections::BTreeMap, str::FromStr};

use super::fault::{Fault, quoted};
use super::reader::Reader;
use super::tree::Value;
use crate::vocabulary::Spelled;

impl Reader<'_> {
    /// Reads a table for each name of this section; notes the names of another form.
    pub(super) fn named_tables<N, T>(
        &mut self,
        noun: &str,
        allowed: &str,
        mut read: impl FnMut(&N, &mut Reader<'_>) -> Option<T>,
    ) -> Option<BTreeMap<N, T>>
    where
        N: FromStr + Ord,
    {
        let keys = self.names();
        let mut tables = BTreeMap::new();
        for key in &keys {
            if let Ok(name) = key.parse::<N>() {
                let table = self.section(key, |reader| read(&name, reader));
                tables.extend(table.map(|table| (name, table)));
            } else {
                // Discarded, so that it is not reported again as unknown.
                self.discard(key);
                let problem = format!("{} is not a valid {noun}", quoted(key));
                let section = self.path_of("");
                let fault = Fault::new(section.trim_end_matches('.'), problem);
                self.note(fault.allowed(allowed));
            }
        }
        (tables.len() == keys.len()).then_some(tables)
    }

    /// A name that is always set.
    pub(super) fn name_of<T: Spelled>(&mut self, key: &str) -> Option<T> {
        let value = self.required(key)?;
        self.known_name(key, &value)
    }

    /// An optional name.
    pub(super) fn optional_name<T: Spelled>(&mut self, key: &str) -> Option<T> {
        let value = self.take(key)?;
        self.known_name(key, &value)
    }

    fn known_name<T: Spelled>(&mut self, key: &str, value: &Value) -> Option<T> {
        let Value::Text { text, .. } = value else {
            self.refuse_type(key, value, &spelled::<T>().join(", "));
            return None;
        };
        let found = T::all().iter().copied().find(|it| it.name() == text);
        if found.is_none() {
            self.note_unknown(key, value, text, &spelled::<T>());
        }
        found
    }

    /// An optional list of names with at least one item.
    pub(super) fn names_of<T: Spelled>(&mut self, key: &str) -> Vec<T> {
        let known: Vec<_> = T::all().iter().map(|it| (it.name(), *it)).collect();
        self.list_of(key, &known)
    }

    /// An optional list of `known` names with at least one item.
    pub(super) fn list_of<T: Clone>(&mut self, key: &str, known: &[(&str, T)]) -> Vec<T> {
        let Some(value) = self.take(key) else {
            return Vec::new();
        };
        let items = self.items(key, &value);
        if items.as_ref().is_some_and(Vec::is_empty) {
            self.refuse_empty(key);
        }
        let names: Vec<_> = known.iter().map(|(name, _)| *name).collect();
        let mut found = Vec::new();
        for item in items.unwrap_or_default() {
            let it = known.iter().find(|(name, _)| *name == item);
            if it.is_none() {
                self.note_unknown(key, &value, &item, &names);
            }
            found.extend(it.map(|(_, it)| it.clone()));
        }
        found
    }

    /// Notes a name that is not one of `known`, with the nearest of them, or else with all.
    fn note_unknown(&mut self, key: &str, value: &Value, name: &str, known: &[&str]) {
        let fault = Fault::unknown(self.path_of(key), name, known);
        self.note(fault.set_by(value.variable()));
    }
}

fn spelled<T: Spelled>() -> Vec<&'static str> {
    T::all().iter().map(|it| it.name()).collect()
}
