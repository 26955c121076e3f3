//! What one connection does: takes what is next, sends it, and writes down what came back.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use tokio::time::sleep;

use super::{
    super::{
        client::Client,
        random::Random,
        report::Answer,
        request::Requests,
        target::{Error, Target},
    },
    ledger::Ledger,
    lock::lock,
    mix::Mix,
    options::Load,
    post::{Post, Sort},
    progress::Watch,
    schedule::{Job, Schedule},
    summary::Summary,
    tally::Tally,
};
use crate::clock::Clock;

/// How long a connection that was refused waits where nothing else slows it down.
const REFUSED: Duration = Duration::from_millis(100);

/// What all connections of a run share.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) schedule: Arc<Schedule>,
    requests: Requests,
    clock: Clock,
    watch: Watch,
    mix: Mutex<Mix>,
    tally: Mutex<Tally>,
    ledger: Mutex<Option<Ledger>>,
    forged: Mutex<Option<Ledger>>,
    /// Why a ledger cannot be written.
    fault: Mutex<Option<std::io::Error>>,
    give_up: Option<Duration>,
    is_paced: bool,
}

impl Run {
    pub(super) fn new(
        target: &Target,
        load: Load,
        clock: &Clock,
        watch: Watch,
        schedule: Arc<Schedule>,
    ) -> Result<Self, Error> {
        let wrong = Random::new(!load.script.seed).hex().into();
        Ok(Self {
            schedule,
            requests: Requests::new(target, &wrong).map_err(Error::Request)?,
            clock: clock.clone(),
            watch,
            mix: Mutex::new(Mix::new(&load.script, load.duplicates, load.forgeries)),
            tally: Mutex::new(Tally::new().map_err(Error::Latencies)?),
            ledger: Mutex::new(load.ledger),
            forged: Mutex::new(load.forged),
            fault: Mutex::default(),
            give_up: load.give_up,
            is_paced: load.rate.is_some(),
        })
    }

    /// The next delivery, ready to be sent.
    async fn next(&self) -> Option<Post> {
        let (number, due, begun) = match self.schedule.next().await? {
            Job::Again(post) => return Some(post),
            Job::Next { number, due, begun } => (number, due, begun),
        };
        let post = lock(&self.mix).next(number, due, self.clock.now());
        lock(&self.tally).begun(&post, begun);
        if post.sort == Sort::Forged {
            self.write_down(&self.forged, |forged| {
                forged.forged(&post, self.clock.now())
            });
        }
        Some(post)
    }

    /// Sends `post` once.
    async fn send(&self, client: &mut Client, post: &mut Post) -> Answer {
        post.write(|| self.clock.now());
        let body = post.body();
        lock(&self.tally).sent(body.len());
        let (sender, signed) = (post.delivery.sender, post.signed());
        let request = self.requests.post(sender, body, signed);
        let answer = client.send(request).await;
        post.tries += 1;
        lock(&self.tally).answered(answer);
        answer
    }

    /// A delivery came to its end.
    fn settle(&self, post: &Post, answer: Answer) {
        lock(&self.tally).settled(post, answer, Instant::now());
        if answer.is_ack() {
            if post.sort == Sort::New {
                lock(&self.mix).acked(post);
            }
            self.write_down(&self.ledger, |ledger| ledger.acked(post, self.clock.now()));
        }
        self.watch.count_settled();
        self.schedule.settle();
    }

    /// Whether there is a further try after the pause that `post` has to make.
    fn may_try_again(&self, post: &Post) -> bool {
        let next = Instant::now() + post.pause();
        let until = self.give_up.and_then(|after| post.due.checked_add(after));
        !self.watch.is_stopped() && until.is_some_and(|until| next <= until)
    }

    /// Lets a delivery wait without its connection; gives it back where it has to wait on it. As
    /// fast as answers come means one delivery for each connection until it is acked: a server
    /// that refuses quickly would otherwise gather thousands that all come again.
    fn put_aside(&self, post: Post, pause: Duration) -> Option<Post> {
        if self.is_paced {
            self.schedule.bring_back(post, pause)
        } else {
            Some(post)
        }
    }

    /// Hands the ledgers to the system.
    pub(super) fn flush(&self) {
        self.write_down(&self.ledger, Ledger::flush);
        self.write_down(&self.forged, Ledger::flush);
    }

    /// A ledger that cannot be written ends the run: what it is for would be missing.
    fn write_down(
        &self,
        ledger: &Mutex<Option<Ledger>>,
        write: impl FnOnce(&mut Ledger) -> std::io::Result<()>,
    ) {
        let written = lock(ledger).as_mut().map_or(Ok(()), write);
        if let Err(error) = written {
            lock(&self.fault).get_or_insert(error);
            self.watch.stop();
        }
    }

    /// What the run came to.
    pub(super) fn finish(&self, elapsed: Duration) -> Result<Summary, Error> {
        self.flush();
        if let Some(fault) = lock(&self.fault).take() {
            return Err(Error::Ledger(fault));
        }
        let mut summary = lock(&self.tally).finish(elapsed, self.schedule.unsent());
        summary.interrupted = self.watch.is_stopped();
        Ok(summary)
    }
}

/// Sends what is due over one connection until nothing is left.
pub(super) async fn work(run: Arc<Run>, mut client: Client) {
    while let Some(post) = client.idle_until(run.next()).await {
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
            match run.put_aside(post, pause) {
                Some(kept) => post = kept,
                None => return,
            }
            sleep(pause).await;
        }
    }
}

/// Where nobody listens, as fast as answers come would be as fast as this machine can.
async fn rest(run: &Run, answer: Answer) {
    if answer == Answer::NoConnection && !run.is_paced {
        sleep(REFUSED).await;
    }
}
