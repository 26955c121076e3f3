//! The kinds of values that keys have: texts, numbers, paths and lists.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::fault::quoted;
use super::reader::Reader;
use super::tree::Value;

impl Reader<'_> {
    /// An optional text that is not empty.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        self.optional(key, "a text that is not empty", |text| {
            (!text.is_empty()).then(|| text.to_owned())
        })
    }

    /// An optional path; relative ones start at the working directory.
    pub(super) fn path(&mut self, key: &str) -> Option<PathBuf> {
        let allowed = "a path (a leading ~ is not expanded)";
        self.optional(key, allowed, |text| {
            let path = Path::new(text);
            if text.is_empty() || path.starts_with("~") {
                return None;
            }
            std::path::absolute(path).ok()
        })
    }

    /// A text that is always set and has a form of its own.
    pub(super) fn parsed<T: FromStr>(&mut self, key: &str, allowed: &str) -> Option<T> {
        let value = self.required(key)?;
        self.convert(key, &value, allowed, |text| text.parse().ok())
    }

    /// An optional text with a form of its own.
    pub(super) fn optional<T>(
        &mut self,
        key: &str,
        allowed: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let value = self.take(key)?;
        self.convert(key, &value, allowed, parse)
    }

    /// A text that `parse` takes, else a fault that says what is allowed.
    pub(super) fn convert<T>(
        &mut self,
        key: &str,
        value: &Value,
        allowed: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let (parsed, found) = match value {
            Value::Text { text, .. } => (parse(text), format!("{} is not allowed", quoted(text))),
            _ => (None, format!("found {}", value.describe())),
        };
        if parsed.is_none() {
            self.refuse(key, value, found, allowed);
        }
        parsed
    }

    pub(super) fn flag(&mut self, key: &str) -> Option<bool> {
        let value = self.required(key)?;
        self.convert_flag(key, &value)
    }

    /// An optional flag.
    pub(super) fn optional_flag(&mut self, key: &str) -> Option<bool> {
        let value = self.take(key)?;
        self.convert_flag(key, &value)
    }

    fn convert_flag(&mut self, key: &str, value: &Value) -> Option<bool> {
        if let Value::Flag(flag) = value {
            return Some(*flag);
        }
        // From the environment everything is a text.
        self.convert(key, value, "true or false", |text| text.parse().ok())
    }

    /// An optional list with at least one item.
    pub(super) fn optional_list<T>(
        &mut self,
        key: &str,
        allowed: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let is_set = self.peek(key).is_some();
        let (faults, list) = (self.fault_count(), self.list(key, allowed, parse));
        if !is_set {
            return None;
        }
        if list.is_empty() && self.fault_count() == faults {
            self.refuse_empty(key);
        }
        Some(list)
    }

    /// Notes an empty list, which would exclude everything.
    pub(super) fn refuse_empty(&mut self, key: &str) {
        let fault = self.fault(key, "is an empty list");
        self.note(fault.allowed("at least one item, or no such key"));
    }

    /// The value of a key that has no default and must be set.
    pub(super) fn set<T>(&mut self, key: &str, value: Option<T>, allowed: &str) -> Option<T> {
        if value.is_none() {
            let fault = self.fault(key, "is missing").allowed(allowed);
            self.note(fault);
        }
        value
    }

    /// A whole number within a range.
    pub(super) fn number<T: TryFrom<u64>>(
        &mut self,
        key: &str,
        range: RangeInclusive<u64>,
    ) -> Option<T> {
        let value = self.required(key)?;
        let problem = match whole(&value) {
            None => format!("found {}", shown(&value)),
            Some(number) if number < i128::from(*range.start()) => {
                format!("{number} is too small")
            }
            Some(number) => {
                let fits = u64::try_from(number).ok();
                let fits = fits.filter(|number| range.contains(number));
                match fits.and_then(|number| T::try_from(number).ok()) {
                    Some(number) => return Some(number),
                    None => format!("{number} is too large"),
                }
            }
        };
        let allowed = format!("{} to {}", range.start(), range.end());
        self.refuse(key, &value, problem, &allowed);
        None
    }

    /// A list of texts; from the environment they are separated by commas.
    pub(super) fn list<T>(
        &mut self,
        key: &str,
        allowed: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Vec<T> {
        let Some(value) = self.take(key) else {
            return Vec::new();
        };
        let mut list = Vec::new();
        for item in self.items(key, &value).unwrap_or_default() {
            let parsed = parse(&item);
            if parsed.is_none() {
                let problem = format!("{} is not allowed", quoted(&item));
                self.refuse(key, &value, problem, allowed);
            }
            list.extend(parsed);
        }
        list
    }

    /// The items of a list; notes a value that is none, or holds something other than texts.
    pub(super) fn items(&mut self, key: &str, value: &Value) -> Option<Vec<String>> {
        const ALLOWED: &str = "a list of texts";
        let items = match value {
            Value::Text {
                text,
                variable: Some(_),
            } => return Some(commas(text)),
            Value::List(items) => items,
            _ => {
                self.refuse_type(key, value, ALLOWED);
                return None;
            }
        };
        let mut texts = Vec::new();
        for item in items {
            let Value::Text { text, .. } = item else {
                let problem = format!("found {} in the list", item.describe());
                self.refuse(key, value, problem, ALLOWED);
                return None;
            };
            texts.push(text.clone());
        }
        Some(texts)
    }
}

/// A text as it was found, anything else as what it is.
fn shown(value: &Value) -> String {
    match value {
        Value::Text { text, .. } => format!("the text {}", quoted(text)),
        _ => value.describe().to_owned(),
    }
}

/// A whole number; the digits of a variable are one too, those of a text in a file are not.
fn whole(value: &Value) -> Option<i128> {
    match value {
        Value::Number(number) => Some(i128::from(*number)),
        Value::Text { text, variable } if variable.is_some() => text.trim().parse().ok(),
        _ => None,
    }
}

/// The items of a list in a variable; an empty variable is an empty list.
fn commas(text: &str) -> Vec<String> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    text.split(',').map(|item| item.trim().to_owned()).collect()
}
