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

/// Length of the accept queue, as far as the system allows. Without room, a client retries after a
/// second. The standard library uses 128, too few for a proxy that reconnects after a restart.
const QUEUE: u32 = 4096;

/// Error of a listener.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be bound.
    #[error(
        "the {listener} listener cannot listen on {address}: stop the program that listens there, \
         such as another hookshelf serve, or set {} to another address", key(.listener)
    )]
    Bind {
        /// Name of the listener.
        listener: &'static str,
        /// Address of the listener.
        address: SocketAddr,
        /// Error of the operating system.
        #[source]
        source: io::Error,
    },
    /// The sockets passed by a service manager are unusable.
    #[error(transparent)]
    Passed(#[from] SocketError),
    /// The listener ended without a shutdown.
    #[error("the {0} listener ended unexpectedly; start the server again")]
    Ended(&'static str, #[source] io::Error),
}

/// Configuration key of the address of a listener.
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
    /// True if no other process holds the socket.
    is_ours: bool,
    shutdown: watch::Sender<Shutdown>,
}

/// State of the shutdown of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shutdown {
    No,
    /// Accept nothing new, and end open connections within this time.
    Graceful(Duration),
    /// Close everything.
    Immediate,
}

/// Handle that stops a listener.
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

    /// Takes the socket passed for `name`, which the service manager holds too; without one, binds
    /// `address`.
    ///
    /// # Errors
    /// If the socket is unusable, or the address cannot be bound.
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

    /// Address of the socket, with the assigned port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Handle that stops the listener, before or while it serves.
    pub fn stop(&self) -> Stop {
        Stop(self.shutdown.clone())
    }

    /// Serves `routes` until the listener is stopped.
    ///
    /// # Errors
    /// If the listener ends without a shutdown.
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

/// Accepts connections that wait already, then ends all open connections within `grace`.
async fn shut_down_connections(socket: Socket, mut connections: ConnectionLimit, grace: Duration) {
    for (io, from) in socket.close() {
        connections.accept(io, from).await;
    }
    connections.shut_down(grace).await;
}

/// Binds like the standard library, with a longer accept queue.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(QUEUE)?.into_std()
}

/// Waits for a shutdown.
async fn wait_for_shutdown(shutdowns: &mut watch::Receiver<Shutdown>) -> Shutdown {
    let other = shutdowns
        .wait_for(|shutdown| *shutdown != Shutdown::No)
        .await;
    other.map_or(Shutdown::Immediate, |shutdown| *shutdown)
}

impl Stop {
    /// Accepts nothing new and lets requests in flight finish, for at most `grace`.
    pub fn shut_down(&self, grace: Duration) {
        self.0.send_replace(Shutdown::Graceful(grace));
    }

    /// Closes everything at once.
    pub fn close(&self) {
        self.0.send_replace(Shutdown::Immediate);
    }
}
