//! The commands of destinations.

use std::process::Output;

use super::{KEY, destination, number, owned, say, start};
use crate::support::{
    eventually,
    receiver::{Answer, Receiver},
    server::{Server, apps},
};

fn printed(output: &Output) -> String {
    String::from_utf8([&output.stdout[..], &output.stderr].concat()).unwrap()
}

/// Output of a command that must succeed.
fn done(server: &Server, arguments: &[&str]) -> String {
    let output = server.run(&[&["destinations"], arguments].concat());
    assert!(output.status.success(), "{}", printed(&output));
    printed(&output)
}

/// Output of a command that must fail.
fn failed(server: &Server, arguments: &[&str]) -> String {
    let output = server.run(&[&["destinations"], arguments].concat());
    assert_eq!(output.status.code(), Some(1), "{}", printed(&output));
    printed(&output)
}

#[tokio::test]
async fn the_state_and_the_failures_of_a_destination_are_shown() {
    let receiver = Receiver::start().await;
    receiver.answer(|_| Answer::Status(500));
    let server = start(&[destination("crm", &receiver, "")]).await;
    say(&server, "7001", &[("mid.1", "one")]).await;
    let stored = "SELECT count(*) FROM attempts";
    eventually("the attempt is stored", async || {
        number(&server, stored).await == 1
    })
    .await;
    let lanes = "SELECT count(*) FROM consumer_lanes";
    eventually("the lane waits", async || number(&server, lanes).await == 1).await;
    let list = done(&server, &["list"]);
    for part in ["crm", "running", "http_500: 1"] {
        assert!(list.contains(part), "{list}");
    }
    assert!(!list.contains("/crm"), "the path may be a secret: {list}");
    let consumers = printed(&server.run(&["consumers", "list"]));
    assert!(!consumers.contains("crm"), "it is no consumer: {consumers}");
    let show = done(&server, &["show", "crm"]);
    assert!(show.contains("answered"), "{show}");
    let attempts = done(&server, &["attempts", "crm", "--json"]);
    let attempt: serde_json::Value = serde_json::from_str(&attempts).unwrap();
    assert_eq!(
        (&attempt["status"], &attempt["attempt"]),
        (&500.into(), &1.into())
    );
    let unknown = failed(&server, &["show", "crn"]);
    assert!(unknown.contains("did you mean crm?"), "{unknown}");
}

#[tokio::test]
async fn a_destination_is_paused_and_resumed() {
    let receiver = Receiver::start().await;
    let server = start(&[destination("crm", &receiver, "")]).await;
    assert!(done(&server, &["pause", "crm"]).contains("crm is paused"));
    let paused = "SELECT count(*) FROM consumers WHERE paused = 'operator'";
    assert_eq!(number(&server, paused).await, 1);
    assert!(done(&server, &["resume", "crm"]).contains("crm is resumed"));
    say(&server, "7001", &[("mid.1", "one")]).await;
    eventually("the event arrives", async || receiver.got().len() == 1).await;
}

// The receiver answers while the command runs.
#[tokio::test(flavor = "multi_thread")]
async fn a_test_connects_and_sends_a_marked_event_if_asked() {
    let receiver = Receiver::start().await;
    let event = format!("format = \"event\"\nsecret = \"{KEY}\"");
    let server = start(&[
        destination("meta", &receiver, ""),
        destination("event", &receiver, &event),
    ])
    .await;
    let plain = done(&server, &["test", "meta"]);
    assert!(plain.contains("addresses            127.0.0.1"), "{plain}");
    assert!(plain.contains("answered with 200"), "{plain}");
    for name in ["meta", "event"] {
        let sent = done(&server, &["test", name, "--send", "message"]);
        assert!(sent.contains("message answered with http_200"), "{sent}");
    }
    let got = receiver.got();
    let sent = |path: &str| got.iter().find(|it| it.path == path && !it.body.is_empty());
    let meta = sent("/meta").unwrap();
    assert!(meta.headers.contains_key("x-hookshelf-simulated"));
    assert!(meta.headers.contains_key("x-hub-signature-256"));
    let event: serde_json::Value = serde_json::from_slice(&sent("/event").unwrap().body).unwrap();
    assert_eq!(event["data"]["source"], "simulated");
    let refused = failed(&server, &["test", "meta", "--challenge", "a token"]);
    assert!(
        refused.contains("answered 200 without the challenge"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_rotation_keeps_the_old_secret() {
    let receiver = Receiver::start().await;
    let server = Server::start().await;
    let file = |name: &str| server.directory.join(name).display().to_string();
    let (secret, old) = (file("crm"), file("crm.old"));
    std::fs::write(&secret, KEY).unwrap();
    std::fs::write(&old, "").unwrap();
    let keys = format!(
        "format = \"event\"\nsecret_file = \"{secret}\"\nprevious_secrets_file = \"{old}\""
    );
    let changed = [apps(["default"]), destination("crm", &receiver, &keys)].concat();
    std::fs::write(server.directory.join("hookshelf.toml"), changed).unwrap();
    let verb = ["destinations", "rotate", "crm"];
    let files = ["--secret-file", "crm", "--previous-secrets-file", "crm.old"];
    let mut rotate = server.verb(&[&verb[..], &files].concat());
    let rotated = rotate
        .current_dir(server.directory.path())
        .output()
        .unwrap();
    assert!(rotated.status.success(), "{}", printed(&rotated));
    assert_eq!(std::fs::read_to_string(&old).unwrap().trim(), KEY);
    assert_ne!(std::fs::read_to_string(&secret).unwrap().trim(), KEY);
    assert!(server.run(&["reload"]).status.success());
    owned(&server, 1).await;
    say(&server, "7001", &[("mid.1", "one")]).await;
    eventually("the event arrives", async || receiver.got().len() == 1).await;
    let signatures = receiver.got()[0].header("webhook-signature").to_owned();
    assert_eq!(signatures.split(' ').count(), 2, "{signatures}");
}
