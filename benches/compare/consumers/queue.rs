//! WAL and row writes of a consumer, compared with a queue of rows in the same Postgres.
//!
//! Both have the same events, a number of which are out; ten of them, at random, are settled at a
//! time, and ten more handed out. The events are stored before, so that only the work of the
//! consumer is measured.

use sqlx::Connection as _;

use super::{
    options::ConsumersOptions,
    rows::{self, Chance, Cost, EVENTS},
    scene::Scene,
    worker::{Effect, Worker},
    writes::Writes,
};
use crate::{
    deliveries::{People, Run},
    goals::{Bound, Goal},
    postgres::Postgres,
};

/// Events that are stored beside those that are settled: a lane has one event out at a time.
const MORE: usize = 1_000;

/// Measures with 50 and 256 events in flight.
pub(super) async fn measure(
    postgres: &mut Postgres,
    options: &ConsumersOptions,
) -> anyhow::Result<Vec<Goal>> {
    println!(
        "\n| in flight | WAL B/event consumer | queue | row writes/event consumer | queue |\n\
         |---|---|---|---|---|"
    );
    let mut goals = Vec::new();
    for (name, in_flight, most) in [("queue, 50", 50, 1.0 / 5.0), ("queue, 256", 256, 1.0 / 4.0)] {
        let ours = of_consumer(postgres, options, in_flight).await?;
        let theirs = rows::cost(postgres, in_flight).await?;
        println!(
            "| {in_flight} | {:.0} | {:.0} | {:.2} | {:.2} |",
            ours.wal, theirs.wal, ours.rows, theirs.rows
        );
        let goal = |what, ratio| Goal::of(name, what, Bound::AtMost(most), vec![ratio]);
        goals.push(goal(
            "times the WAL of a queue of rows",
            ours.wal / theirs.wal,
        ));
        goals.push(goal("times its row writes", ours.rows / theirs.rows));
    }
    Ok(goals)
}

async fn of_consumer(
    postgres: &mut Postgres,
    options: &ConsumersOptions,
    in_flight: usize,
) -> anyhow::Result<Cost> {
    let filler = Scene::start(postgres, options, "").await?;
    let run = Run::of(f64::INFINITY, EVENTS + in_flight + MORE, People::of(10));
    filler.send(&run).await?;
    filler.has_counted(postgres).await?;
    let database = filler.stop()?;
    let config = "[consumers.bot]\nstart = \"beginning\"\n";
    let scene = Scene::start_on(postgres, database, options, config).await?;
    let mut worker = Worker::connect(scene.admin, "bot", "w").await?;
    let mut out = Vec::new();
    while out.len() < in_flight {
        out.extend(worker.lease((in_flight - out.len()).min(100), 25).await?);
    }
    vacuum(&scene, postgres).await?;
    let rows = Writes::of(&scene, postgres).await?.sum();
    postgres.checkpoint().await?;
    let wal = postgres.wal().await?;
    // The server has closed the idle connection.
    let mut worker = Worker::connect(scene.admin, "bot", "w").await?;
    let mut chance = Chance::default();
    let mut settled = 0;
    while settled < EVENTS {
        let drawn = chance.draw(&mut out);
        worker.settle(&drawn, Effect::Ack).await?;
        settled += drawn.len();
        out.extend(worker.lease(in_flight - out.len(), 25).await?);
    }
    let wal = postgres.wal().await? - wal;
    let rows = Writes::of(&scene, postgres).await?.sum() - rows;
    scene.end(postgres).await?;
    Ok(Cost::of(wal, rows, settled))
}

/// Sets the hint bits of all rows, which after a checkpoint would add to the WAL.
async fn vacuum(scene: &Scene, postgres: &Postgres) -> anyhow::Result<()> {
    let mut connection = scene.connect(postgres).await?;
    sqlx::raw_sql("VACUUM").execute(&mut connection).await?;
    Ok(connection.close().await?)
}
