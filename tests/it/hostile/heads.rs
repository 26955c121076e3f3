//! Request heads that are slow, endless, or not HTTP.

use std::time::Duration;

use tokio::time::interval;

use super::stage::Stage;
use crate::support::wire::Wire;

/// Number of clients per attack.
const CLIENTS: usize = 50;

const HALF: &str = "POST /webhook HTTP/1.1\r\nhost: here\r\ncontent-le";

/// Sends `start` and then nothing.
async fn say(mut wire: Wire, start: impl AsRef<[u8]>) {
    wire.send(start).await;
    wire.closed().await;
}

/// Sends the beginning of a valid request, one byte at a time.
async fn trickle(mut wire: Wire) {
    let mut tick = interval(Duration::from_millis(100));
    for byte in HALF.as_bytes() {
        tick.tick().await;
        if !wire.send([*byte]).await {
            return;
        }
    }
    panic!("as much as that came through");
}

#[tokio::test]
async fn slow_heads_lose_their_seat() {
    let stage = Stage::open().await;
    stage.endures_many(CLIENTS, |wire| say(wire, "")).await;
    stage.closed("silent", CLIENTS).await;
    stage.endures_many(CLIENTS, |wire| say(wire, HALF)).await;
    stage.endures_many(CLIENTS, trickle).await;
    stage.closed("head_timeout", 2 * CLIENTS).await;
    stage.close().await;
}

#[tokio::test]
async fn endless_heads_are_cut() {
    let stage = Stage::open().await;
    let million = || format!("GET / HTTP/1.1\r\n{}", "a: b\r\n".repeat(1_000_000));
    stage.endures_many(5, |wire| say(wire, million())).await;
    let one = || format!("GET / HTTP/1.1\r\nlong: {}", "x".repeat(1 << 20));
    stage.endures_many(5, |wire| say(wire, one())).await;
    let path = || format!("GET /{} HTTP/1.1\r\n", "x".repeat(1 << 20));
    stage.endures_many(5, |wire| say(wire, path())).await;
    stage.closed("head_too_long", 15).await;
    stage.close().await;
}

/// Start of an HTTP/2 connection: the preface and an empty SETTINGS frame.
const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// Start of a TLS connection: record header and handshake header of a `ClientHello`.
const TLS: &[u8] = b"\x16\x03\x01\x00\xf8\x01\x00\x00\xf4\x03\x03";

#[tokio::test]
async fn what_is_not_http_1_is_closed() {
    let stage = Stage::open().await;
    stage.endures_many(CLIENTS, |wire| say(wire, HTTP2)).await;
    stage.closed("http2", CLIENTS).await;
    stage.endures_many(CLIENTS, |wire| say(wire, TLS)).await;
    stage.closed("tls", CLIENTS).await;
    let nonsense = b"\0\xff\xfe what is this?\r\n\r\n";
    stage
        .endures_many(CLIENTS, |wire| say(wire, nonsense))
        .await;
    stage.closed("malformed", CLIENTS).await;
    stage.close().await;
}
