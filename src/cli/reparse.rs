//! `replay --reparse`: shows the events that read differently today, and changes them.

use anyhow::Context;

use super::{database, events::EventFilters, output::Output};
use crate::{
    amounts::count,
    config::Sources,
    ingest::reparse::{self, Plan},
    store::{
        Writes,
        audit::{self, AuditEntry},
    },
};

/// Reads the events of `filters` again, and shows those that change. With `is_applied` they change.
pub(super) async fn run(
    filters: &EventFilters,
    is_applied: bool,
    sources: &Sources,
) -> anyhow::Result<()> {
    let options = database::options(sources).await?;
    let (filter, delivery) = filters.filter()?;
    let mut reparse = reparse::Reparse::open(&options, filter, delivery).await?;
    let plan = reparse.plan().await?;
    show(&plan)?;
    if plan.changing() == 0 {
        return Ok(());
    }
    if !is_applied {
        return Output::say("nothing was changed; to change them: the same call with --yes");
    }
    record(&Writes::new(&options), plan.changing()).await?;
    let done = reparse.run(&plan).await?;
    let moved = count(done.moved, "event", "events");
    Output::say(&format!("{moved} changed, each at a new position"))?;
    note_refused(&done.refused)?;
    match plan.changing() - done.moved - done.refused.len() as u64 {
        0 => Ok(()),
        rest => Output::note(&format!(
            "{rest} of the plan were erased or stored again meanwhile, and stay as they are"
        )),
    }
}

/// Reports the events that Postgres rejects, with the first positions.
fn note_refused(positions: &[i64]) -> anyhow::Result<()> {
    if positions.is_empty() {
        return Ok(());
    }
    let first = positions.iter().take(10).map(ToString::to_string);
    let first: Vec<_> = first.collect();
    Output::note(&format!(
        "{} stay as they are: Postgres rejected their new values; at position {}",
        positions.len(),
        first.join(", ")
    ))
}

/// Shows the numbers of events to change, by kind, and those that stay.
fn show(plan: &Plan) -> anyhow::Result<()> {
    let mut output = Output::new();
    let read = count(plan.events, "event", "events");
    output.line(&format!("{read} read again, {} to change", plan.changing()))?;
    if plan.held > 0 {
        output.line(&format!(
            "{} stay as they are: the same occurrence is stored as another event",
            plan.held
        ))?;
    }
    if plan.gone > 0 {
        output.line(&format!(
            "{} stay as they are: the body of the delivery has no such item any more",
            plan.gone
        ))?;
    }
    if plan.changing() > 0 {
        output.line("")?;
        let row = |((from, to), events): (&(String, String), &u64)| {
            vec![from.clone(), to.clone(), events.to_string()]
        };
        let rows: Vec<_> = plan.changes.iter().map(row).collect();
        output.table(&["from", "to", "events"], 3, &rows)?;
        output.line("")?;
    }
    output.finish()
}

/// Records the change in the audit, before it is made.
async fn record(writes: &Writes, events: u64) -> anyhow::Result<()> {
    let entry = AuditEntry {
        token: "local".to_owned(),
        address: None,
        verb: "reparse",
        subject: None,
        rows: i64::try_from(events).ok(),
    };
    let written = audit::write(writes, &entry).await;
    written.context("failed to write the audit entry; nothing was changed")
}
