//! `consumers list` and `consumers show`.

use anyhow::Context;
use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::super::{
    api::{Fields, Origin, Request, Row},
    columns::{self, Column},
    output::{self, Form, Output},
};
use crate::{amounts::span, config::Sources};

/// Lists consumers with their lag.
///
/// `lag` is the number of positions to the end of the log, `oldest` the age of the oldest unsettled
/// event, `waiting` the number of lanes with a failed event. Only the server that runs a consumer
/// knows the events that are out: --url asks it.
///
/// Example: hookshelf consumers list
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct List {
    #[command(flatten)]
    form: Form,
    #[command(flatten)]
    origin: Origin,
}

/// Shows a consumer with its waiting lanes.
///
/// Example: hookshelf consumers show bot
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Show {
    /// Name of the consumer.
    name: String,
    /// Print a JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    origin: Origin,
}

const LIST: &str = "/v1/consumers";

impl List {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let api = self.origin.open(sources).await?;
        let answer = api.get(&Request::to(LIST)).await?;
        let rows = answer.rows("consumers")?;
        columns::print(&self.form, &rows, &Shape::default(), (&COLUMNS, 2))?;
        Output::note_if_empty(rows.len(), output::List::Consumers, false)
    }
}

impl Show {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let api = self.origin.open(sources).await?;
        let found = api.find(&Request::to(LIST).below(&self.name)).await?;
        let found = found.with_context(|| {
            format!(
                "no consumer is called {}; `hookshelf consumers list` shows those that are there, \
                 `hookshelf destinations list` the destinations",
                self.name
            )
        })?;
        let mut output = Output::new();
        if self.json {
            output.json(found.whole())?;
            return output.finish();
        }
        output.fields(&found.whole().columns(&Shape::default())?)?;
        let lanes: Vec<_> = found.rows("lanes")?.iter().map(Row::value).collect();
        if !lanes.is_empty() {
            output.line("")?;
            columns::table(&mut output, (&LANES, LANES.len()), &lanes)?;
        }
        output.finish()
    }
}

/// Keys of a consumer, in the order in which they are printed.
#[derive(Default, Serialize)]
struct Shape {
    name: (),
    configured: (),
    paused: (),
    owner: (),
    position: (),
    lag: (),
    in_flight: (),
    waiting: (),
    codes: (),
    blocked: (),
    backlogs: (),
    dead_letters: (),
    settled: (),
    dead: (),
    skipped: (),
    workers: (),
    rate: (),
    flush_s: (),
}

const COLUMNS: [Column; 8] = [
    ("name", |row| row.text("name")),
    ("state", state),
    ("position", |row| row.text("position")),
    ("lag", |row| row["lag"].text("positions")),
    ("oldest", |row| seconds(&row["lag"], "seconds")),
    ("in flight", |row| row.text("in_flight")),
    ("waiting", |row| row.text("waiting")),
    ("dead letters", |row| row.text("dead_letters")),
];

/// State of a consumer in words.
fn state(row: &Value) -> String {
    match row.some_text("paused") {
        Some(reason) => format!("paused ({reason})"),
        None if !row.flag("configured") => "not configured".to_owned(),
        None if row["position"].is_null() => "new".to_owned(),
        None if row["owner"].is_null() => "not running".to_owned(),
        None => "running".to_owned(),
    }
}

const LANES: [Column; 5] = [
    ("waiting head", |lane| lane.text("head")),
    ("attempts", |lane| lane.text("attempts")),
    ("code", |lane| lane.text("code")),
    ("failed for", |lane| seconds(lane, "failed_for_s")),
    ("due in", |lane| seconds(lane, "due_in_s")),
];

/// A number of seconds as a time span; empty for null.
fn seconds(row: &Value, name: &str) -> String {
    let seconds = row[name].as_f64().map(|it| it.max(0.0).round());
    // Between 0 and 2^53.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and rounded"
    )]
    seconds.map(|it| span(it as u64)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_state_names_the_first_thing_that_stops_a_consumer() {
        let stopped = json!({"paused": "clock", "configured": false});
        assert_eq!(state(&stopped), "paused (clock)");
        let (owner, position) = (json!({"name": "a"}), json!("7"));
        for (configured, position, owner, shown) in [
            (false, &position, &owner, "not configured"),
            (true, &Value::Null, &Value::Null, "new"),
            (true, &position, &Value::Null, "not running"),
            (true, &position, &owner, "running"),
        ] {
            let row = json!({"configured": configured, "position": position, "owner": owner});
            assert_eq!(state(&row), shown);
        }
    }

    #[test]
    fn seconds_are_shown_as_a_span() {
        let row = json!({"long": 3_725.4, "past": -0.2, "none": null});
        assert_eq!(seconds(&row, "long"), "1 h 2 min");
        assert_eq!(seconds(&row, "past"), "0 s");
        assert_eq!(seconds(&row, "none"), "");
    }
}
