//! One connection to the server, kept alive from delivery to delivery.

use std::{future::poll_fn, io, pin::Pin, pin::pin, sync::Arc, task::Poll, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::yield_now, time::timeout};

use super::{
    report::Answer,
    request::Post,
    target::{Error, Target},
};

/// How long an answer may take, the connection included. Meta waits between 5 and 20 seconds,
/// depending on which page of its documentation one reads.
const DEADLINE: Duration = Duration::from_secs(20);

/// Sends deliveries to one target, one after the other.
pub(super) struct Client {
    target: Arc<Target>,
    pub(super) deadline: Duration,
    open: Option<Open>,
}

/// A connection that owes no answer. Both halves run in the task of the client.
struct Open {
    sender: http1::SendRequest<Full<Bytes>>,
    connection: Pin<Box<http1::Connection<TokioIo<TcpStream>, Full<Bytes>>>>,
}

impl Open {
    async fn to(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut builder = http1::Builder::new();
        let shaken = builder
            .title_case_headers(true)
            .handshake(TokioIo::new(stream))
            .await;
        let (sender, connection) = shaken.map_err(io::Error::other)?;
        Ok(Self {
            sender,
            connection: Box::pin(connection),
        })
    }
}

impl Client {
    /// A client that connects when there is something to send.
    pub(super) fn new(target: Arc<Target>) -> Self {
        Self {
            target,
            deadline: DEADLINE,
            open: None,
        }
    }

    /// Connects, to see whether anybody is there.
    pub(super) async fn connect(&mut self) -> Result<(), Error> {
        let opened = timeout(self.deadline, Open::to(&self.target.address)).await;
        let opened = opened.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        self.open = Some(opened.map_err(|source| Error::Connect {
            address: self.target.address.clone(),
            source,
        })?);
        Ok(())
    }

    /// Waits for something else. If the server closes the connection meanwhile, so does the client:
    /// the next delivery gets a new one, and the server waits for nobody.
    pub(super) async fn idle_until<T>(&mut self, other: impl Future<Output = T>) -> T {
        let mut other = pin!(other);
        let at_once = poll_fn(|cx| Poll::Ready(other.as_mut().poll(cx))).await;
        if let Poll::Ready(came) = at_once {
            return came;
        }
        let came = match &mut self.open {
            None => other.await,
            Some(open) => tokio::select! {
                biased;
                came = &mut other => came,
                _ = &mut open.connection => {
                    self.open = None;
                    other.await
                }
            },
        };
        // The system is asked for news before anything is sent: the server may just have closed.
        yield_now().await;
        came
    }

    /// Sends a delivery and waits for the answer.
    pub(super) async fn send(&mut self, request: Post) -> Answer {
        let answer = timeout(self.deadline, self.exchange(request)).await;
        answer.unwrap_or(Answer::TimedOut)
    }

    /// The connection is taken out for the exchange: one that broke, or that still owes an answer,
    /// does not come back.
    async fn exchange(&mut self, mut request: Post) -> Answer {
        if let Some(open) = self.open.take() {
            match self.exchange_on(open, request).await {
                Ok(answer) => return answer,
                Err(unsent) => request = unsent,
            }
        }
        match Open::to(&self.target.address).await {
            Ok(open) => {
                let answer = self.exchange_on(open, request).await;
                answer.unwrap_or(Answer::Broken)
            }
            Err(_) => Answer::NoConnection,
        }
    }

    /// Gives the request back if the server closed the connection before anything was sent.
    async fn exchange_on(&mut self, mut open: Open, request: Post) -> Result<Answer, Post> {
        let answer = {
            let mut answering = pin!(answer(&mut open.sender, request));
            tokio::select! {
                biased;
                // The answer may have come before the server closed.
                _ = &mut open.connection => return answering.await,
                answer = &mut answering => answer?,
            }
        };
        if answer != Answer::Broken {
            self.open = Some(open);
        }
        Ok(answer)
    }
}

/// Sends a request and reads its answer to the end; gives the request back if it was not sent.
async fn answer(
    sender: &mut http1::SendRequest<Full<Bytes>>,
    request: Post,
) -> Result<Answer, Post> {
    if sender.ready().await.is_err() {
        return Err(request);
    }
    let response = match sender.try_send_request(request).await {
        Ok(response) => response,
        Err(mut refused) => return refused.take_message().map_or(Ok(Answer::Broken), Err),
    };
    let status = response.status().as_u16();
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        if frame.is_err() {
            return Ok(Answer::Broken);
        }
    }
    Ok(Answer::Status(status))
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;
    use crate::simulate::{
        request::{Requests, Signed},
        sender::Sender,
    };

    const ACK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    /// A client that is connected, the server's end of its connection, and a request of so many
    /// bytes.
    async fn pair(length: usize) -> (Client, TcpStream, Post) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let target = Target {
            host: address.clone(),
            address,
            path: "/webhook".into(),
            app_secret: "a secret of this test".into(),
            marked: true,
        };
        let requests = Requests::new(&target, &SecretString::from("wrong")).unwrap();
        let body = vec![b'x'; length].into();
        let request = requests.post(Sender::Changes, body, Signed::Rightly);
        let mut client = Client::new(Arc::new(target));
        client.connect().await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        (client, stream, request)
    }

    #[tokio::test]
    async fn a_connection_that_the_server_ends_while_idle_is_closed_here_too() {
        let (mut client, mut stream, _) = pair(0).await;
        stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        let closed = client.idle_until(stream.read_to_end(&mut rest));
        let closed = timeout(Duration::from_mins(1), closed).await;
        assert_eq!(closed.expect("it is closed").unwrap(), 0);
        assert!(client.open.is_none());
    }

    #[tokio::test]
    async fn a_large_request_goes_in_parts_and_another_may_follow() {
        const LARGE: usize = 32 * 1024 * 1024;
        let (mut client, mut stream, request) = pair(LARGE).await;
        let serving = async {
            let mut received = vec![0; LARGE];
            stream.read_exact(&mut received).await.unwrap();
            let mut head = Vec::new();
            while stream.read_buf(&mut head).await.unwrap() > 0 && head.last() != Some(&b'x') {}
            // An answer may come in parts as well.
            for part in ACK.chunks(7) {
                stream.write_all(part).await.unwrap();
                yield_now().await;
            }
        };
        let (answer, ()) = tokio::join!(client.send(request), serving);
        assert_eq!((answer, client.open.is_some()), (Answer::Status(200), true));
    }

    #[tokio::test]
    async fn an_answer_may_say_that_it_is_the_last() {
        let (mut client, mut stream, request) = pair(1).await;
        let serving = async {
            stream.read_exact(&mut [0]).await.unwrap();
            let last = b"HTTP/1.1 503 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
            stream.write_all(last).await.unwrap();
            stream.shutdown().await.unwrap();
        };
        let (answer, ()) = tokio::join!(client.send(request.clone()), serving);
        assert_eq!(answer, Answer::Status(503));
        // The next one goes over a connection of its own, to where nobody listens any more.
        drop(stream);
        assert_eq!(client.send(request).await, Answer::NoConnection);
    }

    #[tokio::test]
    async fn an_answer_that_does_not_end_as_it_said_is_none() {
        for answer in [&ACK[..ACK.len() - 1], b"", b"hello\r\n\r\n"] {
            let (mut client, mut stream, request) = pair(1).await;
            let serving = async move {
                stream.read_exact(&mut [0]).await.unwrap();
                stream.write_all(answer).await.unwrap();
            };
            let (sent, ()) = tokio::join!(client.send(request), serving);
            assert_eq!(sent, Answer::Broken);
        }
    }
}
