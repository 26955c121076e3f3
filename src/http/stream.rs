//! Byte stream of a connection: write timeout and orderly close.

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

/// Maximum time that a peer may go on sending after the last answer. Closing with unread bytes
/// resets the connection, and a peer in the middle of an oversized body would not see the 413.
const PARTING: Duration = Duration::from_secs(2);

/// A connection with a write timeout.
///
/// The deadlines of head and body bound reading. Writing is bounded here: a peer that sends
/// requests and reads no answer would keep its connection for ever.
#[derive(Debug)]
pub(super) struct Stream {
    io: TcpStream,
    patience: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
    parting: Option<Pin<Box<Sleep>>>,
    stalled: bool,
}

impl Stream {
    /// Wraps `io`. Its peer must read an answer within `patience`.
    pub(super) fn new(io: TcpStream, patience: Duration) -> Self {
        Self {
            io,
            patience,
            waiting: None,
            parting: None,
            stalled: false,
        }
    }

    /// True if the connection was closed by the write timeout.
    pub(super) fn is_stalled(&self) -> bool {
        self.stalled
    }

    /// Returns `progress`; without any, fails after `patience`.
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

    /// Discards incoming bytes until the peer ends, at most for [`PARTING`].
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
