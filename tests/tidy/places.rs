//! Items that are confined to one module: axum in `http`, SQL in `store`, printing in `cli`.
//!
//! There is no rule against `loop`, although only `worker` has permanent loops: a parser may loop,
//! and the tokens look the same. A detached task, on the other hand, can be recognised.

use crate::Fault;
use crate::source::{Source, Token, matches};
use crate::sql::is_sql;

/// A confined item, its allowed places, and the remedy elsewhere.
struct Rule {
    /// True if the item starts at this token index.
    found: fn(&[Token], usize) -> bool,
    /// True if this file may contain the item.
    allowed: fn(&Source) -> bool,
    /// True if test code may contain the item anywhere.
    tests_may: bool,
    /// Problem and remedy.
    say: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        found: |t, i| t[i].text == "axum",
        allowed: |file| file.room() == "http",
        tests_may: false,
        say: "axum lives in `http` only: give the verb plain arguments and let `http` translate",
    },
    Rule {
        found: |t, i| matches!(t[i].text.as_str(), "sqlx" | "jiff_sqlx"),
        allowed: |file| file.room() == "store",
        tests_may: false,
        say: "sqlx lives in `store` only: take a `store` type, call a `store` function",
    },
    Rule {
        found: |t, i| is_sql(&t[i].text),
        allowed: |file| file.room() == "store",
        tests_may: false,
        say: "SQL lives in `store` only: move the statement into a function there",
    },
    Rule {
        found: |t, i| t[i].text == "read" && is_store_read(t, i),
        allowed: |file| matches!(file.room(), "store" | "query" | "ingest" | "app"),
        tests_may: false,
        say: "what is stored is read to be shown through `query` only: ask a `query::Session`",
    },
    Rule {
        found: |t, i| t[i].text == "Scope" && makes_scope(t, i),
        allowed: |file| {
            let places = [
                "src/http/access/",
                "src/cli/database.rs",
                "src/query/scope.rs",
            ];
            places.iter().any(|place| file.path.starts_with(place))
        },
        tests_may: true,
        say: "only authentication and the local command line make a `Scope`: take one as a parameter",
    },
    Rule {
        found: |t, i| names_graph_host(&t[i].text),
        allowed: |file| file.room() == "graph",
        tests_may: false,
        say: "Meta's URLs live in `graph` only: call a function of the Graph API client",
    },
    Rule {
        found: |t, i| t[i].text == "Json",
        allowed: |file| !file.path.starts_with("src/http/webhook"),
        tests_may: false,
        say: "the webhook takes raw bytes: the signature is over them, and parsing comes after it",
    },
    Rule {
        found: |t, i| is_print(&t[i].text) && matches(t, i + 1, &["!"]),
        allowed: |file| file.room() == "cli",
        tests_may: true,
        say: "only `cli` prints: return a value, or emit a telemetry event",
    },
    Rule {
        found: |t, i| t[i].text == "tracing" && is_record(t, i),
        allowed: |file| matches!(file.room(), "telemetry" | "instance"),
        tests_may: true,
        say: "log records come from the catalogue in `telemetry`: add an event there and emit it",
    },
    Rule {
        found: is_exit,
        allowed: |file| file.room() == "cli",
        tests_may: false,
        say: "only `cli` exits: return an error, or an `ExitCode` from main",
    },
    Rule {
        found: |t, i| {
            ENVIRONMENT
                .iter()
                .any(|name| matches(t, i, &["env", ":", ":", name]))
        },
        allowed: |file| matches!(file.room(), "config" | "cli"),
        tests_may: true,
        say: "only `config` and `cli` read the environment: take what is needed as an argument",
    },
    Rule {
        found: |t, i| matches(t, i, &["[", "allow", "("]),
        allowed: |_| false,
        tests_may: false,
        say: "use `#[expect(lint, reason = …)]`, which says so when it is no longer needed",
    },
    Rule {
        found: is_detached,
        allowed: |_| false,
        tests_may: true,
        say: "a task that nobody holds outlives the stop: keep its handle and join it, or spawn it \
              on the task tracker",
    },
];

/// Functions of `std::env` that read variables.
const ENVIRONMENT: &[&str] = &["var", "var_os", "vars", "vars_os"];

/// Items in `file` that belong to another module.
pub(crate) fn faults(file: &Source) -> Vec<Fault> {
    let tokens = file.tokens();
    let mut faults = Vec::new();
    for rule in RULES.iter().filter(|rule| !(rule.allowed)(file)) {
        let places = (0..tokens.len()).filter(|&i| !(rule.tests_may && tokens[i].test));
        let found = places.filter(|&i| (rule.found)(&tokens, i));
        faults.extend(found.map(|i| Fault::at(&file.path, tokens[i].line, rule.say)));
    }
    faults
}

/// True if `tokio::spawn(…)` or `task::spawn(…)` starts here and its handle is dropped at once.
fn is_detached(tokens: &[Token], i: usize) -> bool {
    let path = ["tokio", ":", ":", "task", ":", ":", "spawn", "("];
    let call = [&path[..], &path[3..], &["tokio", ":", ":", "spawn", "("]];
    let Some(call) = call.iter().find(|call| matches(tokens, i, call)) else {
        return false;
    };
    let before = |n: usize| i.checked_sub(n).map_or(";", |at| tokens[at].text.as_str());
    let unbound = matches!(before(1), ";" | "{" | "}") || (before(1), before(2)) == ("=", "_");
    unbound
        && tokens
            .get(after_call(tokens, i + call.len()))
            .is_some_and(|t| t.text == ";")
}

/// Index after the parenthesis that closes the one opened before `i`.
fn after_call(tokens: &[Token], mut i: usize) -> usize {
    let mut open = 1;
    while i < tokens.len() && open > 0 {
        open += usize::from(tokens[i].text == "(");
        open -= usize::from(tokens[i].text == ")");
        i += 1;
    }
    i
}

/// True if the `read` at `i` is the module `store::read`: its full path, or the start of a path.
fn is_store_read(tokens: &[Token], i: usize) -> bool {
    let in_full = ["store", ":", ":", "read"];
    let named = i >= 3 && matches(tokens, i - 3, &in_full);
    named || matches(tokens, i + 1, &[":", ":"])
}

/// True if a `Scope` is constructed at `i`.
fn makes_scope(tokens: &[Token], i: usize) -> bool {
    ["of", "of_user", "local"]
        .iter()
        .any(|maker| matches(tokens, i + 1, &[":", ":", maker]))
}

fn is_print(word: &str) -> bool {
    matches!(word, "print" | "println" | "eprint" | "eprintln")
}

/// True if a macro of `tracing` that writes a record is called at `i`.
fn is_record(tokens: &[Token], i: usize) -> bool {
    ["error", "warn", "info", "debug", "trace", "event"]
        .iter()
        .any(|level| matches(tokens, i, &["tracing", ":", ":", level, "!"]))
}

/// True if a function named `exit` is called here, however it was imported.
fn is_exit(tokens: &[Token], i: usize) -> bool {
    let before = i.checked_sub(1).map_or("", |at| tokens[at].text.as_str());
    matches(tokens, i, &["exit", "("]) && !matches!(before, "." | "fn")
}

fn names_graph_host(literal: &str) -> bool {
    let text = literal.to_ascii_lowercase();
    literal.contains('"')
        && ["facebook", "instagram"]
            .iter()
            .any(|who| text.contains(&format!("graph.{who}.com")))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Code, a file in which it is a fault, and a file in which it is allowed.
    const CASES: &[(&str, &str, &str)] = &[
        ("use axum::Router;", "src/ingest.rs", "src/http/mod.rs"),
        (
            "fn f(p: &sqlx::PgPool) {}",
            "src/query/events.rs",
            "src/store/pool.rs",
        ),
        (
            "const A: &str = \"SELECT 1\";",
            "src/cli/psql.rs",
            "src/store/pool.rs",
        ),
        (
            "use crate::store::{Error, read::Reader};",
            "src/cli/database.rs",
            "src/query/session.rs",
        ),
        (
            "fn f(it: store::read) {}",
            "src/http/api.rs",
            "src/app/rescue.rs",
        ),
        (
            "fn f() { Scope::local(Role::Operator); }",
            "src/http/api/events.rs",
            "src/http/access/mod.rs",
        ),
        (
            "const A: &str = \"https://graph.instagram.com/me\";",
            "src/cli.rs",
            "src/graph.rs",
        ),
        (
            "fn f(a: Json<B>) {}",
            "src/http/webhook.rs",
            "src/http/admin.rs",
        ),
        (
            "fn f(a: extract::Json<B>) {}",
            "src/http/webhook/post.rs",
            "src/http/error.rs",
        ),
        (
            "fn f() { println!(\"{}\", 1) }",
            "src/app.rs",
            "src/cli/serve.rs",
        ),
        (
            "fn f() { std::process::exit(1) }",
            "src/main.rs",
            "src/cli/mod.rs",
        ),
    ];

    #[test]
    fn each_rule_finds_its_thing_outside_its_room_and_not_inside() {
        for (text, outside, inside) in CASES {
            let found = faults(&Source::sample(outside, &format!("\n{text}")));
            assert!(
                found.len() == 1 && found[0].line == 2,
                "{outside}: {text}: {found:?}"
            );
            assert_eq!(
                faults(&Source::sample(inside, text)),
                [],
                "{inside}: {text}"
            );
        }
    }

    #[test]
    fn a_log_record_outside_the_catalogue_is_a_fault() {
        let text = "fn f() { tracing::warn!(\"a\"); tracing::subscriber::set_default(b); }";
        assert_eq!(faults(&Source::sample("src/app.rs", text)).len(), 1);
        assert_eq!(faults(&Source::sample("src/telemetry/log.rs", text)), []);
    }

    #[test]
    fn a_task_without_a_holder_is_a_fault_everywhere_but_in_tests() {
        let lost =
            "fn f() { tokio::spawn(g(1)); tokio::task::spawn(g()); let _ = task::spawn(g()); }";
        assert_eq!(faults(&Source::sample("src/worker.rs", lost)).len(), 3);
        assert_eq!(faults(&Source::sample("src/worker/tests.rs", lost)), []);
        let held = "fn f(t: &TaskTracker) -> JoinHandle { t.spawn(g()); let h = tokio::spawn(g());
            tokio::task::spawn_blocking(h); set.spawn(h); tokio::spawn(async { g(); }) }";
        assert_eq!(faults(&Source::sample("src/worker.rs", held)), []);
    }

    #[test]
    fn a_silenced_lint_is_a_fault_and_an_expected_one_is_none() {
        let silenced = "#![allow(dead_code)]\n#[allow(unused, reason = \"a\")]\nfn f() {}";
        assert_eq!(faults(&Source::sample("src/app.rs", silenced)).len(), 2);
        let expected = "#[expect(dead_code, reason = \"a\")]\nfn allow() { allow([1]); }";
        assert_eq!(faults(&Source::sample("src/app.rs", expected)), []);
    }

    #[test]
    fn documentation_may_name_what_code_may_not() {
        let text = "//! No axum, see https://graph.facebook.com.\n/// Not sqlx.\nfn f() {} // axum";
        assert_eq!(faults(&Source::sample("src/meta.rs", text)), []);
    }

    #[test]
    fn tests_may_print_but_not_speak_sql() {
        let text = "#[cfg(test)]\nmod tests {\nfn f() { println!(\"a\"); g(\"SELECT 1\"); }\n}";
        let found = faults(&Source::sample("src/query.rs", text));
        assert!(
            found.len() == 1 && found[0].text.starts_with("SQL"),
            "{found:?}"
        );
    }
}
