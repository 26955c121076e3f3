//! A connection to the server: writes a request, reads its answer, and is kept for the next.
//!
//! A general HTTP client would take several times what a fixed request and its short answer need,
//! and a load run takes that from the machine which it measures.

use std::{
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

use super::reading::{Malformed, Reading};

/// Room for what an answer usually is.
const ROOM: usize = 1024;

/// The longest head of an answer.
const MOST_ROOM: usize = 64 * 1024;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The connection had ended before: not a byte was written.
    Unsent,
    /// It ended meanwhile, or said what is no answer; what was written may have been taken.
    Broken,
}

impl From<Malformed> for Failure {
    fn from(_: Malformed) -> Self {
        Self::Broken
    }
}

impl From<io::Error> for Failure {
    fn from(_: io::Error) -> Self {
        Self::Broken
    }
}

/// A connection that owes no answer.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// How much of the buffer was received and not read yet.
    filled: usize,
}

/// A request on its way.
struct Exchange<'a> {
    unwritten: &'a [u8],
    reading: Reading,
}

impl Connection {
    pub(super) async fn open(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: vec![0; ROOM],
            filled: 0,
        })
    }

    /// Sends one request and reads its answer to the end: the status, and the connection where
    /// another request may follow.
    pub(super) async fn exchange(mut self, request: &[u8]) -> Result<(u16, Option<Self>), Failure> {
        let mut exchange = Exchange {
            unwritten: request,
            reading: Reading::new(),
        };
        let status = poll_fn(|cx| self.poll_exchange(cx, &mut exchange, request.len())).await?;
        let is_through = exchange.unwritten.is_empty() && self.filled == 0;
        let is_kept = is_through && exchange.reading.keeps_connection();
        Ok((status, is_kept.then_some(self)))
    }

    /// Ends when the connection does.
    pub(super) async fn ended(&self) {
        poll_fn(|cx| self.poll_ended(cx)).await;
    }

    /// Nobody but a server that ends the connection says anything unasked.
    fn poll_ended(&self, cx: &mut Context<'_>) -> Poll<()> {
        while self.stream.poll_read_ready(cx).is_ready() {
            match self.stream.try_read(&mut [0]) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                _ => return Poll::Ready(()),
            }
        }
        Poll::Pending
    }

    /// Writes what can be written and reads what has come. A server may answer before it has the
    /// whole request.
    fn poll_exchange(
        &mut self,
        cx: &mut Context<'_>,
        exchange: &mut Exchange<'_>,
        length: usize,
    ) -> Poll<Result<u16, Failure>> {
        if exchange.unwritten.len() == length && self.poll_ended(cx).is_ready() {
            return Poll::Ready(Err(Failure::Unsent));
        }
        self.write(cx, exchange);
        self.poll_answer(cx, &mut exchange.reading)
    }

    /// Where no more can be written because the server has hung up, there may still be its answer
    /// to read; if not, reading ends too.
    fn write(&mut self, cx: &mut Context<'_>, exchange: &mut Exchange<'_>) {
        while !exchange.unwritten.is_empty() {
            match Pin::new(&mut self.stream).poll_write(cx, exchange.unwritten) {
                Poll::Ready(Ok(some)) if some > 0 => {
                    exchange.unwritten = &exchange.unwritten[some..];
                }
                Poll::Ready(_) | Poll::Pending => break,
            }
        }
    }

    fn poll_answer(
        &mut self,
        cx: &mut Context<'_>,
        reading: &mut Reading,
    ) -> Poll<Result<u16, Failure>> {
        loop {
            let received = ready!(self.poll_receive(cx))?;
            if received == 0 {
                reading.end();
                return Poll::Ready(reading.done().ok_or(Failure::Broken));
            }
            let read = reading.read(&self.buffer[..self.filled])?;
            self.buffer.copy_within(read..self.filled, 0);
            self.filled -= read;
            if let Some(status) = reading.done() {
                return Poll::Ready(Ok(status));
            }
        }
    }

    /// Receives more; says how much, and 0 where the connection has ended.
    fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.filled == self.buffer.len() {
            if self.filled >= MOST_ROOM {
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            }
            self.buffer.resize(2 * self.filled, 0);
        }
        let mut room = ReadBuf::new(&mut self.buffer[self.filled..]);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut room))?;
        let received = room.filled().len();
        self.filled += received;
        Poll::Ready(Ok(received))
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    const ACK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    /// A connection, and the server's end of it.
    async fn pair() -> (Connection, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (open, accepted) = tokio::join!(Connection::open(&address), listener.accept());
        (open.unwrap(), accepted.unwrap().0)
    }

    /// More than the system takes at once.
    fn large() -> Vec<u8> {
        vec![b'x'; 32 * 1024 * 1024]
    }

    #[tokio::test]
    async fn a_large_request_goes_in_parts_and_another_may_follow() {
        let (open, mut server) = pair().await;
        let request = large();
        let serving = async {
            let mut received = vec![0; request.len()];
            server.read_exact(&mut received).await.unwrap();
            // An answer may come in parts as well.
            for part in ACK.chunks(7) {
                server.write_all(part).await.unwrap();
                tokio::task::yield_now().await;
            }
            received == request
        };
        let (exchanged, is_whole) = tokio::join!(open.exchange(&request), serving);
        assert!(is_whole);
        let (status, kept) = exchanged.unwrap();
        assert_eq!(status, 200);
        // An answer that nobody waits for is no answer to the next request.
        let kept = kept.expect("it is kept");
        server.write_all(ACK).await.unwrap();
        kept.ended().await;
        assert_eq!(kept.exchange(b"x").await.unwrap_err(), Failure::Unsent);
    }

    #[tokio::test]
    async fn an_answer_may_come_before_the_whole_request_was_sent() {
        let (open, mut server) = pair().await;
        let refusal = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n";
        let serving = async {
            server.read_exact(&mut [0; 100]).await.unwrap();
            server.write_all(refusal).await.unwrap();
        };
        let request = large();
        let (exchanged, ()) = tokio::join!(open.exchange(&request), serving);
        let (status, kept) = exchanged.unwrap();
        assert_eq!((status, kept.is_some()), (413, false));
    }

    #[tokio::test]
    async fn a_connection_is_kept_only_where_nothing_is_left_of_the_answer() {
        for (answer, status, is_kept) in [
            (&b"HTTP/1.1 204 No Content\r\n\r\n"[..], 204, true),
            (b"HTTP/1.1 204 No Content\r\n\r\nmore", 204, false),
            (
                b"HTTP/1.1 503 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
                503,
                false,
            ),
        ] {
            let (open, mut server) = pair().await;
            let serving = async {
                server.read_exact(&mut [0]).await.unwrap();
                server.write_all(answer).await.unwrap();
            };
            let (exchanged, ()) = tokio::join!(open.exchange(b"x"), serving);
            let (said, kept) = exchanged.unwrap();
            assert_eq!((said, kept.is_some()), (status, is_kept));
        }
    }

    #[tokio::test]
    async fn an_answer_that_does_not_end_as_it_said_is_none() {
        let long = [
            b"HTTP/1.1 200 OK\r\nX-Long: ".as_slice(),
            &vec![b'x'; 2 * MOST_ROOM],
        ]
        .concat();
        for answer in [&ACK[..ACK.len() - 1], b"", b"hello\r\n\r\n", &long] {
            let (open, mut server) = pair().await;
            let serving = async move {
                server.read_exact(&mut [0]).await.unwrap();
                // The connection may end before the whole of it was taken.
                let _ = server.write_all(answer).await;
            };
            let (exchanged, ()) = tokio::join!(open.exchange(b"x"), serving);
            assert_eq!(exchanged.unwrap_err(), Failure::Broken);
        }
    }
}
