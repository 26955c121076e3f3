//! Shutdown of the listener: each open request gets its answer, and no connection delays the stop
//! for long.

use std::time::Duration;

use hookshelf::http::ListenerLimits;
use tokio::net::TcpStream;

use super::{
    door::{Door, STORED, Setup, listener_limits, signed},
    wire::{Answer, Wire, request},
};
use crate::support::eventually;

/// Longer than any of these tests takes.
const GRACE: Duration = Duration::from_mins(1);

/// A connection after its first answer.
async fn kept(door: &Door) -> Wire {
    let mut wire = door.wire().await;
    let answer = wire.ask(request("GET", "/healthz")).await;
    assert_eq!((answer.bare(), answer.header("connection")), (200, None));
    wire
}

/// Waits for the grace period of idle connections: a second door closes an idle connection
/// meanwhile.
async fn a_quiet_connection_is_let_go() {
    let door = patient();
    let quiet = kept(&door).await;
    door.stop.shut_down(GRACE);
    assert_eq!(quiet.closed().await, "");
}

async fn lets_nobody_in(door: &Door) {
    eventually("nobody is let in any more", async || {
        TcpStream::connect(door.address).await.is_err()
    })
    .await;
}

fn is_the_last(answer: &Answer) -> bool {
    answer.header("connection") == Some("close")
}

#[tokio::test]
async fn what_is_in_flight_is_answered_and_told_that_it_was_the_last() {
    let mut door = Door::open();
    let mut busy = door.wire().await;
    busy.send(signed("default", b"{}")).await;
    let (_, decide) = door.arrival().await;
    door.stop.shut_down(GRACE);
    lets_nobody_in(&door).await;
    a_quiet_connection_is_let_go().await;
    decide.send(STORED).unwrap();
    let answer = busy.answer().await;
    assert!(answer.bare() == 200 && is_the_last(&answer), "{answer:?}");
    assert_eq!(busy.closed().await, "");
    door.serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_request_that_is_on_its_way_is_answered() {
    let mut door = Door::open();
    let (mut kept, mut fresh) = (kept(&door).await, door.wire().await);
    let mut half = door.wire().await;
    let delivery = signed("default", b"{}");
    let (first, second) = delivery.split_at(40);
    half.send(first).await;
    door.stop.shut_down(GRACE);
    lets_nobody_in(&door).await;
    kept.send(&delivery).await;
    fresh.send(&delivery).await;
    half.send(second).await;
    for _ in 0..3 {
        door.arrival().await.1.send(STORED).unwrap();
    }
    for mut wire in [kept, fresh, half] {
        let answer = wire.answer().await;
        assert!(answer.bare() == 200 && is_the_last(&answer), "{answer:?}");
        assert_eq!(wire.closed().await, "");
    }
    door.serving.await.unwrap().unwrap();
}

/// A door with a very long header timeout.
fn patient() -> Door {
    let header_timeout = 2 * GRACE;
    Door::with(Setup {
        connections: ListenerLimits {
            header_timeout,
            ..listener_limits()
        },
        ..Setup::default()
    })
}

#[tokio::test]
async fn who_stays_quiet_is_let_go() {
    let door = patient();
    let (kept, fresh) = (kept(&door).await, door.wire().await);
    let mut half = door.wire().await;
    half.send("POST /webhook HTTP/1.1\r\nhos").await;
    door.stop.shut_down(2 * GRACE);
    for wire in [kept, fresh, half] {
        assert_eq!(wire.closed().await, "");
    }
    door.serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn who_was_quiet_for_long_is_let_go_before_who_was_not() {
    let mut door = patient();
    let quiet = kept(&door).await;
    a_quiet_connection_is_let_go().await;
    let mut eager = kept(&door).await;
    door.stop.shut_down(2 * GRACE);
    assert_eq!(quiet.closed().await, "");
    eager.send(signed("default", b"{}")).await;
    door.arrival().await.1.send(STORED).unwrap();
    assert!(is_the_last(&eager.answer().await));
}

#[tokio::test]
async fn what_the_system_has_let_in_already_is_served() {
    let mut door = Door::open();
    // Leaves the connections in the listen queue: the test and the door share one thread.
    let connect = |_| std::net::TcpStream::connect(door.address).unwrap();
    let waiting: Vec<_> = (0..20).map(connect).collect();
    door.stop.shut_down(GRACE);
    for connection in waiting {
        let mut wire = Wire::from(connection);
        wire.send(signed("default", b"{}")).await;
        door.arrival().await.1.send(STORED).unwrap();
        let answer = wire.answer().await;
        assert!(answer.bare() == 200 && is_the_last(&answer), "{answer:?}");
    }
    door.serving.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_firm_stop_waits_for_nobody() {
    let mut door = Door::open();
    let mut busy = door.wire().await;
    busy.send(signed("default", b"{}")).await;
    let (_, _undecided) = door.arrival().await;
    door.stop.close();
    door.serving.await.unwrap().unwrap();
    assert_eq!(busy.closed().await, "");
}
