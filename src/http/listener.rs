//! A listener: bound first, so that its port is known, then served until it is told to stop.
//!
//! HTTP/1 only: a proxy speaks nothing else to us, and while a version is still being guessed no
//! deadline runs.

use std::{
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use axum::Router;
use tokio::{net::TcpSocket, sync::watch};

pub use super::names::{ADMIN, PUBLIC};
use super::{
    ListenerLimits,
    connection_limit::ConnectionLimit,
    socket::Socket,
    socket_activation::{PassedSockets, SocketError},
};
use crate::telemetry::{ListenerStarted, LogEvent};

/// How many connections may wait to be accepted, as far as the system allows. One more would have
/// to knock again after a second; the standard library has room for 128, which is less than come
/// at once when a proxy finds the server again.
const QUEUE: u32 = 4096;

/// Why there is no listener.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be had.
    #[error(
        "the {listener} listener cannot listen on {address}: stop the program that listens there, \
         such as another hookshelf serve, or set {} to another address", key(.listener)
    )]
    Bind {
        /// Which listener.
        listener: &'static str,
        /// Where it was to listen.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The sockets that a service manager passed are of no use.
    #[error(transparent)]
    Passed(#[from] SocketError),
    /// It ended without being told to.
    #[error("the {0} listener ended unexpectedly; start the server again")]
    Ended(&'static str, #[source] io::Error),
}

/// The key of the configuration that has the address of a listener.
fn key(listener: &str) -> &'static str {
    match listener {
        ADMIN => "admin.listen",
        _ => "http.listen",
    }
}

/// A bound socket that serves nothing yet.
#[derive(Debug)]
pub struct Listener {
    name: &'static str,
    address: SocketAddr,
    socket: TcpListener,
    /// Whether nobody else holds the socket.
    is_ours: bool,
    shutdown: watch::Sender<Shutdown>,
}

/// State of the shutdown of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shutdown {
    No,
    /// Accept nothing new, and end what is open within this time.
    Graceful(Duration),
    /// Close everything.
    Immediate,
}

/// Stops a listener from elsewhere.
#[derive(Clone, Debug)]
pub struct Stop(watch::Sender<Shutdown>);

impl Listener {
    /// Binds `address`; port 0 takes a free one. `name` is for logs and metrics.
    pub fn bind(name: &'static str, address: SocketAddr) -> Result<Self, Error> {
        let refused = |source| Error::Bind {
            listener: name,
            address,
            source,
        };
        let bound = listen(address);
        bound
            .and_then(|socket| Self::on(name, socket, true))
            .map_err(refused)
    }

    /// Takes the socket that was passed for `name`, which somebody else holds too; else binds
    /// `address`.
    ///
    /// # Errors
    /// The socket is of no use, or the address cannot be had.
    pub fn open(
        name: &'static str,
        address: SocketAddr,
        passed: &mut PassedSockets,
    ) -> Result<Self, Error> {
        let Some(socket) = passed.socket(name) else {
            return Self::bind(name, address);
        };
        let listener = Self::on(name, socket, false);
        listener.map_err(|source| SocketError::Kind(name, source).into())
    }

    fn on(name: &'static str, socket: TcpListener, is_ours: bool) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self {
            name,
            address: socket.local_addr()?,
            socket,
            is_ours,
            shutdown: watch::Sender::new(Shutdown::No),
        })
    }

    /// Where it listens, with the port it got.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What stops it, before or while it serves.
    pub fn stop(&self) -> Stop {
        Stop(self.shutdown.clone())
    }

    /// Serves `routes` until it is stopped.
    ///
    /// # Errors
    /// It ended without being told to.
    pub fn serve(
        self,
        routes: Router,
        limits: ListenerLimits,
    ) -> impl Future<Output = Result<(), Error>> {
        let (listener, address) = (self.name, self.address);
        // Logged by the caller's task, so before anything that the caller says of the start.
        ListenerStarted { listener, address }.emit();
        self.run(routes, limits)
    }

    async fn run(self, routes: Router, limits: ListenerLimits) -> Result<(), Error> {
        let listener = self.name;
        let ended = |source| Error::Ended(listener, source);
        let socket = Socket::new(listener, self.socket, self.is_ours).map_err(ended)?;
        let mut shutdowns = self.shutdown.subscribe();
        let mut connections = ConnectionLimit::new(listener, routes, limits);
        let shutdown = loop {
            tokio::select! {
                biased;
                shutdown = wait_for_shutdown(&mut shutdowns) => break shutdown,
                (io, from) = socket.accept() => connections.accept(io, from).await,
                () = connections.connection_ended() => {}
            }
        };
        if let Shutdown::Graceful(grace) = shutdown {
            let done = shut_down_connections(socket, connections, grace);
            tokio::select! {
                () = done => {}
                _ = shutdowns.wait_for(|shutdown| *shutdown == Shutdown::Immediate) => {}
            }
        }
        Ok(())
    }
}

/// Serves what waits already, then ends what is open within `grace`.
async fn shut_down_connections(socket: Socket, mut connections: ConnectionLimit, grace: Duration) {
    for (io, from) in socket.close() {
        connections.accept(io, from).await;
    }
    connections.shut_down(grace).await;
}

/// As the standard library does it, but for the length of the queue.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(QUEUE)?.into_std()
}

/// What it is to do instead of serving, as soon as there is something.
async fn wait_for_shutdown(shutdowns: &mut watch::Receiver<Shutdown>) -> Shutdown {
    let other = shutdowns
        .wait_for(|shutdown| *shutdown != Shutdown::No)
        .await;
    other.map_or(Shutdown::Immediate, |shutdown| *shutdown)
}

impl Stop {
    /// Accepts nothing new and lets what is in flight finish, for at most `grace`.
    pub fn shut_down(&self, grace: Duration) {
        self.0.send_replace(Shutdown::Graceful(grace));
    }

    /// Closes everything at once.
    pub fn close(&self) {
        self.0.send_replace(Shutdown::Immediate);
    }
}
