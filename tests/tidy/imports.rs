//! Imports of a Rust file: all paths through `crate`, `super`, `self` or a child module.

use crate::source::{Source, Token, matches};

/// A path named by a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Import {
    /// Path from the crate root: `["store", "pg", "Pool"]`.
    pub(crate) path: Vec<String>,
    /// Name after `as` in a `use`, if there is one.
    pub(crate) alias: Option<String>,
    /// Line number.
    pub(crate) line: usize,
    /// True if only test code names the path.
    pub(crate) test: bool,
    /// True if a `use` names the path, so that other files can import it from this file.
    pub(crate) used: bool,
}

impl Import {
    /// Name of the item in this file.
    pub(crate) fn name(&self) -> Option<&String> {
        self.alias.as_ref().or(self.path.last())
    }
}

/// All paths in `file`, in `use` declarations and elsewhere.
pub(crate) fn imports(file: &Source) -> Vec<Import> {
    let tokens = file.tokens();
    let binary = file.room() == "main";
    let home: Vec<_> = file.modules().into_iter().map(str::to_owned).collect();
    let children = children(&tokens);
    let mut found = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        let starts = matches(&tokens, i + 1, &[":", ":"]) && !continues(&tokens, i);
        let mut here = if binary { Vec::new() } else { home.clone() };
        here.extend((0..tokens[i].depth).map(|_| "mod".to_owned()));
        let (before, start) = (found.len(), i);
        i = match tokens[i].text.as_str() {
            "crate" if starts => branch(&tokens, i + 3, Vec::new(), &mut found),
            "hookshelf" if starts && binary => branch(&tokens, i + 3, Vec::new(), &mut found),
            "super" | "self" if starts => branch(&tokens, i, here, &mut found),
            name if starts && children.contains(&name) => branch(&tokens, i, here, &mut found),
            _ => i + 1,
        };
        let used = start > 0 && matches(&tokens, start - 1, &["use"]);
        found[before..].iter_mut().for_each(|it| it.used = used);
    }
    found
}

/// Child modules in files of their own.
fn children(tokens: &[Token]) -> Vec<&str> {
    let is_one = |i: &usize| matches(tokens, *i, &["mod"]) && matches(tokens, i + 2, &[";"]);
    let declared = (0..tokens.len()).filter(is_one);
    declared.map(|i| tokens[i + 1].text.as_str()).collect()
}

/// True if the token at `i` continues a path.
fn continues(tokens: &[Token], i: usize) -> bool {
    i >= 2 && matches(tokens, i - 2, &[":", ":"])
}

/// Follows one path that starts below `base`; returns the index of its end.
fn branch(tokens: &[Token], i: usize, mut base: Vec<String>, found: &mut Vec<Import>) -> usize {
    let Some(token) = tokens.get(i) else { return i };
    let goes_on = matches(tokens, i + 1, &[":", ":"]);
    match token.text.as_str() {
        "super" => drop(base.pop()),
        "self" => {}
        "{" => return group(tokens, i, &base, found),
        name => base.push(name.to_owned()),
    }
    if goes_on {
        return branch(tokens, i + 3, base, found);
    }
    let renamed = matches(tokens, i + 1, &["as"]);
    let alias = tokens.get(i + 2).filter(|_| renamed);
    found.push(Import {
        path: base,
        alias: alias.map(|name| name.text.clone()),
        line: token.line,
        test: token.test,
        used: false,
    });
    i + 1
}

/// Follows each branch of `{a, b::c}`; returns the index after the closing brace.
fn group(tokens: &[Token], open: usize, base: &[String], found: &mut Vec<Import>) -> usize {
    let (mut i, mut nesting, mut at_start) = (open + 1, 1, true);
    while i < tokens.len() && nesting > 0 {
        let text = tokens[i].text.as_str();
        if at_start && text != "}" {
            at_start = false;
            i = branch(tokens, i, base.to_vec(), found);
            continue;
        }
        nesting += usize::from(text == "{");
        nesting -= usize::from(text == "}");
        at_start = nesting == 1 && text == ",";
        i += 1;
    }
    i
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(path: &str, text: &str) -> String {
        let found = imports(&Source::sample(path, text));
        let found: Vec<_> = found.iter().map(|it| it.path.join("::")).collect();
        found.join(" ")
    }

    #[test]
    fn every_way_to_write_a_path_is_seen() {
        let cases = [
            ("use crate::store::Pool;", "store::Pool"),
            ("use crate::*;", "*"),
            ("use self::super::super::app;", "app"),
            (
                "mod a { mod b { use super::super::super::super::cli; } }",
                "cli",
            ),
            ("use super::rows; pub(crate) struct A;", "query::rows"),
            (
                "use crate::{store::{self, pg::Pool}, clock};",
                "store store::pg::Pool clock",
            ),
            (
                "fn f() -> crate::http::Error { $crate::cli::run!() }",
                "http::Error cli::run",
            ),
            ("pub(in crate::query) fn f() {}", "query"),
            ("use super::super::http::Error;", "http::Error"),
            ("use super::{super::worker, rows};", "worker query::rows"),
            (
                "mod rows; fn f() { rows::read() }",
                "query::events::rows::read",
            ),
            ("use serde::de; mod a { use super::*; }", "query::events::*"),
            (
                "use serde::self_crate; // use crate::cli;\nconst A: &str = \"crate::cli\";",
                "",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(paths("src/query/events.rs", text), expected, "{text}");
        }
    }

    #[test]
    fn super_from_a_room_of_one_file_reaches_the_other_rooms() {
        assert_eq!(paths("src/app.rs", "use super::http;"), "http");
        assert_eq!(paths("src/query/mod.rs", "use super::http;"), "http");
        let main = "fn main() { hookshelf::cli::run(); }";
        assert_eq!(paths("src/main.rs", main), "cli::run");
    }

    #[test]
    fn an_import_has_the_name_that_it_is_used_by() {
        let file = Source::sample("src/a.rs", "use crate::b::{C as D, E};");
        let names: Vec<_> = imports(&file)
            .iter()
            .filter_map(Import::name)
            .cloned()
            .collect();
        assert_eq!(names, ["D", "E"]);
    }
}
