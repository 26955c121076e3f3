//! The link between Hookshelf and Postgres, which can be cut or silenced.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// State of the link.
#[derive(Clone, Debug)]
enum State {
    /// Everything is forwarded.
    Open,
    /// Connections are accepted, and nothing is forwarded.
    Silent,
    /// All connections are closed.
    Cut,
}

/// A proxy from a loopback port to a socket.
#[derive(Debug)]
pub(crate) struct PostgresProxy {
    address: SocketAddr,
    state: Arc<watch::Sender<State>>,
    end: CancellationToken,
    tasks: TaskTracker,
}

impl PostgresProxy {
    /// An open link to `socket`.
    pub(crate) async fn to(socket: PathBuf) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let link = Self {
            address: listener.local_addr()?,
            state: Arc::new(watch::channel(State::Open).0),
            end: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        let serving = serve(
            listener,
            socket,
            Arc::clone(&link.state),
            link.tasks.clone(),
        );
        link.tasks
            .spawn(link.end.clone().run_until_cancelled_owned(serving));
        Ok(link)
    }

    /// Address of the loopback port.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Closes all connections and refuses new ones.
    pub(crate) fn cut(&self) {
        self.state.send_replace(State::Cut);
    }

    /// Accepts connections and forwards nothing.
    pub(crate) fn silence(&self) {
        self.state.send_replace(State::Silent);
    }

    /// Forwards everything again, including delayed data.
    pub(crate) fn mend(&self) {
        self.state.send_replace(State::Open);
    }
}

impl Drop for PostgresProxy {
    fn drop(&mut self) {
        self.end.cancel();
        self.state.send_replace(State::Cut);
        self.tasks.close();
    }
}

async fn serve(
    listener: TcpListener,
    socket: PathBuf,
    state: Arc<watch::Sender<State>>,
    tasks: TaskTracker,
) {
    while let Ok((client, _)) = listener.accept().await {
        if matches!(*state.borrow(), State::Cut) {
            continue;
        }
        let (mut states, socket) = (state.subscribe(), socket.clone());
        let carrying = carry(client, socket, state.subscribe());
        tasks.spawn(async move {
            tokio::select! {
                _ = states.wait_for(|it| matches!(it, State::Cut)) => {}
                () = carrying => {}
            }
        });
    }
}

/// Forwards in both directions, until one side closes.
async fn carry(client: TcpStream, socket: PathBuf, mut states: watch::Receiver<State>) {
    if open(&mut states).await.is_none() {
        return;
    }
    let Ok(server) = UnixStream::connect(socket).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = pass(from_client, to_server, states.clone()) => {}
        () = pass(from_server, to_client, states) => {}
    }
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut states: watch::Receiver<State>,
) {
    let mut piece = vec![0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        if open(&mut states).await.is_none() || to.write_all(&piece[..length]).await.is_err() {
            return;
        }
    }
}

async fn open(states: &mut watch::Receiver<State>) -> Option<()> {
    let open = states.wait_for(|it| matches!(it, State::Open)).await;
    open.is_ok().then_some(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{net::UnixListener, time::timeout};

    use super::*;

    #[tokio::test]
    async fn a_link_passes_falls_silent_and_is_cut() {
        let dir = tempfile::TempDir::new().unwrap();
        let socket = dir.path().join("socket");
        let server = UnixListener::bind(&socket).unwrap();
        let link = PostgresProxy::to(socket).await.unwrap();
        let mut client = TcpStream::connect(link.address()).await.unwrap();
        client.write_all(b"a").await.unwrap();
        let (mut there, _) = server.accept().await.unwrap();
        let mut byte = [0];
        there.read_exact(&mut byte).await.unwrap();
        link.silence();
        client.write_all(b"b").await.unwrap();
        let silent = timeout(Duration::from_millis(50), there.read_exact(&mut byte)).await;
        assert!(silent.is_err());
        link.mend();
        there.read_exact(&mut byte).await.unwrap();
        assert_eq!(byte, *b"b");
        link.cut();
        assert_eq!(client.read(&mut byte).await.unwrap_or(0), 0);
        let mut late = TcpStream::connect(link.address()).await.unwrap();
        assert_eq!(late.read(&mut byte).await.unwrap_or(0), 0);
    }
}
