//! Sender of numbered messages at a steady rate.

use std::{net::SocketAddr, sync::Arc};

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

use super::Run;

/// Deliveries under way at the same time.
const CONNECTIONS: usize = 64;

/// Mark before the number of a message in its text.
pub(super) const MARK: &[u8] = b"@@";

/// Digits of the number.
pub(super) const DIGITS: usize = 10;

/// Id of an account.
pub(super) fn account(number: usize) -> String {
    format!("178414000000{number:05}")
}

/// Sends the deliveries of `run`, each when it is due, and notes their acks.
pub(super) async fn send(run: &Arc<Run>, to: SocketAddr, secret: &str) -> anyhow::Result<()> {
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
    let account = account(number % run.accounts);
    let person = 1_000_000_000_000_000 + number % 2_000;
    // The ids of a warm-up are of another time.
    let mid = format!("aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlE{now:064}{number:066}");
    format!(
        r#"{{"object":"instagram","entry":[{{"id":"{account}","time":{now},"messaging":[{{"sender":{{"id":"{person}"}},"recipient":{{"id":"{account}"}},"timestamp":{now},"message":{{"mid":"{mid}","text":"@@{number:010} Hello, is this still available?"}}}}]}}]}}"#
    )
}
