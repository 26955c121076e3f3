//! `cargo bench --bench compare -- stream`: time from the ack of a delivery at its sender to the
//! receipt of its event by each reader of a live stream.
//!
//! Sender and readers are in this process, so that both times are of one clock. An event that
//! reaches a reader before the ack reaches the sender counts as 0. The time since the delivery was
//! due stands beside it: it includes the commit, and any delay of the sender.

mod readers;

use std::{path::Path, sync::Arc, time::Duration};

use hdrhistogram::Histogram;

use crate::{
    deliveries::{self, People, Run},
    options::StreamOptions,
    postgres::Postgres,
    server::{SECRET, Server},
    usage,
};

/// Deliveries before the idle memory is measured: each account gets some.
const WARM_UP: usize = 2_000;

/// Time for readers to receive the last events.
const PATIENCE: Duration = Duration::from_secs(30);

/// Maximum memory over idle, in MiB.
const MEMORY: f64 = 96.0;

/// Load, and the readers of the stream.
#[derive(Clone, Copy, Debug)]
struct StreamLoad {
    /// Deliveries a second.
    rate: u32,
    readers: usize,
    /// Accounts with equal shares of the deliveries; with several, each reader sees one.
    accounts: usize,
    /// Maximum p99 in milliseconds.
    p99: f64,
}

const LOADS: [StreamLoad; 2] = [
    StreamLoad {
        rate: 500,
        readers: 100,
        accounts: 1,
        p99: 50.0,
    },
    StreamLoad {
        rate: 2_000,
        readers: 500,
        accounts: 10,
        p99: 150.0,
    },
];

impl StreamLoad {
    fn run(self, deliveries: usize) -> Arc<Run> {
        Run::of(self.rate.into(), deliveries, People::of(self.accounts))
    }
}

/// Times in microseconds.
struct Latencies {
    since_ack: Histogram<u64>,
    since_due: Histogram<u64>,
}

impl Latencies {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            since_ack: Histogram::new_with_max(60_000_000, 3)?,
            since_due: Histogram::new_with_max(60_000_000, 3)?,
        })
    }

    fn add(&mut self, other: &Self) -> anyhow::Result<()> {
        self.since_ack.add(&other.since_ack)?;
        self.since_due.add(&other.since_due)?;
        Ok(())
    }
}

/// Measures every load and prints a table.
pub(crate) async fn measure(options: &StreamOptions) -> anyhow::Result<()> {
    let mut postgres = Postgres::start().await?;
    println!(
        "Postgres {}, {} s a round; times in ms, memory in MiB\n\n\
         | load | round | events received | p50 | p90 | p99 since ack | max | p99 since due \
         | idle | peak | over idle | p99 and memory met |\n\
         |---|---|---|---|---|---|---|---|---|---|---|---|",
        postgres.version().await?,
        options.seconds
    );
    for load in LOADS {
        for round in 1..=options.rounds {
            let database = postgres.make().await?;
            let url = postgres.url(&database)?;
            turn(load, round, options, &url, &postgres.dir().join("server")).await?;
            postgres.drop(&database).await?;
        }
    }
    Ok(())
}

async fn turn(
    load: StreamLoad,
    round: u32,
    options: &StreamOptions,
    url: &str,
    dir: &Path,
) -> anyhow::Result<()> {
    let mut server = Server::start_program(&options.program, "serve", url, dir)?;
    let admin = server.admin()?;
    let warm_up = load.run(WARM_UP);
    deliveries::send(&warm_up, server.address, SECRET).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let idle = usage::present_memory(server.pid)?;
    let count = usize::try_from(load.rate * options.seconds)?;
    let readers = readers::open(load, admin).await?;
    let run = load.run(count);
    let (sent, received) = tokio::join!(
        deliveries::send(&run, server.address, SECRET),
        tokio::time::timeout(
            PATIENCE + run.due(count),
            readers::receive(readers, &run, count / load.accounts)
        ),
    );
    sent?;
    let latencies = received??;
    let peak = usage::peak_memory(server.pid)?;
    server.stop()?;
    std::fs::remove_dir_all(dir)?;
    print(load, round, &latencies, [idle, peak]);
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "numbers of a bench")]
fn print(load: StreamLoad, round: u32, latencies: &Latencies, [idle, peak]: [f64; 2]) {
    let millis = |of: &Histogram<u64>, share| of.value_at_quantile(share) as f64 / 1000.0;
    let ack = &latencies.since_ack;
    let met = |it: bool| if it { "yes" } else { "**no**" };
    println!(
        "| {}/s, {} readers of 1/{} | {round} | {} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} \
         | {idle:.1} | {peak:.1} | {:.1} | {}, {} |",
        load.rate,
        load.readers,
        load.accounts,
        ack.len(),
        millis(ack, 0.5),
        millis(ack, 0.9),
        millis(ack, 0.99),
        ack.max() as f64 / 1000.0,
        millis(&latencies.since_due, 0.99),
        peak - idle,
        met(millis(ack, 0.99) <= load.p99),
        met(peak - idle <= MEMORY),
    );
}
