//! Listening socket: accepting connections, and taking the waiting ones at the end.

use std::{
    io, iter,
    net::{self, SocketAddr},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};

use crate::telemetry::{AcceptFailed, LogEvent};

/// Pause after a failed accept. The usual reason is too many open files, and connections that end
/// help.
const RECOVERY: Duration = Duration::from_millis(50);

/// Maximum number of waiting connections that are taken at the end: the system's default limit of
/// the accept queue.
const WAITING: usize = 4096;

/// A listening socket.
#[derive(Debug)]
pub(super) struct Socket {
    listener: &'static str,
    inner: TcpListener,
    is_ours: bool,
}

impl Socket {
    /// Accepts on `socket` for `listener`. If the socket `is_ours` alone, closing it resets waiting
    /// connections; otherwise another process holds the socket and serves them.
    pub(super) fn new(
        listener: &'static str,
        socket: net::TcpListener,
        is_ours: bool,
    ) -> io::Result<Self> {
        let inner = TcpListener::from_std(socket)?;
        Ok(Self {
            listener,
            inner,
            is_ours,
        })
    }

    pub(super) async fn accept(&self) -> (TcpStream, SocketAddr) {
        loop {
            let cause = match self.inner.accept().await {
                Ok((io, from)) => match io.set_nodelay(true) {
                    Ok(()) => return (io, from),
                    // It has ended already.
                    Err(_) => continue,
                },
                Err(error) if is_of_one_connection(&error) => continue,
                Err(error) => error,
            };
            let listener = self.listener;
            AcceptFailed { listener, cause }.emit();
            sleep(RECOVERY).await;
        }
    }

    /// Stops accepting. Returns the waiting connections that no other process would take.
    pub(super) fn close(self) -> impl Iterator<Item = (TcpStream, SocketAddr)> {
        let waiting = self.inner.into_std().ok().filter(|_| self.is_ours);
        let next = move || waiting.as_ref()?.accept().ok();
        iter::from_fn(next)
            .take(WAITING)
            .filter_map(|(io, from)| Some((adopt(io).ok()?, from)))
    }
}

/// True if the error concerns only the first waiting connection.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
    )
}

fn adopt(io: net::TcpStream) -> io::Result<TcpStream> {
    io.set_nonblocking(true)?;
    io.set_nodelay(true)?;
    TcpStream::from_std(io)
}
