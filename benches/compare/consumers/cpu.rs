//! CPU of server and Postgres for a delivery, with three consumers and without.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;

use super::{
    RATE, WARM_UP, options::ConsumersOptions, scene::Scene, worker::Effect, workers::Workers,
};
use crate::{
    deliveries::{People, Run},
    goals::{Bound, Goal},
    postgres::Postgres,
    usage,
};

const CONSUMERS: [&str; 3] = ["one", "two", "three"];

/// Deliveries of the load without a rate.
const DELIVERIES: usize = 100_000;

/// A load, and the events of a lease.
#[derive(Clone, Copy, Debug)]
struct Load {
    name: &'static str,
    rate: f64,
    deliveries: usize,
    max: usize,
}

/// Runs turns with and without consumers.
pub(super) async fn measure(
    postgres: &mut Postgres,
    options: &ConsumersOptions,
) -> anyhow::Result<Vec<Goal>> {
    println!(
        "\n| load | consumers | round | CPU µs/delivery server | Postgres | both |\n\
         |---|---|---|---|---|---|"
    );
    let loads = [
        Load {
            name: "500/s",
            rate: RATE.into(),
            deliveries: usize::try_from(RATE * options.seconds)?,
            max: 10,
        },
        Load {
            name: "64 connections",
            rate: f64::INFINITY,
            deliveries: DELIVERIES,
            max: 100,
        },
    ];
    let mut goals = Vec::new();
    for load in loads {
        let mut ratios = Vec::new();
        for round in 1..=options.rounds {
            let none = turn(postgres, options, load, (&[], round)).await?;
            let three = turn(postgres, options, load, (&CONSUMERS, round)).await?;
            ratios.push(three / none);
        }
        let what = "times the CPU a delivery without consumers";
        goals.push(Goal::of(load.name, what, Bound::AtMost(1.2), ratios));
    }
    Ok(goals)
}

/// Returns the CPU time for a delivery, in microseconds.
#[expect(clippy::cast_precision_loss, reason = "numbers of a bench")]
async fn turn(
    postgres: &mut Postgres,
    options: &ConsumersOptions,
    load: Load,
    (consumers, round): (&[&'static str], u32),
) -> anyhow::Result<f64> {
    let tables = consumers.iter().map(|name| format!("[consumers.{name}]\n"));
    let scene = Scene::start(postgres, options, &tables.collect::<String>()).await?;
    let warm_up = Run::of(load.rate, WARM_UP, People::of(1));
    play(&scene, consumers, &warm_up, load.max).await?;
    scene.has_counted(postgres).await?;
    sleep(Duration::from_secs(2)).await;
    postgres.checkpoint().await?;
    let before = [usage::cpu(scene.server.pid)?, postgres.cpu()?];
    let run = Run::of(load.rate, load.deliveries, People::of(1));
    play(&scene, consumers, &run, load.max).await?;
    // The followers count at their own pace: each turn pays for all of its deliveries.
    scene.has_counted(postgres).await?;
    let after = [usage::cpu(scene.server.pid)?, postgres.cpu()?];
    scene.end(postgres).await?;
    let micros = |at: usize| (after[at] - before[at]) / load.deliveries as f64 * 1e6;
    let (name, count, sum) = (load.name, consumers.len(), micros(0) + micros(1));
    println!(
        "| {name} | {count} | {round} | {:.1} | {:.1} | {sum:.1} |",
        micros(0),
        micros(1)
    );
    Ok(sum)
}

/// Sends the deliveries, and lets workers of each consumer settle their events.
async fn play(
    scene: &Scene,
    consumers: &[&'static str],
    run: &Arc<Run>,
    max: usize,
) -> anyhow::Result<()> {
    let mut working = tokio::task::JoinSet::new();
    for consumer in consumers {
        let (run, admin) = (Arc::clone(run), scene.admin);
        let workers = Workers {
            admin,
            consumer,
            effect: Effect::Ack,
            max,
        };
        working.spawn(async move { workers.work(&run, run.len()).await.map(drop) });
    }
    scene.send(run).await?;
    while let Some(ended) = working.join_next().await {
        ended??;
    }
    Ok(())
}
