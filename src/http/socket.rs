//! The socket that a listener accepts on: what it gives while it serves, and what at its end.

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

/// Until a socket that gave no connection is asked again. Mostly too many files are open, and
/// connections that end help.
const RECOVERY: Duration = Duration::from_millis(50);

/// How many connections that wait at the end are taken; the system keeps no more of them waiting
/// than this, unless it was told to.
const WAITING: usize = 4096;

/// A socket that listens.
#[derive(Debug)]
pub(super) struct Socket {
    listener: &'static str,
    inner: TcpListener,
    is_ours: bool,
}

impl Socket {
    /// Accepts on `socket` for `listener`. Where it `is_ours` alone, closing it breaks off what
    /// waits there; else somebody else holds it and takes that over.
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

    /// Accepts nothing more, but for what waits now and nobody else would take.
    pub(super) fn close(self) -> impl Iterator<Item = (TcpStream, SocketAddr)> {
        let waiting = self.inner.into_std().ok().filter(|_| self.is_ours);
        let next = move || waiting.as_ref()?.accept().ok();
        iter::from_fn(next)
            .take(WAITING)
            .filter_map(|(io, from)| Some((adopt(io).ok()?, from)))
    }
}

/// Whether only the connection that waited first is broken.
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
