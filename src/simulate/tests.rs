//! Single deliveries, sent to small servers on the loopback interface.

use jiff::Timestamp;

use super::{
    testing::{Act, SECRET, server, target},
    *,
};
use crate::meta::signature::Secrets;

fn now() -> Timestamp {
    "2026-11-20T09:30:00Z".parse().unwrap()
}

#[tokio::test]
async fn every_variant_arrives_signed_and_marked_with_the_headers_of_its_sender() {
    let variants = || variants(1, now());
    let expected = variants();
    let server = server(move |seen| {
        let variant = &expected[seen.number];
        let secrets = Secrets::new([("app", &SECRET.into())]);
        let mark = seen.header("X-Hookshelf-Simulated").unwrap();
        assert!(seen.genuine && secrets.marks_simulated(mark.as_bytes(), &seen.body));
        assert!(seen.body == variant.body && seen.head.starts_with("POST /webhook/shop HTTP/1.1"));
        let (agent, version) = match variant.sender {
            Sender::Messaging => ("facebookexternalua", Some("unversioned")),
            Sender::Changes => ("Webhooks/1.0 (https://fb.me/webhooks)", None),
        };
        let headers = [
            ("Host", Some("hooks.example.org")),
            ("Accept", Some("*/*")),
            ("Content-Type", Some("application/json")),
            ("User-Agent", Some(agent)),
            ("Facebook-API-Version", version),
            ("X-Hub-Signature", None),
        ];
        for (name, value) in headers {
            assert_eq!(seen.header(name), value, "{name}");
        }
        Act::Answer(200)
    })
    .await;
    let mut heard = Vec::new();
    let told = |sent: &Sent| heard.push(sent.name);
    let report = run(&server.target, variants(), told).await.unwrap();
    assert!(report.sent.iter().map(|sent| sent.name).eq(heard));
    assert_eq!(report.acked(), variants().len());
    let kinds = variants().iter().map(|it| it.kinds.len()).sum::<usize>();
    assert_eq!(report.events(), kinds);
}

#[tokio::test]
async fn a_broken_connection_is_replaced() {
    let server = server(|seen| match seen.number {
        0 => Act::Last(""),
        1 => Act::Answer(204),
        _ => Act::Answer(200),
    })
    .await;
    let report = run(&server.target, variants(1, now()), |_| {}).await;
    let report = report.unwrap();
    assert_eq!(report.sent[0].answer, Answer::Broken);
    assert_eq!(report.sent[1].answer, Answer::Status(204));
    assert_eq!(report.acked(), report.sent.len() - 2);
}

#[tokio::test]
async fn nobody_listening_is_an_error_that_names_the_address() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let target = target(nobody.local_addr().unwrap().to_string());
    drop(nobody);
    let error = run(&target, variants(1, now()), |_| {}).await.unwrap_err();
    assert!(matches!(&error, Error::Connect { address, .. } if *address == target.address));
    assert!(error.to_string().contains("hookshelf serve"));
}
