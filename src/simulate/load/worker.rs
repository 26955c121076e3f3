//! Worker of a connection: takes the next delivery, sends it, and records the answer.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::time::sleep;

use super::{
    super::{
        client::{Answer, Client},
        random::Random,
        request::Requests,
        target::{Error, Target},
    },
    Load,
    ledger::Ledger,
    mix::Mix,
    post::{Post, Sort},
    progress::Watch,
    schedule::{Schedule, Turn},
    summary::{Summary, Tally},
};
use crate::clock::Clock;

/// Pause after a refused connection in a run without a rate.
const REFUSED: Duration = Duration::from_millis(100);

/// State shared by all connections of a run.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) schedule: Schedule,
    requests: Requests,
    clock: Clock,
    watch: Watch,
    give_up: Option<Duration>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    mix: Mix,
    tally: Tally,
    ledger: Option<Ledger>,
    forged: Option<Ledger>,
}

impl Run {
    pub(super) fn new(
        target: &Target,
        load: Load,
        clock: &Clock,
        watch: &Watch,
        start: Instant,
    ) -> Result<Self, Error> {
        let wrong = Random::new(!load.script.seed).hex().into();
        Ok(Self {
            schedule: Schedule::new(load.length, load.rate, start),
            requests: Requests::new(target, &wrong).map_err(Error::Request)?,
            clock: clock.clone(),
            watch: watch.clone(),
            give_up: load.give_up,
            state: Mutex::new(State {
                mix: Mix::new(&load.script, load.duplicates, load.forgeries),
                tally: Tally::new().map_err(Error::Latencies)?,
                ledger: load.ledger,
                forged: load.forged,
            }),
        })
    }

    /// Makes the delivery whose turn it is.
    fn begin(&self, turn: &Turn) -> Post {
        let now = self.clock.now();
        let mut state = self.state();
        let post = state.mix.next(turn.number, turn.due, now);
        state.tally.begun(&post, turn.is_late);
        if let (Sort::Forged, Some(forged)) = (post.sort, &mut state.forged) {
            forged.forged(&post, now);
        }
        post
    }

    /// Sends `post` once.
    async fn send(&self, client: &mut Client, post: &mut Post) -> Answer {
        if post.is_again() {
            post.body = post.delivery.sent_again(self.clock.now());
        }
        self.state().tally.sent(post.body.len());
        let (sender, body) = (post.delivery.sender, post.body.clone());
        let request = self.requests.post(sender, body, post.signed());
        let answer = client.send(request).await;
        post.tries += 1;
        self.state().tally.answered(answer);
        answer
    }

    /// A delivery came to its end.
    fn settle(&self, post: &Post, answer: Answer) {
        let mut state = self.state();
        state.tally.settled(post, answer);
        if answer.is_ack() {
            state.mix.acked(post);
            if let Some(ledger) = &mut state.ledger {
                ledger.acked(post, self.clock.now());
            }
        }
        self.watch.count_settled();
        self.schedule.settle();
    }

    /// True if `post` may be sent again after its pause.
    fn may_try_again(&self, post: &Post) -> bool {
        let next = Instant::now() + post.pause();
        let until = self.give_up.and_then(|after| post.due.checked_add(after));
        !self.watch.is_stopped() && until.is_some_and(|until| next <= until)
    }

    /// Hands the ledgers to the system. One that cannot be written ends the run: what it is for
    /// would be missing.
    pub(super) fn flush(&self) -> Result<(), Error> {
        let mut state = self.state();
        let State { ledger, forged, .. } = &mut *state;
        let mut ledgers = ledger.iter_mut().chain(forged);
        ledgers.try_for_each(Ledger::flush).map_err(Error::Ledger)
    }

    /// Summary of the run.
    pub(super) fn finish(&self, elapsed: Duration) -> Result<Summary, Error> {
        self.flush()?;
        let mut summary = self.state().tally.finish(elapsed, self.schedule.unsent());
        summary.interrupted = self.watch.is_stopped();
        Ok(summary)
    }

    /// No code of this module leaves the state half changed, so a panic does not matter.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends what is due over one connection until nothing is left.
pub(super) async fn work(run: Arc<Run>, mut client: Client) {
    while let Some(post) = run.schedule.next(|turn| run.begin(&turn)).await {
        deliver(&run, &mut client, post).await;
    }
}

/// Sends a delivery until it is settled, has to wait for its next try, or is given up.
async fn deliver(run: &Run, client: &mut Client, mut post: Post) {
    loop {
        let answer = run.send(client, &mut post).await;
        if post.is_settled_by(answer) {
            return run.settle(&post, answer);
        }
        run.watch.count_failure();
        if !run.may_try_again(&post) {
            run.settle(&post, answer);
            return rest(run, answer).await;
        }
        let pause = post.pause();
        if !pause.is_zero() {
            // As fast as answers come means one delivery for each connection until it is acked: a
            // server that refuses quickly would otherwise gather thousands that all come again.
            match run.schedule.bring_back(post, pause) {
                Some(kept) => post = kept,
                None => return,
            }
            sleep(pause).await;
        }
    }
}

/// Pauses if no server listens and the run has no rate: the loop would use all CPU time.
async fn rest(run: &Run, answer: Answer) {
    if answer == Answer::NoConnection && !run.schedule.is_paced() {
        sleep(REFUSED).await;
    }
}
