//! Imports point down only: a room may use the rooms below it, never one beside or above.
//!
//! `clock` is the ground that the rest of the lowest floor stands on, so `meta` and `config` may
//! use it, and each other not; so are `sealed` and `causes`. Tests in `src` obey the same rule; `tests/` is outside the house.

use crate::Fault;
use crate::source::{Source, Token, matches};

/// Every room and its floor. A new room is a new line here and in `docs/architecture.md`.
const FLOORS: &[(&str, u8)] = &[
    ("lib", 0),
    ("causes", 0),
    ("clock", 0),
    ("envelope", 0),
    ("sealed", 0),
    ("meta", 1),
    ("config", 1),
    ("instance", 2),
    ("telemetry", 2),
    ("store", 3),
    ("graph", 3),
    ("spool", 3),
    ("held", 3),
    ("doctor", 4),
    ("ingest", 4),
    ("query", 4),
    ("simulate", 4),
    ("tunnel", 4),
    ("enrich", 4),
    ("forward", 4),
    ("replay", 4),
    ("retention", 4),
    ("http", 5),
    ("worker", 5),
    ("app", 6),
    ("cli", 7),
    ("main", 8),
];

fn floor(room: &str) -> Option<u8> {
    FLOORS
        .iter()
        .find(|(name, _)| *name == room)
        .map(|(_, floor)| *floor)
}

/// Every import of `file` that does not point down.
pub(crate) fn faults(file: &Source) -> Vec<Fault> {
    let room = file.room();
    if floor(room).is_none() {
        let say = format!(
            "`{room}` is not a room: put the code into one, or give it a floor in \
             tests/tidy/floors.rs and docs/architecture.md"
        );
        return vec![Fault::at(&file.path, 1, say)];
    }
    let found = imports(file).into_iter();
    found
        .filter_map(|import| judge(room, &import).map(|say| (import.line, say)))
        .map(|(line, say)| Fault::at(&file.path, line, say))
        .collect()
}

/// What is wrong with `room` importing this, if anything is.
fn judge(room: &str, import: &Import) -> Option<String> {
    let target = import.target.as_str();
    let Some(to) = floor(target).filter(|_| !matches!(target, "lib" | "main")) else {
        return Some(format!(
            "`{target}` is not a room: import from the room that owns it, by name"
        ));
    };
    let from = floor(room)?;
    if room == "main" && target != "cli" {
        return Some(format!(
            "main only hands over to `cli`: move the use of `{target}` there"
        ));
    }
    (to >= from && target != room).then(|| {
        format!(
            "`{room}` imports `{target}`, which is not below it: pass what is needed as an \
             argument, or move the code to a higher floor"
        )
    })
}

/// One use of a room.
#[derive(Debug, PartialEq, Eq)]
struct Import {
    target: String,
    line: usize,
}

/// Every room that `file` names through `crate`, `super` or, in the binary, the library's name.
fn imports(file: &Source) -> Vec<Import> {
    let tokens = file.tokens();
    let binary = file.room() == "main";
    let levels = if binary { 0 } else { file.modules().len() };
    let mut found = Vec::new();
    let mut i = 0;
    while i < tokens.len() {
        let starts = matches(&tokens, i + 1, &[":", ":"]) && !continues(&tokens, i);
        i = match tokens[i].text.as_str() {
            "crate" if starts => branch(&tokens, i + 3, 0, &mut found),
            "hookshelf" if starts && binary => branch(&tokens, i + 3, 0, &mut found),
            "super" | "self" if starts => branch(&tokens, i, levels + tokens[i].depth, &mut found),
            _ => i + 1,
        };
    }
    found
}

/// Whether the token at `i` is the middle of a path.
fn continues(tokens: &[Token], i: usize) -> bool {
    i >= 2 && matches(tokens, i - 2, &[":", ":"])
}

/// Follows one path that starts `level` modules below the root; gives where it ends.
fn branch(tokens: &[Token], i: usize, level: usize, found: &mut Vec<Import>) -> usize {
    let Some(token) = tokens.get(i) else { return i };
    let goes_on = matches(tokens, i + 1, &[":", ":"]);
    match token.text.as_str() {
        "super" if goes_on => branch(tokens, i + 3, level.saturating_sub(1), found),
        "self" if goes_on => branch(tokens, i + 3, level, found),
        "super" => note(token, level.saturating_sub(1), found, i),
        "{" => group(tokens, i, level, found),
        _ => note(token, level, found, i),
    }
}

/// Notes the room, if the path has reached the root; below it, it is the file's own room.
fn note(token: &Token, level: usize, found: &mut Vec<Import>, i: usize) -> usize {
    if level == 0 {
        found.push(Import {
            target: token.text.clone(),
            line: token.line,
        });
    }
    i + 1
}

/// Follows each branch of `{a, b::c}`; gives the place after the closing brace.
fn group(tokens: &[Token], open: usize, level: usize, found: &mut Vec<Import>) -> usize {
    let (mut i, mut nesting, mut at_start) = (open + 1, 1, true);
    while i < tokens.len() && nesting > 0 {
        let text = tokens[i].text.as_str();
        if at_start && text != "}" {
            at_start = false;
            i = branch(tokens, i, level, found);
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

    fn targets(path: &str, text: &str) -> Vec<String> {
        imports(&Source::sample(path, text))
            .into_iter()
            .map(|import| import.target)
            .collect()
    }

    fn said(path: &str, text: &str) -> Vec<(usize, String)> {
        faults(&Source::sample(path, text))
            .into_iter()
            .map(|f| (f.line, f.text))
            .collect()
    }

    #[test]
    fn every_way_to_write_a_path_is_seen() {
        let cases = [
            ("use crate::store::Pool;", vec!["store"]),
            (
                "use crate::{store::{self, pg::Pool}, meta::{Id, Kind}, clock};",
                vec!["store", "meta", "clock"],
            ),
            (
                "fn f() -> crate::http::Error { $crate::cli::run!() }",
                vec!["http", "cli"],
            ),
            ("pub(in crate::query) fn f() {}", vec!["query"]),
            ("use super::super::http::Error;", vec!["http"]),
            ("use super::{super::worker, rows};", vec!["worker"]),
            ("use self::super::super::app;", vec!["app"]),
            (
                "mod a { mod b { use super::super::super::super::cli; } }",
                vec!["cli"],
            ),
            (
                "use super::rows; use self::x; pub(crate) struct A; mod t { use super::*; }",
                vec![],
            ),
            (
                "use serde::self_crate; // use crate::cli;\nconst A: &str = \"crate::cli\";",
                vec![],
            ),
            ("use crate::*;", vec!["*"]),
        ];
        for (text, expected) in cases {
            assert_eq!(targets("src/query/events.rs", text), expected, "{text}");
        }
    }

    #[test]
    fn super_from_a_room_of_one_file_reaches_the_other_rooms() {
        assert_eq!(targets("src/app.rs", "use super::http;"), ["http"]);
        assert_eq!(targets("src/query/mod.rs", "use super::http;"), ["http"]);
        assert_eq!(
            targets("src/main.rs", "fn main() { hookshelf::cli::run(); }"),
            ["cli"]
        );
    }

    #[test]
    fn up_and_sideways_are_faults_and_down_is_none() {
        let up = said("src/store/pg.rs", "\nuse crate::ingest::Writer;");
        assert_eq!(up.len(), 1);
        assert!(
            up[0].0 == 2 && up[0].1.contains("`store` imports `ingest`"),
            "{up:?}"
        );
        assert_eq!(said("src/query.rs", "use crate::ingest::Writer;").len(), 1);
        assert_eq!(said("src/meta/id.rs", "use crate::config::Apps;").len(), 1);
        assert_eq!(said("src/clock.rs", "use crate::meta::Id;").len(), 1);
        assert_eq!(said("src/lib.rs", "pub use crate::cli::run;").len(), 1);
        assert_eq!(said("src/main.rs", "use hookshelf::app::App;").len(), 1);
        assert_eq!(said("src/meta/id.rs", "use crate::clock::Clock;"), []);
        assert_eq!(
            said("src/cli/mod.rs", "use crate::{app, clock, store::Pool};"),
            []
        );
    }

    #[test]
    fn tests_obey_as_well() {
        let text = "#[cfg(test)]\nmod tests {\n    use crate::store::Pool;\n}";
        assert_eq!(said("src/meta/id.rs", text).len(), 1);
    }

    #[test]
    fn an_unknown_room_is_a_fault() {
        assert!(said("src/utils.rs", "")[0].1.contains("not a room"));
        assert!(
            said("src/app.rs", "use crate::utils::x;")[0]
                .1
                .contains("not a room")
        );
    }
}
