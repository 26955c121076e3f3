//! A follower as a reader of Hookshelf's events would write it: it reads by position, also during
//! faults. It would miss events that become visible below its position.

use std::time::Duration;

use anyhow::Context;
use hookshelf::{
    clock::Clock,
    config::Role,
    query::{EventFilter, Events, Page, Scope, Session},
    store::ConnectOptions,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Pause between two reads.
const PAUSE: Duration = Duration::from_millis(50);

/// Events that a follower of one database has read.
#[derive(Debug, Default)]
pub(crate) struct Follower {
    pub(crate) read: Vec<(i64, Uuid)>,
}

/// A follower that runs in the background.
#[derive(Debug)]
pub(crate) struct Following {
    end: CancellationToken,
    task: JoinHandle<Follower>,
}

impl Follower {
    /// Reads in pages from its last position to the end.
    pub(crate) async fn catch_up(&mut self, session: &mut Session) -> anyhow::Result<()> {
        let page = Page {
            filter: EventFilter::default(),
            after: Some(self.read.last().map_or(0, |it| it.0)),
            limit: u32::MAX,
        };
        let mut events = Events::of(page, Clock::system().now());
        loop {
            let page = events.next(session).await.context("following failed")?;
            if page.is_empty() {
                return Ok(());
            }
            let page = page.iter().map(|event| (event.position, event.dedupe_key));
            self.read.extend(page);
        }
    }

    /// Starts reading in the background, and reconnects on failure.
    pub(crate) fn begin(mut self, options: ConnectOptions) -> Following {
        let end = CancellationToken::new();
        let ended = end.clone();
        let task = tokio::spawn(async move {
            ended.run_until_cancelled(self.go_on(&options)).await;
            self
        });
        Following { end, task }
    }

    async fn go_on(&mut self, options: &ConnectOptions) {
        loop {
            if let Ok(mut session) = Session::open(options, &Scope::local(Role::Privacy)).await {
                while self.catch_up(&mut session).await.is_ok() {
                    tokio::time::sleep(PAUSE).await;
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

impl Following {
    /// Stops reading.
    pub(crate) async fn end(self) -> anyhow::Result<Follower> {
        self.end.cancel();
        self.task.await.context("the follower has failed")
    }
}
