//! The system under test, and the directory that it uses.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::bail;
use hookshelf::store::{
    ConnectOptions,
    private::{PrivatePostgres, Settings},
};
use nix::sys::signal::Signal;

use crate::{
    clock::FalseClock,
    disk::Disk,
    hookshelf::{Hookshelf, Stopped},
    kept,
    plan::{Fault, Ground},
    postgres::Postgres,
    power::{Lost, PowerDisk},
    process::{signal_family, signal_server},
    proxy::PostgresProxy,
    random::Random,
    receiver::Receiver,
    worker,
};

/// Maximum time until everything is healthy again.
pub(crate) const HEALING: Duration = Duration::from_mins(3);

/// Maximum size of the spool.
pub(crate) const SPOOL_BYTES: u64 = 384 << 20;

/// Polling interval.
pub(crate) const ASKING: Duration = Duration::from_millis(150);

/// Parameters of a world.
#[derive(Clone, Debug)]
pub(crate) struct Make<'a> {
    pub(crate) dir: &'a Path,
    pub(crate) program: PathBuf,
    pub(crate) seed: u64,
    /// Size of each disk in MiB.
    pub(crate) disk: u64,
}

/// Hookshelf and its environment.
pub(crate) struct World {
    pub(crate) hookshelf: Hookshelf,
    pub(crate) postgres: Postgres,
    /// Receiver of the destination.
    pub(crate) receiver: Receiver,
    pub(crate) ground: Ground,
    /// True if the databases are from an earlier run.
    pub(crate) brought_back: bool,
    lost: Lost,
    /// True if Hookshelf has to be started after its stop.
    starts_again: bool,
    /// Incorrect behaviour of Hookshelf.
    pub(crate) defects: Vec<String>,
    link: PostgresProxy,
    clock: FalseClock,
    database_disk: Disk,
    private_disk: Disk,
    spool_disk: Disk,
    power: PowerDisk,
    random: Random,
    dir: PathBuf,
}

impl World {
    /// Creates the world in an empty directory, or in a directory saved by [`World::keep`]. Only
    /// the link is started.
    pub(crate) async fn make(make: Make<'_>) -> anyhow::Result<Self> {
        let dir = make.dir;
        let clock = FalseClock::new(dir)?;
        let power = PowerDisk::mount(&dir.join("power"))?;
        let database_disk = Disk::mount(&dir.join("database"), make.disk)?;
        let private_disk = Disk::mount(&dir.join("private"), make.disk)?;
        let spool_disk = Disk::mount(&dir.join("spool"), make.disk.min(512))?;
        let brought_back = kept::bring_back(dir, [&database_disk, &private_disk])?;
        let place = database_disk.path().join("postgres");
        let log = dir.join("postgres.log");
        let postgres = Postgres::make(&place, &log).await?;
        let link = PostgresProxy::to(postgres.socket()?).await?;
        Ok(Self {
            hookshelf: Hookshelf::new(make.program, dir.join("hookshelf.log"))?,
            postgres,
            receiver: Receiver::start().await?,
            ground: Ground::Plain,
            brought_back,
            lost: Lost::default(),
            starts_again: false,
            defects: Vec::new(),
            link,
            clock,
            database_disk,
            private_disk,
            spool_disk,
            power,
            random: Random::new(make.seed, 3),
            dir: dir.to_owned(),
        })
    }

    /// Moves Hookshelf to a ground and waits until it is healthy there.
    pub(crate) async fn settle(
        &mut self,
        ground: Ground,
        more: &[(&str, &str)],
    ) -> anyhow::Result<()> {
        self.stop_hookshelf().await?;
        self.ground = ground;
        self.receiver.settle(ground == Ground::Private);
        let mut variables = self.variables();
        variables.extend(
            more.iter()
                .map(|(key, value)| (String::from(*key), String::from(*value))),
        );
        self.hookshelf.settle(variables, ground != Ground::Private);
        if ground == Ground::Private {
            self.postgres.stop().await?;
        }
        self.heal().await
    }

    fn variables(&self) -> Vec<(String, String)> {
        let text = |path: &Path| path.display().to_string();
        let mut all = vec![
            ("HOOKSHELF__SPOOL__MAX_BYTES", SPOOL_BYTES.to_string()),
            ("HOOKSHELF__SPOOL__RESERVE", self.reserve().to_string()),
            ("HOOKSHELF__SPOOL__DIR", text(&self.spool())),
            // Otherwise each refused delivery would log a line.
            ("HOOKSHELF__LOG__LEVEL", "info,http=error".to_owned()),
        ];
        all.extend(worker::VARIABLES.map(|(key, value)| (key, value.to_owned())));
        if self.ground == Ground::Private {
            all.push((
                "HOOKSHELF__DATA_DIR",
                text(&self.private_disk.path().join("data")),
            ));
        } else {
            let url = format!(
                "postgres://hookshelf@{}/hookshelf?sslmode=disable",
                self.link.address()
            );
            all.push(("HOOKSHELF__DATABASE__URL", url));
            all.push(("HOOKSHELF__DATA_DIR", text(&self.dir.join("data"))));
        }
        let all = all.into_iter().map(|(key, value)| (key.to_owned(), value));
        all.chain(self.receiver.variables()).collect()
    }

    /// Size of the spool's reserve. On a disk that is filled on purpose it is tiny, so that the
    /// spool really runs out of space. On the disk shared with the database, it has to last while
    /// the disk is full.
    pub(crate) fn reserve(&self) -> u64 {
        match self.ground {
            Ground::Plain => 1 << 20,
            Ground::Power | Ground::Private => 32 << 20,
        }
    }

    /// Directory of the spool on this ground.
    pub(crate) fn spool(&self) -> PathBuf {
        match self.ground {
            Ground::Plain => self.spool_disk.path().to_owned(),
            Ground::Power => self.power.path().to_owned(),
            Ground::Private => self.private_disk.path().join("data/spool"),
        }
    }

    /// Starts a fault.
    pub(crate) async fn begin(&mut self, fault: Fault) -> anyhow::Result<()> {
        let private = self.ground == Ground::Private;
        self.receiver.note_fault();
        match fault {
            Fault::KillHookshelf => self.hookshelf.kill().await?,
            Fault::StopHookshelf => {
                self.starts_again = false;
                self.hookshelf.ask_to_stop();
            }
            Fault::FreezeHookshelf => self.hookshelf.freeze(true),
            Fault::KillPostgres if private => self.signal_private(Signal::SIGKILL),
            Fault::KillPostgres => self.postgres.kill().await?,
            Fault::StopPostgres if private => signal_server(&self.private_server(), Signal::SIGINT),
            Fault::StopPostgres => self.postgres.stop().await?,
            Fault::FreezePostgres if private => self.signal_private(Signal::SIGSTOP),
            Fault::FreezePostgres => self.postgres.freeze(true),
            Fault::CutLink => self.link.cut(),
            Fault::SilenceLink => self.link.silence(),
            Fault::FillDatabase if private => self.private_disk.fill()?,
            Fault::FillDatabase => self.database_disk.fill()?,
            Fault::FillSpool => self.spool_disk.fill()?,
            Fault::JumpClock(seconds) => self.clock.set(seconds)?,
            Fault::CutPower => self.cut_power().await?,
        }
        Ok(())
    }

    /// Ends a fault. Recovery may take a while.
    pub(crate) fn end(&mut self, fault: Fault) -> anyhow::Result<()> {
        match fault {
            Fault::KillHookshelf | Fault::CutPower => self.hookshelf.start(&self.clock)?,
            // The stop takes its own time.
            Fault::StopHookshelf => self.starts_again = true,
            Fault::FreezeHookshelf => self.hookshelf.freeze(false),
            Fault::KillPostgres | Fault::StopPostgres if self.ground != Ground::Private => {
                self.postgres.start()?;
            }
            // Hookshelf restarts its private Postgres.
            Fault::KillPostgres | Fault::StopPostgres => {}
            Fault::FreezePostgres => self.thaw_postgres(),
            Fault::CutLink | Fault::SilenceLink => self.link.mend(),
            Fault::FillDatabase => {
                self.private_disk.free()?;
                self.database_disk.free()?;
            }
            Fault::FillSpool => self.spool_disk.free()?,
            Fault::JumpClock(_) => self.clock.set(0)?,
        }
        Ok(())
    }

    /// Checks a stop of Hookshelf, and starts Hookshelf again if due. True if no stop is pending.
    pub(crate) async fn attend_stop(&mut self) -> anyhow::Result<bool> {
        match self.hookshelf.stopped()? {
            Stopped::NotYet => return Ok(false),
            Stopped::NotAsked | Stopped::Well => {}
            Stopped::Badly => {
                let said = self.hookshelf.last_words();
                let defect = format!("SIGTERM did not end Hookshelf with success:\n{said}");
                self.defects.push(defect);
            }
            Stopped::Never => {
                let defect = "SIGTERM did not end Hookshelf in its time";
                self.defects.push(defect.to_owned());
                self.hookshelf.kill().await?;
            }
        }
        if std::mem::take(&mut self.starts_again) {
            self.hookshelf.start(&self.clock)?;
        }
        Ok(true)
    }

    /// Waits for the end of a stop of Hookshelf.
    pub(crate) async fn finish_stop(&mut self) -> anyhow::Result<()> {
        while !self.attend_stop().await? {
            tokio::time::sleep(ASKING).await;
        }
        Ok(())
    }

    /// Ends every fault and waits until deliveries can be stored.
    pub(crate) async fn heal(&mut self) -> anyhow::Result<()> {
        self.clock.set(0)?;
        self.link.mend();
        self.hookshelf.freeze(false);
        self.thaw_postgres();
        for disk in [&self.database_disk, &self.private_disk, &self.spool_disk] {
            disk.free()?;
        }
        self.finish_stop().await?;
        let begun = Instant::now();
        while begun.elapsed() < HEALING {
            if self.ground != Ground::Private {
                // A full disk crashes Postgres, and an earlier start may have failed.
                self.postgres.start()?;
            }
            self.hookshelf.start(&self.clock)?;
            let away = self.ground != Ground::Private && !self.postgres.answers().await;
            if !away && self.hookshelf.is_well().await {
                return Ok(());
            }
            tokio::time::sleep(ASKING).await;
        }
        bail!(
            "not well {} s after the last fault; Hookshelf says:\n{}",
            HEALING.as_secs(),
            self.hookshelf.last_words()
        )
    }

    /// Makes the power disk ignore syncs.
    pub(crate) fn lie_about_syncs(&self) {
        self.power.lie();
    }

    /// Restarts Postgres with additional settings.
    pub(crate) async fn lose_commits(&mut self, settings: &[&str]) -> anyhow::Result<()> {
        self.postgres.stop().await?;
        self.postgres.set(settings);
        self.heal().await
    }

    /// Takes the losses in power cuts since the last call.
    pub(crate) fn lost(&mut self) -> Lost {
        std::mem::take(&mut self.lost)
    }

    /// Records an unexpected exit of Hookshelf, and starts it again.
    pub(crate) fn look_at_hookshelf(&mut self, after: &str) -> anyhow::Result<()> {
        self.hookshelf.start(&self.clock)?;
        let ended = self.hookshelf.ended_by_itself().into_iter();
        let said = ended.map(|said| format!("Hookshelf ended by itself after {after}:\n{said}"));
        self.defects.extend(said);
        Ok(())
    }

    /// Connection options of the database of this ground, without the link. Hookshelf may be
    /// healthy before its private Postgres is, since it has a spool.
    pub(crate) async fn database(&self) -> anyhow::Result<ConnectOptions> {
        if self.ground != Ground::Private {
            return Ok(self.postgres.options().clone());
        }
        let place = Settings::new(self.private_disk.path().join("data/postgres"));
        let begun = Instant::now();
        while begun.elapsed() < HEALING {
            if let Ok(found) = PrivatePostgres::connect_if_running(&place).await {
                return Ok(found);
            }
            tokio::time::sleep(ASKING).await;
        }
        bail!("the private Postgres does not run")
    }

    /// Stops everything in order and saves the databases in the directory, for [`World::make`].
    pub(crate) async fn keep(mut self) -> anyhow::Result<()> {
        self.stop_hookshelf().await?;
        self.postgres.stop().await?;
        kept::put_away(&self.dir, [&self.database_disk, &self.private_disk])?;
        self.power.unmount()
    }

    /// Kills everything.
    pub(crate) async fn close(mut self) -> anyhow::Result<()> {
        self.hookshelf.kill().await?;
        self.postgres.kill().await?;
        self.signal_private(Signal::SIGKILL);
        self.power.unmount()
    }

    pub(crate) async fn stop_hookshelf(&mut self) -> anyhow::Result<()> {
        self.hookshelf.ask_to_stop();
        self.starts_again = false;
        self.finish_stop().await
    }

    /// Cuts the power. In half of the cases no unsynced data reached the disk, else some of it.
    async fn cut_power(&mut self) -> anyhow::Result<()> {
        self.power.lose_power();
        self.hookshelf.kill().await?;
        let some = self.random.coin();
        let lost = self.power.cut(some.then_some(&mut self.random))?;
        self.lost.pages += lost.pages;
        self.lost.kept += lost.kept;
        self.lost.names += lost.names;
        Ok(())
    }

    fn thaw_postgres(&self) {
        self.postgres.freeze(false);
        self.signal_private(Signal::SIGCONT);
    }

    fn signal_private(&self, signal: Signal) {
        signal_family(&self.private_server(), signal);
    }

    /// Pid file of the private Postgres.
    fn private_server(&self) -> PathBuf {
        let data = self.private_disk.path().join("data/postgres/data");
        data.join("postmaster.pid")
    }
}
