//! Connections: limits, timeouts, and reasons of closing.

use std::time::Duration;

use hookshelf::http::{Listener, ListenerLimits};

use super::{
    door::{Door, STORED, Setup, keys, listener_limits, metric, signed},
    wire::{Wire, request},
};
use crate::support::eventually;

fn door_with(name: &'static str, connections: ListenerLimits) -> Door {
    Door::with(Setup {
        connections,
        name,
        ..Setup::default()
    })
}

#[tokio::test]
async fn a_head_that_is_never_finished_is_closed() {
    let header_timeout = Duration::from_millis(100);
    let limits = ListenerLimits {
        header_timeout,
        ..listener_limits()
    };
    let door = door_with("slow", limits);
    for (start, reason) in [
        ("", "silent"),
        ("P", "head_timeout"),
        ("PRI * HTTP/2.0\r\n", "http2"),
        ("POST /webhook HTTP/1.1\r\nhos", "head_timeout"),
    ] {
        let mut wire = door.wire().await;
        wire.send(start).await;
        let said = wire.closed().await;
        assert!(!said.contains(" 200 "), "{start}: {said}");
        let counted = async || closed("slow", reason).is_some();
        eventually(reason, counted).await;
    }
    let mut idle = door.wire().await;
    assert_eq!(idle.ask(request("GET", "/healthz")).await.bare(), 200);
    assert_eq!(idle.closed().await, "");
    eventually("idle", async || closed("slow", "idle") == Some(1.0)).await;
    assert_eq!(closed("slow", "head_timeout"), Some(2.0));
}

#[tokio::test]
async fn a_head_that_is_too_long_is_431() {
    let door = Door::open();
    let mut wire = door.wire().await;
    let long = format!("GET /healthz HTTP/1.1\r\nhost: {}", "x".repeat(20 << 10));
    assert_eq!(wire.ask(long).await.bare(), 431);
    let path = format!("GET /{} HTTP/1.1\r\n", "x".repeat(100 << 10));
    assert_eq!(door.ask(path).await.bare(), 431);
}

#[tokio::test]
async fn one_connection_too_many_is_closed_at_once_until_a_seat_is_free() {
    let limits = ListenerLimits {
        connections: 2,
        make_room: false,
        ..listener_limits()
    };
    let door = door_with("crowded", limits);
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut wire = door.wire().await;
        assert_eq!(wire.ask(request("GET", "/healthz")).await.bare(), 200);
        open.push(wire);
    }
    assert_eq!(door.wire().await.closed().await, "");
    let label = ["listener=\"crowded\""];
    assert_eq!(
        metric("hookshelf_connections_refused_total", &label),
        Some(1.0)
    );
    assert_eq!(metric("hookshelf_connections", &label), Some(2.0));

    drop(open.pop());
    let left = async || metric("hookshelf_connections", &label) == Some(1.0);
    eventually("a connection is free", left).await;
    let mut wire = door.wire().await;
    assert_eq!(wire.ask(request("GET", "/healthz")).await.bare(), 200);
}

/// Number of connections of this listener that were closed for this reason.
fn closed(listener: &str, reason: &str) -> Option<f64> {
    let labels = [
        &*format!("listener=\"{listener}\""),
        &*format!("reason=\"{reason}\""),
    ];
    metric("hookshelf_connections_closed_total", &labels)
}

#[tokio::test]
async fn the_oldest_that_brought_nothing_makes_room_for_one_more() {
    let limits = ListenerLimits {
        connections: 3,
        ..listener_limits()
    };
    let mut door = door_with("making room", limits);
    let mut proven = door.wire().await;
    proven.send(signed("default", b"{}")).await;
    door.arrival().await.1.send(STORED).unwrap();
    assert_eq!(proven.answer().await.bare(), 200);
    // This connection has made a request, but not a delivery.
    let mut asking = door.wire().await;
    assert_eq!(asking.ask(request("GET", "/healthz")).await.bare(), 200);
    let mut storing = door.wire().await;
    storing.send(signed("default", b"{}")).await;
    let (_, decide) = door.arrival().await;

    let mut one_more = door.wire().await;
    assert_eq!(one_more.ask(request("GET", "/healthz")).await.bare(), 200);
    assert_eq!(asking.closed().await, "");
    let mut another = door.wire().await;
    another.send(signed("default", b"{}")).await;
    door.arrival().await.1.send(STORED).unwrap();
    assert_eq!(another.answer().await.bare(), 200);
    assert_eq!(one_more.closed().await, "");
    assert_eq!(closed("making room", "crowded_out"), Some(2.0));

    assert_eq!(door.wire().await.closed().await, "", "all have delivered");
    let refused = metric("hookshelf_connections_refused_total", &["making room"]);
    assert_eq!(refused, Some(1.0));
    decide.send(STORED).unwrap();
    assert_eq!(storing.answer().await.bare(), 200);
    for mut good in [proven, storing, another] {
        assert_eq!(good.ask(request("GET", "/healthz")).await.bare(), 200);
    }
}

#[tokio::test]
async fn who_asks_and_takes_no_answer_loses_the_seat() {
    let write_timeout = Duration::from_millis(100);
    let limits = ListenerLimits {
        write_timeout,
        ..listener_limits()
    };
    let door = Door::with(Setup {
        name: "untaken",
        connections: limits,
        apps: vec![keys("default")],
        ..Setup::default()
    });
    let query = "hub.mode=subscribe&hub.verify_token=token-of-default&hub.challenge=";
    let long = request("GET", &format!("/webhook?{query}{}", "x".repeat(8 << 10)));
    let mut wire = door.wire().await;
    while wire.send(&long).await {}
    let counted = async || closed("untaken", "stalled_write") == Some(1.0);
    eventually("it is counted", counted).await;
    let open = metric("hookshelf_connections", &["listener=\"untaken\""]);
    assert_eq!(open, Some(0.0));
}

#[tokio::test]
async fn who_says_that_nothing_more_comes_gives_back_the_seat_at_once() {
    let mut door = door_with("half closed", listener_limits());
    let mut wire = door.wire().await;
    wire.send(signed("default", b"{}")).await;
    let (_, decide) = door.arrival().await;
    wire.finish().await;
    assert_eq!(wire.closed().await, "");
    let counted = async || closed("half closed", "cut_off") == Some(1.0);
    eventually("it is counted", counted).await;
    let open = metric("hookshelf_connections", &["listener=\"half closed\""]);
    assert_eq!(open, Some(0.0));
    // The delivery continues after its connection has closed.
    assert_eq!(door.state.in_flight().count(), 1);
    decide.send(STORED).unwrap();
    door.state.in_flight().none_left().await;
}

#[tokio::test]
async fn an_address_in_use_is_said_in_plain_words() {
    let door = Door::open();
    let error = Listener::bind("public", door.address).unwrap_err();
    let said = error.to_string();
    assert!(said.contains(&door.address.to_string()), "{said}");
    assert!(std::error::Error::source(&error).is_some());
    let _still_answers: Wire = door.wire().await;
}
