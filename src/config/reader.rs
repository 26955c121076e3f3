//! Walks the tree of a configuration, section by section, and notes every fault on the way.
//!
//! A key that nobody takes is unknown, so that the code which reads a key is also its only
//! declaration. Nothing here shows the value of a secret.

use std::collections::BTreeSet;

use super::fault::{Fault, Faults};
use super::nearest::nearest;
use super::tree::{Table, Value, of_text};

/// Faults and keys collected while values are read.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) faults: Faults,
    /// Every key and section that was looked for.
    pub(super) known: BTreeSet<String>,
    unknown: Vec<Unknown>,
}

#[derive(Debug)]
struct Unknown {
    section: String,
    key: String,
    variable: Option<String>,
}

impl Notes {
    /// All faults, the unknown keys last, each with the known key that is nearest to it.
    pub(super) fn into_faults(self) -> Faults {
        let mut faults = self.faults;
        for unknown in &self.unknown {
            let path = join(&unknown.section, &unknown.key);
            let fault = if let Some(known) = nearest(&path, self.known.iter().map(String::as_str)) {
                Fault::new(path, format!("unknown key; did you mean {known}?"))
            } else {
                let siblings = siblings(&unknown.section, &self.known);
                Fault::new(path, "unknown key").allowed(siblings.join(", "))
            };
            faults.push(fault.set_by(unknown.variable.as_deref()));
        }
        faults
    }

    /// True if every key was known and valid.
    pub(super) fn is_clean(&self) -> bool {
        self.faults.is_empty() && self.unknown.is_empty()
    }
}

/// Reader of a section of the tree.
pub(super) struct Reader<'notes> {
    path: String,
    table: Table,
    notes: &'notes mut Notes,
}

impl<'notes> Reader<'notes> {
    /// The whole tree, whose keys have no section.
    pub(super) fn root(table: Table, notes: &'notes mut Notes) -> Self {
        Self {
            path: String::new(),
            table,
            notes,
        }
    }

    /// Reads a section; keys that `read` leaves are unknown ones.
    pub(super) fn section<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&mut Reader<'_>) -> Option<T>,
    ) -> Option<T> {
        let table = match self.required(key)? {
            Value::Table(table) => table,
            other => {
                self.refuse_type(key, &other, "a table of keys");
                return None;
            }
        };
        let mut reader = Reader {
            path: self.path_of(key),
            table,
            notes: &mut *self.notes,
        };
        let section = read(&mut reader);
        reader.finish();
        section
    }

    /// Reads a list of tables, which may be absent. Faults name a table by its number, from 1.
    pub(super) fn tables<T>(
        &mut self,
        key: &str,
        mut read: impl FnMut(&mut Reader<'_>) -> Option<T>,
    ) -> Vec<T> {
        let items = match self.take(key) {
            None => return Vec::new(),
            Some(Value::List(items)) => items,
            Some(other) => {
                self.refuse_type(key, &other, "tables in a configuration file");
                return Vec::new();
            }
        };
        let mut found = Vec::new();
        for (item, number) in items.into_iter().zip(1..) {
            let path = format!("{}[{number}]", self.path_of(key));
            let Value::Table(table) = item else {
                self.refuse_type(key, &item, "tables in a configuration file");
                continue;
            };
            let notes = &mut *self.notes;
            let mut reader = Reader { path, table, notes };
            found.extend(read(&mut reader));
            reader.finish();
        }
        found
    }

    /// Sets the keys that are absent to the values of `defaults`, a text of TOML.
    pub(super) fn fill(&mut self, defaults: &str) {
        for (key, value) in of_text(defaults) {
            self.table.entry(key).or_insert(value);
        }
    }

    /// The names of the keys that are left, in order.
    pub(super) fn names(&self) -> Vec<String> {
        self.table.keys().cloned().collect()
    }

    /// Number of faults noted so far, in every section.
    pub(super) fn fault_count(&self) -> usize {
        self.notes.faults.len()
    }

    pub(super) fn note(&mut self, fault: Fault) {
        self.notes.faults.push(fault);
    }

    /// A fault at a key of this section.
    pub(super) fn fault(&self, key: &str, problem: impl Into<String>) -> Fault {
        Fault::new(self.path_of(key), problem)
    }

    /// Notes a value that is not allowed, with the variable that set it, if one did.
    pub(super) fn refuse(
        &mut self,
        key: &str,
        value: &Value,
        problem: impl Into<String>,
        allowed: &str,
    ) {
        let fault = self.fault(key, problem).allowed(allowed);
        self.note(fault.set_by(value.variable()));
    }

    /// Notes a value of another type.
    pub(super) fn refuse_type(&mut self, key: &str, value: &Value, allowed: &str) {
        self.refuse(key, value, format!("found {}", value.describe()), allowed);
    }

    /// The value of a key that the defaults set, so that it cannot be absent.
    pub(super) fn required(&mut self, key: &str) -> Option<Value> {
        let value = self.take(key);
        if value.is_none() {
            self.note(self.fault(key, "is missing"));
        }
        value
    }

    /// The value of a key, which is a known one from now on.
    pub(super) fn take(&mut self, key: &str) -> Option<Value> {
        let path = self.path_of(key);
        self.notes.known.insert(path);
        self.table.remove(key)
    }

    /// The value of a key, which is still to be read.
    pub(super) fn peek(&self, key: &str) -> Option<&Value> {
        self.table.get(key)
    }

    /// Leaves out a key that has been dealt with.
    pub(super) fn discard(&mut self, key: &str) {
        self.table.remove(key);
    }

    /// The whole path of a key of this section.
    pub(super) fn path_of(&self, key: &str) -> String {
        join(&self.path, key)
    }

    /// Records every key that was not read as unknown.
    pub(super) fn finish(self) {
        for (key, value) in self.table {
            let variable = origin_within(&value);
            self.notes.unknown.push(Unknown {
                section: self.path.clone(),
                key,
                variable,
            });
        }
    }
}

fn join(section: &str, key: &str) -> String {
    if section.is_empty() {
        key.to_owned()
    } else {
        format!("{section}.{key}")
    }
}

/// The keys directly within a section.
fn siblings<'known>(section: &str, known: &'known BTreeSet<String>) -> Vec<&'known str> {
    let prefix = join(section, "");
    let within = known
        .iter()
        .filter_map(|path| path.strip_prefix(prefix.as_str()));
    within.filter(|key| !key.contains('.')).collect()
}

/// The variable that set a value or something within it.
fn origin_within(value: &Value) -> Option<String> {
    match value {
        Value::Table(table) => table.values().find_map(origin_within),
        _ => value.variable().map(str::to_owned),
    }
}
