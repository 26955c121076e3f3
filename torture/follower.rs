//! A follower as a reader of Hookshelf's events would write it: it reads by position, also during
//! faults. It would miss events that become visible below its position.

use std::time::Duration;

use anyhow::Context;
use hookshelf::{
    config::Role,
    query::{Between, EventFilter, EventForm, EventPage, Order, Scope, Session},
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
        let mut page = EventPage {
            filter: EventFilter::default(),
            range: Between::default(),
            order: Order::Oldest,
            limit: 1000,
        };
        loop {
            page.range.after = self.read.last().map(|it| it.0);
            let events = session.events(&page).await.context("following failed")?;
            if events.is_empty() {
                return Ok(());
            }
            let columns = events.iter().map(EventForm::columns);
            self.read
                .extend(columns.map(|event| (event.position, event.dedupe_key)));
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
