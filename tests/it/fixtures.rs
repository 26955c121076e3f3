//! Every fixture, split: as its line in `INDEX.tsv` says, and column by column as in its snapshot.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use hookshelf::meta::{
    event::{Event, Problem},
    ids::Ids,
    split::{self, Notification},
};
use serde_json::value::RawValue;

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// The fixtures in `directory` and below, as paths under `fixtures`.
fn files_under(directory: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_under(&path));
        } else if path.extension().is_some_and(|it| it == "json") {
            let file = path.strip_prefix(tests().join("fixtures")).unwrap();
            found.insert(file.to_str().unwrap().replace('\\', "/"));
        }
    }
    found
}

/// Reads a body that arrived at 2026-11-20T12:00:00Z.
fn split(body: &[u8]) -> Notification {
    let context = split::Context {
        app: "default",
        received_at: "2026-11-20T12:00:00Z".parse().unwrap(),
    };
    split::split(&Bytes::copy_from_slice(body), context)
}

#[test]
fn each_fixture_is_what_the_index_says() {
    let fixtures = tests().join("fixtures");
    let index = fs::read_to_string(fixtures.join("INDEX.tsv")).unwrap();
    let mut listed = BTreeSet::new();
    for line in index.lines().skip(1) {
        let columns: Vec<_> = line.split('\t').collect();
        let &[file, object, channel, events, kinds, source, shows] = &columns[..] else {
            panic!("seven columns, not {line}");
        };
        assert!(!source.is_empty() && !shows.is_empty(), "{file}");
        assert!(listed.insert(file.to_owned()), "{file} is listed twice");
        let body = fs::read(fixtures.join(file)).unwrap();
        let found = split(&body);
        assert_eq!(found.events.len().to_string(), events, "{file}");
        assert_eq!(
            all(&found, |it| it.channel.as_str().into()),
            channel,
            "{file}"
        );
        assert_eq!(all(&found, kind), kinds, "{file}");
        if object != "[array]" {
            assert_eq!(found.object.as_deref().unwrap_or("-"), object, "{file}");
        }
    }
    assert_eq!(listed, files_under(&fixtures));
}

fn all(found: &Notification, column: impl Fn(&Event) -> String) -> String {
    let columns: Vec<_> = found.events.iter().map(column).collect();
    if columns.is_empty() {
        "-".into()
    } else {
        columns.join(",")
    }
}

fn kind(event: &Event) -> String {
    let echo = if event.is_echo { "!echo" } else { "" };
    format!("{}{echo}", event.kind.as_str())
}

/// One without a snapshot fails. That no snapshot outlives its fixture is a rule of `tests/tidy`.
#[test]
fn each_fixture_splits_as_reviewed() {
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    settings.bind(|| {
        insta::glob!("../fixtures", "**/*.json", |path| {
            let found = split(&fs::read(path).unwrap());
            insta::assert_snapshot!(show(&found));
        });
    });
}

#[test]
fn what_is_kept_of_an_item_is_its_text_in_the_body() {
    for file in files_under(&tests().join("fixtures")) {
        let body = fs::read(tests().join("fixtures").join(&file)).unwrap();
        let body = String::from_utf8_lossy(&body);
        for event in split(body.as_bytes()).events {
            let item = event.item(body.as_bytes());
            assert!(serde_json::from_slice::<&RawValue>(item).is_ok(), "{file}");
        }
    }
}

/// The columns of the delivery and of its events, without those that are empty.
fn show(found: &Notification) -> String {
    let mut out = String::new();
    line(&mut out, "object", found.object.as_ref());
    line(&mut out, "problem", found.problem().map(Problem::as_str));
    line(&mut out, "test", found.is_test.then_some("yes"));
    for event in &found.events {
        writeln!(out, "\n{} through {}", kind(event), event.channel.as_str()).unwrap();
        columns(&mut out, event);
    }
    out
}

fn columns(out: &mut String, event: &Event) {
    let parties = [
        ("field", &event.field),
        ("account_id", &event.account_id),
        ("person_id", &event.person_id),
        ("sender_id", &event.sender_id),
        ("recipient_id", &event.recipient_id),
        ("username", &event.username),
    ];
    let ids = Ids::<()>::NAMES.iter().copied().zip(event.ids.each());
    for (name, id) in parties.into_iter().chain(ids) {
        line(out, name, id.as_ref());
    }
    line(
        out,
        "text",
        event.text.as_ref().map(|text| format!("{text:?}")),
    );
    line(out, "is_self", event.is_self.then_some("yes"));
    let source = event.occurred_at_source.as_str();
    line(
        out,
        "occurred_at",
        event.occurred_at.map(|at| format!("{at} ({source})")),
    );
    line(out, "problem", event.problem.map(Problem::as_str));
    line(out, "dedupe_key", Some(event.dedupe_key));
    line(out, "data", event.data.as_ref());
}

fn line(out: &mut String, name: &str, value: Option<impl std::fmt::Display>) {
    if let Some(value) = value {
        writeln!(out, "{name}: {value}").unwrap();
    }
}
