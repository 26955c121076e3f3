//! `events purge --simulated`: shows what simulation left behind, and takes it away.

use clap::Args;

use super::{database, output::Output};
use crate::{
    config::Sources,
    store::purge::{Plan, Purge, Purged},
};

/// Takes away everything that `hookshelf simulate` sent: deliveries, events, repeats, the dedupe
/// keys of the events, their counts, and accounts that nothing else speaks for.
///
/// Without --yes it shows what there is and changes nothing. It may run beside a server, and may be
/// interrupted: the next purge goes on. What was sent with --unmarked is not known as simulated.
///
/// Example: hookshelf events purge --simulated
/// Example: hookshelf events purge --simulated --yes
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct PurgeEvents {
    /// Simulated data, the only data that can be purged.
    #[arg(long, required = true)]
    simulated: bool,
    /// Do it.
    #[arg(long)]
    yes: bool,
}

impl PurgeEvents {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let options = database::options(sources).await?;
        let purge = Purge::open(&options).await?;
        let plan = purge.plan();
        if plan == Plan::default() {
            if self.yes {
                // One that was interrupted may have left as much.
                purge.finish().await?;
            }
            return Output::say("nothing simulated is stored");
        }
        if self.yes {
            carry_out(purge, &plan).await
        } else {
            show(&plan)
        }
    }
}

/// The plan, a row for each day.
fn show(plan: &Plan) -> anyhow::Result<()> {
    let mut output = Output::new();
    let mut rows = Vec::with_capacity(plan.days.len() + 1);
    let mut total = [0; 3];
    for day in &plan.days {
        let counts = [day.deliveries, day.events, day.repeats];
        total = std::array::from_fn(|i| total[i] + counts[i]);
        rows.push(row(&day.day.to_string(), counts));
    }
    rows.push(row("total", total));
    output.table(&["day", "deliveries", "events", "repeats"], 4, &rows)?;
    output.line("")?;
    output.line(&format!(
        "also deleted: the dedupe keys of the events, {} rows of stats_hourly, and {} accounts \
         that only simulated deliveries created",
        plan.stats, plan.accounts
    ))?;
    if plan.turned > 0 {
        output.line(&format!(
            "{} of the events stay: another delivery repeats them, and becomes their delivery",
            plan.turned
        ))?;
    }
    output.line("nothing was changed; to delete it: hookshelf events purge --simulated --yes")?;
    output.finish()
}

fn row(name: &str, counts: [i64; 3]) -> Vec<String> {
    let counts = counts.iter().map(ToString::to_string);
    std::iter::once(name.to_owned()).chain(counts).collect()
}

/// A line for each day, when it is done.
async fn carry_out(mut purge: Purge, plan: &Plan) -> anyhow::Result<()> {
    let accounts = purge.begin().await?;
    let mut turned = 0;
    for day in &plan.days {
        let purged = purge.day(day.day).await?;
        turned += purged.turned;
        let Purged {
            deliveries,
            events,
            repeats,
            keys,
            ..
        } = purged;
        Output::say(&format!(
            "{}: {deliveries} deliveries, {events} events, {repeats} repeats, {keys} dedupe keys",
            day.day
        ))?;
    }
    purge.finish().await?;
    if turned > 0 {
        Output::say(&format!(
            "{turned} events were moved to the deliveries that repeat them"
        ))?;
    }
    Output::say(&format!(
        "all simulated data is deleted, with {accounts} accounts"
    ))
}
