//! Measurements as Markdown tables. `docs/performance.md` has the goals and the medians.

use serde::Serialize;

use crate::{
    costs::Cost,
    goals::{Bound, Goal, median},
    load::Asked,
    options::Options,
    turn::Turn,
};

const COLUMNS: &str = "| round | server | deliveries/s | again | p50 ms | p90 ms | p99 ms \
                       | CPU s/M server | Postgres | both | both an event | generator \
                       | WAL B an event | peak MiB |";

/// Prints one JSON object a line.
pub(crate) fn lines(values: &[impl Serialize]) -> anyhow::Result<()> {
    for value in values {
        println!("{}", serde_json::to_string(value)?);
    }
    Ok(())
}

/// Prints every round of a scenario, then the medians of each lane.
pub(crate) fn scenario(title: &str, turns: &[Turn]) {
    println!("\n### {title}\n\n{COLUMNS}\n{}", rule(COLUMNS));
    for turn in turns {
        row(&turn.round.to_string(), turn.lane, |value| value(turn));
    }
    for lane in turns.iter().filter(|turn| turn.round == 1) {
        let own = || turns.iter().filter(|turn| turn.lane == lane.lane);
        row("**median**", lane.lane, |value| median(own().map(value)));
    }
}

fn row(round: &str, lane: &str, of: impl Fn(fn(&Turn) -> f64) -> f64) {
    println!(
        "| {round} | {lane} | {:.0} | {:.0} | {:.2} | {:.2} | {:.2} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.0} | {:.1} |",
        of(|it| it.deliveries_per_second),
        of(|it| it.again),
        of(|it| it.p50_ms),
        of(|it| it.p90_ms),
        of(|it| it.p99_ms),
        of(Turn::server_cpu_per_delivery),
        of(|it| it.postgres_cpu / it.deliveries * 1e6),
        of(Turn::cpu_per_delivery),
        of(Turn::cpu_per_event),
        of(|it| it.generator_cpu / it.deliveries * 1e6),
        of(Turn::wal_per_event),
        of(|it| it.peak_mib),
    );
}

/// Prints the machine and the settings of the run.
pub(crate) fn circumstances(postgres: &str, options: &Options) {
    let Asked {
        seconds,
        deliveries,
    } = options.asked();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let rounds = options.rounds();
    println!(
        "Hookshelf {}, Postgres {postgres}, {cores} CPUs; rounds: {rounds}, seconds: {seconds}, \
         deliveries to a store: {deliveries}{}",
        env!("CARGO_PKG_VERSION"),
        if cfg!(debug_assertions) {
            "; a debug build: its speed says nothing"
        } else {
            ""
        }
    );
}

/// Prints the cost of a delivery, by part.
pub(crate) fn costs(costs: &[Cost]) {
    if costs.is_empty() {
        return;
    }
    let columns = "| at | part | hookshelf | plain |";
    println!(
        "\n### What a delivery costs\n\n{columns}\n{}",
        rule(columns)
    );
    for cost in costs {
        println!(
            "| {} | {} | {:.1} | {} |",
            cost.at,
            cost.part,
            cost.ours,
            said(cost.plain)
        );
    }
}

fn said(value: Option<f64>) -> String {
    value.map_or(String::new(), |value| format!("{value:.1}"))
}

/// Prints every goal with its measured value.
pub(crate) fn goals(goals: &[Goal]) {
    let columns = "| at | what | goal | measured | rounds | met |";
    println!("\n### Goals\n\n{columns}\n{}", rule(columns));
    for goal in goals {
        let bound = match goal.bound {
            Bound::AtLeast(bound) => format!("≥ {bound}"),
            Bound::AtMost(bound) => format!("≤ {bound}"),
        };
        let lowest = goal.rounds.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = goal.rounds.iter().copied().fold(0.0, f64::max);
        println!(
            "| {} | {} | {bound} | {:.2} | {lowest:.2} to {highest:.2} | {} |",
            goal.scenario,
            goal.what,
            goal.median,
            if goal.met { "yes" } else { "**no**" }
        );
    }
}

/// The Markdown rule below a table header.
fn rule(columns: &str) -> String {
    let count = columns.matches('|').count();
    "|---".repeat(count.saturating_sub(1)) + "|"
}
