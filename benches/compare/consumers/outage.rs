//! A destination that is down while 500 deliveries a second arrive: rows written, and the rate at
//! which it catches up.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::{
    RATE,
    options::ConsumersOptions,
    receiver::Receiver,
    scene::Scene,
    steady,
    writes::{REPORTED, Writes},
};
use crate::{
    goals::{Bound, Goal},
    postgres::Postgres,
};

/// Requests at the same time.
const CONCURRENCY: usize = 8;

/// Time in which the rate of the receiver is measured.
const ALONE: Duration = Duration::from_secs(5);

/// Time before and after the outage with the destination at rest.
const REST: Duration = Duration::from_secs(15);

/// Maximum time in which the destination catches up.
const CATCH_UP: Duration = Duration::from_secs(20);

/// Seconds of the outage in the goal.
const HOUR: f64 = 3_600.0;

/// Seconds between two probes at the end of the pauses, and up to this end.
const PROBE: f64 = 60.0;

/// Runs an outage, and the time after it.
pub(super) async fn measure(
    postgres: &mut Postgres,
    options: &ConsumersOptions,
) -> anyhow::Result<Vec<Goal>> {
    let receiver = Receiver::start().await?;
    let alone = receiver.rate(CONCURRENCY, ALONE).await?;
    let config = format!(
        "[destinations.hook]\nurl = \"http://{}/hook\"\nreach = \"private\"\n\
         concurrency = {CONCURRENCY}\nrate = \"off\"\n",
        receiver.address
    );
    let scene = Scene::start(postgres, options, &config).await?;
    let idle = Writes::of(&scene, postgres).await?;
    sleep(REST).await;
    let before = Writes::of(&scene, postgres).await?;
    let heartbeats = rate(before.consumers - idle.consumers, REST + REPORTED);
    receiver.set_down(true);
    let began = Instant::now();
    scene.send(&steady(options.outage)?).await?;
    let after = Writes::of(&scene, postgres).await?;
    let down = began.elapsed();
    let rows = print(after - before, &receiver, (down, heartbeats));
    receiver.set_down(false);
    let caught_up = catch_up(&receiver, usize::try_from(options.outage * RATE)?).await;
    scene.end(postgres).await?;
    println!(
        "\nThe receiver takes {alone:.0} requests a second over {CONCURRENCY} connections; \
         the destination caught up with {caught_up:.0} a second."
    );
    let goal = |what, bound, value| Goal::of("outage", what, bound, vec![value]);
    Ok(vec![
        goal(
            "rows of lanes, letters and attempts in an hour",
            Bound::AtMost(100.0),
            rows,
        ),
        goal(
            "times the rate of the receiver",
            Bound::AtLeast(0.8),
            caught_up / alone,
        ),
    ])
}

/// Prints the writes of an outage; returns the rows beside that of the consumer in an hour.
#[expect(clippy::cast_precision_loss, reason = "numbers of a bench")]
fn print(writes: Writes, receiver: &Receiver, (down, heartbeats): (Duration, f64)) -> f64 {
    let seconds = down.as_secs_f64();
    let rows = writes.beside();
    // Later there is one probe a minute, with one attempt.
    let in_an_hour = rows as f64 + (HOUR - seconds).max(0.0) / PROBE;
    println!(
        "\n| down for | requests | rows of lanes | letters | attempts | in an hour \
         | updates of the consumer | at rest in this time |\n|---|---|---|---|---|---|---|---|\n\
         | {seconds:.0} s | {} | {} | {} | {} | {in_an_hour:.0} | {} | {:.0} |",
        receiver.refused(),
        writes.lanes,
        writes.letters,
        writes.attempts,
        writes.consumers,
        heartbeats * seconds,
    );
    in_an_hour
}

/// Rate at which the destination catches up, from its first request on.
#[expect(clippy::cast_precision_loss, reason = "numbers of a bench")]
async fn catch_up(receiver: &Receiver, behind: usize) -> f64 {
    let before = receiver.taken();
    while receiver.taken() == before {
        sleep(Duration::from_millis(10)).await;
    }
    let (first, began) = (receiver.taken(), Instant::now());
    while began.elapsed() < CATCH_UP && receiver.taken() < before + behind {
        sleep(Duration::from_millis(50)).await;
    }
    (receiver.taken() - first) as f64 / began.elapsed().as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "numbers of a bench")]
fn rate(count: i64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}
