//! JSON as a tree: objects and lists fold, keys keep their order, and strings are stored text.

use std::fmt::{self, Write as _};

use askama::filters::{HtmlSafe, Safe};

use super::text::{cut, stored};
use crate::meta::json::{Index, Value};

/// Maximum number of values in a tree. The exact text has the others.
const MOST: usize = 2_000;

/// Depth down to which a tree is open.
const OPEN: usize = 3;

/// Depth below which objects and lists are shown as text.
const DEEPEST: usize = 32;

/// Maximum number of characters of a value.
const LONGEST: usize = 2_000;

/// Maximum number of characters of a key.
const LONGEST_KEY: usize = 200;

/// Size of the HTML from which values are left out.
const LARGEST: usize = 256 << 10;

/// Tree as HTML.
#[derive(Debug)]
pub(super) struct Tree(String);

/// Makes the tree of a JSON text; `None` if it is no JSON.
pub(super) fn tree(json: &str) -> Option<Safe<Tree>> {
    let index = Index::of(json)?;
    let mut writer = Writer {
        html: "<ul class=\"tree\">".to_owned(),
        left: MOST,
        is_cut: false,
    };
    writer.children(index.root(json), 0).ok()?;
    if writer.is_cut {
        writer.html.push_str("<li>… more in the exact text</li>");
    }
    writer.html.push_str("</ul>");
    Some(Safe(Tree(writer.html)))
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Tree {}

struct Writer {
    html: String,
    /// Number of values that may still be written.
    left: usize,
    /// True if a value was left out.
    is_cut: bool,
}

impl Writer {
    /// Writes the values inside of an object or list, each as an item; another value as one item.
    fn children(&mut self, value: Value<'_, '_>, depth: usize) -> fmt::Result {
        if let Some(list) = value.list() {
            for (number, value) in list.enumerate() {
                self.item(&number.to_string(), value, depth)?;
            }
            return Ok(());
        }
        let Some(object) = value.object() else {
            return self.item("", value, depth);
        };
        for (key, value) in object.pairs() {
            self.item(&key.string().unwrap_or_default(), value, depth)?;
        }
        Ok(())
    }

    fn item(&mut self, key: &str, value: Value<'_, '_>, depth: usize) -> fmt::Result {
        if self.left == 0 || self.html.len() > LARGEST {
            self.is_cut = true;
            return Ok(());
        }
        self.left -= 1;
        let key = cut(key, LONGEST_KEY);
        let key = format!("<span class=\"j-key\">{}</span>", stored(&key).0);
        match size(value).filter(|size| *size > 0 && depth < DEEPEST) {
            None => write!(self.html, "<li>{key} {}</li>", Leaf(value)),
            Some(size) => {
                let open = if depth < OPEN { " open" } else { "" };
                write!(
                    self.html,
                    "<li><details{open}><summary>{key} <span class=\"j-size\">{size}</span>\
                     </summary><ul>"
                )?;
                self.children(value, depth + 1)?;
                self.html.write_str("</ul></details></li>")
            }
        }
    }
}

/// Number of values inside; `None` for a value without an inside.
fn size(value: Value<'_, '_>) -> Option<usize> {
    let list = value.list().map(Iterator::count);
    list.or_else(|| value.object().map(|object| object.pairs().count()))
}

struct Leaf<'t, 'a>(Value<'t, 'a>);

impl fmt::Display for Leaf<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(text) = self.0.string() else {
            let raw = cut(self.0.raw(), LONGEST);
            return write!(f, "<span class=\"j-num\">{}</span>", stored(&raw).0);
        };
        let text = cut(&text, LONGEST);
        write!(f, "<span class=\"j-str\">\"{}\"</span>", stored(&text).0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(json: &str) -> String {
        tree(json).unwrap().0.to_string()
    }

    #[test]
    fn keys_keep_their_order_and_markup_is_text() {
        let html = html(r#"{"b": "<script>", "a": [1, null], "c": {}}"#);
        let places = [
            "<bdi>b</bdi>",
            "&lt;script&gt;",
            "<bdi>a</bdi>",
            "<bdi>c</bdi>",
        ];
        let places: Vec<_> = places.iter().map(|it| html.find(it).unwrap()).collect();
        assert!(places.is_sorted(), "{html}");
        assert!(!html.contains("<script"));
    }

    #[test]
    fn a_huge_list_ends() {
        let json = format!("[{}0]", "0,".repeat(10_000));
        let html = html(&json);
        assert_eq!(html.matches("<li>").count(), MOST + 1);
        assert!(html.contains("more in the exact text"));
    }

    #[test]
    fn keys_values_and_depth_are_bounded() {
        let long = "9".repeat(5_000);
        let deep = format!("{}1{}", "[".repeat(60), "]".repeat(60));
        let html = html(&format!(
            "{{\"{long}\": {long}, \"s\": \"{long}\", \"d\": {deep}}}"
        ));
        assert!(html.len() < 20_000, "{}", html.len());
        assert_eq!(html.matches("<details").count(), DEEPEST);
        let strings = format!("[{}0]", format!("\"{}\",", "<".repeat(2_000)).repeat(500));
        let html = super::tree(&strings).unwrap().0.to_string();
        assert!(html.len() < LARGEST + 20_000, "{}", html.len());
        assert!(html.contains("more in the exact text"));
    }

    #[test]
    fn other_text_is_no_tree() {
        assert!(tree("{\"a\":").is_none());
    }
}
