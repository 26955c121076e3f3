//! Parsing of every sample and fixture, compared with its line in `INDEX.tsv` and its snapshot of
//! columns.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use bytes::Bytes;
use hookshelf::meta::{
    event::{Event, Problem},
    ids::Ids,
    split::{self, Notification},
};
use serde_json::value::RawValue;

use crate::support::samples::{fill, samples};

const FIXTURES: &str = "tests/fixtures";

/// Bodies by file, as in the `INDEX.tsv` of their directory.
pub(crate) type Bodies = BTreeMap<String, Vec<u8>>;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Bodies of the samples.
fn filled() -> Bodies {
    let body =
        |(name, text): &(&str, &str)| (format!("{name}.json"), fill(text, |_| None).into_bytes());
    samples().iter().map(body).collect()
}

/// Bodies of the fixtures.
pub(crate) fn fixtures() -> Bodies {
    let mut found = Bodies::new();
    for topic in fs::read_dir(root().join(FIXTURES)).unwrap() {
        let topic = topic.unwrap();
        if !topic.file_type().unwrap().is_dir() {
            continue;
        }
        for file in fs::read_dir(topic.path()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|it| it == "json") {
                let file = path.strip_prefix(root().join(FIXTURES)).unwrap();
                found.insert(file.to_str().unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// Parses a body that arrived at 2026-11-20T12:00:00Z.
fn split(body: &[u8]) -> Notification {
    let context = split::Context {
        app: "default",
        received_at: "2026-11-20T12:00:00Z".parse().unwrap(),
    };
    split::split(&Bytes::copy_from_slice(body), context)
}

#[test]
fn each_sample_and_fixture_is_what_the_index_says() {
    for (directory, bodies) in [("samples", filled()), (FIXTURES, fixtures())] {
        let index = fs::read_to_string(root().join(directory).join("INDEX.tsv")).unwrap();
        let listed: Vec<_> = index
            .lines()
            .skip(1)
            .map(|line| is_so(line, &bodies))
            .collect();
        assert!(listed.iter().eq(bodies.keys()), "{directory}: {listed:?}");
    }
}

/// Compares a body with its line in the index, and returns its file.
fn is_so(line: &str, bodies: &Bodies) -> String {
    let columns: Vec<_> = line.split('\t').collect();
    let &[file, object, channel, events, kinds, source, shows] = &columns[..] else {
        panic!("seven columns, not {line}");
    };
    assert!(!source.is_empty() && !shows.is_empty(), "{file}");
    let found = split(&bodies[file]);
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
    file.to_owned()
}

#[test]
fn each_sample_has_events_of_the_kind_of_its_directory_only() {
    for (file, body) in filled() {
        let (directory, _) = file.split_once('/').unwrap();
        let found = split(&body).events;
        let is_of_it = |event: &Event| event.kind.as_str() == directory;
        let is_right = !found.is_empty() && found.iter().all(is_of_it);
        assert!(is_right || directory == "containers", "{file}");
    }
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

/// Fails for a body without a snapshot. `tests/tidy` rejects snapshots without a body.
fn reviewed(hold: impl FnOnce()) {
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    settings.bind(hold);
}

#[test]
fn each_sample_splits_as_reviewed() {
    reviewed(|| {
        insta::glob!("../../samples", "*/*.json", |path| {
            let body = fill(&fs::read_to_string(path).unwrap(), |_| None);
            insta::assert_snapshot!(show(&split(body.as_bytes())));
        });
    });
}

#[test]
fn each_fixture_splits_as_reviewed() {
    reviewed(|| {
        insta::glob!("../fixtures", "*/*.json", |path| {
            insta::assert_snapshot!(show(&split(&fs::read(path).unwrap())));
        });
    });
}

#[test]
fn the_item_of_an_event_is_its_text_in_the_body() {
    for (file, body) in filled().into_iter().chain(fixtures()) {
        let body = String::from_utf8_lossy(&body);
        for event in split(body.as_bytes()).events {
            let item = event.item(body.as_bytes());
            assert!(serde_json::from_slice::<&RawValue>(item).is_ok(), "{file}");
        }
    }
}

/// Non-empty columns of the delivery and its events.
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
