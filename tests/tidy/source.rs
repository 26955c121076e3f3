//! Files of the repository, and Rust files as a flat list of tokens.
//!
//! `proc-macro2` does the lexing, so comments, strings and lifetimes are recognised as by the
//! compiler. Documentation comments are dropped, because they may name items that code may not use.

use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A file and, if it is Rust, its tokens.
#[derive(Debug)]
pub(crate) struct Source {
    /// Path relative to the repository, with forward slashes.
    pub(crate) path: String,
    /// Full text.
    pub(crate) text: String,
}

/// A token and its position.
#[derive(Debug)]
pub(crate) struct Token {
    /// Text as written; a delimiter is one of `(`, `)`, `{`, `}`, `[`, `]`.
    pub(crate) text: String,
    /// Line, counted from one.
    pub(crate) line: usize,
    /// Number of enclosing inline `mod name { … }`.
    pub(crate) depth: usize,
    /// True if the token belongs to an item under `#[cfg(test)]`.
    pub(crate) test: bool,
}

impl Source {
    /// Makes an in-memory file for a unit test.
    #[cfg(test)]
    pub(crate) fn sample(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    /// Module path from the crate root: `src/store/pg.rs` is `["store", "pg"]`.
    pub(crate) fn modules(&self) -> Vec<&str> {
        let path = self.path.strip_prefix("src/").unwrap_or(&self.path);
        let path = path.strip_suffix(".rs").unwrap_or(path);
        path.split('/')
            .filter(|part| !matches!(*part, "mod" | "lib"))
            .collect()
    }

    /// Top-level module (room) of the file; `lib` for the root and `main` for the binary.
    pub(crate) fn room(&self) -> &str {
        self.modules().first().copied().unwrap_or("lib")
    }

    /// True if the whole file is test code, such as `src/meta/tests.rs`.
    pub(crate) fn is_test(&self) -> bool {
        self.modules().contains(&"tests")
    }

    /// True for a Rust file.
    pub(crate) fn is_rust(&self) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|ending| ending == "rs")
    }

    /// Tokens of a Rust file, in order.
    pub(crate) fn tokens(&self) -> Vec<Token> {
        let stream: TokenStream = match self.text.parse() {
            Ok(stream) => stream,
            Err(error) => panic!("{} is not Rust: {error}", self.path),
        };
        let mut tokens = Vec::new();
        flatten(stream, 0, self.is_test(), &mut tokens);
        tokens
    }
}

/// Appends `stream` to `out` and tracks inline modules and test items.
fn flatten(stream: TokenStream, depth: usize, test: bool, out: &mut Vec<Token>) {
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let mut item_is_test = false;
    for (i, tree) in trees.iter().enumerate() {
        let test = test || item_is_test;
        let line = tree.span().start().line;
        match tree {
            TokenTree::Group(group) => {
                let inside = group.stream();
                let attribute = group.delimiter() == Delimiter::Bracket && follows(&trees, i, "#");
                if attribute && opens_with(&inside, "doc") {
                    continue;
                }
                item_is_test |= attribute && is_cfg_test(&inside);
                let brace = group.delimiter() == Delimiter::Brace;
                let module = brace && i >= 2 && trees[i - 2].to_string() == "mod";
                let (open, close) = delimiters(group.delimiter());
                out.push(Token {
                    text: open.to_owned(),
                    line,
                    depth,
                    test,
                });
                flatten(inside, depth + usize::from(module), test, out);
                let line = group.span_close().start().line;
                out.push(Token {
                    text: close.to_owned(),
                    line,
                    depth,
                    test,
                });
                item_is_test &= !brace;
            }
            leaf => {
                out.push(Token {
                    text: leaf.to_string(),
                    line,
                    depth,
                    test,
                });
                item_is_test &= leaf.to_string() != ";";
            }
        }
    }
}

/// True if the tree before `i` is `#`, or `#!` for an inner attribute.
fn follows(trees: &[TokenTree], i: usize, mark: &str) -> bool {
    let before = |n: usize| i.checked_sub(n).map(|at| trees[at].to_string());
    before(1).as_deref() == Some(mark)
        || before(1).as_deref() == Some("!") && before(2).as_deref() == Some(mark)
}

fn opens_with(stream: &TokenStream, word: &str) -> bool {
    stream
        .clone()
        .into_iter()
        .next()
        .is_some_and(|tree| tree.to_string() == word)
}

/// True if an attribute is `cfg(test)`, also as one of several conditions.
fn is_cfg_test(attribute: &TokenStream) -> bool {
    let text = attribute.to_string();
    text.starts_with("cfg")
        && !text.contains("not")
        && text
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .any(|word| word == "test")
}

fn delimiters(delimiter: Delimiter) -> (&'static str, &'static str) {
    match delimiter {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    }
}

/// True if the tokens from `i` on are exactly `pattern`.
pub(crate) fn matches(tokens: &[Token], i: usize, pattern: &[&str]) -> bool {
    tokens.len() >= i + pattern.len()
        && tokens[i..]
            .iter()
            .zip(pattern)
            .all(|(token, text)| token.text == *text)
}

/// Reads one file of the repository.
pub(crate) fn read(path: &str) -> String {
    match fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)) {
        Ok(text) => text,
        Err(error) => panic!("{path} cannot be read ({error}): the house rules need it"),
    }
}

/// Reads all files below `places` whose names have `ending`.
pub(crate) fn sources(places: &[&str], ending: &str) -> Vec<Source> {
    let paths = paths(places, ending).into_iter();
    paths
        .map(|path| Source {
            text: read(&path),
            path,
        })
        .collect()
}

/// Sorted paths of all files below `places` whose names have `ending`. Missing places are ignored.
pub(crate) fn paths(places: &[&str], ending: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for place in places {
        walk(place, ending, &mut paths);
    }
    paths.sort();
    paths
}

fn walk(place: &str, ending: &str, out: &mut Vec<String>) {
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join(place);
    if full.is_file() && place.ends_with(ending) {
        out.push(place.to_owned());
    }
    let Ok(entries) = fs::read_dir(full) else {
        return;
    };
    for entry in entries {
        let entry = entry.expect("a readable directory of the repository");
        walk(
            &format!("{place}/{}", entry.file_name().to_string_lossy()),
            ending,
            out,
        );
    }
}

#[test]
fn tokens_know_their_line_their_module_and_whether_they_are_tests() {
    let text = "//! Axum.\nfn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n";
    let tokens = Source::sample("src/meta/id.rs", text).tokens();
    let of = |name: &str| {
        let token = tokens
            .iter()
            .find(|t| t.text == name)
            .expect("the name is in the sample");
        (token.line, token.depth, token.test)
    };
    assert_eq!(of("a"), (2, 0, false));
    assert_eq!(of("b"), (5, 1, true));
    assert_eq!(of("c"), (7, 0, false));
    assert!(
        !tokens.iter().any(|t| t.text.contains("Axum")),
        "documentation is not code"
    );
}

#[test]
fn a_test_import_does_not_make_the_rest_of_the_file_a_test() {
    let text = "#[cfg(test)]\nuse a::B;\nfn c() {}\n#[cfg(not(test))]\nfn d() {}";
    let tokens = Source::sample("src/meta.rs", text).tokens();
    let is_test = |name: &str| tokens.iter().any(|t| t.text == name && t.test);
    assert!(is_test("B") && !is_test("c") && !is_test("d"));
}
