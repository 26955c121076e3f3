//! Memory of ten consumers that are behind: while they stand, and while they catch up.

use std::{fmt::Write as _, time::Duration};

use tokio::{task::JoinSet, time::sleep};

use super::{
    options::ConsumersOptions,
    scene::Scene,
    worker::{Effect, Worker},
};
use crate::{
    deliveries::{People, Run},
    goals::{Bound, Goal},
    postgres::Postgres,
    usage,
};

const CONSUMERS: usize = 10;

/// More people than positions in memory, so that each event has a lane of its own.
const PEOPLE: People = People {
    accounts: 10,
    first: 0,
    count: 100_000,
};

/// Fills a store, and compares the peaks with and without consumers.
pub(super) async fn measure(
    postgres: &mut Postgres,
    options: &ConsumersOptions,
) -> anyhow::Result<Vec<Goal>> {
    let filler = Scene::start(postgres, options, "").await?;
    let run = Run::of(f64::INFINITY, options.events, PEOPLE);
    filler.send(&run).await?;
    filler.has_counted(postgres).await?;
    let mut database = filler.stop()?;
    println!(
        "\n| consumers, {} events behind | peak MiB |\n|---|---|",
        options.events
    );
    let mut peaks = Vec::new();
    for (consumers, name) in [(0, "none"), (CONSUMERS, "ten that stand, then catch up")] {
        let mut config = String::new();
        for number in 0..consumers {
            writeln!(config, "[consumers.c{number}]\nstart = \"beginning\"")?;
        }
        let scene = Scene::start_on(postgres, database, options, &config).await?;
        let seconds = Duration::from_secs(options.seconds.into());
        sleep(seconds).await;
        let standing = usage::peak_memory(scene.server.pid)?;
        catch_up(&scene, consumers, seconds).await?;
        let peak = usage::peak_memory(scene.server.pid)?;
        database = scene.stop()?;
        println!("| {name} | {standing:.1}, {peak:.1} |");
        peaks.push(peak);
    }
    postgres.drop(&database).await?;
    let more = vec![peaks[1] - peaks[0]];
    let what = "MiB of ten consumers behind";
    Ok(vec![Goal::of("memory", what, Bound::AtMost(32.0), more)])
}

/// Lets a worker of each consumer settle events for a while; without consumers just waits.
async fn catch_up(scene: &Scene, consumers: usize, time: Duration) -> anyhow::Result<()> {
    let mut working = JoinSet::new();
    for number in 0..consumers {
        let worker = Worker::connect(scene.admin, &format!("c{number}"), "w").await?;
        working.spawn(tokio::time::timeout(time, settle_on(worker)));
    }
    sleep(time).await;
    while let Some(ended) = working.join_next().await {
        if let Ok(failed) = ended? {
            failed?;
        }
    }
    Ok(())
}

async fn settle_on(mut worker: Worker) -> anyhow::Result<()> {
    loop {
        let leased = worker.lease(100, 25).await?;
        worker.settle(&leased, Effect::Ack).await?;
    }
}
