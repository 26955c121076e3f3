//! A stream of deliveries: runs it on a thread of its own, shows how far it is, prints the summary.

use std::{
    fs::File,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use indicatif::ProgressBar;
use nix::sys::resource::rlim_t;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use super::{super::output::bar, stream::Stream, summary, target::Found};
use crate::{
    app::descriptors,
    clock::Clock,
    meta::event::Kind,
    simulate::{
        self, Script, Target,
        load::{Ledger, Length, Load, Summary, Watch},
    },
};

/// Open files beside the connections of a run.
const OTHER_FILES: rlim_t = 64;

/// Refresh interval of the progress bar.
const TICK: Duration = Duration::from_millis(500);

/// Steps of the bar.
const STEPS: u64 = 1000;

type Running = JoinHandle<Result<Summary, simulate::Error>>;

pub(super) async fn run(
    stream: &Stream,
    kinds: Vec<Kind>,
    json: bool,
    found: Found,
    seed: u64,
) -> anyhow::Result<ExitCode> {
    provide_files(stream.connections.get())?;
    let open = |path: &Option<_>| path.as_deref().map(|path| open(path, &found)).transpose();
    let (ledger, forged) = (open(&stream.ledger)?, open(&stream.forged)?);
    let load = Load {
        script: Script {
            seed,
            accounts: stream.accounts,
            people: stream.people,
            kinds,
            batch: stream.batch,
        },
        length: Length {
            deliveries: stream.count,
            time: stream.duration,
        },
        rate: stream.rate,
        connections: stream.connections,
        duplicates: stream.duplicates / 100.0,
        forgeries: stream.bad_signatures / 100.0,
        give_up: stream.retry.then_some(stream.give_up),
        ledger,
        forged,
    };
    let watch = Watch::default();
    let running = start(found.target.clone(), load, watch.clone())?;
    let bar = (!json).then(|| bar(STEPS)).flatten();
    let summary = watching(running, &watch, stream, bar.as_ref()).await;
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    let summary = summary?;
    summary::print(&summary, seed, json)?;
    summary::judge(&summary, stream, &found)?;
    Ok(ExitCode::SUCCESS)
}

/// Starts the run on a single thread: it takes a core and leaves the others to the server.
fn start(target: Target, load: Load, watch: Watch) -> anyhow::Result<Running> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let clock = Clock::system();
    Ok(tokio::task::spawn_blocking(move || {
        runtime.block_on(simulate::load::run(&target, load, &clock, &watch))
    }))
}

/// Waits for the end of a run; a signal brings it forward.
async fn watching(
    mut running: Running,
    watch: &Watch,
    stream: &Stream,
    bar: Option<&ProgressBar>,
) -> anyhow::Result<Summary> {
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (begun, mut before) = (Instant::now(), 0);
    loop {
        tokio::select! {
            ended = &mut running => return Ok(ended??),
            _ = interrupted.recv() => watch.stop(),
            _ = terminated.recv() => watch.stop(),
            _ = ticks.tick(), if bar.is_some() => {
                let settled = watch.settled();
                if let Some(bar) = bar {
                    show(bar, stream, watch, begun.elapsed(), settled - before);
                }
                before = settled;
            }
        }
    }
}

/// Moves the bar to whichever end is nearer.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "steps of a bar"
)]
fn show(bar: &ProgressBar, stream: &Stream, watch: &Watch, elapsed: Duration, latest: u64) {
    let settled = watch.settled();
    let by_count = stream.count.map_or(0.0, |all| settled as f64 / all as f64);
    let by_time = stream
        .duration
        .map_or(0.0, |all| elapsed.div_duration_f64(all));
    bar.set_position((by_count.max(by_time).min(1.0) * STEPS as f64) as u64);
    let rate = latest as f64 / TICK.as_secs_f64();
    bar.set_message(format!(
        "{settled} deliveries, {rate:.0} a second, {} failures",
        watch.failures()
    ));
}

fn open(path: &Path, found: &Found) -> anyhow::Result<Ledger> {
    let file = File::create(path);
    let file = file.with_context(|| format!("the ledger {} cannot be made", path.display()))?;
    Ok(Ledger::new(found.app.as_str(), file))
}

/// Each connection takes an open file; the usual limit of 1024 is less than may be asked for.
fn provide_files(connections: usize) -> anyhow::Result<()> {
    let needed = rlim_t::try_from(connections)?.saturating_add(OTHER_FILES);
    let limit = descriptors::raise(needed)?;
    ensure!(
        limit >= needed,
        "the system lets this program open {limit} files, and {connections} connections need \
         {needed}: raise the limit with `ulimit -n`, or take fewer"
    );
    Ok(())
}
