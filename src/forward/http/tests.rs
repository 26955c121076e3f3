//! Attempts at receivers that misbehave, and at names that lead elsewhere.

mod receiver;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use reqwest::{dns::Resolve, header::HeaderMap};
use tokio::net::TcpListener;

use super::{Attempt, Client, Outcome};
use crate::config::{DestinationUrl, Reach};
use receiver::{Answer, BODY, NameServer, Receiver, empty};

/// Timeout of attempts that end by themselves.
const LONG: Duration = Duration::from_mins(1);

/// Timeout of attempts that only their timeout ends.
const SHORT: Duration = Duration::from_millis(100);

const LOOPBACK: &str = "127.0.0.1";

fn client(names: &Arc<NameServer>) -> Client {
    let lookup: Arc<dyn Resolve> = names.clone();
    Client::with_lookup(&lookup).unwrap()
}

async fn post(client: &Client, url: &str, timeout: Duration) -> Attempt {
    let reach = if url.starts_with("https") {
        Reach::Public
    } else {
        Reach::Private
    };
    let url = DestinationUrl::parse(url, reach).unwrap();
    let body = Bytes::from_static(BODY);
    client.send(&url, HeaderMap::new(), body, timeout).await
}

/// One attempt at a private receiver that answers like this.
async fn attempt(answer: Answer, timeout: Duration) -> (Outcome, Option<u16>) {
    let receiver = Receiver::start(answer).await;
    let url = format!("http://receiver.test:{}/", receiver.address.port());
    let client = client(&NameServer::new(&[LOOPBACK]));
    result(&post(&client, &url, timeout).await)
}

fn result(attempt: &Attempt) -> (Outcome, Option<u16>) {
    (attempt.outcome, attempt.status.map(|it| it.as_u16()))
}

#[tokio::test]
async fn a_request_has_the_given_headers_and_few_others() {
    let receiver = Receiver::start(empty("204 No Content", "Retry-After: 7\r\n")).await;
    let port = receiver.address.port();
    let text = format!("http://receiver.test:{port}/hook?token=a");
    let url = DestinationUrl::parse(&text, Reach::Private).unwrap();
    let headers = HeaderMap::from_iter([("X-Team".parse().unwrap(), "support".parse().unwrap())]);
    let client = client(&NameServer::new(&[LOOPBACK]));
    let body = Bytes::from_static(BODY);
    let attempt = client.send(&url, headers, body, LONG).await;
    assert_eq!(result(&attempt), (Outcome::Answered, Some(204)));
    assert_eq!(attempt.retry_after.unwrap(), "7");
    let requests = receiver.requests();
    let (head, _) = requests[0].split_once("\r\n\r\n").unwrap();
    let (first, headers) = head.split_once("\r\n").unwrap();
    assert_eq!(first, "POST /hook?token=a HTTP/1.1");
    let names = headers.lines().map(|line| line.split_once(':').unwrap().0);
    let mut names: Vec<_> = names.map(str::to_lowercase).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        ["accept", "content-length", "host", "user-agent", "x-team"]
    );
}

#[tokio::test]
async fn a_receiver_that_hangs_or_drips_is_timed_out() {
    let (outcome, status) = attempt(Answer::Nothing, SHORT).await;
    assert_eq!((outcome, status), (Outcome::TimedOut, None));
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 4000\r\n\r\n";
    let (outcome, _) = attempt(Answer::Drip(head), SHORT).await;
    assert_eq!(outcome, Outcome::TimedOut, "in the body");
    let (outcome, status) = attempt(Answer::Drip("HTTP/1.1 200 OK\r\nA:"), SHORT).await;
    assert_eq!((outcome, status), (Outcome::TimedOut, None), "in the head");
}

#[tokio::test]
async fn half_an_answer_and_other_protocols_are_no_answer() {
    for half in [
        "",
        "HTTP/1.1 20",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "SSH-2.0-dropbear\r\n",
    ] {
        let found = attempt(Answer::Bytes(half.to_owned()), LONG).await;
        assert_eq!(found, (Outcome::Incomplete, None), "{half}");
    }
    let heads = [
        "Content-Length: 9\r\n\r\nhalf",
        "Transfer-Encoding: chunked\r\n\r\n9\r\nhalf",
    ];
    for rest in heads {
        let half = format!("HTTP/1.1 200 OK\r\n{rest}");
        let found = attempt(Answer::Bytes(half), LONG).await;
        assert_eq!(found, (Outcome::Incomplete, Some(200)), "{rest}");
    }
}

#[tokio::test]
async fn an_answer_without_an_end_is_read_up_to_its_limit() {
    for length in ["Content-Length: 99999999999", "Connection: close"] {
        let head = format!("HTTP/1.1 200 OK\r\n{length}\r\n\r\n").leak();
        let found = attempt(Answer::Flood(head), LONG).await;
        assert_eq!(found, (Outcome::Answered, Some(200)), "{length}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let inside = Receiver::start(empty("200 OK", "")).await;
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let location = format!("Location: http://{}/\r\n", inside.address);
        let (outcome, found) = attempt(empty(status, &location), LONG).await;
        assert_eq!(outcome, Outcome::Answered);
        assert_eq!(found.unwrap().to_string(), status[..3]);
    }
    assert_eq!(inside.connections(), 0);
}

#[tokio::test]
async fn a_name_that_moves_to_a_forbidden_address_is_left_alone() {
    let receiver = Receiver::start(empty("200 OK", "")).await;
    let names = NameServer::new(&[LOOPBACK, "169.254.169.254", "fd00:ec2::254 169.254.170.2"]);
    let client = client(&names);
    let url = format!("http://receiver.test:{}/", receiver.address.port());
    let first = post(&client, &url, LONG).await;
    assert_eq!(result(&first), (Outcome::Answered, Some(200)));
    for _ in 0..2 {
        let later = post(&client, &url, LONG).await;
        assert_eq!(result(&later), (Outcome::Forbidden, None));
    }
    let lookups = names.lookups.load(Ordering::SeqCst);
    assert_eq!((lookups, receiver.connections()), (3, 1));
}

#[tokio::test]
async fn only_the_allowed_addresses_of_a_name_are_dialled() {
    let receiver = Receiver::start(empty("200 OK", "")).await;
    let client = client(&NameServer::new(&["169.254.169.254 fe80::1 127.0.0.1"]));
    let url = format!("http://receiver.test:{}/", receiver.address.port());
    let found = post(&client, &url, LONG).await;
    assert_eq!(result(&found), (Outcome::Answered, Some(200)));
}

#[tokio::test]
async fn a_public_destination_does_not_reach_the_own_network() {
    let receiver = Receiver::start(empty("200 OK", "")).await;
    for addresses in [LOOPBACK, "::ffff:127.0.0.1", "10.0.0.1 192.168.0.1 fd00::1"] {
        let client = client(&NameServer::new(&[addresses]));
        let url = format!("https://receiver.test:{}/", receiver.address.port());
        let found = post(&client, &url, LONG).await;
        assert_eq!(result(&found), (Outcome::Forbidden, None), "{addresses}");
    }
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn an_unknown_name_and_a_closed_port_are_told_apart() {
    let client = client(&NameServer::new(&[]));
    let unknown = post(&client, "http://receiver.test/", LONG).await;
    assert_eq!(result(&unknown), (Outcome::NotResolved, None));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let closed = post(&client, &url, LONG).await;
    assert_eq!(result(&closed), (Outcome::NotConnected, None));
}
