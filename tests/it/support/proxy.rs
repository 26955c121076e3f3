//! A proxy to Postgres that a test can freeze, cut and mend.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::eventually;

/// Traffic that passes.
#[derive(Clone, Copy, Debug)]
struct Gates {
    requests: bool,
    answers: bool,
    connections: bool,
}

const OPEN: Gates = Gates {
    requests: true,
    answers: true,
    connections: true,
};

/// A proxy on a free port in front of the Unix socket of a Postgres. Dropping the value stops the
/// proxy.
#[derive(Debug)]
pub(crate) struct Proxy {
    address: SocketAddr,
    server: PgConnectOptions,
    gates: watch::Sender<Gates>,
    links: Arc<Links>,
    leads_to: watch::Sender<PathBuf>,
    _end: DropGuard,
}

/// State of the connections.
#[derive(Debug, Default)]
struct Links {
    /// Cancels the current connections.
    cut: Mutex<CancellationToken>,
    /// Number of chunks held at a closed gate.
    held: AtomicUsize,
    /// Number of requests that a pooler between transactions would swallow.
    swallowed: AtomicUsize,
}

impl Proxy {
    /// Starts a proxy for `server`, with all gates open.
    pub(crate) async fn to(server: PgConnectOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (leads_to, socket) = watch::channel(socket_of(&server));
        let (gates, seen) = watch::channel(OPEN);
        let (links, end) = (Arc::<Links>::default(), CancellationToken::new());
        let serving = serve(listener, socket, seen, Arc::clone(&links));
        tokio::spawn(end.clone().run_until_cancelled_owned(serving));
        Self {
            address,
            server,
            gates,
            links,
            leads_to,
            _end: end.drop_guard(),
        }
    }

    /// Connection options through the proxy.
    pub(crate) fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .host("127.0.0.1")
            .port(self.address.port())
            .username(self.server.get_username())
            .database(self.server.get_database().expect("a database"))
            .ssl_mode(PgSslMode::Disable)
    }

    /// Connection URL through the proxy, for `[database] url`.
    pub(crate) fn url(&self) -> String {
        let (user, address) = (self.server.get_username(), self.address);
        let database = self.server.get_database().expect("a database");
        format!("postgres://{user}@{address}/{database}?sslmode=disable")
    }

    /// Switches new connections to another server, like an address that has moved. Open connections
    /// stay.
    pub(crate) fn lead_to(&self, server: &PgConnectOptions) {
        self.leads_to.send_replace(socket_of(server));
    }

    /// Holds the server's answers; requests still pass.
    pub(crate) fn hold_answers(&self) {
        self.gates.send_modify(|gates| gates.answers = false);
    }

    /// Holds both directions, like a stalled network.
    pub(crate) fn freeze(&self) {
        self.gates.send_modify(|gates| {
            (gates.requests, gates.answers) = (false, false);
        });
    }

    /// Number of requests for notifications, which are answered by closing the connection.
    pub(crate) fn swallowed(&self) -> usize {
        self.links.swallowed.load(Ordering::SeqCst)
    }

    /// Waits until a chunk is held.
    pub(crate) async fn until_holding(&self) {
        eventually("something is held", async || {
            self.links.held.load(Ordering::SeqCst) > 0
        })
        .await;
    }

    /// Cuts all connections and discards held chunks. New connections are accepted.
    pub(crate) fn cut(&self) {
        let mut cut = self.links.cut.lock().unwrap();
        std::mem::take(&mut *cut).cancel();
    }

    /// Cuts all connections and accepts no new ones, like a stopped server.
    pub(crate) fn go_away(&self) {
        self.gates.send_modify(|gates| gates.connections = false);
        self.cut();
    }

    /// Opens all gates; held chunks are passed on.
    pub(crate) fn mend(&self) {
        self.gates.send_replace(OPEN);
    }
}

fn socket_of(server: &PgConnectOptions) -> PathBuf {
    let directory = server.get_socket().expect("a socket");
    directory.join(format!(".s.PGSQL.{}", server.get_port()))
}

async fn serve(
    listener: TcpListener,
    socket: watch::Receiver<PathBuf>,
    gates: watch::Receiver<Gates>,
    links: Arc<Links>,
) {
    let all = CancellationToken::new();
    let _ends_with_the_listener = all.clone().drop_guard();
    while let Ok((client, _)) = listener.accept().await {
        if !gates.borrow().connections {
            continue;
        }
        let target = socket.borrow().clone();
        let Ok(server) = UnixStream::connect(target).await else {
            continue;
        };
        let cut = links.cut.lock().unwrap().clone();
        let carrying = carry(client, server, gates.clone(), Arc::clone(&links));
        let all = all.clone();
        tokio::spawn(async move {
            // `run_until_cancelled` would pass on a held chunk after a cut if the gate opens then.
            tokio::select! {
                biased;
                () = cut.cancelled() => {}
                () = all.cancelled() => {}
                () = carrying => {}
            }
        });
    }
}

/// Copies both directions. The end of one direction is passed on after all data before it.
async fn carry(
    client: TcpStream,
    server: UnixStream,
    gates: watch::Receiver<Gates>,
    links: Arc<Links>,
) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::join!(
        pass(from_client, to_server, gates.clone(), &links, |gates| gates
            .requests),
        pass(from_server, to_client, gates, &links, |gates| gates.answers),
    );
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut gates: watch::Receiver<Gates>,
    links: &Links,
    is_open: fn(&Gates) -> bool,
) {
    let mut piece = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        links.held.fetch_add(1, Ordering::SeqCst);
        let open = gates.wait_for(is_open).await.is_ok();
        links.held.fetch_sub(1, Ordering::SeqCst);
        if ["LISTEN", "NOTIFY", "pg_notify"].iter().any(|word| {
            piece[..length]
                .windows(word.len())
                .any(|it| it == word.as_bytes())
        }) {
            links.swallowed.fetch_add(1, Ordering::SeqCst);
            return;
        }
        if !open || to.write_all(&piece[..length]).await.is_err() {
            return;
        }
    }
    // The server finishes running statements after the client has shut down its side.
    let _ = to.shutdown().await;
}
