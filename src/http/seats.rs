//! The seats of a listener: who gets one, who has to make room, and how all are given back.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Weak},
    time::Duration,
};

use axum::Router;
use tokio::{net::TcpStream, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{ListenerLimits, connection::Table, guest::Guest};
use crate::telemetry::{ConnectionRefused, Happening, door::OpenConnection};

/// The open connections of a listener. Dropped, it closes them.
#[derive(Debug)]
pub(super) struct Seats {
    listener: &'static str,
    limits: ListenerLimits,
    table: Arc<Table>,
    stop: CancellationToken,
    taken: JoinSet<()>,
    /// Those that have brought no delivery yet, the oldest first; some have by now, or have ended.
    strangers: VecDeque<Weak<Guest>>,
}

impl Seats {
    pub(super) fn new(listener: &'static str, routes: Router, limits: ListenerLimits) -> Self {
        let stop = CancellationToken::new();
        Self {
            listener,
            limits,
            table: Arc::new(Table::new(routes, limits, stop.clone())),
            stop,
            taken: JoinSet::new(),
            strangers: VecDeque::new(),
        }
    }

    /// Seats a connection, or closes it where all seats are taken by those who deliver.
    pub(super) async fn seat(&mut self, io: TcpStream, from: SocketAddr) {
        while self.are_taken() {
            if !self.make_room().await {
                let (listener, limit) = (self.listener, self.limits.connections);
                return ConnectionRefused { listener, limit }.emit();
            }
        }
        let guest = Guest::new(self.stop.child_token());
        self.remember(&guest);
        let table = Arc::clone(&self.table);
        let open = OpenConnection::count(self.listener);
        self.taken.spawn(async move {
            let ending = table.serve(io, from, guest).await;
            open.close(ending.code());
        });
    }

    /// Waits until a seat is given back, for ever where none is taken.
    pub(super) async fn given_back(&mut self) {
        if self.taken.join_next().await.is_none() {
            std::future::pending::<()>().await;
        }
    }

    /// Lets what is on its way finish, for at most `grace`, and closes the rest.
    pub(super) async fn part(mut self, grace: Duration) {
        self.stop.cancel();
        let parted = async { while self.taken.join_next().await.is_some() {} };
        let _ = timeout(grace, parted).await;
        self.taken.shutdown().await;
    }

    fn are_taken(&mut self) -> bool {
        while self.taken.try_join_next().is_some() {}
        self.taken.len() >= self.limits.connections
    }

    /// Has the oldest stranger leave, and waits until a seat is free: in a moment, since nothing
    /// of it is waited for. None can be had where everybody has brought deliveries.
    async fn make_room(&mut self) -> bool {
        while let Some(stranger) = self.strangers.pop_front() {
            if let Some(stranger) = still_strange(&stranger) {
                stranger.leave.cancel();
                drop(stranger);
                self.taken.join_next().await;
                return true;
            }
        }
        false
    }

    /// Keeps a newcomer in mind, and forgets those who are strangers no more before they are as
    /// many again.
    fn remember(&mut self, guest: &Arc<Guest>) {
        if !self.limits.make_room {
            return;
        }
        if self.strangers.len() >= self.limits.connections.saturating_mul(2) {
            self.strangers
                .retain(|guest| still_strange(guest).is_some());
        }
        self.strangers.push_back(Arc::downgrade(guest));
    }
}

/// The guest, if it is still there and has brought nothing.
fn still_strange(guest: &Weak<Guest>) -> Option<Arc<Guest>> {
    guest.upgrade().filter(|guest| !guest.is_proven())
}
