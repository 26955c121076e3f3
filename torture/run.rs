//! A run: rounds of faults under a stream of deliveries, and a verdict after each round.

use std::{
    fmt,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use tokio_util::sync::CancellationToken;

use crate::{
    audit::Audit,
    control, inside,
    options::Options,
    plan::{Ground, Plan, Round},
    progress::Progress,
    report,
    stream::Papers,
    world::{Make, World},
};

/// Maximum length of the directory's path. Sockets are below it. If their paths were too long, they
/// would be in `/tmp` and outlive a SIGKILL.
pub(crate) const LONGEST_DIR: usize = 60;

/// Runs the requested rounds or control. True if no error was found.
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
    });
    let mut torture = Torture::new(options, dir, progress, world.await?)?;
    let result = torture.rounds(stop).await;
    torture.end(result).await
}

/// State of a run.
pub(crate) struct Torture<'a> {
    pub(crate) options: &'a Options,
    pub(crate) dir: &'a Path,
    pub(crate) progress: Progress,
    pub(crate) world: World,
    pub(crate) audit: Audit,
    begun: Instant,
    seconds_before: u64,
    /// True if the run was interrupted.
    ended_early: bool,
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
            ended_early: false,
        })
    }

    /// Plays rounds until there are enough. True if no error was found.
    async fn rounds(&mut self, stop: &CancellationToken) -> anyhow::Result<bool> {
        let rounds: Box<dyn Iterator<Item = Round>> = if self.progress.short {
            Box::new(Plan::short(self.progress.seed).into_iter())
        } else {
            Box::new(Plan::new(self.progress.seed))
        };
        for round in rounds.skip(self.progress.next) {
            if self.is_enough() {
                break;
            }
            if stop.is_cancelled() {
                self.ended_early = true;
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

    /// At the end, reads each database once more from position zero.
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
            if !verdict.is_good() {
                let said = format!("from zero, {ground:?}: {verdict}");
                self.progress.wrong.push(said);
                good = false;
            }
        }
        Ok(good)
    }

    /// Prints the counts and ends everything. Saves data for a resumed run, and data worth
    /// examining.
    async fn end(mut self, result: anyhow::Result<bool>) -> anyhow::Result<bool> {
        if let Err(error) = &result {
            self.progress.wrong.push(format!("{error:#}"));
        }
        report::totals(&self.progress.totals);
        let said = Said::of(&self.progress, self.ended_early);
        let good = matches!(said, Said::Good);
        if !(good && self.options.throw_away) {
            self.progress.write(self.dir)?;
        }
        let ended = if result.is_ok() && !(good && self.options.throw_away) {
            self.world.keep().await
        } else {
            self.world.close().await
        };
        println!("{said}");
        ended?;
        result.map(|_| good)
    }
}

/// Final result of a run.
#[derive(Debug)]
enum Said {
    Good,
    /// No errors, but not all rounds were played.
    Early,
    /// Errors, of this run or of the run that it resumed.
    Wrong(Vec<String>),
}

impl Said {
    fn of(progress: &Progress, ended_early: bool) -> Self {
        if !progress.wrong.is_empty() {
            Self::Wrong(progress.wrong.clone())
        } else if ended_early {
            Self::Early
        } else if progress.totals.rounds == 0 {
            Self::Wrong(vec!["no round was played".to_owned()])
        } else {
            Self::Good
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Good => f.write_str("good"),
            Self::Early => f.write_str("ended early: nothing is wrong so far"),
            Self::Wrong(all) => write!(f, "NOT GOOD\n  {}", all.join("\n  ")),
        }
    }
}

/// Prepares the directory, which the user of Postgres must be able to traverse.
fn directory(options: &Options) -> anyhow::Result<PathBuf> {
    let dir = options.dir.as_ref().context("no directory")?;
    if options.resume {
        // Verifies first that the directory is of a run: other directories are never changed.
        Progress::read(dir)?;
    } else {
        std::fs::create_dir_all(dir)?;
        let empty = std::fs::read_dir(dir)?.next().is_none();
        ensure!(
            empty,
            "{} is not empty: go on there with --resume, or name another",
            dir.display()
        );
    }
    let mut mode = std::fs::metadata(dir)?.permissions();
    mode.set_mode(mode.mode() | 0o011);
    std::fs::set_permissions(dir, mode)?;
    let dir = dir.canonicalize()?;
    ensure!(
        dir.as_os_str().len() <= LONGEST_DIR,
        "{} is too long a path for the sockets below it: name one of {LONGEST_DIR} bytes or less \
         with --dir",
        dir.display()
    );
    Ok(dir)
}

/// The program to test: by default the build of cargo beside this program.
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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn what_was_wrong_once_stays_and_nothing_played_is_not_good() {
        let mut progress = Progress::begin(1, false);
        let said = |progress: &Progress, early| Said::of(progress, early).to_string();
        assert!(said(&progress, false).starts_with("NOT GOOD"));
        assert!(said(&progress, true).starts_with("ended early"));
        progress.totals.rounds = 3;
        assert_eq!(said(&progress, false), "good");
        progress.wrong.push("round 1: lost".to_owned());
        for early in [false, true] {
            assert_eq!(said(&progress, early), "NOT GOOD\n  round 1: lost");
        }
    }

    #[test]
    fn a_directory_that_is_not_its_own_stays_as_it_is() {
        // In other directories the path may be too long already.
        let above = tempfile::TempDir::new_in("/tmp").unwrap();
        let mode = |mode| std::fs::Permissions::from_mode(mode);
        let options = |dir: &Path, more: &[&str]| {
            let given = ["torture", "--dir"].map(String::from).into_iter();
            let given = given.chain([dir.display().to_string()]);
            Options::parse_from(given.chain(more.iter().map(ToString::to_string)))
        };
        let rights = |dir: &Path| std::fs::metadata(dir).unwrap().permissions().mode() & 0o777;
        let (own, other) = (above.path().join("own"), above.path().join("other"));
        directory(&options(&own, &[])).unwrap();
        assert_eq!(rights(&own) & 0o011, 0o011);
        std::fs::create_dir_all(other.join("something")).unwrap();
        std::fs::set_permissions(&other, mode(0o700)).unwrap();
        assert!(directory(&options(&other, &[])).is_err());
        assert!(directory(&options(&other, &["--resume"])).is_err());
        assert_eq!(rights(&other), 0o700);
        let long = above.path().join("x".repeat(LONGEST_DIR));
        assert!(directory(&options(&long, &[])).is_err());
    }
}
