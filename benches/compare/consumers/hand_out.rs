//! Time from the ack of a delivery to the hand-out of its event, at 500 deliveries a second and with
//! four workers: alone, with 5,000 waiting lanes, after 100,000 settled events, and beside a lane with
//! 100,000 events.

use std::time::Duration;

use tokio::time::sleep;

use super::{
    BOT,
    options::{ConsumersOptions, Measurement},
    scene::Scene,
    steady, warm_up,
    worker::Effect,
    workers::{FEW, MANY, Times, millis},
};
use crate::{
    deliveries::{People, Run},
    goals::{Bound, Goal},
    postgres::Postgres,
    usage,
};

/// State of the consumer before the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Nothing,
    /// 5,000 lanes whose head failed.
    Waiting,
    /// 100,000 settled events.
    Settled,
    /// A lane whose head failed, with 100,000 events behind it.
    Long,
}

impl Before {
    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "alone",
            Self::Waiting => "5,000 lanes wait",
            Self::Settled => "100,000 settled events",
            Self::Long => "100,000 events in a lane that waits",
        }
    }

    fn is_chosen(self, options: &ConsumersOptions) -> bool {
        match self {
            Self::Nothing | Self::Waiting => options.chooses(Measurement::HandOut),
            Self::Settled | Self::Long => options.chooses(Measurement::LongLane),
        }
    }
}

/// Runs turns in each state.
pub(super) async fn measure(
    postgres: &mut Postgres,
    options: &ConsumersOptions,
) -> anyhow::Result<Vec<Goal>> {
    println!(
        "\n| consumer | round | events | p50 | p90 | p99 since ack | settle p50 | p99 \
         | CPU µs/delivery server | Postgres |\n|---|---|---|---|---|---|---|---|---|---|"
    );
    let states = [
        Before::Nothing,
        Before::Waiting,
        Before::Settled,
        Before::Long,
    ];
    let mut rounds = Vec::new();
    for round in 1..=options.rounds {
        for before in states.into_iter().filter(|it| it.is_chosen(options)) {
            let times = turn(postgres, options, before, round).await?;
            rounds.push((before, times));
        }
    }
    Ok(goals(&rounds, options))
}

async fn turn(
    postgres: &mut Postgres,
    options: &ConsumersOptions,
    before: Before,
    round: u32,
) -> anyhow::Result<Times> {
    let scene = Scene::start(postgres, options, BOT).await?;
    scene.play(&warm_up(), Effect::Ack, FEW).await?;
    prepare(&scene, postgres, before).await?;
    postgres.checkpoint().await?;
    sleep(Duration::from_secs(2)).await;
    let run = steady(options.seconds)?;
    let used = [usage::cpu(scene.server.pid)?, postgres.cpu()?];
    let times = scene.play(&run, Effect::Ack, FEW).await?;
    let now = [usage::cpu(scene.server.pid)?, postgres.cpu()?];
    scene.end(postgres).await?;
    print(before, round, &times, [now[0] - used[0], now[1] - used[1]]);
    Ok(times)
}

async fn prepare(scene: &Scene, postgres: &Postgres, before: Before) -> anyhow::Result<()> {
    let fast = |count, people| Run::of(f64::INFINITY, count, people);
    let people = |accounts, count| People {
        accounts,
        first: 10_000,
        count,
    };
    match before {
        Before::Nothing => {}
        Before::Waiting => {
            let run = fast(5_000, people(10, 5_000));
            scene.play(&run, Effect::Nack, FEW).await?;
        }
        Before::Settled => {
            let run = fast(100_000, people(1, 2_000));
            scene.play(&run, Effect::Ack, MANY).await?;
            scene.has_counted(postgres).await?;
        }
        Before::Long => {
            let run = fast(1, people(1, 1));
            scene.play(&run, Effect::Nack, FEW).await?;
            scene.send(&fast(100_000, people(1, 1))).await?;
            scene.has_counted(postgres).await?;
            scene.has_read(postgres).await?;
        }
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "numbers of a bench")]
fn print(before: Before, round: u32, times: &Times, [server, postgres]: [f64; 2]) {
    let (out, settle) = (&times.hand_out, &times.settle);
    let micros = |cpu: f64| cpu / out.len() as f64 * 1e6;
    println!(
        "| {} | {round} | {} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.0} | {:.0} |",
        before.name(),
        out.len(),
        millis(out, 0.5),
        millis(out, 0.9),
        millis(out, 0.99),
        millis(settle, 0.5),
        millis(settle, 0.99),
        micros(server),
        micros(postgres),
    );
}

fn goals(rounds: &[(Before, Times)], options: &ConsumersOptions) -> Vec<Goal> {
    let of = |before, quantile| -> Vec<f64> {
        let rounds = rounds.iter().filter(|(state, _)| *state == before);
        rounds
            .map(|(_, it)| millis(&it.hand_out, quantile))
            .collect()
    };
    let ratio = |before, without, quantile| -> Vec<f64> {
        let without = of(without, quantile);
        let pairs = of(before, quantile).into_iter().zip(without);
        pairs.map(|(it, without)| it / without).collect()
    };
    let goal = |scenario, what, most, rounds| Goal::of(scenario, what, Bound::AtMost(most), rounds);
    let mut goals = Vec::new();
    if Before::Waiting.is_chosen(options) {
        let (alone, waiting) = (Before::Nothing, Before::Waiting);
        let (p50, p99) = ("times the p50 of none", "times the p99 of none");
        goals.extend([
            goal(
                "hand-out",
                "ms from ack to hand-out, p50",
                10.0,
                of(alone, 0.5),
            ),
            goal(
                "hand-out",
                "ms from ack to hand-out, p99",
                50.0,
                of(alone, 0.99),
            ),
            goal("5,000 waiting lanes", p50, 1.2, ratio(waiting, alone, 0.5)),
            goal("5,000 waiting lanes", p99, 1.2, ratio(waiting, alone, 0.99)),
        ]);
    }
    if Before::Long.is_chosen(options) {
        let rounds = ratio(Before::Long, Before::Settled, 0.99);
        goals.push(goal(
            "long-lane",
            "times the p99 without this lane",
            1.2,
            rounds,
        ));
    }
    goals
}
