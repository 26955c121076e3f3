//! Runs against small servers on the loopback interface.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use secrecy::SecretString;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::{
    client::Client,
    request::{Requests, Signed},
    *,
};
use crate::meta::signature::Secrets;

/// One request as it arrived: its head and its body.
type Seen = (String, Vec<u8>);

fn now() -> Timestamp {
    "2026-11-20T09:30:00Z".parse().unwrap()
}

fn secret() -> SecretString {
    "a secret of this test".into()
}

async fn listen() -> (TcpListener, Target) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = Target {
        address: listener.local_addr().unwrap().to_string(),
        path: "/webhook/shop".into(),
        host: "hooks.example.org".into(),
        app_secret: secret(),
        marked: true,
    };
    (listener, target)
}

async fn read_request(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.unwrap() == 0 {
            return None;
        }
    };
    let body = bytes.split_off(end);
    let head = String::from_utf8(bytes).unwrap();
    let mut rest = vec![0; header(&head, "Content-Length")?.parse::<usize>().unwrap() - body.len()];
    stream.read_exact(&mut rest).await.unwrap();
    Some((head, [body, rest].concat()))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(": ")?;
        found.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// Answers what comes on one connection with `reply`, until it ends.
fn serve(listener: TcpListener, reply: &'static str) -> JoinHandle<Vec<Seen>> {
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut seen = Vec::new();
        while let Some(request) = read_request(&mut stream).await {
            seen.push(request);
            stream.write_all(reply.as_bytes()).await.unwrap();
        }
        seen
    })
}

#[tokio::test]
async fn every_variant_arrives_signed_and_marked_on_one_connection() {
    let (listener, target) = listen().await;
    let server = serve(listener, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let mut heard = Vec::new();
    let told = |sent: &Sent| heard.push(sent.name);
    let report = run(&target, variants(1, now()), told).await.unwrap();
    assert!(report.sent.iter().map(|sent| sent.name).eq(heard));
    let seen = server.await.unwrap();
    let variants = variants(1, now());
    assert_eq!(report.acked(), variants.len());
    assert_eq!(
        report.events(),
        variants.iter().map(|v| v.kinds.len()).sum::<usize>()
    );
    assert_eq!(seen.len(), variants.len());
    let secrets = Secrets::new([("app", &secret())]);
    for ((head, body), variant) in seen.into_iter().zip(variants) {
        assert_eq!(body, variant.body);
        assert!(head.starts_with("POST /webhook/shop HTTP/1.1\r\n"));
        let signature = header(&head, "X-Hub-Signature-256").map(str::as_bytes);
        assert!(secrets.verify(signature, body.clone().into()).is_ok());
        let mark = header(&head, "X-Hookshelf-Simulated").unwrap();
        assert!(secrets.marks_simulated(mark.as_bytes(), &body));
    }
}

#[tokio::test]
async fn the_two_senders_have_their_own_headers() {
    let (listener, target) = listen().await;
    let server = serve(listener, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    run(&target, variants(1, now()), |_| {}).await.unwrap();
    let seen = server.await.unwrap();
    let variants = variants(1, now());
    assert_eq!(seen.len(), variants.len());
    for ((head, _), variant) in seen.iter().zip(variants) {
        let is = |name, value| header(head, name) == value;
        assert!(is("Host", Some("hooks.example.org")) && is("Accept", Some("*/*")));
        assert!(is("Content-Type", Some("application/json")));
        assert!(is("X-Hub-Signature", None));
        let (agent, version) = match variant.sender {
            Sender::Messaging => ("facebookexternalua", Some("unversioned")),
            Sender::Changes => ("Webhooks/1.0 (https://fb.me/webhooks)", None),
        };
        assert!(is("User-Agent", Some(agent)) && is("Facebook-API-Version", version));
    }
}

#[tokio::test]
async fn a_refusal_is_part_of_the_report() {
    let (listener, target) = listen().await;
    let server = serve(
        listener,
        "HTTP/1.1 401 Unauthorized\r\nContent-Length: 4\r\n\r\nnope",
    );
    let report = run(&target, variants(1, now()), |_| {}).await.unwrap();
    server.await.unwrap();
    assert_eq!(report.acked(), 0);
    assert!(
        report
            .sent
            .iter()
            .all(|sent| sent.answer == Answer::Status(401))
    );
}

#[tokio::test]
async fn a_broken_connection_is_replaced() {
    let (listener, target) = listen().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await.unwrap();
        drop(stream);
        serve(listener, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            .await
            .unwrap()
            .len()
    });
    let report = run(&target, variants(1, now()), |_| {}).await.unwrap();
    assert_eq!(report.sent[0].answer, Answer::Broken);
    assert_eq!(report.acked(), report.sent.len() - 1);
    assert_eq!(server.await.unwrap(), report.acked());
}

#[tokio::test]
async fn a_server_that_never_answers_meets_the_deadline() {
    let (listener, target) = listen().await;
    let server = tokio::spawn(async move {
        let mut held = Vec::new();
        loop {
            held.push(listener.accept().await.unwrap());
        }
    });
    let requests = Requests::new(&target, &secret()).unwrap();
    let mut client = Client::new(Arc::new(target));
    client.deadline = Duration::from_millis(5);
    let request = requests.post(Sender::Changes, "{}".into(), Signed::Rightly);
    assert_eq!(client.send(request).await, Answer::TimedOut);
    server.abort();
}

#[tokio::test]
async fn nobody_listening_is_an_error_that_names_the_address() {
    let (listener, target) = listen().await;
    drop(listener);
    let error = run(&target, variants(1, now()), |_| {}).await.unwrap_err();
    assert!(matches!(&error, Error::Connect { address, .. } if *address == target.address));
    assert!(error.to_string().contains("hookshelf serve"));
}
