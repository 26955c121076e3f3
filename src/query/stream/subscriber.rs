//! Subscriber: the events of one stream, from the ring or from the database.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{
    Registered, StreamItem,
    audience::Owners,
    encode::encode,
    filter::meets,
    ring::{Batch, Next, Ring},
};
use crate::{
    query::Scope,
    store::{
        Error,
        read::{EventFilter, EventRow, LogPage, LogReader},
    },
};

/// Maximum number of positions without an item.
const SILENCE: i64 = 1_000;

/// Pause after a failure to read from the database.
const SOON: Duration = Duration::from_secs(1);

/// A subscription. Dropping it ends the subscription.
#[derive(Debug)]
pub struct Subscriber {
    registered: Registered,
    scope: Scope,
    filter: EventFilter,
    ring: watch::Receiver<Ring>,
    /// Number of the log at the subscription.
    log: u64,
    /// Everything up to this position was looked at.
    position: i64,
    /// End of the log at the subscription; `None` once it was reached.
    backlog: Option<i64>,
    /// Reader of the database while the subscriber is behind the ring.
    reader: Option<LogReader>,
    /// Items to hand out.
    ready: VecDeque<StreamItem>,
    /// Position of the last item.
    told: i64,
    told_at: Instant,
}

impl Subscriber {
    pub(super) fn new(
        registered: Registered,
        (scope, filter): (Scope, EventFilter),
        position: i64,
        end: i64,
    ) -> Self {
        let ring = registered.hub.0.ring.subscribe();
        let log = ring.borrow().log();
        Self {
            ring,
            log,
            registered,
            scope,
            filter,
            position,
            backlog: Some(end),
            reader: None,
            ready: VecDeque::new(),
            told: position,
            told_at: Instant::now(),
        }
    }

    /// Waits for the next item. `None` if the server stops, or if the database was replaced by
    /// another.
    ///
    /// While Postgres is unavailable, there are only heartbeats.
    pub async fn next(&mut self) -> Option<StreamItem> {
        while self.ready.is_empty() {
            let hub = self.registered.hub.clone();
            hub.0.stop.run_until_cancelled(self.step()).await??;
        }
        self.next_ready()
    }

    /// The next item if there is no need to wait for it.
    pub fn next_ready(&mut self) -> Option<StreamItem> {
        let item = self.ready.pop_front();
        self.told_at = item.as_ref().map_or(self.told_at, |_| Instant::now());
        item
    }

    /// Looks at the next events, or waits; `None` at the end.
    async fn step(&mut self) -> Option<()> {
        let next = {
            let ring = self.ring.borrow_and_update();
            (ring.log() == self.log).then(|| ring.next(self.position))?
        };
        if !matches!(next, Next::Behind(_)) {
            self.reader = None;
        }
        match next {
            Next::Behind(after) => self.read(after).await,
            Next::Batch(batch) => self.take(&batch),
            Next::End(through) => {
                self.pass(through);
                self.note_caught_up();
                if self.ready.is_empty() {
                    self.rest(None).await;
                }
            }
        }
        Some(())
    }

    /// Takes the events of a batch of the ring.
    fn take(&mut self, batch: &Arc<Batch>) {
        let owners = self.owners();
        for entry in &batch.events {
            if self.wants(&entry.event, &owners) {
                self.tell(StreamItem::Event {
                    position: entry.event.position,
                    json: entry.json(self.scope.shows_content()),
                });
            }
        }
        self.pass(batch.through);
    }

    /// Reads a page from the database. The ring begins after `after`.
    async fn read(&mut self, after: i64) {
        match self.try_read().await {
            Ok(Some(page)) => {
                if let Some(reader) = &mut self.reader {
                    reader.pass(page.through);
                }
                for event in page.events {
                    self.tell(StreamItem::Event {
                        position: event.position,
                        json: encode(event, self.scope.shows_content()),
                    });
                }
                self.pass(page.through);
            }
            // Everything up to `after` was committed before the reading.
            Ok(None) => self.pass(after),
            Err(_) => {
                self.reader = None;
                self.rest(Some(SOON)).await;
            }
        }
    }

    /// The next page with the wanted events only.
    async fn try_read(&mut self) -> Result<Option<LogPage>, Error> {
        let hub = self.registered.hub.clone();
        let mut session = hub.0.pages.session().await?;
        let reader = match &mut self.reader {
            Some(reader) => reader,
            none => {
                let (reader, gap) = session.begin(self.position).await?;
                if let Some(gap) = gap {
                    self.position = gap.to;
                    self.told = gap.to;
                    self.ready.push_back(StreamItem::Gap(gap));
                }
                none.insert(reader)
            }
        };
        let mut page = session.page(reader).await?;
        if let Some(page) = &mut page {
            let owners = self.owners();
            page.events.retain(|event| self.wants(event, &owners));
            if self.scope.shows_content() {
                session.read_payloads(page).await?;
            }
        }
        session.keep();
        Ok(page)
    }

    fn owners(&self) -> Arc<Owners> {
        Arc::clone(&self.registered.hub.0.owners.borrow())
    }

    fn wants(&self, event: &EventRow, owners: &Owners) -> bool {
        event.position > self.position
            && meets(event, &self.filter, owners)
            && self.scope.sees(event, owners)
    }

    fn tell(&mut self, item: StreamItem) {
        self.told = item.position();
        self.ready.push_back(item);
    }

    /// Notes that everything up to `through` was looked at.
    fn pass(&mut self, through: i64) {
        self.position = self.position.max(through);
        if self.position - self.told >= SILENCE {
            self.tell(StreamItem::Position(self.position));
        }
    }

    fn note_caught_up(&mut self) {
        if self.backlog.take_if(|end| self.position >= *end).is_some() {
            let position = self.position;
            self.tell(StreamItem::CaughtUp { position });
        }
    }

    /// Waits for new events, or for `pause`, until the next heartbeat.
    async fn rest(&mut self, pause: Option<Duration>) {
        let silence = self.registered.hub.0.heartbeat;
        let heartbeat = self.told_at + silence;
        let paused = Instant::now() + pause.unwrap_or(silence);
        tokio::select! {
            Ok(()) = self.ring.changed(), if pause.is_none() => {}
            () = sleep_until(paused) => {}
            () = sleep_until(heartbeat) => {
                let position = self.position;
                self.tell(StreamItem::Position(position));
            }
        }
    }
}
