//! `events stats`: how many events and repeats were received, by the hour or anything above it.

use clap::Args;
use serde_json::Value;

use super::{
    api::{Answer, Fields, Origin, Request, Row},
    columns,
    filters::{self, Received, Which},
    output::{self, Form, Output},
};
use crate::{
    config::Sources,
    query::{Count, Dimension, MOST_COUNTS},
};

/// Counts events and repeats, per day and kind or by what --by says.
///
/// Counts are kept by the hour (UTC) of receiving: the hours that --since and --until fall into
/// count as a whole. Repeats are items whose event was stored already. The server counts while it
/// runs; where it is behind, this says how far the counts go.
///
/// Example: hookshelf events stats --by client,kind --since "7 days"
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Stats {
    /// Group by these, separated by commas and in that order.
    #[arg(long, value_delimiter = ',', default_value = "day,kind", value_name = "NAMES",
          value_parser = filters::dimension())]
    by: Vec<Dimension>,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    received: Received,
    #[command(flatten)]
    form: Form,
    #[command(flatten)]
    origin: Origin,
}

impl Stats {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let by = self.dimensions();
        let request = self.which.of(Request::to("/v1/stats"));
        let request = self.received.of(request)?;
        let narrowed = request.is_narrowed();
        let api = self.origin.open(sources).await?;
        let answer = api
            .get(&request.with_all("by", &by, Dimension::as_str))
            .await?;
        let rows = answer.rows("counts")?;
        let mut output = Output::new();
        if let Some(format) = self.form.format() {
            columns::lines(&mut output, format, &rows, &Count::none(&by))?;
        } else {
            let rows: Vec<_> = rows.iter().map(Row::value).collect();
            table(&mut output, &by, (&rows, &answer))?;
        }
        output.finish()?;
        Output::note_if_empty(rows.len(), output::List::Counts, narrowed)?;
        let notes = [behind(&answer), cut(&answer)];
        let mut notes = notes.iter().flatten();
        notes.try_for_each(|note| Output::note(note))
    }

    /// Dimensions to group by, without duplicates.
    fn dimensions(&self) -> Vec<Dimension> {
        let mut by: Vec<Dimension> = Vec::new();
        for dimension in &self.by {
            if !by.contains(dimension) {
                by.push(*dimension);
            }
        }
        by
    }
}

/// A row for each combination, and one for all of them if there are any.
fn table(
    output: &mut Output,
    by: &[Dimension],
    (rows, answer): (&[Value], &Answer),
) -> anyhow::Result<()> {
    let mut names: Vec<_> = by.iter().map(|dimension| dimension.column()).collect();
    names.extend(["events", "repeats"]);
    let cells = |row: &Value| names.iter().map(|name| row.text(name)).collect();
    let mut rows: Vec<Vec<String>> = rows.iter().map(cells).collect();
    if !rows.is_empty() {
        let mut total = vec!["total".to_owned()];
        total.resize(by.len(), String::new());
        total.extend(["events", "repeats"].map(|name| answer.value(name).to_string()));
        rows.push(total);
    }
    output.table(&names, names.len(), &rows)
}

/// Note about rows that are not shown.
fn cut(answer: &Answer) -> Option<String> {
    let combinations = answer.value("combinations").as_u64()?;
    (combinations > MOST_COUNTS.into()).then(|| {
        format!(
            "only the first {MOST_COUNTS} of {combinations} rows are shown, the total is of all; \
             narrow them with --since, or name less in --by"
        )
    })
}

/// The end of what the server counted or listed, if it is not the end of the log.
pub(super) fn behind(answer: &Answer) -> Option<String> {
    let lag = answer.value("lag");
    if lag.is_null() {
        return Some("nothing has been counted yet: the server counts while it runs".to_owned());
    }
    let positions = lag["positions"]
        .as_i64()
        .filter(|positions| *positions > 0)?;
    let end: i64 = answer.text("as_of_position")?.parse().ok()?;
    Some(format!(
        "counted up to position {} of {end}, which is all that was stored before {}; the rest \
         is counted while the server runs",
        end - positions,
        lag.time("done_at"),
    ))
}
