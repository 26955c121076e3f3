//! JSON as a tree: objects and lists fold, keys keep their order, and strings are stored text. A term
//! is marked in keys and values, and the branches to it are open.

use std::fmt::{self, Write as _};

use askama::filters::{HtmlSafe, Safe};

use super::{
    digits::{counted, grouped},
    term::Term,
    text::{cut, marked, stored},
};
use crate::meta::json::{Index, Value};

/// Maximum number of values in a tree. The exact text has the others.
const MOST: usize = 2_000;

/// Maximum number of values in which a term is looked for.
const MOST_SEARCHED: usize = 100_000;

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
    Some(Writer::write(Index::of(json)?.root(json), None, false)?.tree())
}

/// Makes the tree of a JSON text with a term, and says how often it was found. If the tree cannot
/// hold all values, it has the branches with the term alone.
pub(super) fn searched(json: &str, term: &Term) -> Option<(Safe<Tree>, String)> {
    let index = Index::of(json)?;
    let write = |term, is_narrow| Writer::write(index.root(json), term, is_narrow);
    let mut found = write(Some(term), false)?;
    if found.is_cut {
        found = write(Some(term), true)?;
    }
    let said = found.said();
    if found.matches == 0 {
        found = write(None, false)?;
    }
    Some((found.tree(), said))
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Tree {}

struct Writer<'w> {
    html: String,
    /// Number of values that may still be written.
    left: usize,
    /// Number of values that may still be searched.
    to_search: usize,
    /// True if a value was left out.
    is_cut: bool,
    term: Option<&'w Term>,
    /// True if only branches with the term are written.
    is_narrow: bool,
    /// Number of keys and values with the term.
    matches: usize,
}

/// Name of a value inside of another.
#[derive(Clone, Copy)]
enum Name<'n> {
    Key(&'n str),
    /// Place in a list, which no term names.
    Place(usize),
}

impl<'w> Writer<'w> {
    /// Writes a tree; `None` if that fails.
    fn write(root: Value<'_, '_>, term: Option<&'w Term>, is_narrow: bool) -> Option<Self> {
        let mut writer = Self {
            html: "<ul class=\"tree\">".to_owned(),
            left: MOST,
            to_search: MOST_SEARCHED,
            is_cut: false,
            term,
            is_narrow,
            matches: 0,
        };
        writer.children(root, 0).ok()?;
        if writer.is_cut {
            writer.html.push_str("<li>… more in the exact text</li>");
        }
        writer.html.push_str("</ul>");
        Some(writer)
    }

    fn tree(self) -> Safe<Tree> {
        Safe(Tree(self.html))
    }

    /// Number of matches in words.
    fn said(&self) -> String {
        let matches = counted(self.matches, "match", "matches");
        match (self.matches, self.is_cut, self.is_narrow) {
            (0, false, _) => "No match".to_owned(),
            (0, true, _) => format!("No match in the first {} values", grouped(MOST_SEARCHED)),
            (_, false, false) => matches,
            (_, false, true) => format!("{matches}, shown without the rest of the payload"),
            (_, true, _) => format!("At least {matches}, shown without the rest of the payload"),
        }
    }

    /// Writes the values inside of an object or list, each as an item; another value as one item.
    fn children(&mut self, value: Value<'_, '_>, depth: usize) -> fmt::Result {
        if let Some(list) = value.list() {
            for (number, value) in list.enumerate() {
                self.item(Name::Place(number), value, depth)?;
            }
            return Ok(());
        }
        let Some(object) = value.object() else {
            return self.item(Name::Key(""), value, depth);
        };
        for (key, value) in object.pairs() {
            let key = key.string().unwrap_or_default();
            self.item(Name::Key(&key), value, depth)?;
        }
        Ok(())
    }

    fn item(&mut self, name: Name<'_>, value: Value<'_, '_>, depth: usize) -> fmt::Result {
        if self.left == 0 || self.to_search == 0 || self.html.len() > LARGEST {
            self.is_cut = true;
            return Ok(());
        }
        self.to_search -= 1;
        let (start, left, matches) = (self.html.len(), self.left, self.matches);
        self.left -= 1;
        self.html.write_str("<li>")?;
        match size(value).filter(|size| *size > 0 && depth < DEEPEST) {
            None => {
                self.name(name)?;
                self.leaf(value)?;
            }
            Some(size) => self.branch(name, (value, size), depth)?,
        }
        self.html.write_str("</li>")?;
        if self.is_narrow && self.matches == matches {
            self.html.truncate(start);
            self.left = left;
        }
        Ok(())
    }

    fn branch(
        &mut self,
        name: Name<'_>,
        (value, size): (Value<'_, '_>, usize),
        depth: usize,
    ) -> fmt::Result {
        self.html.write_str("<details")?;
        let place = self.html.len();
        self.html.write_str("><summary>")?;
        self.name(name)?;
        write!(
            self.html,
            "<span class=\"j-size\">{size}</span></summary><ul>"
        )?;
        let matches = self.matches;
        self.children(value, depth + 1)?;
        self.html.write_str("</ul></details>")?;
        let is_open = match self.term {
            Some(_) => self.matches > matches,
            None => depth < OPEN,
        };
        if is_open {
            self.html.insert_str(place, " open");
        }
        Ok(())
    }

    fn name(&mut self, name: Name<'_>) -> fmt::Result {
        self.html.write_str("<span class=\"j-key\">")?;
        match name {
            Name::Key(key) => self.text(key, LONGEST_KEY)?,
            Name::Place(number) => write!(self.html, "{}", stored(&number.to_string()).0)?,
        }
        self.html.write_str("</span> ")
    }

    fn leaf(&mut self, value: Value<'_, '_>) -> fmt::Result {
        let (class, text, quote) = match value.string() {
            Some(text) => ("j-str", text, "\""),
            None => ("j-num", value.raw().into(), ""),
        };
        write!(self.html, "<span class=\"{class}\">{quote}")?;
        self.text(&text, LONGEST)?;
        write!(self.html, "{quote}</span>")
    }

    /// Writes a text with the places of the term, cut. If all of them are cut off, the sign of the
    /// cut is marked.
    fn text(&mut self, text: &str, longest: usize) -> fmt::Result {
        let shown = cut(text, longest);
        let mut marks = Vec::new();
        if let Some(term) = self.term {
            marks = term.places(&shown);
            if marks.is_empty() && shown != text && term.is_in(text) {
                let sign = shown.floor_char_boundary(shown.len() - 1);
                marks.push(sign..shown.len());
            }
        }
        self.matches += usize::from(!marks.is_empty());
        write!(self.html, "{}", marked(&shown, marks).0)
    }
}

/// Number of values inside; `None` for a value without an inside.
fn size(value: Value<'_, '_>) -> Option<usize> {
    let list = value.list().map(Iterator::count);
    list.or_else(|| value.object().map(|object| object.pairs().count()))
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

    fn found(json: &str, term: &str) -> (String, String) {
        let (tree, said) = searched(json, &Term::of(term)).unwrap();
        (tree.0.to_string(), said)
    }

    #[test]
    fn a_term_is_marked_in_keys_and_values_and_its_branches_are_open() {
        let json =
            r#"{"a": {"b": {"c": {"d": {"Mid": "x mid.1"}}}}, "e": [{"f": 7}], "m": {"id": 1}}"#;
        let (marked, said) = found(json, "MID");
        assert_eq!(said, "2 matches");
        assert!(marked.contains("<bdi><mark>Mid</mark></bdi>"), "{marked}");
        assert!(marked.contains("<bdi>x <mark>mid</mark>.1</bdi>"));
        let branches = ["<details open>", "<details>"].map(|tag| marked.matches(tag).count());
        assert_eq!(branches, [4, 3]);
        assert_eq!(found(json, "none"), (html(json), "No match".to_owned()));
        let (hostile, _) = found(r#"["<script>"]"#, "<script>");
        assert!(hostile.contains("<mark>&lt;script&gt;</mark>"), "{hostile}");
        assert_eq!(found("[5, 6]", "0").1, "No match", "a place is no key");
    }

    #[test]
    fn a_term_in_a_large_payload_is_shown_alone() {
        let json = format!("[{}[[\"needle\"]]]", "{\"a\": 0},".repeat(5_000));
        let (html, said) = found(&json, "needle");
        assert_eq!(said, "1 match, shown without the rest of the payload");
        assert!(html.contains("<mark>needle</mark>"), "{html}");
        assert_eq!(html.matches("<li>").count(), 3);
        let long = format!("[\"{}needle\"]", "x".repeat(2 * LONGEST));
        let (html, said) = found(&long, "needle");
        assert_eq!(said, "1 match");
        assert!(html.contains("<mark>…</mark>"), "it is behind the cut");
    }

    #[test]
    fn a_search_is_bounded() {
        let (html, said) = found(&format!("[{}0]", "\"needle\",".repeat(10_000)), "needle");
        assert!(said.starts_with("At least 2,000 matches"), "{said}");
        assert_eq!(html.matches("<mark>").count(), MOST);
        let far = format!("[{}\"needle\"]", "0,".repeat(MOST_SEARCHED));
        assert_eq!(
            found(&far, "needle").1,
            "No match in the first 100,000 values"
        );
        let all = format!("[{}0]", format!("\"{}\",", "a".repeat(LONGEST)).repeat(500));
        let (html, _) = found(&all, "a");
        assert!(html.len() < LARGEST + 60_000, "{}", html.len());
    }

    #[test]
    fn other_text_is_no_tree() {
        assert!(tree("{\"a\":").is_none());
    }
}
