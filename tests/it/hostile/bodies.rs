//! Bodies that are slow, malformed, or of another size than announced.

use std::time::Duration;

use tokio::time::interval;

use super::stage::{Stage, good, signature};
use crate::support::wire::{Wire, head};

/// Number of clients per attack.
const CLIENTS: usize = 50;

/// Head of a signed POST of `body`; `framing` is the header that announces the body.
fn announce(body: &[u8], framing: &str) -> Vec<u8> {
    let headers = [("x-hub-signature-256", &*signature(body))];
    head("/webhook", &headers, framing)
}

/// Sends a head with `framing`, then `sent`. Expects `status` and the end of the connection.
async fn send(mut wire: Wire, framing: &str, sent: &[u8], status: u16) {
    wire.send(announce(sent, framing)).await;
    wire.send(sent).await;
    let answer = wire.answer().await;
    assert_eq!(answer.bare(), status, "{framing}");
    assert_eq!(wire.closed().await, "", "{framing}");
}

async fn trickle(mut wire: Wire) {
    wire.send(announce(b"", "content-length: 100")).await;
    let mut tick = interval(Duration::from_millis(100));
    for _ in 0..100 {
        tick.tick().await;
        if !wire.send("x").await {
            return;
        }
    }
    panic!("as much as that came through");
}

#[tokio::test]
async fn slow_bodies_lose_their_seat() {
    let stage = Stage::open().await;
    let half = |wire| send(wire, "content-length: 100", b"half of", 408);
    stage.endures_many(CLIENTS, half).await;
    stage.endures_many(CLIENTS, trickle).await;
    stage.rejected("body_timeout", 2 * CLIENTS).await;
    stage.closed("body_refused", 2 * CLIENTS).await;
    stage.close().await;
}

#[tokio::test]
async fn bodies_of_another_size_than_said_harm_nobody() {
    let stage = Stage::open().await;
    let more = |mut wire: Wire| async move {
        wire.send(good("mid.more")).await;
        wire.send("and more of it\r\n\r\n").await;
        assert_eq!(wire.answer().await.bare(), 200, "its body was whole");
        assert_eq!(
            wire.answer().await.bare(),
            400,
            "what came behind it is no request"
        );
        assert_eq!(wire.closed().await, "");
    };
    stage.endures_many(CLIENTS, more).await;
    stage.closed("malformed", CLIENTS).await;
    let less = |mut wire: Wire| async move {
        wire.send(announce(b"", "content-length: 100")).await;
        wire.send("less").await;
        wire.finish().await;
        assert_eq!(wire.answer().await.bare(), 400);
        assert_eq!(wire.closed().await, "");
    };
    stage.endures_many(CLIENTS, less).await;
    stage.rejected("body_incomplete", CLIENTS).await;
    let large = |wire| send(wire, "content-length: 99999999999", b"x", 413);
    stage.endures_many(CLIENTS, large).await;
    stage.rejected("body_too_large", CLIENTS).await;
    stage.closed("body_refused", 2 * CLIENTS).await;
    stage.close().await;
}

#[tokio::test]
async fn nonsense_about_the_length_of_a_body_is_closed() {
    let stage = Stage::open().await;
    let chunked = "transfer-encoding: chunked";
    let chunks = [
        "no length\r\n",
        "-1\r\n",
        "fffffffffffffffff\r\n",
        "3\r\n0123456\r\n",
    ];
    for nonsense in chunks {
        let client = |wire| send(wire, chunked, nonsense.as_bytes(), 400);
        stage.endures_many(CLIENTS, client).await;
    }
    let endless = |mut wire: Wire| async move {
        wire.send(announce(b"", chunked)).await;
        while wire.send("1;and=so on\r\nx\r\n".repeat(1000)).await {}
    };
    stage.endures_many(5, endless).await;
    stage.rejected("body_malformed", 4 * CLIENTS + 5).await;
    stage.closed("body_refused", 4 * CLIENTS + 5).await;
    for lengths in [
        "content-length: 3\r\ncontent-length: 4",
        "transfer-encoding: gzip",
    ] {
        let client = |wire| send(wire, lengths, b"", 400);
        stage.endures_many(CLIENTS, client).await;
    }
    stage.closed("malformed", 2 * CLIENTS).await;
    stage.close().await;
}
