//! A connection and its seat: how many there may be, how long one may refuse to be answered, and
//! how they part.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum_server::accept::Accept;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Sleep, sleep},
};

use super::ListenerLimits;
use crate::telemetry::{ConnectionRefused, Happening, door::OpenConnection};

/// Seats each connection, or closes it where all seats are taken.
#[derive(Clone, Debug)]
pub(super) struct Usher {
    listener: &'static str,
    seats: Arc<Semaphore>,
    limits: ListenerLimits,
}

impl Usher {
    /// An usher of `limits.connections` seats.
    pub(super) fn new(listener: &'static str, limits: ListenerLimits) -> Self {
        let seats = limits.connections.min(Semaphore::MAX_PERMITS);
        Self {
            listener,
            seats: Arc::new(Semaphore::new(seats)),
            limits,
        }
    }

    fn seat(&self, io: TcpStream) -> io::Result<Seated> {
        let Ok(seat) = Arc::clone(&self.seats).try_acquire_owned() else {
            let (listener, limit) = (self.listener, self.limits.connections);
            ConnectionRefused { listener, limit }.emit();
            return Err(io::ErrorKind::ConnectionRefused.into());
        };
        io.set_nodelay(true)?;
        Ok(Seated {
            io,
            patience: self.limits.write_timeout,
            stalled: None,
            parting: None,
            _open: OpenConnection::count(self.listener),
            _seat: seat,
        })
    }
}

impl<S> Accept<TcpStream, S> for Usher {
    type Stream = Seated;
    type Service = S;
    type Future = std::future::Ready<io::Result<(Seated, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        std::future::ready(self.seat(stream).map(|seated| (seated, service)))
    }
}

/// How long a peer may go on sending after the last answer. Closed over unread bytes, a connection
/// is reset, and a peer in the middle of a body that is too large would not see the 413.
const PARTING: Duration = Duration::from_secs(2);

/// A connection that keeps its seat until it is closed.
///
/// Reading is bounded by the deadlines of head and body. Writing is bounded here, for nobody else
/// does: who asks and asks and takes no answer would keep a seat for ever.
#[derive(Debug)]
pub(super) struct Seated {
    io: TcpStream,
    patience: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
    parting: Option<Pin<Box<Sleep>>>,
    _open: OpenConnection,
    _seat: OwnedSemaphorePermit,
}

impl Seated {
    /// Passes progress on; without any, fails once patience is over.
    fn or_lose_patience<T>(
        &mut self,
        cx: &mut Context<'_>,
        progress: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if progress.is_ready() {
            self.stalled = None;
            return progress;
        }
        let patience = self.patience;
        let stalled = self
            .stalled
            .get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Throws away what still comes, until the peer is done or has had its time.
    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let parting = self.parting.get_or_insert_with(|| Box::pin(sleep(PARTING)));
        if parting.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let mut waste = [0; 8 << 10];
        loop {
            let mut waste = ReadBuf::new(&mut waste);
            let read = ready!(Pin::new(&mut self.io).poll_read(cx, &mut waste));
            if read.is_err() || waste.filled().is_empty() {
                return Poll::Ready(());
            }
        }
    }
}

impl AsyncRead for Seated {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Seated {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.or_lose_patience(cx, progress)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.io).poll_write_vectored(cx, slices);
        self.or_lose_patience(cx, progress)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.io).poll_shutdown(cx))?;
        self.poll_part(cx).map(Ok)
    }
}
