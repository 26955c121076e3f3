//! One connection to the server, kept alive from delivery to delivery.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request,
    client::conn::http1::{Builder, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpStream,
    task::AbortHandle,
    time::{error::Elapsed, timeout},
};

use super::{Answer, Error, Target, plan::Variant};
use crate::meta::signature::{sign, sign_simulated};

/// How long an answer may take. Meta waits between 5 and 20 seconds, depending on which page of
/// its documentation one reads.
const DEADLINE: Duration = Duration::from_secs(20);

/// Sends deliveries to one target.
pub(super) struct Client<'a> {
    target: &'a Target,
    pub(super) deadline: Duration,
    connection: Option<Connection>,
}

impl<'a> Client<'a> {
    /// A client that connects when there is something to send.
    pub(super) fn new(target: &'a Target) -> Self {
        Self {
            target,
            deadline: DEADLINE,
            connection: None,
        }
    }

    /// Signs and sends `variant`, and waits for the answer.
    pub(super) async fn send(&mut self, variant: &Variant) -> Result<(Answer, Duration), Error> {
        let request = request(self.target, variant).map_err(Error::Request)?;
        let mut connection = match self.connection.take() {
            Some(open) if !open.sender.is_closed() => open,
            _ => Connection::open(&self.target.address).await?,
        };
        let begun = Instant::now();
        let answer = answer(&timeout(self.deadline, connection.exchange(request)).await);
        // A connection that broke, or that still owes an answer, is no longer of use.
        if matches!(answer, Answer::Status(_)) {
            self.connection = Some(connection);
        }
        Ok((answer, begun.elapsed()))
    }
}

fn answer(exchange: &Result<hyper::Result<u16>, Elapsed>) -> Answer {
    match exchange {
        Ok(Ok(status)) => Answer::Status(*status),
        Ok(Err(_)) => Answer::Broken,
        Err(_) => Answer::TimedOut,
    }
}

/// The request that delivers `variant`, with the headers of its sender.
fn request(target: &Target, variant: &Variant) -> hyper::http::Result<Request<Full<Bytes>>> {
    let secret = &target.app_secret;
    let mut request = Request::post(&target.path)
        .header("Host", &target.host)
        .header("Accept", "*/*")
        .header("Content-Type", "application/json")
        .header("X-Hub-Signature-256", sign(secret, &variant.body))
        .header(
            "X-Hookshelf-Simulated",
            sign_simulated(secret, &variant.body),
        );
    for (name, value) in variant.sender.headers() {
        request = request.header(*name, *value);
    }
    request.body(Full::new(variant.body.clone()))
}

struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: AbortHandle,
}

impl Connection {
    async fn open(address: &str) -> Result<Self, Error> {
        let stream = TcpStream::connect(address)
            .await
            .and_then(|stream| stream.set_nodelay(true).map(|()| stream))
            .map_err(|source| Error::Connect {
                address: address.to_owned(),
                source,
            })?;
        let (sender, connection) = Builder::new()
            .title_case_headers(true)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(|source| Error::Handshake {
                address: address.to_owned(),
                source,
            })?;
        let driver = tokio::spawn(connection).abort_handle();
        Ok(Self { sender, driver })
    }

    /// Sends one request and reads its answer to the end, so that the next can follow.
    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<u16> {
        self.sender.ready().await?;
        let mut response = self.sender.send_request(request).await?;
        while let Some(frame) = response.frame().await {
            frame?;
        }
        Ok(response.status().as_u16())
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
