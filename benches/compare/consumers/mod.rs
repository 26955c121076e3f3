//! `cargo bench --bench compare -- consumers`: hand-out of events to workers, cost of consumers, and
//! destinations that are down.
//!
//! Sender, workers and receiver are in this process, so that all times are of one clock. Each
//! measurement prints its turns; the goals stand at the end.

mod cpu;
mod hand_out;
mod held;
mod memory;
mod options;
mod outage;
mod queue;
mod receiver;
mod rows;
mod scene;
mod worker;
mod workers;
mod writes;

use std::sync::Arc;

pub(crate) use options::ConsumersOptions;

use options::Measurement;

use crate::{
    deliveries::{People, Run},
    goals::Goal,
    postgres::Postgres,
    tables,
};

/// Deliveries a second.
const RATE: u32 = 500;

/// Deliveries before a measurement.
const WARM_UP: usize = 2_000;

/// Table of a consumer with all events.
const BOT: &str = "[consumers.bot]\n";

/// Deliveries of the warm-up, as fast as they are acked.
fn warm_up() -> Arc<Run> {
    Run::of(f64::INFINITY, WARM_UP, People::of(1))
}

/// Deliveries at the usual rate for `seconds`.
fn steady(seconds: u32) -> anyhow::Result<Arc<Run>> {
    steady_from(People::of(1), seconds)
}

/// The same, from other people.
fn steady_from(people: People, seconds: u32) -> anyhow::Result<Arc<Run>> {
    let count = usize::try_from(RATE * seconds)?;
    Ok(Run::of(RATE.into(), count, people))
}

/// Runs the chosen measurements, and prints the goals.
pub(crate) async fn measure(options: &ConsumersOptions) -> anyhow::Result<()> {
    use Measurement::{Cpu, HandOut, Held, LongLane, Memory, Outage, Queue};
    let mut postgres = Postgres::start().await?;
    println!("Postgres {}; times in ms", postgres.version().await?);
    let mut goals: Vec<Goal> = Vec::new();
    if options.chooses(HandOut) || options.chooses(LongLane) {
        goals.extend(hand_out::measure(&mut postgres, options).await?);
    }
    if options.chooses(Queue) {
        goals.extend(queue::measure(&mut postgres, options).await?);
    }
    if options.chooses(Cpu) {
        goals.extend(cpu::measure(&mut postgres, options).await?);
    }
    if options.chooses(Outage) {
        goals.extend(outage::measure(&mut postgres, options).await?);
    }
    if options.chooses(Held) {
        goals.extend(held::measure(&mut postgres, options).await?);
    }
    if options.chooses(Memory) {
        goals.extend(memory::measure(&mut postgres, options).await?);
    }
    tables::goals(&goals);
    Ok(())
}
