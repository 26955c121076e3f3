//! Limits of bodies: size, time, and the shared budget.

use std::time::Duration;

use hookshelf::{http::Limits, ingest::Rejection, meta::signature::sign};

use super::{
    door::{
        Door, STORED, Setup, fresh_app, limits, metric, old_secret, secret, signed, signed_with,
    },
    wire::{Wire, head, request},
};
use crate::support::eventually;

fn limited(app: &str, limits: Limits) -> Door {
    Door::with(Setup {
        limits,
        ..Setup::with_apps(&[app])
    })
}

/// Opens a door that accepts at most 100 bytes of body.
fn small(app: &str) -> Door {
    let max_body_bytes = 100;
    limited(
        app,
        Limits {
            max_body_bytes,
            ..limits()
        },
    )
}

/// Opens a door that waits at most this many milliseconds for a body.
fn impatient(app: &str, milliseconds: u64) -> Door {
    let body_timeout = Duration::from_millis(milliseconds);
    limited(
        app,
        Limits {
            body_timeout,
            ..limits()
        },
    )
}

/// Head of a signed POST, without its body.
fn signed_head(app: &str, body: &[u8], framing: &str) -> Vec<u8> {
    let signature = sign(&secret(app), body);
    let headers = [("x-hub-signature-256", &*signature)];
    head(&format!("/webhook/{app}"), &headers, framing)
}

async fn send_chunks(wire: &mut Wire, chunks: &[&[u8]]) {
    for chunk in chunks {
        wire.send(format!("{:x}\r\n", chunk.len())).await;
        wire.send(chunk).await;
        wire.send("\r\n").await;
    }
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_passes() {
    let app = fresh_app();
    let mut door = small(&app);
    let (delivery, answer) = door.deliver(signed(&app, &[b'x'; 100]), STORED).await;
    assert_eq!((answer.bare(), delivery.body.len()), (200, 100));
}

#[tokio::test]
async fn one_byte_more_is_413_before_it_is_read() {
    let app = fresh_app();
    let mut door = small(&app);
    let mut wire = door.wire().await;
    let mut request = signed_head(
        &app,
        &[b'x'; 101],
        "expect: 100-continue\r\ncontent-length: 101",
    );
    let answer = wire.ask(&request).await;
    assert_eq!(answer.bare(), 413, "not even 100 Continue");
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(wire.closed().await, "");
    assert_eq!(door.rejection().await.1, Rejection::BodyTooLarge);

    request = signed(&app, &[b'x'; 101]);
    assert_eq!(door.ask(request).await.bare(), 413);
    assert_eq!(door.rejection().await.1, Rejection::BodyTooLarge);
    assert!(door.is_quiet());
}

#[tokio::test]
async fn who_sends_too_much_in_one_go_still_reads_the_413() {
    let app = fresh_app();
    let mut door = small(&app);
    let mut wire = door.wire().await;
    let body = vec![b'x'; 16 << 20];
    assert!(wire.send(signed(&app, &body)).await, "not reset");
    assert_eq!(wire.answer().await.bare(), 413);
    assert_eq!(wire.closed().await, "");
    assert_eq!(door.rejection().await.1, Rejection::BodyTooLarge);
}

#[tokio::test]
async fn chunks_are_joined_and_counted() {
    let app = fresh_app();
    let mut door = small(&app);
    let body = b"one, two, three";
    let mut wire = door.wire().await;
    wire.send(signed_head(&app, body, "transfer-encoding: chunked"))
        .await;
    send_chunks(&mut wire, &[b"one", b", two", b", ", b"three", b""]).await;
    let (delivery, decide) = door.arrival().await;
    assert_eq!(delivery.body, &body[..]);
    decide.send(STORED).unwrap();
    assert_eq!(wire.answer().await.bare(), 200);

    let mut wire = door.wire().await;
    wire.send(signed_head(&app, body, "transfer-encoding: chunked"))
        .await;
    send_chunks(&mut wire, &[&[b'x'; 60], &[b'x'; 41]]).await;
    assert_eq!(wire.answer().await.bare(), 413);
    assert_eq!(wire.closed().await, "");
    assert_eq!(door.rejection().await.1, Rejection::BodyTooLarge);
}

#[tokio::test]
async fn a_body_that_does_not_arrive_in_time_is_408() {
    let app = fresh_app();
    let mut door = impatient(&app, 100);
    let mut wire = door.wire().await;
    wire.send(signed_head(&app, b"0123456789", "content-length: 10"))
        .await;
    wire.send("012").await;
    assert_eq!(wire.answer().await.bare(), 408);
    assert_eq!(wire.closed().await, "");
    assert_eq!(door.rejection().await.1, Rejection::BodyTimeout);
}

#[tokio::test]
async fn who_asks_before_sending_has_no_longer() {
    let app = fresh_app();
    let mut door = impatient(&app, 100);
    let mut wire = door.wire().await;
    let framing = "expect: 100-continue\r\ncontent-length: 10";
    let answer = wire.ask(signed_head(&app, b"0123456789", framing)).await;
    assert_eq!(answer.status, 100);
    assert_eq!(wire.answer().await.bare(), 408);
    assert_eq!(wire.closed().await, "");
    assert_eq!(door.rejection().await.1, Rejection::BodyTimeout);
}

#[tokio::test]
async fn trickling_does_not_move_the_deadline() {
    let app = fresh_app();
    let mut door = impatient(&app, 200);
    let mut wire = door.wire().await;
    wire.send(signed_head(&app, b"", "content-length: 4000000"))
        .await;
    let mut tick = tokio::time::interval(Duration::from_millis(5));
    let trickle = async {
        while wire.send("x").await {
            tick.tick().await;
        }
    };
    let reason = tokio::select! {
        () = trickle => door.rejection().await.1,
        counted = door.rejection() => counted.1,
    };
    assert_eq!(reason, Rejection::BodyTimeout);
}

#[tokio::test]
async fn a_body_cut_off_is_counted_though_nobody_is_left_to_tell() {
    let app = fresh_app();
    let mut door = small(&app);
    for (framing, sent) in [
        ("content-length: 10", &b"012"[..]),
        ("transfer-encoding: chunked", b"3\r\n012\r\n"),
    ] {
        let mut wire = door.wire().await;
        wire.send(signed_head(&app, b"012", framing)).await;
        wire.send(sent).await;
        drop(wire);
        assert_eq!(
            door.rejection().await.1,
            Rejection::BodyIncomplete,
            "{framing}"
        );
    }
    let labels = [&*format!("app=\"{app}\""), "reason=\"body_incomplete\""];
    assert_eq!(metric("hookshelf_deliveries_total", &labels), Some(2.0));
    assert!(door.is_quiet());
}

#[tokio::test]
async fn chunks_that_are_none_are_400() {
    let app = fresh_app();
    let mut door = small(&app);
    let long = format!("3;{}\r\n012\r\n", "x".repeat(20 << 10));
    let trailers = format!("0\r\n{}\r\n", "a: b\r\n".repeat(10_000));
    for nonsense in [
        "not a length\r\n",
        "-1\r\n",
        "\r\n",
        "fffffffffffffffff\r\n",
        "3\r\n012345\r\n",
        "3\n012\n0\n\n",
        &long,
        &trailers,
    ] {
        let mut wire = door.wire().await;
        wire.send(signed_head(&app, b"012", "transfer-encoding: chunked"))
            .await;
        wire.send(nonsense).await;
        let answer = wire.answer().await;
        assert_eq!(answer.bare(), 400, "{nonsense:.20}");
        assert_eq!(answer.header("connection"), Some("close"));
        assert_eq!(wire.closed().await, "", "{nonsense:.20}");
        let reason = door.rejection().await.1;
        assert_eq!(reason, Rejection::BodyMalformed, "{nonsense:.20}");
    }
    assert!(door.is_quiet());
}

#[tokio::test]
async fn nothing_follows_chunks_lest_a_length_beside_them_was_believed() {
    let app = fresh_app();
    let mut door = small(&app);
    let body = b"0123456789";
    for both in [
        "content-length: 4\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 4",
        "transfer-encoding: chunked",
    ] {
        let mut wire = door.wire().await;
        wire.send(signed_head(&app, body, both)).await;
        send_chunks(&mut wire, &[body, b""]).await;
        wire.send(request("GET", "/healthz")).await;
        let (delivery, decide) = door.arrival().await;
        assert_eq!(delivery.body, &body[..]);
        decide.send(STORED).unwrap();
        let answer = wire.answer().await;
        assert_eq!(
            (answer.bare(), answer.header("connection")),
            (200, Some("close"))
        );
        assert_eq!(
            wire.closed().await,
            "",
            "the request behind it has no answer"
        );
    }
    for lengths in [
        "content-length: 10\r\ncontent-length: 4",
        "content-length: 10, 4",
        "content-length: +10",
        "content-length: -1",
        "transfer-encoding: chunked, gzip",
    ] {
        let mut wire = door.wire().await;
        wire.send(signed_head(&app, body, lengths)).await;
        assert_eq!(wire.answer().await.bare(), 400, "{lengths}");
        assert_eq!(wire.closed().await, "", "{lengths}");
    }
    assert!(door.is_quiet());
}

#[tokio::test]
async fn all_bodies_together_stay_within_the_budget_and_give_it_back() {
    let app = fresh_app();
    let body_budget_bytes = 100;
    let mut door = limited(
        &app,
        Limits {
            body_budget_bytes,
            ..limits()
        },
    );
    let mut first = door.wire().await;
    first.send(signed(&app, &[b'x'; 80])).await;
    let (_, decide) = door.arrival().await;

    let answer = door.ask(signed(&app, &[b'y'; 21])).await;
    assert_eq!(answer.bare(), 503);
    assert!(answer.header("retry-after").is_some());
    let (_, answer) = door.deliver(signed(&app, &[b'y'; 20]), STORED).await;
    assert_eq!(answer.bare(), 200, "what fits passes meanwhile");

    decide.send(STORED).unwrap();
    assert_eq!(first.answer().await.bare(), 200);
    let (_, answer) = door.deliver(signed(&app, &[b'y'; 100]), STORED).await;
    assert_eq!(answer.bare(), 200);
    let labels = [&*format!("app=\"{app}\""), "reason=\"body_budget\""];
    assert_eq!(metric("hookshelf_deliveries_total", &labels), Some(1.0));
}

#[tokio::test]
async fn large_bodies_that_never_end_leave_room_for_small_ones() {
    let app = fresh_app();
    let mut door = limited(
        &app,
        Limits {
            max_body_bytes: 1000,
            body_budget_bytes: 1600,
            connections: 4,
            ..limits()
        },
    );
    let mut stuck = door.wire().await;
    stuck
        .send(signed_head(&app, b"", "content-length: 1000"))
        .await;
    stuck.send([b'x'; 999]).await;
    let forged = signed_with(&old_secret(&app), &app, &[b'y'; 202]);
    let full = async || door.ask(&forged).await.bare() == 503;
    eventually("the last 400 bytes are left to small ones", full).await;
    let mut small = Vec::new();
    for _ in 0..4 {
        let mut wire = door.wire().await;
        wire.send(signed(&app, &[b'z'; 100])).await;
        small.push((wire, door.arrival().await.1));
    }
    for (mut wire, decide) in small {
        decide.send(STORED).unwrap();
        assert_eq!(wire.answer().await.bare(), 200);
    }
}

#[tokio::test]
async fn a_promise_of_many_bytes_takes_nothing_of_the_budget() {
    let app = fresh_app();
    let body_budget_bytes = 100;
    let mut door = limited(
        &app,
        Limits {
            body_budget_bytes,
            ..limits()
        },
    );
    let mut promising = Vec::new();
    for _ in 0..3 {
        let mut wire = door.wire().await;
        let expecting = "expect: 100-continue\r\ncontent-length: 90";
        let answer = wire.ask(signed_head(&app, b"", expecting)).await;
        assert_eq!(answer.status, 100, "it is being read");
        promising.push(wire);
    }
    let (_, answer) = door.deliver(signed(&app, &[b'y'; 100]), STORED).await;
    assert_eq!(answer.bare(), 200);
}
