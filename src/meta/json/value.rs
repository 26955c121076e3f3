//! Queries on a value of an indexed text. They do not parse the text again.

use std::borrow::Cow;

use super::{node::Node, spelled};

/// A value or key: `'t` is the lifetime of the index, `'a` that of the text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Value<'t, 'a> {
    text: &'a str,
    /// Node of the value, followed by the nodes of nested values.
    nodes: &'t [Node],
}

/// A JSON object. The last of a repeated key counts, as in Postgres.
#[derive(Clone, Debug, Default)]
pub struct Object<'t, 'a>(Values<'t, 'a>);

/// Consecutive values.
#[derive(Clone, Debug, Default)]
pub struct Values<'t, 'a> {
    text: &'a str,
    nodes: &'t [Node],
}

impl<'t, 'a> Value<'t, 'a> {
    pub(super) fn new(text: &'a str, nodes: &'t [Node]) -> Self {
        Self { text, nodes }
    }

    /// Text of the value.
    pub fn raw(self) -> &'a str {
        let range = self.nodes.first().map(|node| node.range());
        range.and_then(|at| self.text.get(at)).unwrap_or_default()
    }

    /// Offset of the value in the text, in bytes.
    pub fn start(self) -> usize {
        self.nodes.first().map_or(0, |node| node.range().start)
    }

    /// The decoded string, if the value is a string.
    pub fn string(self) -> Option<Cow<'a, str>> {
        let raw = self.raw();
        if self.is_escaped() {
            return super::string(raw);
        }
        unquoted(raw).map(Cow::Borrowed)
    }

    /// The value as an id: a string, or the digits of a number. An empty string is no id.
    pub fn id(self) -> Option<Cow<'a, str>> {
        let raw = self.raw();
        let id = if self.is_number() {
            Some(Cow::Borrowed(raw))
        } else {
            self.string()
        };
        id.filter(|id| !id.is_empty())
    }

    /// The value as an object.
    pub fn object(self) -> Option<Object<'t, 'a>> {
        self.raw().starts_with('{').then(|| Object(self.inner()))
    }

    /// The elements, if the value is a list.
    pub fn list(self) -> Option<Values<'t, 'a>> {
        self.raw().starts_with('[').then(|| self.inner())
    }

    /// True for a number.
    pub fn is_number(self) -> bool {
        self.raw()
            .starts_with(|first: char| first == '-' || first.is_ascii_digit())
    }

    /// Nesting depth of objects and lists.
    pub fn depth(self) -> usize {
        // End index of each open object and list.
        let (mut ends, mut deepest) = (Vec::new(), 0);
        for (at, node) in self.nodes.iter().enumerate() {
            while ends.last().is_some_and(|end| *end <= at) {
                ends.pop();
            }
            let start = self.text.as_bytes().get(node.range().start);
            if matches!(start, Some(b'{' | b'[')) {
                ends.push(at + node.size());
                deepest = deepest.max(ends.len());
            }
        }
        deepest
    }

    fn inner(self) -> Values<'t, 'a> {
        Values {
            text: self.text,
            nodes: self.nodes.get(1..).unwrap_or_default(),
        }
    }

    fn is_escaped(self) -> bool {
        self.nodes.first().is_some_and(|node| node.is_escaped())
    }
}

impl<'t, 'a> Object<'t, 'a> {
    /// A value by key; `null` counts as absent.
    pub fn get(&self, key: &str) -> Option<Value<'t, 'a>> {
        let Values { text, mut nodes } = self.0;
        let mut found = None;
        // A faster form of `pairs`, since this runs a dozen times for each item.
        while let [name, value, ..] = nodes {
            let (pair, rest) = nodes.split_at_checked(1 + value.size())?;
            if spells(*name, text, key) {
                found = pair.get(1..);
            }
            nodes = rest;
        }
        let value = Value::new(text, found?);
        (value.raw() != "null").then_some(value)
    }

    /// Text of a value.
    pub fn raw(&self, key: &str) -> Option<&'a str> {
        self.get(key).map(Value::raw)
    }

    /// A string.
    pub fn text(&self, key: &str) -> Option<Cow<'a, str>> {
        self.get(key)?.string()
    }

    /// An id: a string, or the digits of a number. An empty string is no id.
    pub fn id(&self, key: &str) -> Option<Cow<'a, str>> {
        self.get(key)?.id()
    }

    /// A flag: true for `true`, `1` and these as strings; false for anything else.
    pub fn flag(&self, key: &str) -> bool {
        let value = self.get(key).map(|value| (value.raw(), value.string()));
        value.is_some_and(|(raw, string)| matches!(string.as_deref().unwrap_or(raw), "true" | "1"))
    }

    /// A whole number, or a string of one.
    pub fn integer(&self, key: &str) -> Option<i64> {
        self.id(key)?.trim().parse().ok()
    }

    /// An object.
    pub fn object(&self, key: &str) -> Option<Self> {
        self.get(key)?.object()
    }

    /// The elements of a list.
    pub fn list(&self, key: &str) -> Option<Values<'t, 'a>> {
        self.get(key)?.list()
    }

    /// The id inside an object, as in `"sender": {"id": …}`.
    pub fn id_of(&self, key: &str) -> Option<Cow<'a, str>> {
        self.object(key)?.id("id")
    }

    /// All keys and values in order, including repeated keys.
    pub fn pairs(&self) -> impl Iterator<Item = (Value<'t, 'a>, Value<'t, 'a>)> + use<'t, 'a> {
        let mut values = self.0.clone();
        std::iter::from_fn(move || values.next().zip(values.next()))
    }
}

impl<'t, 'a> Iterator for Values<'t, 'a> {
    type Item = Value<'t, 'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let size = self.nodes.first()?.size();
        let (nodes, rest) = self.nodes.split_at_checked(size)?;
        self.nodes = rest;
        Some(Value::new(self.text, nodes))
    }
}

/// True if `node` of `text` is the string `string`. The length usually decides.
#[inline]
fn spells(node: Node, text: &str, string: &str) -> bool {
    let may = node.is_escaped() || node.range().len() == string.len() + 2;
    may && is_spelled(node, text, string)
}

fn is_spelled(node: Node, text: &str, string: &str) -> bool {
    let Some(own) = text.get(node.range()).and_then(unquoted) else {
        return false;
    };
    if node.is_escaped() {
        spelled::is(own, string)
    } else {
        own == string
    }
}

fn unquoted(raw: &str) -> Option<&str> {
    raw.strip_prefix('"')?.strip_suffix('"')
}
