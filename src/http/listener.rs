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
    seats::Seats,
    socket::Socket,
    socket_activation::{PassedSockets, Unfit},
};
use crate::telemetry::{Happening, ListenerStarted};

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
    Passed(#[from] Unfit),
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
    wish: watch::Sender<Wish>,
}

/// What a listener is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wish {
    Serve,
    /// Accept nothing new, and end what is open within this time.
    Part(Duration),
    /// Close everything.
    Close,
}

/// Stops a listener from elsewhere.
#[derive(Clone, Debug)]
pub struct Stop(watch::Sender<Wish>);

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
        listener.map_err(|source| Unfit::Kind(name, source).into())
    }

    fn on(name: &'static str, socket: TcpListener, is_ours: bool) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self {
            name,
            address: socket.local_addr()?,
            socket,
            is_ours,
            wish: watch::Sender::new(Wish::Serve),
        })
    }

    /// Where it listens, with the port it got.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What stops it, before or while it serves.
    pub fn stop(&self) -> Stop {
        Stop(self.wish.clone())
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
        let mut wishes = self.wish.subscribe();
        let mut seats = Seats::new(listener, routes, limits);
        let wish = loop {
            tokio::select! {
                biased;
                wish = wished(&mut wishes) => break wish,
                (io, from) = socket.accept() => seats.seat(io, from).await,
                () = seats.given_back() => {}
            }
        };
        if let Wish::Part(grace) = wish {
            let parted = part(socket, seats, grace);
            tokio::select! {
                () = parted => {}
                _ = wishes.wait_for(|wish| *wish == Wish::Close) => {}
            }
        }
        Ok(())
    }
}

/// Serves what waits already, then ends what is open within `grace`.
async fn part(socket: Socket, mut seats: Seats, grace: Duration) {
    for (io, from) in socket.close() {
        seats.seat(io, from).await;
    }
    seats.part(grace).await;
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
async fn wished(wishes: &mut watch::Receiver<Wish>) -> Wish {
    let other = wishes.wait_for(|wish| *wish != Wish::Serve).await;
    other.map_or(Wish::Close, |wish| *wish)
}

impl Stop {
    /// Accepts nothing new and lets what is in flight finish, for at most `grace`.
    pub fn gently(&self, grace: Duration) {
        self.0.send_replace(Wish::Part(grace));
    }

    /// Closes everything at once.
    pub fn firmly(&self) {
        self.0.send_replace(Wish::Close);
    }
}
