//! A run: rounds of faults under a stream of deliveries, and a verdict after each.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use tokio_util::sync::CancellationToken;

use crate::{
    audit::{Audit, Sight},
    control,
    effects::Watch,
    inside,
    options::Options,
    plan::{Ground, Plan, Round},
    play,
    progress::Progress,
    report,
    stream::{Papers, Stream},
    verdict::Verdict,
    world::{Make, World},
};

/// Deliveries go on for so long after the last step of a round.
const AFTER: u64 = 2000;

/// Runs what was asked for. Whether all is well.
pub(crate) async fn run(options: &Options) -> anyhow::Result<bool> {
    let stop = inside::asked_to_stop();
    let dir = directory(options)?;
    match options.control {
        Some(control) => control::run(options, &dir, control).await,
        None => torture(options, &dir, &stop).await,
    }
}

async fn torture(options: &Options, dir: &Path, stop: &CancellationToken) -> anyhow::Result<bool> {
    let progress = if options.resume {
        Progress::read(dir)?
    } else {
        Progress::begin(options.seed, options.short)
    };
    println!(
        "seed {}, {} deliveries a second",
        progress.seed, options.rate
    );
    let world = World::make(Make {
        dir,
        program: program(options)?,
        seed: progress.seed.wrapping_add(progress.streams as u64),
        disk: options.disk,
        postgres: &[],
        lies: false,
    });
    let mut torture = Torture::new(options, dir, progress, world.await?)?;
    let result = torture.rounds(stop).await;
    torture.end(result).await
}

/// A run on its way.
struct Torture<'a> {
    options: &'a Options,
    dir: &'a Path,
    progress: Progress,
    world: World,
    audit: Audit,
    begun: Instant,
    seconds_before: u64,
}

impl<'a> Torture<'a> {
    fn new(
        options: &'a Options,
        dir: &'a Path,
        mut progress: Progress,
        world: World,
    ) -> anyhow::Result<Self> {
        let mut audit = Audit::default();
        if !world.brought_back {
            progress.forget_databases();
        }
        for (name, private) in &progress.ledgers {
            let papers = Papers::named(dir, name);
            let ground = if *private {
                Ground::Private
            } else {
                Ground::Plain
            };
            audit.ledger(ground).add_acked(&papers.acked)?;
            audit.ledger(ground).add_forged(&papers.forged)?;
        }
        let seconds_before = progress.totals.seconds;
        Ok(Self {
            options,
            dir,
            progress,
            world,
            audit,
            begun: Instant::now(),
            seconds_before,
        })
    }

    /// Plays rounds until there are enough. Whether all is well.
    async fn rounds(&mut self, stop: &CancellationToken) -> anyhow::Result<bool> {
        let rounds: Box<dyn Iterator<Item = Round>> = if self.progress.short {
            Box::new(Plan::short(self.progress.seed).into_iter())
        } else {
            Box::new(Plan::new(self.progress.seed))
        };
        for round in rounds.skip(self.progress.next) {
            if stop.is_cancelled() || self.is_enough() {
                break;
            }
            println!("{}", report::title(self.progress.next, &round));
            let good = self.round(&round, stop).await?;
            self.progress.totals.seconds = self.seconds_before + self.begun.elapsed().as_secs();
            self.progress.write(self.dir)?;
            if !good {
                return Ok(false);
            }
        }
        self.follow_anew().await
    }

    fn is_enough(&self) -> bool {
        match (self.progress.short, self.options.rounds) {
            (true, _) => false,
            (false, Some(rounds)) => self.progress.next >= rounds,
            (false, None) => {
                let minutes = Duration::from_secs(60 * self.options.minutes);
                self.begun.elapsed() + Duration::from_secs(self.seconds_before) >= minutes
            }
        }
    }

    /// One round and its verdict. One that was stopped is played again from its beginning later.
    async fn round(&mut self, round: &Round, stop: &CancellationToken) -> anyhow::Result<bool> {
        self.world.settle(round.ground, &[]).await?;
        let watch = self.world.hookshelf.watch();
        let (papers, stream) = self.stream(round)?;
        let (played, mut faults) = self.steps(round, &watch, stop).await?;
        self.world.heal().await?;
        let summary = if stop.is_cancelled() {
            stream.stop().await?
        } else {
            stream.finish().await?
        };
        faults.extend(summary.faults());
        self.progress.totals.add_steps(round, played);
        self.progress
            .totals
            .add(&summary, watch.seen(), self.world.lost());
        drop(watch);
        let is_whole = played == round.steps.len();
        let (mut verdict, sight) = self.check(round, &papers, is_whole).await?;
        verdict.other.append(&mut faults);
        report::round(&summary, sight, &verdict);
        self.progress.next += usize::from(is_whole);
        self.progress.totals.rounds += u64::from(is_whole);
        Ok(verdict.is_good())
    }

    /// Plays the steps of a round. How many, and what they should have changed and did not.
    async fn steps(
        &mut self,
        round: &Round,
        watch: &Watch,
        stop: &CancellationToken,
    ) -> anyhow::Result<(usize, Vec<String>)> {
        let mut faults = Vec::new();
        for (played, step) in round.steps.iter().enumerate() {
            if stop.is_cancelled() {
                return Ok((played, faults));
            }
            println!("  {}", report::step(step));
            faults.extend(play::play(&mut self.world, step, watch, stop).await?);
        }
        Ok((round.steps.len(), faults))
    }

    /// Waits until the spool is empty, and holds what is stored against the ledgers.
    async fn check(
        &mut self,
        round: &Round,
        papers: &Papers,
        is_whole: bool,
    ) -> anyhow::Result<(Verdict, Sight)> {
        let ledger = self.audit.ledger(round.ground);
        ledger.add_acked(&papers.acked)?;
        ledger.add_forged(&papers.forged)?;
        let set_aside = self.world.empty_spool().await?;
        let options = self.world.database().await?;
        let (mut verdict, sight) = self.audit.look(round.ground, &options, false).await?;
        if set_aside > 0 {
            verdict
                .other
                .push(format!("set aside in the spool: {set_aside}"));
        }
        let private = round.ground == Ground::Private;
        let more = self.progress.note_out_of_time(private, sight.out_of_time);
        if is_whole && round.sets_clock_far() && more == 0 {
            let said = "a clock that was off changed nothing";
            verdict.other.push(said.to_owned());
        }
        verdict.other.append(&mut self.world.defects);
        Ok((verdict, sight))
    }

    fn stream(&mut self, round: &Round) -> anyhow::Result<(Papers, Stream)> {
        let name = format!("stream-{:04}", self.progress.streams);
        let papers = Papers::named(self.dir, &name);
        let seed = self.progress.seed.wrapping_mul(1000) + self.progress.streams as u64;
        self.progress.streams += 1;
        self.progress
            .ledgers
            .push((name, round.ground == Ground::Private));
        let lasting =
            Duration::from_millis(round.length() + 600 * round.steps.len() as u64 + AFTER);
        let rate = (seed, self.options.rate);
        let stream = Stream::begin(&self.world.hookshelf, papers.clone(), rate, lasting)?;
        Ok((papers, stream))
    }

    /// At the end each database is followed once more from position zero.
    async fn follow_anew(&mut self) -> anyhow::Result<bool> {
        let mut good = true;
        for ground in [Ground::Plain, Ground::Private] {
            if self.audit.ledger(ground).deliveries == 0 {
                continue;
            }
            self.world.settle(ground, &[]).await?;
            let options = self.world.database().await?;
            let (verdict, sight) = self.audit.look(ground, &options, true).await?;
            println!("from zero, {ground:?}: {} events; {verdict}", sight.events);
            good &= verdict.is_good();
        }
        Ok(good)
    }

    /// Prints the counts and ends everything. What a later run goes on with is kept, and what
    /// somebody may want to look into.
    async fn end(self, result: anyhow::Result<bool>) -> anyhow::Result<bool> {
        let good = matches!(result, Ok(true));
        report::totals(&self.progress.totals);
        if result.is_ok() && !(good && self.options.throw_away) {
            self.progress.write(self.dir)?;
            self.world.keep().await?;
        } else {
            self.world.close().await?;
        }
        println!("{}", if good { "good" } else { "NOT GOOD" });
        result
    }
}

/// The directory. Postgres' own user has to get through it.
fn directory(options: &Options) -> anyhow::Result<PathBuf> {
    let dir = options.dir.as_ref().context("no directory")?;
    std::fs::create_dir_all(dir)?;
    let empty = std::fs::read_dir(dir)?.next().is_none();
    ensure!(
        empty || options.resume,
        "{} is not empty: go on there with --resume, or name another",
        dir.display()
    );
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o711))?;
    Ok(dir.canonicalize()?)
}

/// The program to torment: the one that cargo built beside this one.
pub(crate) fn program(options: &Options) -> anyhow::Result<PathBuf> {
    if let Some(named) = &options.hookshelf {
        return named
            .canonicalize()
            .with_context(|| format!("no program {}", named.display()));
    }
    let own = std::env::current_exe()?;
    let above = own
        .ancestors()
        .nth(2)
        .context("no directory above this program")?;
    let program = above.join("hookshelf");
    ensure!(
        program.exists(),
        "no program {}: build it with `cargo build`, with --release where this one was, or name one \
         with --hookshelf",
        program.display()
    );
    Ok(program)
}
