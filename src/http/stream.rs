//! The bytes of a connection: how long a peer may leave an answer untaken, and how both part.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep},
};

/// How long a peer may go on sending after the last answer. Closed over unread bytes, a connection
/// is reset, and a peer in the middle of a body that is too large would not see the 413.
const PARTING: Duration = Duration::from_secs(2);

/// A connection whose answers have to be taken in time.
///
/// Reading is bounded by the deadlines of head and body. Writing is bounded here, for nobody else
/// does: who asks and asks and takes no answer would keep a connection for ever.
#[derive(Debug)]
pub(super) struct Stream {
    io: TcpStream,
    patience: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
    parting: Option<Pin<Box<Sleep>>>,
    stalled: bool,
}

impl Stream {
    /// Bounds `io`: its peer may leave an answer untaken for `patience`.
    pub(super) fn new(io: TcpStream, patience: Duration) -> Self {
        Self {
            io,
            patience,
            waiting: None,
            parting: None,
            stalled: false,
        }
    }

    /// Whether it was given up because its peer took no answer.
    pub(super) fn is_stalled(&self) -> bool {
        self.stalled
    }

    /// Passes progress on; without any, fails once patience is over.
    fn or_lose_patience<T>(
        &mut self,
        cx: &mut Context<'_>,
        progress: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if progress.is_ready() {
            self.waiting = None;
            return progress;
        }
        let patience = self.patience;
        let waiting = self
            .waiting
            .get_or_insert_with(|| Box::pin(sleep(patience)));
        ready!(waiting.as_mut().poll(cx));
        self.stalled = true;
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

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stream {
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
