//! HTTP client that sends events to destinations.

use std::{
    error::Error,
    iter::successors,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use reqwest::{
    Response,
    dns::Resolve,
    header::{HeaderMap, RETRY_AFTER},
    redirect,
    tls::TlsInfo,
};

use super::{
    attempt::{Attempt, Outcome},
    resolver::{Filter, NoAllowedAddress, SystemLookup},
};
use crate::{
    causes,
    config::{DestinationUrl, Reach},
};

/// Timeout of a connection with its TLS session, within the timeout of the attempt.
const CONNECT: Duration = Duration::from_secs(10);

/// Time for which an idle connection is kept. Servers of Node.js close idle connections after 5 s;
/// a request that crosses the end of its connection would fail.
const IDLE: Duration = Duration::from_secs(4);

/// Bytes of an answer's body that are read. The content has no meaning, but an answer counts only
/// if it is complete up to here.
const MAX_ANSWER: usize = 4_096;

/// Answer to a look at a destination.
#[derive(Clone, Debug)]
pub struct Look {
    /// Status.
    pub status: u16,
    /// Beginning of the body.
    pub body: Vec<u8>,
    /// Certificate of the receiver in DER, over https.
    pub certificate: Option<Vec<u8>>,
}

/// HTTP client of all destinations. Clones share the connections.
#[derive(Clone, Debug)]
pub struct Client {
    public: reqwest::Client,
    /// Client with connections of its own: a public destination must never use a connection to an
    /// address that only a private destination may have.
    private: reqwest::Client,
}

impl Client {
    /// A client that resolves names as the operating system does.
    ///
    /// # Errors
    ///
    /// The certificates of the authorities cannot be read.
    pub fn new() -> reqwest::Result<Self> {
        let lookup: Arc<dyn Resolve> = Arc::new(SystemLookup);
        Self::with_lookup(&lookup)
    }

    pub(super) fn with_lookup(lookup: &Arc<dyn Resolve>) -> reqwest::Result<Self> {
        Ok(Self {
            public: client(lookup, Reach::Public)?,
            private: client(lookup, Reach::Private)?,
        })
    }

    /// Gets the URL with more pairs in its query; without any, only asks for the head. The text of
    /// the error is for the operator at a terminal.
    ///
    /// # Errors
    ///
    /// The reason if there is no answer.
    pub async fn look(
        &self,
        url: &DestinationUrl,
        query: &[(&str, &str)],
        timeout: Duration,
    ) -> Result<Look, String> {
        let (mut url, client) = (url.url().clone(), self.of(url.reach()));
        let request = if query.is_empty() {
            client.head(url)
        } else {
            url.query_pairs_mut().extend_pairs(query);
            client.get(url)
        };
        let answer = request.timeout(timeout).send().await;
        let mut answer = answer.map_err(|error| causes::below(&error))?;
        let info = answer.extensions().get::<TlsInfo>();
        let certificate = info.and_then(TlsInfo::peer_certificate).map(<[u8]>::to_vec);
        let (status, mut body) = (answer.status().as_u16(), Vec::new());
        while body.len() < MAX_ANSWER
            && let Ok(Some(chunk)) = answer.chunk().await
        {
            body.extend_from_slice(&chunk);
        }
        Ok(Look {
            status,
            body,
            certificate,
        })
    }

    fn of(&self, reach: Reach) -> &reqwest::Client {
        match reach {
            Reach::Public => &self.public,
            Reach::Private => &self.private,
        }
    }

    /// Posts a body and reads the answer. The timeout is for all of it, from the look-up of the
    /// name to the end of the answer.
    pub async fn send(
        &self,
        url: &DestinationUrl,
        headers: HeaderMap,
        body: Bytes,
        timeout: Duration,
    ) -> Attempt {
        let client = self.of(url.reach());
        let request = client.post(url.url().clone()).headers(headers).body(body);
        let began = Instant::now();
        let (outcome, answer) = match request.timeout(timeout).send().await {
            Ok(mut answer) => (read(&mut answer).await, Some(answer)),
            Err(error) => (failure(&error), None),
        };
        let retry_after = answer.as_ref().and_then(|it| it.headers().get(RETRY_AFTER));
        Attempt {
            outcome,
            status: answer.as_ref().map(Response::status),
            retry_after: retry_after.cloned(),
            millis: u32::try_from(began.elapsed().as_millis()).unwrap_or(u32::MAX),
        }
    }
}

fn client(lookup: &Arc<dyn Resolve>, reach: Reach) -> reqwest::Result<reqwest::Client> {
    let lookup = Arc::clone(lookup);
    reqwest::Client::builder()
        .dns_resolver(Filter { lookup, reach })
        .https_only(reach == Reach::Public)
        .redirect(redirect::Policy::none())
        .referer(false)
        // A proxy would resolve the names, and connect to any address.
        .no_proxy()
        .http1_only()
        .tls_info(true)
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .user_agent(concat!("hookshelf/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Reads the body of an answer to its end or limit, and drops it.
async fn read(answer: &mut Response) -> Outcome {
    let mut length = 0;
    while length < MAX_ANSWER {
        match answer.chunk().await {
            Ok(Some(chunk)) => length += chunk.len(),
            Ok(None) => break,
            Err(error) => return failure(&error),
        }
    }
    Outcome::Answered
}

/// Outcome of an exchange that failed. The text of the error is dropped, because it may contain the
/// URL.
fn failure(error: &reqwest::Error) -> Outcome {
    let mut causes = successors(error.source(), |error| (*error).source());
    if causes.any(<dyn Error>::is::<NoAllowedAddress>) {
        Outcome::Forbidden
    } else if error.is_timeout() {
        Outcome::TimedOut
    } else if error.is_dns() {
        Outcome::NotResolved
    } else if error.is_connect() {
        Outcome::NotConnected
    } else {
        Outcome::Incomplete
    }
}
