//! Hand-out and settlement while another client holds a transaction open, so that no old version of
//! the row of the consumer can be removed.

use sqlx::{Connection as _, Executor as _};

use super::{
    BOT,
    options::ConsumersOptions,
    scene::Scene,
    steady_from, warm_up,
    worker::Effect,
    workers::{FEW, Times, millis},
};
use crate::{
    deliveries::People,
    goals::{Bound, Goal},
    postgres::Postgres,
};

/// Measures before the transaction, and in parts while it is open.
pub(super) async fn measure(
    postgres: &mut Postgres,
    options: &ConsumersOptions,
) -> anyhow::Result<Vec<Goal>> {
    println!(
        "\n| transaction open for | p50 | p99 since ack | settle p50 | p99 |\n|---|---|---|---|---|"
    );
    let scene = Scene::start(postgres, options, BOT).await?;
    scene.play(&warm_up(), Effect::Ack, FEW).await?;
    let before = part(&scene, options, "0 s").await?;
    let mut holder = scene.connect(postgres).await?;
    holder
        .execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM consumers")
        .await?;
    let (mut held, mut last) = (0, Times::new()?);
    while held < options.held {
        held += options.seconds;
        last = part(&scene, options, &format!("{held} s")).await?;
    }
    holder.close().await?;
    scene.end(postgres).await?;
    let ratio = millis(&last.hand_out, 0.99) / millis(&before.hand_out, 0.99);
    let settle = millis(&last.settle, 0.99);
    let goal = |what, most, value| Goal::of("held", what, Bound::AtMost(most), vec![value]);
    Ok(vec![
        goal("times the p99 of the hand-out before", 1.2, ratio),
        goal("ms of a settlement, p99", 250.0, settle),
    ])
}

async fn part(scene: &Scene, options: &ConsumersOptions, name: &str) -> anyhow::Result<Times> {
    let people = People {
        count: options.people,
        ..People::of(1)
    };
    let run = steady_from(people, options.seconds)?;
    let times = scene.play(&run, Effect::Ack, FEW).await?;
    println!(
        "| {name} | {:.1} | {:.1} | {:.1} | {:.1} |",
        millis(&times.hand_out, 0.5),
        millis(&times.hand_out, 0.99),
        millis(&times.settle, 0.5),
        millis(&times.settle, 0.99),
    );
    Ok(times)
}
