//! Sender of numbered messages at a steady rate.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::ensure;
use bytes::Bytes;
use hookshelf::{clock::Clock, meta::signature::Signer};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, StatusCode,
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::JoinSet, time::sleep_until};

/// Deliveries under way at the same time.
const CONNECTIONS: usize = 64;

/// Mark before the number of a message in its text.
pub(crate) const MARK: &[u8] = b"@@";

/// Digits of the number.
pub(crate) const DIGITS: usize = 10;

/// Times of the deliveries of a run.
pub(crate) struct Run {
    pub(crate) began: Instant,
    rate: f64,
    people: People,
    /// Nanoseconds from the beginning to the ack of each delivery; 0 before.
    acked: Vec<AtomicU64>,
}

/// People who write, in turn, and the accounts to which they write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct People {
    pub(crate) accounts: usize,
    /// Number of the first person.
    pub(crate) first: usize,
    pub(crate) count: usize,
}

impl People {
    /// As many people as those of a busy receiver.
    pub(crate) const fn of(accounts: usize) -> Self {
        Self {
            accounts,
            first: 0,
            count: 2_000,
        }
    }
}

impl Run {
    /// A run of `deliveries` at so many a second; as fast as acks arrive at an infinite rate.
    pub(crate) fn of(rate: f64, deliveries: usize, people: People) -> Arc<Self> {
        Arc::new(Self {
            began: Instant::now(),
            rate,
            people,
            acked: (0..deliveries).map(|_| AtomicU64::new(0)).collect(),
        })
    }

    /// Number of deliveries.
    pub(crate) fn len(&self) -> usize {
        self.acked.len()
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers of a bench")]
    pub(crate) fn due(&self, number: usize) -> Duration {
        Duration::from_secs_f64(number as f64 / self.rate)
    }

    fn note_ack(&self, number: usize) {
        let nanos = u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.acked[number].store(nanos, Ordering::Release);
    }

    /// Time of the ack; `None` before.
    pub(crate) fn ack(&self, number: usize) -> Option<Duration> {
        match self.acked.get(number)?.load(Ordering::Acquire) {
            0 => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }
}

/// Id of an account.
pub(crate) fn account(number: usize) -> String {
    format!("178414000000{number:05}")
}

/// Sends the deliveries of `run`, each when it is due, and notes their acks.
pub(crate) async fn send(run: &Arc<Run>, to: SocketAddr, secret: &str) -> anyhow::Result<()> {
    let signer = Signer::new(&secret.into());
    let mut connections = JoinSet::new();
    for first in 0..CONNECTIONS {
        let (run, signer) = (Arc::clone(run), signer.clone());
        connections.spawn(async move {
            let stream = TcpStream::connect(to).await?;
            stream.set_nodelay(true)?;
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
            let connection = tokio::spawn(connection);
            for number in (first..run.acked.len()).step_by(CONNECTIONS) {
                sleep_until((run.began + run.due(number)).into()).await;
                deliver(&mut sender, &signer, body(&run, number)).await?;
                run.note_ack(number);
            }
            connection.abort();
            anyhow::Ok(())
        });
    }
    while let Some(ended) = connections.join_next().await {
        ended??;
    }
    Ok(())
}

async fn deliver(
    sender: &mut SendRequest<Full<Bytes>>,
    signer: &Signer,
    body: String,
) -> anyhow::Result<()> {
    let request = Request::post("/webhook")
        .header("host", "localhost")
        .header("x-hub-signature-256", signer.signature(body.as_bytes()))
        .body(Full::from(body))?;
    let answer = sender.send_request(request).await?;
    ensure!(answer.status() == StatusCode::OK, "{}", answer.status());
    answer.into_body().collect().await?;
    Ok(())
}

/// A message with its number in the text.
fn body(run: &Run, number: usize) -> String {
    let now = Clock::system().now().as_millisecond();
    let people = run.people;
    let account = account(number % people.accounts);
    let person = 1_000_000_000_000_000 + people.first + number % people.count;
    // The ids of a warm-up are of another time.
    let mid = format!("aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlE{now:064}{number:066}");
    format!(
        r#"{{"object":"instagram","entry":[{{"id":"{account}","time":{now},"messaging":[{{"sender":{{"id":"{person}"}},"recipient":{{"id":"{account}"}},"timestamp":{now},"message":{{"mid":"{mid}","text":"@@{number:010} Hello, is this still available?"}}}}]}}]}}"#
    )
}
