//! `events`: what happened, listed in the order of positions, shown one by one, counted, or purged.

use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};

use super::{
    database,
    filters::{self, Received},
    output::Output,
    purge::PurgeEvents,
    stats::Stats,
};
use crate::{
    config::{AppName, Sources},
    meta::event::Kind,
    query::{self, EventFilter, EventRow},
    store::Reader,
};

/// Shows what happened.
#[derive(Args, Debug)]
pub(super) struct Events {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(Box<List>),
    Show(Show),
    Stats(Box<Stats>),
    Purge(PurgeEvents),
}

/// Lists events, the newest last, as in a log.
///
/// Without --after these are the newest ones; with it the first ones after that position, so that
/// the last position of one list is where the next one goes on.
///
/// Example: hookshelf events list --kind comment --since 2h --json
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
struct List {
    /// What happened.
    #[arg(long, value_parser = filters::kind())]
    kind: Option<Kind>,
    /// The subscription field in Meta's spelling for Instagram, such as comments.
    #[arg(long)]
    field: Option<String>,
    /// The configured app.
    #[arg(long)]
    app: Option<AppName>,
    /// The professional account: entry.id.
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// The other party: an IGSID.
    #[arg(long, value_name = "IGSID")]
    person: Option<String>,
    #[command(flatten)]
    received: Received,
    /// How many at most.
    #[arg(long, default_value = filters::LIMIT, value_name = "COUNT",
          value_parser = clap::value_parser!(u32).range(filters::LIMITS))]
    limit: u32,
    /// Read forward from behind this position.
    #[arg(long, value_name = "POSITION", value_parser = clap::value_parser!(i64).range(0..))]
    after: Option<i64>,
    /// One JSON object a line, with every column.
    #[arg(long)]
    json: bool,
}

/// Shows the event at a position with all its columns.
///
/// Example: hookshelf events show 42
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
struct Show {
    /// Where the event is in the log.
    position: i64,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

impl Events {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        match self.verb {
            Verb::List(list) => list.run(sources).await?,
            Verb::Show(show) => show.run(sources).await?,
            Verb::Stats(stats) => stats.run(sources).await?,
            Verb::Purge(purge) => purge.run(sources).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl List {
    async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let filter = self.filter()?;
        let mut events = match self.after {
            Some(position) => query::Events::after(filter, position, self.limit),
            None => query::Events::newest(filter, self.limit),
        };
        let mut reader = database::open(sources).await?;
        if self.json {
            lines(&mut events, &mut reader).await
        } else {
            table(&mut events, &mut reader).await
        }
    }

    fn filter(&self) -> anyhow::Result<EventFilter> {
        let [since, until] = self.received.resolve()?;
        Ok(EventFilter {
            kind: self.kind,
            field: self.field.clone(),
            app: self.app.as_ref().map(ToString::to_string),
            account_id: self.account.clone(),
            person_id: self.person.clone(),
            since,
            until,
        })
    }
}

async fn lines(events: &mut query::Events, reader: &mut Reader) -> anyhow::Result<()> {
    let mut output = Output::new();
    loop {
        let page = events.next_page(reader).await.map_err(database::of_list)?;
        if page.is_empty() {
            return output.finish();
        }
        for event in &page {
            output.json(event)?;
        }
    }
}

async fn table(events: &mut query::Events, reader: &mut Reader) -> anyhow::Result<()> {
    let names = [
        "position",
        "received_at",
        "kind",
        "app",
        "account_id",
        "person_id",
        "text",
    ];
    let mut rows = Vec::new();
    loop {
        let page = events.next_page(reader).await.map_err(database::of_list)?;
        if page.is_empty() {
            break;
        }
        rows.extend(page.into_iter().map(cells));
    }
    let mut output = Output::new();
    output.table(&names, 6, &rows)?;
    output.finish()
}

/// The words of a row of the table; of a long text the beginning.
fn cells(event: EventRow) -> Vec<String> {
    const LONGEST: usize = 200;
    let kind = if event.is_echo {
        format!("{} (echo)", event.kind)
    } else {
        event.kind
    };
    let text = event.text.unwrap_or_default();
    vec![
        event.position.to_string(),
        format!("{:.0}", event.received_at),
        kind,
        event.app,
        event.account_id.unwrap_or_default(),
        event.person_id.unwrap_or_default(),
        text.chars().take(LONGEST).collect(),
    ]
}

impl Show {
    async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let mut reader = database::open(sources).await?;
        let event = reader.event(self.position).await?;
        let event = event.with_context(|| {
            format!(
                "no event is at position {}; positions have gaps, and `hookshelf events list` \
                 shows those that are taken",
                self.position
            )
        })?;
        let mut output = Output::new();
        if self.json {
            output.json(&event)?;
        } else {
            output.fields(&event)?;
        }
        output.finish()
    }
}
