//! A single round: its stream, its steps, and the check after them.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::{
    arrivals,
    audit::Sight,
    effects::EffectWatcher,
    follower::Following,
    plan::{Ground, Round, Step},
    play, report,
    run::Torture,
    stream::{Papers, Stream, Summary},
    verdict::Verdict,
};

/// Time in milliseconds that deliveries continue after the last step of a round.
const AFTER: u64 = 2000;

/// Usual overhead of a step in milliseconds.
const BESIDE: u64 = 600;

impl Torture<'_> {
    /// Plays a round and judges it. An interrupted round is played again later, from its start.
    pub(crate) async fn round(
        &mut self,
        round: &Round,
        stop: &CancellationToken,
    ) -> anyhow::Result<bool> {
        self.world.settle(round.ground, &[]).await?;
        let watch = self.world.hookshelf.watch();
        let database = self.world.database().await?;
        let admin = self.world.hookshelf.admin();
        let last = arrivals::last(&database).await?;
        self.world.receiver.begin(last);
        let working = self.audit.begin_working(round.ground, &admin, last);
        let following = self.audit.begin_following(round.ground, database);
        let mut streams = vec![self.stream(round, 0)?];
        let (played, mut faults) = self.steps(round, &watch, &mut streams, stop).await?;
        self.world.heal().await?;
        let (summary, papers) = ended(streams, stop).await?;
        faults.extend(summary.faults(!stop.is_cancelled()));
        self.progress.totals.add_steps(round, played);
        self.progress
            .totals
            .add(&summary, watch.seen(), self.world.lost());
        drop(watch);
        let is_whole = played == round.steps.len() && !stop.is_cancelled();
        let told = (&summary, &*papers);
        let (mut verdict, sight) = self.check(round, told, following, is_whole).await?;
        let database = self.world.database().await?;
        let both = (working, &self.world.receiver);
        let wrong = self.audit.end_working(round.ground, both, &database);
        faults.extend(wrong.await?);
        verdict.other.append(&mut faults);
        report::round(&summary, sight, &verdict);
        if !verdict.is_good() {
            let number = self.progress.next;
            self.progress
                .wrong
                .push(format!("round {number}: {verdict}"));
        }
        self.progress.next += usize::from(is_whole);
        self.progress.totals.rounds += u64::from(is_whole);
        Ok(verdict.is_good())
    }

    /// Plays the steps of a round. Returns the number of steps, and missing or unexpected effects.
    async fn steps(
        &mut self,
        round: &Round,
        watch: &EffectWatcher,
        streams: &mut Vec<Stream>,
        stop: &CancellationToken,
    ) -> anyhow::Result<(usize, Vec<String>)> {
        let mut faults = Vec::new();
        for (played, step) in round.steps.iter().enumerate() {
            if stop.is_cancelled() {
                return Ok((played, faults));
            }
            let lasts = Duration::from_millis(time(std::slice::from_ref(step)));
            if !streams.last().is_some_and(|it| it.outlasts(lasts)) {
                // On a slow machine everything takes longer, and a fault without deliveries proves
                // nothing.
                self.world.heal().await?;
                streams.push(self.stream(round, played)?);
            }
            println!("  {}", report::step(step));
            faults.extend(play::play(&mut self.world, step, watch, stop).await?);
        }
        Ok((round.steps.len(), faults))
    }

    /// Waits until the spool is empty, and compares the stored data with the ledgers.
    async fn check(
        &mut self,
        round: &Round,
        (summary, papers): (&Summary, &[Papers]),
        following: Following,
        is_whole: bool,
    ) -> anyhow::Result<(Verdict, Sight)> {
        let ledger = self.audit.ledger(round.ground);
        let mut written = 0;
        for papers in papers {
            written += ledger.add_acked(&papers.acked)?;
            ledger.add_forged(&papers.forged)?;
        }
        let set_aside = self.world.empty_spool().await?;
        let followed = self.audit.end_following(round.ground, following).await?;
        let options = self.world.database().await?;
        let (mut verdict, sight) = self.audit.look(round.ground, &options, false).await?;
        println!(
            "  a follower had read {followed} of {} events by itself",
            sight.events
        );
        let mut note =
            |is_wrong: bool, said: String| verdict.other.extend(is_wrong.then_some(said));
        note(
            set_aside > 0,
            format!("set aside in the spool: {set_aside}"),
        );
        note(
            written != summary.acked,
            format!("acked {}, and {written} in the ledger", summary.acked),
        );
        let private = round.ground == Ground::Private;
        let unknown = self.progress.note_unknown(private, sight.unknown);
        note(
            is_whole && unknown > 0,
            format!("stored and never acked, though everything was: {unknown}"),
        );
        let more = self.progress.note_out_of_time(private, sight.out_of_time);
        note(
            is_whole && round.sets_clock_far() && more <= 0,
            "a clock that was off changed nothing".to_owned(),
        );
        self.world.look_at_hookshelf("the last step")?;
        verdict.other.append(&mut self.world.defects);
        Ok((verdict, sight))
    }

    /// Starts a stream for the remaining steps of a round.
    fn stream(&mut self, round: &Round, from: usize) -> anyhow::Result<Stream> {
        let name = format!("stream-{:04}", self.progress.streams);
        let papers = Papers::named(self.dir, &name);
        let seed =
            (self.progress.seed.wrapping_mul(1000)).wrapping_add(self.progress.streams as u64);
        self.progress.streams += 1;
        self.progress
            .ledgers
            .push((name, round.ground == Ground::Private));
        let lasting = Duration::from_millis(time(&round.steps[from..]) + AFTER);
        Stream::begin(
            &self.world.hookshelf,
            papers,
            (seed, self.options.rate),
            lasting,
        )
    }
}

/// Usual duration of these steps in milliseconds.
fn time(steps: &[Step]) -> u64 {
    let times = steps.iter().map(|it| it.pause + it.length() + BESIDE);
    times.sum()
}

/// Waits for the ends of all streams, or stops them. Returns their summary and their output files.
async fn ended(
    streams: Vec<Stream>,
    stop: &CancellationToken,
) -> anyhow::Result<(Summary, Vec<Papers>)> {
    let papers = streams.iter().map(|it| it.papers().clone()).collect();
    let mut all = Summary::default();
    for stream in streams {
        let summary = if stop.is_cancelled() {
            stream.stop().await?
        } else {
            stream.finish().await?
        };
        all = all.and(summary);
    }
    Ok((all, papers))
}
