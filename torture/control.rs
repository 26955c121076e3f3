//! Controls: the promise is broken on purpose, and the same machinery has to detect the loss. The
//! same faults run first with the promise kept, so that the loss is known to come from the broken
//! promise.

use std::{path::Path, time::Duration};

use crate::{
    audit::Audit,
    options::{Control, Options},
    plan::{Fault, Ground},
    report,
    run::program,
    stream::{Papers, Stream},
    verdict::Verdict,
    world::{Make, World},
};

/// Number of tries; a loss in any of them is enough. At the moment of a kill, Postgres may have no
/// unwritten data.
const TRIES: usize = 10;

/// Postgres acknowledges a commit at once and writes it up to 10 s later.
const LOSSY: [&str; 4] = [
    "synchronous_commit=off",
    "wal_writer_delay=10s",
    "wal_writer_flush_after=1GB",
    "wal_buffers=64MB",
];

/// Runs a control. True if nothing was lost while the promise was kept, and the loss was reported
/// when it was broken.
pub(crate) async fn run(options: &Options, dir: &Path, control: Control) -> anyhow::Result<bool> {
    let lossy = control == Control::LossyCommits;
    let make = Make {
        dir,
        program: program(options)?,
        seed: options.seed,
        disk: options.disk,
    };
    let mut world = World::make(make).await?;
    let ground = if lossy { Ground::Plain } else { Ground::Power };
    let allowed = [("HOOKSHELF__DATABASE__ALLOW_LOSSY_COMMITS", "true")];
    world.settle(ground, &allowed).await?;
    let said = judged(options, dir, lossy, &mut world).await;
    world.close().await?;
    let said = said?;
    println!("{said}");
    Ok(said == FOUND)
}

const FOUND: &str = "good: the loss was found";

/// Verdicts of the same faults, with the promise kept and then broken.
async fn judged(
    options: &Options,
    dir: &Path,
    lossy: bool,
    world: &mut World,
) -> anyhow::Result<&'static str> {
    let mut audit = Audit::default();
    println!("the promise is kept");
    let kept = tried(options, dir, (0, lossy), world, &mut audit).await?;
    if !kept.is_good() {
        return Ok("NOT GOOD: something is wrong before anything was broken");
    }
    println!("the promise is broken");
    if lossy {
        world.lose_commits(&LOSSY).await?;
    } else {
        world.lie_about_syncs();
    }
    for number in 1..=TRIES {
        let broken = tried(options, dir, (number, lossy), world, &mut audit).await?;
        if broken.shows_loss() {
            return Ok(FOUND);
        }
    }
    Ok("NOT GOOD: nothing was lost, or its loss was not found")
}

async fn tried(
    options: &Options,
    dir: &Path,
    (number, lossy): (usize, bool),
    world: &mut World,
    audit: &mut Audit,
) -> anyhow::Result<Verdict> {
    let papers = Papers::named(dir, &format!("control-{number}"));
    let seed = options.seed.wrapping_add(number as u64);
    let lasting = Duration::from_secs(6);
    let rate = (seed, options.rate);
    let stream = Stream::begin(&world.hookshelf, papers.clone(), rate, lasting)?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    if lossy {
        world.begin(Fault::KillPostgres).await?;
    } else {
        world.begin(Fault::SilenceLink).await?;
        tokio::time::sleep(Duration::from_secs(4)).await;
        world.begin(Fault::CutPower).await?;
    }
    world.heal().await?;
    let summary = stream.finish().await?;
    let ledger = audit.ledger(world.ground);
    ledger.add_acked(&papers.acked)?;
    ledger.add_forged(&papers.forged)?;
    world.empty_spool().await?;
    let database = world.database().await?;
    let (mut verdict, sight) = audit.look(world.ground, &database, false).await?;
    verdict.other = summary.faults(true);
    report::round(&summary, sight, &verdict);
    Ok(verdict)
}
