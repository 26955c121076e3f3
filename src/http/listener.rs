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
use axum_server::{Handle, Server};
use hyper_util::rt::TokioTimer;

use super::{held::Unfit, seat::Usher};
use crate::{
    config,
    telemetry::{Happening, ListenerStarted},
};

/// The public listener's name in logs and metrics.
pub const PUBLIC: &str = "public";

/// The admin listener's name in logs and metrics.
pub const ADMIN: &str = "admin";

/// Bytes that a connection may read ahead, and so the longest head: Meta's are under 1 KiB. With
/// the number of connections it bounds what all of them hold.
const READ_AHEAD: usize = 64 << 10;

/// What a connection may cost.
#[derive(Clone, Copy, Debug)]
pub struct ListenerLimits {
    /// How many may be open; one more is closed at once.
    pub connections: usize,
    /// How long a head may take, and how long a connection may idle between two deliveries.
    pub header_timeout: Duration,
    /// How long a peer may leave an answer untaken.
    pub write_timeout: Duration,
}

/// How long a peer may leave an answer untaken; ours fit into any socket's buffer.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

impl ListenerLimits {
    /// Those of the admin listener: few people and machines, patient ones.
    pub const ADMIN: Self = Self {
        connections: 64,
        header_timeout: Duration::from_secs(30),
        write_timeout: WRITE_TIMEOUT,
    };
}

impl From<&config::Http> for ListenerLimits {
    fn from(http: &config::Http) -> Self {
        Self {
            connections: http.max_connections,
            header_timeout: http.header_timeout,
            write_timeout: WRITE_TIMEOUT,
        }
    }
}

/// Why there is no listener.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be had.
    #[error(
        "the {listener} listener cannot listen on {address}: choose another address, or stop \
         what listens there"
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
    Held(#[from] Unfit),
    /// It ended without being told to.
    #[error("the {listener} listener ended by itself; start the server again")]
    Ended {
        /// Which listener.
        listener: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// A bound socket that serves nothing yet.
#[derive(Debug)]
pub struct Listener {
    name: &'static str,
    address: SocketAddr,
    socket: TcpListener,
    handle: Handle<SocketAddr>,
}

/// Stops a listener from elsewhere.
#[derive(Clone, Debug)]
pub struct Stop(Handle<SocketAddr>);

impl Listener {
    /// Binds `address`; port 0 takes a free one. `name` is for logs and metrics.
    ///
    /// # Errors
    /// The address cannot be had.
    pub fn bind(name: &'static str, address: SocketAddr) -> Result<Self, Error> {
        let refused = |source| Error::Bind {
            listener: name,
            address,
            source,
        };
        let bound = TcpListener::bind(address);
        bound
            .and_then(|socket| Self::on(name, socket))
            .map_err(refused)
    }

    /// Takes a socket that listens already.
    pub(super) fn on(name: &'static str, socket: TcpListener) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self {
            name,
            address: socket.local_addr()?,
            socket,
            handle: Handle::new(),
        })
    }

    /// Where it listens, with the port it got.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What stops it, before or while it serves.
    pub fn stop(&self) -> Stop {
        Stop(self.handle.clone())
    }

    /// Serves `routes` until it is stopped.
    ///
    /// # Errors
    /// It ended without being told to.
    pub async fn serve(self, routes: Router, limits: ListenerLimits) -> Result<(), Error> {
        let listener = self.name;
        let ended = |source| Error::Ended { listener, source };
        let usher = Usher::new(listener, limits);
        let mut server = axum_server::from_tcp(self.socket)
            .map_err(ended)?
            .handle(self.handle)
            .acceptor(usher)
            .http1_only();
        bound(&mut server, limits);
        let address = self.address;
        ListenerStarted { listener, address }.emit();
        let service = routes.into_make_service_with_connect_info::<SocketAddr>();
        server.serve(service).await.map_err(ended)
    }
}

fn bound(server: &mut Server<SocketAddr, Usher>, limits: ListenerLimits) {
    server
        .http_builder()
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(READ_AHEAD);
}

impl Stop {
    /// Accepts nothing new and lets what is in flight finish, for at most `grace`.
    pub fn gently(&self, grace: Duration) {
        self.0.graceful_shutdown(Some(grace));
    }

    /// Closes everything at once.
    pub fn firmly(&self) {
        self.0.shutdown();
    }
}
