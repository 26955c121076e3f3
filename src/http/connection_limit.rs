//! Connection limit: admission and eviction.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Weak},
    time::Duration,
};

use axum::Router;
use tokio::{net::TcpStream, task::JoinSet, time::timeout};
use tokio_util::sync::CancellationToken;

use super::{
    ListenerLimits,
    connection::{Connection, Streams},
    serve_connection::ConnectionServer,
};
use crate::telemetry::{ConnectionRefused, LogEvent, http::OpenConnection};

/// Open connections of a listener, closed on drop.
#[derive(Debug)]
pub(super) struct ConnectionLimit {
    listener: &'static str,
    limits: ListenerLimits,
    server: Arc<ConnectionServer>,
    stop: CancellationToken,
    open: JoinSet<()>,
    /// Unverified peers, oldest first. Some entries may be verified or ended by now.
    unverified: VecDeque<Weak<Connection>>,
    /// Connections that serve a stream; they have a limit of their own.
    streams: Streams,
}

impl ConnectionLimit {
    pub(super) fn new(listener: &'static str, routes: Router, limits: ListenerLimits) -> Self {
        let stop = CancellationToken::new();
        Self {
            listener,
            limits,
            server: Arc::new(ConnectionServer::new(routes, limits, stop.clone())),
            stop,
            open: JoinSet::new(),
            unverified: VecDeque::new(),
            streams: Streams::default(),
        }
    }

    /// Accepts a connection. At the limit, closes the oldest unverified peer, or `io` if every peer
    /// is verified.
    pub(super) async fn accept(&mut self, io: TcpStream, from: SocketAddr) {
        while self.is_reached() {
            if !self.evict().await {
                let (listener, limit) = (self.listener, self.limits.connections);
                return ConnectionRefused { listener, limit }.emit();
            }
        }
        let connection = Connection::new(self.stop.child_token(), self.streams.clone());
        self.track(&connection);
        let server = Arc::clone(&self.server);
        let metric = OpenConnection::count(self.listener);
        self.open.spawn(async move {
            let ending = server.serve_connection(io, from, connection).await;
            metric.close(ending.code());
        });
    }

    /// Waits until a connection ends, for ever if there is none.
    pub(super) async fn connection_ended(&mut self) {
        if self.open.join_next().await.is_none() {
            std::future::pending::<()>().await;
        }
    }

    /// Lets requests in flight finish for at most `grace`, then closes the rest.
    pub(super) async fn shut_down(mut self, grace: Duration) {
        self.stop.cancel();
        let ended = async { while self.open.join_next().await.is_some() {} };
        let _ = timeout(grace, ended).await;
        self.open.shutdown().await;
    }

    fn is_reached(&mut self) -> bool {
        while self.open.try_join_next().is_some() {}
        self.open.len().saturating_sub(self.streams.count()) >= self.limits.connections
    }

    /// Closes the oldest unverified peer, then waits until a connection ends. False if the list has no
    /// unverified peer; a listener without `make_room` keeps the list empty.
    async fn evict(&mut self) -> bool {
        while let Some(connection) = self.unverified.pop_front() {
            if let Some(connection) = still_unverified(&connection) {
                connection.close.cancel();
                drop(connection);
                self.open.join_next().await;
                return true;
            }
        }
        false
    }

    /// Adds a new connection. Drops ended and verified ones before the list grows to twice the
    /// limit.
    fn track(&mut self, connection: &Arc<Connection>) {
        if !self.limits.make_room {
            return;
        }
        if self.unverified.len() >= self.limits.connections.saturating_mul(2) {
            self.unverified
                .retain(|connection| still_unverified(connection).is_some());
        }
        self.unverified.push_back(Arc::downgrade(connection));
    }
}

/// The connection, if it is open and its peer is unverified.
fn still_unverified(connection: &Weak<Connection>) -> Option<Arc<Connection>> {
    connection
        .upgrade()
        .filter(|connection| !connection.is_verified())
}
