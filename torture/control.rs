//! Controls: the promise is broken on purpose, and the same machinery has to report the loss.

use std::{path::Path, time::Duration};

use crate::{
    audit::Audit,
    options::{Control, Options},
    plan::{Fault, Ground},
    report,
    run::program,
    stream::{Papers, Stream},
    world::{Make, World},
};

/// How often it is tried; a loss in any of them is enough. What Postgres has in its memory alone may
/// be nothing at the moment of a kill.
const TRIES: usize = 10;

/// A commit is answered at once and written up to 10 s later.
const LOSSY: [&str; 4] = [
    "synchronous_commit=off",
    "wal_writer_delay=10s",
    "wal_writer_flush_after=1GB",
    "wal_buffers=64MB",
];

/// Runs a control. Well is where the loss was reported.
pub(crate) async fn run(options: &Options, dir: &Path, control: Control) -> anyhow::Result<bool> {
    let lossy = control == Control::LossyCommits;
    let mut world = World::make(Make {
        dir,
        program: program(options)?,
        seed: options.seed,
        disk: options.disk,
        postgres: if lossy { &LOSSY } else { &[] },
        lies: !lossy,
    })
    .await?;
    let ground = if lossy { Ground::Plain } else { Ground::Power };
    world
        .settle(
            ground,
            &[("HOOKSHELF__DATABASE__ALLOW_LOSSY_COMMITS", "true")],
        )
        .await?;
    let mut audit = Audit::default();
    for number in 0..TRIES {
        if is_lost(options, dir, (number, lossy), &mut world, &mut audit).await? {
            world.close().await?;
            println!("good: the loss was found");
            return Ok(true);
        }
    }
    world.close().await?;
    println!("NOT GOOD: nothing was lost, or its loss was not found");
    Ok(false)
}

async fn is_lost(
    options: &Options,
    dir: &Path,
    (number, lossy): (usize, bool),
    world: &mut World,
    audit: &mut Audit,
) -> anyhow::Result<bool> {
    let papers = Papers::named(dir, &format!("control-{number}"));
    let seed = options.seed + number as u64;
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
    let (verdict, sight) = audit.look(world.ground, &database, false).await?;
    report::round(&summary, sight, &verdict);
    Ok(verdict.shows_loss())
}
