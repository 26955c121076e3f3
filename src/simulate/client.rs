//! One connection to the server, kept alive from delivery to delivery.

use std::{
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

use super::{Answer, Error, Target};

/// How long an answer may take, the connection included. Meta waits between 5 and 20 seconds,
/// depending on which page of its documentation one reads.
const DEADLINE: Duration = Duration::from_secs(20);

/// Sends deliveries to one target, one after the other.
pub(super) struct Client {
    target: Arc<Target>,
    pub(super) deadline: Duration,
    connection: Option<Connection>,
}

impl Client {
    /// A client that connects when there is something to send.
    pub(super) fn new(target: Arc<Target>) -> Self {
        Self {
            target,
            deadline: DEADLINE,
            connection: None,
        }
    }

    /// Connects, to see whether anybody is there.
    pub(super) async fn connect(&mut self) -> Result<(), Error> {
        let opened = timeout(self.deadline, Connection::open(&self.target)).await;
        let opened = opened.unwrap_or_else(|_| {
            let source = std::io::ErrorKind::TimedOut.into();
            Err(Error::connect(&self.target, source))
        });
        self.connection = Some(opened?);
        Ok(())
    }

    /// Waits for something else. Where the server closes the connection meanwhile, so do we: the
    /// next delivery gets a new one, and the server waits for nobody.
    pub(super) async fn idle_until<T>(&mut self, other: impl Future<Output = T>) -> T {
        let mut other = pin!(other);
        let driver = self
            .connection
            .as_mut()
            .and_then(|open| open.driver.as_mut());
        if let Some(driver) = driver {
            tokio::select! {
                biased;
                came = &mut other => return came,
                _ = driver => self.connection = None,
            }
        }
        other.await
    }

    /// Sends a delivery and waits for the answer.
    pub(super) async fn send(&mut self, request: Request<Full<Bytes>>) -> Answer {
        let answer = timeout(self.deadline, self.exchange(request)).await;
        answer.unwrap_or(Answer::TimedOut)
    }

    /// The connection is taken out for the exchange: one that broke, or that still owes an answer,
    /// does not come back.
    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Answer {
        let unsent = match self.connection.take() {
            Some(open) if !open.sender.is_closed() => match self.exchange_on(open, request).await {
                Ok(status) => return Answer::Status(status),
                // The server closed an idle connection before anything was written to it.
                Err(Some(unsent)) => *unsent,
                Err(None) => return Answer::Broken,
            },
            _ => request,
        };
        match Connection::open(&self.target).await {
            Ok(open) => {
                let exchanged = self.exchange_on(open, unsent).await;
                exchanged.map_or(Answer::Broken, Answer::Status)
            }
            Err(_) => Answer::NoConnection,
        }
    }

    async fn exchange_on(&mut self, mut open: Connection, request: Post) -> Result<u16, Unsent> {
        let status = open.exchange(request).await?;
        self.connection = Some(open);
        Ok(status)
    }
}

type Post = Request<Full<Bytes>>;

/// The request, where not a byte of it was written; where some were, it may have been taken.
type Unsent = Option<Box<Post>>;

/// A connection and what drives it. Both are one task's: handing requests to another task and
/// answers back would cost more than writing and reading them.
struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// None once it has ended.
    driver: Option<Pin<Box<Driver>>>,
}

type Driver = http1::Connection<TokioIo<TcpStream>, Full<Bytes>>;

impl Connection {
    async fn open(target: &Target) -> Result<Self, Error> {
        let stream = TcpStream::connect(&target.address)
            .await
            .and_then(|stream| stream.set_nodelay(true).map(|()| stream))
            .map_err(|source| Error::connect(target, source))?;
        let (sender, driver) = http1::Builder::new()
            .title_case_headers(true)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|source| Error::Handshake {
                address: target.address.clone(),
                source,
            })?;
        Ok(Self {
            sender,
            driver: Some(Box::pin(driver)),
        })
    }

    /// Sends one request and reads its answer to the end, so that the next can follow.
    async fn exchange(&mut self, request: Post) -> Result<u16, Unsent> {
        let mut talk = pin!(talk(&mut self.sender, request));
        if let Some(driver) = &mut self.driver {
            tokio::select! {
                biased;
                done = &mut talk => return done,
                _ = driver => self.driver = None,
            }
        }
        // The connection has ended, and has said before whatever it had to say.
        talk.await
    }
}

async fn talk(sender: &mut SendRequest<Full<Bytes>>, request: Post) -> Result<u16, Unsent> {
    if sender.ready().await.is_err() {
        return Err(Some(Box::new(request)));
    }
    let sent = sender.try_send_request(request).await;
    let mut response = sent.map_err(|mut error| error.take_message().map(Box::new))?;
    while let Some(frame) = response.frame().await {
        frame.map_err(|_| None)?;
    }
    Ok(response.status().as_u16())
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    #[tokio::test]
    async fn a_connection_that_the_server_ends_while_idle_is_closed_here_too() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let target = Target {
            host: address.clone(),
            address,
            path: "/webhook".into(),
            app_secret: "a secret of this test".into(),
            marked: true,
        };
        let mut client = Client::new(Arc::new(target));
        client.connect().await.unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        let closed = client.idle_until(stream.read_to_end(&mut rest));
        let closed = timeout(Duration::from_mins(1), closed).await;
        assert_eq!(closed.expect("it is closed").unwrap(), 0);
        assert!(client.connection.is_none());
    }
}
