//! `events stats`: how many events and repeats were received, by the hour or anything above it.

use clap::Args;
use jiff::Timestamp;

use super::{
    database,
    filters::{self, Received, Which},
    output::{self, Form, Output},
};
use crate::{
    config::Sources,
    query::{self, Count, Counts, Dimension, Lag, MOST_COUNTS, StatsFilter},
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
    /// Owner of the account.
    #[arg(long)]
    client: Option<String>,
    #[command(flatten)]
    received: Received,
    #[command(flatten)]
    form: Form,
}

impl Stats {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let filter = self.filter()?;
        let narrowed = filter != StatsFilter::default();
        let by = self.dimensions();
        let mut session = database::open(sources).await?;
        let stats = session.stats(&filter, &by).await;
        let query::Stats { counts, lag } = stats.map_err(database::of_list)?;
        let mut output = Output::new();
        if let Some(format) = self.form.format() {
            output.rows(format, &&Count::none(&by), &counts.rows)?;
        } else {
            table(&mut output, &by, &counts)?;
        }
        output.finish()?;
        Output::note_if_empty(counts.rows.len(), output::List::Counts, narrowed)?;
        notes(lag.as_ref(), &counts).try_for_each(|note| Output::note(&note))
    }

    fn filter(&self) -> anyhow::Result<StatsFilter> {
        let [since, until] = self.received.resolve()?;
        Ok(StatsFilter {
            kinds: self.which.kind.clone(),
            sources: self.which.source.clone(),
            app: self.which.app(),
            account_ids: self.which.account.iter().cloned().collect(),
            client: self.client.clone(),
            since,
            until,
        })
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
fn table(output: &mut Output, by: &[Dimension], counts: &Counts) -> anyhow::Result<()> {
    let mut names: Vec<_> = by.iter().map(|dimension| dimension.column()).collect();
    names.extend(["events", "repeats"]);
    let numbers = |events: i64, repeats: i64| [events.to_string(), repeats.to_string()];
    let mut rows: Vec<Vec<String>> = Vec::with_capacity(counts.rows.len() + 1);
    for count in &counts.rows {
        let values = count
            .values
            .iter()
            .map(|(_, value)| value.clone().unwrap_or_default());
        rows.push(values.chain(numbers(count.events, count.repeats)).collect());
    }
    let mut total = vec!["total".to_owned()];
    total.resize(by.len(), String::new());
    total.extend(numbers(counts.events, counts.repeats));
    if !rows.is_empty() {
        rows.push(total);
    }
    output.table(&names, names.len(), &rows)
}

/// Notes about events missing from the numbers.
fn notes(lag: Option<&Lag>, counts: &Counts) -> impl Iterator<Item = String> {
    let behind = behind(lag);
    let cut = (counts.combinations > MOST_COUNTS.into()).then(|| {
        format!(
            "only the first {MOST_COUNTS} of {} rows are shown, the total is of all; narrow them \
             with --since, or name less in --by",
            counts.combinations
        )
    });
    behind.into_iter().chain(cut)
}

/// The end of the counts, if it is not the end of the log.
pub(super) fn behind(lag: Option<&Lag>) -> Option<String> {
    match lag {
        None => Some("nothing has been counted yet: the server counts while it runs".to_owned()),
        Some(lag) if lag.positions > 0 => Some(format!(
            "counted up to position {} of {}, which is all that was stored before {}; the rest is \
             counted while the server runs",
            lag.position,
            lag.position + lag.positions,
            to_the_second(lag.done_at),
        )),
        Some(_) => None,
    }
}

fn to_the_second(moment: Timestamp) -> String {
    format!("{moment:.0}")
}
