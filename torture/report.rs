//! Output of the program.

use std::{io::Write, time::Duration};

use crate::{
    audit::Sight,
    options::Options,
    plan::{Fault, Plan, Round, Step},
    progress::Totals,
    stream::Summary,
    verdict::Verdict,
};

/// Maximum number of rounds shown.
const SHOWN: usize = 8;

/// Prints the plan.
pub(crate) fn plan(options: &Options) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let rounds = if options.short {
        Plan::short(options.seed)
    } else {
        Plan::new(options.seed)
            .take(options.rounds.unwrap_or(SHOWN))
            .collect()
    };
    for (number, round) in rounds.iter().enumerate() {
        writeln!(out, "{}", title(number, round))?;
        for step in &round.steps {
            writeln!(out, "  {}", self::step(step))?;
        }
    }
    Ok(())
}

/// Formats a round on one line.
pub(crate) fn title(number: usize, round: &Round) -> String {
    let seconds = Duration::from_millis(round.length()).as_secs();
    format!(
        "round {number}, {:?}, {} steps in {seconds} s",
        round.ground,
        round.steps.len()
    )
}

/// Formats a step on one line.
pub(crate) fn step(step: &Step) -> String {
    let seconds = |millis: u64| Duration::from_millis(millis).as_secs_f64();
    let parts: Vec<_> = step
        .parts
        .iter()
        .map(|it| {
            let off = match it.fault {
                Fault::JumpClock(seconds) => format!(" by {seconds:+} s"),
                _ => String::new(),
            };
            format!(
                "{}{off} {:.1}-{:.1} s",
                it.fault.name(),
                seconds(it.begins),
                seconds(it.ends)
            )
        })
        .collect();
    parts.join(", ")
}

/// Prints the result of a round.
pub(crate) fn round(summary: &Summary, sight: Sight, verdict: &Verdict) {
    let Summary {
        deliveries,
        sends,
        acked,
        refused_forgeries,
        ..
    } = summary;
    println!(
        "  {deliveries} deliveries in {sends} sends, {acked} acked, {refused_forgeries} forgeries refused; \
         stored: {} deliveries, {} events; {verdict}",
        sight.deliveries, sight.events
    );
}

/// Prints all counts.
pub(crate) fn totals(totals: &Totals) {
    let listed = |counts: &std::collections::BTreeMap<String, u64>| {
        let parts: Vec<_> = counts
            .iter()
            .map(|(name, n)| format!("{name}: {n}"))
            .collect();
        parts.join(", ")
    };
    println!(
        "played     {} steps in {} rounds and {} min",
        totals.steps,
        totals.rounds,
        totals.seconds / 60
    );
    println!("faults     {}", listed(&totals.faults));
    println!(
        "sent       {} deliveries with {} items in {} sends; {} of them repeats",
        totals.deliveries, totals.items, totals.sends, totals.repeats
    );
    println!("answered   {}", listed(&totals.answers));
    println!("acked      {}", totals.acked);
    println!("refused    {} forgeries", totals.forgeries_refused);
    println!("spooled    at least {}", totals.spooled);
    println!(
        "clock      {} deliveries received at a time that was off by a day or more",
        totals.out_of_time
    );
    println!(
        "power cuts {} pages not synced were lost, {} had reached the disk; {} names lost",
        totals.pages_lost, totals.pages_kept, totals.names_lost
    );
}
