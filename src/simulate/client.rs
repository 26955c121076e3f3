//! HTTP client with one connection, kept alive between deliveries.

use std::{fmt, io, pin::Pin, pin::pin, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

use super::{request::Post, target::Error};

/// Timeout of an answer, including connecting. The pages of Meta's documentation name timeouts
/// between 5 and 20 seconds.
const DEADLINE: Duration = Duration::from_secs(20);

/// Answer to a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// A status code.
    Status(u16),
    /// No answer before the deadline.
    TimedOut,
    /// The connection ended within the answer, or the answer was not HTTP.
    Broken,
    /// No connection: refused, or the system could not open one.
    NoConnection,
    /// No answer yet at the end of the run.
    CutOff,
}

impl Answer {
    /// True if Meta accepts the answer as an acknowledgement.
    pub fn is_ack(self) -> bool {
        self == Self::Status(200)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => status.fmt(f),
            Self::TimedOut => f.pad("timed out"),
            Self::Broken => f.pad("broken"),
            Self::NoConnection => f.pad("no connection"),
            Self::CutOff => f.pad("cut off"),
        }
    }
}

/// Client that sends deliveries to one address, one after the other.
pub(super) struct Client {
    address: String,
    pub(super) deadline: Duration,
    open: Option<Open>,
}

/// Idle connection. Both halves run in the task of the client.
struct Open {
    sender: http1::SendRequest<Full<Bytes>>,
    connection: Pin<Box<http1::Connection<TokioIo<TcpStream>, Full<Bytes>>>>,
}

impl Open {
    async fn to(address: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        // One small write costs less than a vectored one.
        let mut builder = http1::Builder::new();
        builder.title_case_headers(true).writev(false);
        let shaken = builder.handshake(TokioIo::new(stream)).await;
        let (sender, connection) = shaken.map_err(io::Error::other)?;
        Ok(Self {
            sender,
            connection: Box::pin(connection),
        })
    }
}

impl Client {
    /// A client that connects when there is something to send.
    pub(super) fn new(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            deadline: DEADLINE,
            open: None,
        }
    }

    /// Connects, to see whether anybody is there.
    pub(super) async fn connect(&mut self) -> Result<(), Error> {
        let opened = timeout(self.deadline, Open::to(&self.address)).await;
        let opened = opened.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        self.open = Some(opened.map_err(|source| Error::Connect {
            address: self.address.clone(),
            source,
        })?);
        Ok(())
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
        match Open::to(&self.address).await {
            Ok(open) => {
                let answer = self.exchange_on(open, request).await;
                answer.unwrap_or(Answer::Broken)
            }
            Err(_) => Answer::NoConnection,
        }
    }

    /// Gives the request back if the server closed the connection before anything was sent.
    async fn exchange_on(&mut self, open: Open, request: Post) -> Result<Answer, Post> {
        let Open {
            mut sender,
            mut connection,
        } = open;
        let answer = {
            let mut answering = pin!(answer(&mut sender, request));
            tokio::select! {
                biased;
                _ = &mut connection => {
                    // Without the drop, a request to a closed connection waits for an answer for
                    // ever.
                    drop(connection);
                    // The answer may have come before the server closed.
                    return answering.await;
                }
                answer = &mut answering => answer?,
            }
        };
        if answer != Answer::Broken {
            self.open = Some(Open { sender, connection });
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
    use super::*;
    use crate::simulate::{
        request::{Requests, Signed},
        sender::Sender,
        testing::{self, Act},
    };

    /// The answers to so many deliveries, sent by one client, to a server with this script.
    async fn answers<const N: usize>(script: fn(usize) -> Act, deadline: Duration) -> [Answer; N] {
        let server = testing::server(move |seen| script(seen.number)).await;
        let requests = Requests::new(&server.target, &"wrong".into()).unwrap();
        let mut client = Client::new(&server.target.address);
        client.deadline = deadline;
        let mut answers = [Answer::CutOff; N];
        for answer in &mut answers {
            let request = requests.post(Sender::Changes, "{}".into(), Signed::Rightly);
            *answer = client.send(request).await;
        }
        answers
    }

    #[tokio::test]
    async fn an_answer_that_does_not_end_as_it_said_is_broken_and_the_next_one_is_not() {
        const CUT: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no";
        let script = |number| match number {
            0 => Act::Last(CUT),
            1 => Act::Last(""),
            2 => Act::Last("hello\r\n\r\n"),
            _ => Act::Answer(200),
        };
        let (broken, acked) = (Answer::Broken, Answer::Status(200));
        let answers = answers(script, DEADLINE).await;
        assert_eq!(answers, [broken, broken, broken, acked]);
    }

    #[tokio::test]
    async fn an_answer_may_say_that_it_is_the_last() {
        const LAST: &str = "HTTP/1.1 503 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
        let answers = answers(|_| Act::Last(LAST), DEADLINE).await;
        assert_eq!(answers, [Answer::Status(503); 3]);
    }

    #[tokio::test]
    async fn a_server_that_died_between_two_deliveries_is_no_connection() {
        let server = testing::server(|_| Act::Answer(200)).await;
        let requests = Requests::new(&server.target, &"wrong".into()).unwrap();
        let mut client = Client::new(&server.target.address);
        let post = || requests.post(Sender::Changes, "{}".into(), Signed::Rightly);
        assert_eq!(client.send(post()).await, Answer::Status(200));
        let address = server.target.address.clone();
        drop(server);
        while TcpStream::connect(&address).await.is_ok() {}
        assert_eq!(client.send(post()).await, Answer::NoConnection);
    }

    #[tokio::test]
    async fn a_server_that_never_answers_meets_the_deadline() {
        let answers = answers(|_| Act::Never, Duration::from_millis(5)).await;
        assert_eq!(answers, [Answer::TimedOut]);
    }
}
