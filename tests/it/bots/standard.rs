//! Signatures of Standard Webhooks, verified by the library of its authors for JavaScript.
//!
//! The crate of the same authors needs `time` and a third version of base64.

use std::io::Write as _;

use serde_json::{Value, json};

use super::*;
use crate::support::receiver::{Got, Receiver};

const OLD: &str = "whsec_ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7";
const NEW: &str = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
const OTHER: &str = "whsec_enl4d3Z1dHNycXBvbm1sa2ppaGdmZWRj";

/// Program that prints `true` for each valid request among its lines.
const VERIFY: &str = r#"
import { Webhook } from "standardwebhooks";
import { createInterface } from "node:readline";
for await (const line of createInterface({ input: process.stdin })) {
  const { secret, headers, body } = JSON.parse(line);
  try {
    new Webhook(secret).verify(body, headers);
    console.log("true");
  } catch {
    console.log("false");
  }
}
"#;

/// The request as a line of the program.
fn line(got: &Got, secret: &str, body: &str) -> Value {
    let headers = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let headers: serde_json::Map<_, _> = headers
        .map(|name| (name.to_owned(), got.header(name).into()))
        .into_iter()
        .collect();
    json!({"secret": secret, "headers": headers, "body": body})
}

/// Results of the program for these lines.
fn verify(place: &Path, lines: &[Value]) -> Vec<bool> {
    let mut node = Command::new("node")
        .args(["--input-type=module", "--eval", VERIFY])
        .current_dir(place)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node is in PATH; install the package nodejs");
    let mut input = node.stdin.take().unwrap();
    for line in lines {
        writeln!(input, "{line}").unwrap();
    }
    drop(input);
    let output = node.wait_with_output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().map(|line| line.parse().unwrap()).collect()
}

#[tokio::test]
#[ignore = "needs Node, npm and its registry"]
async fn the_library_of_the_authors_accepts_both_secrets_of_a_rotation_and_masked_bodies() {
    let (directory, receiver) = (Directory::create(), Receiver::start().await);
    npm(directory.path(), &["install", "standardwebhooks@1.1.1"]);
    fs::write(directory.join("old"), OLD).unwrap();
    let previous = directory.join("old").display().to_string();
    let destination = format!(
        "[destinations.crm]\nurl = 'http://{}/'\nreach = 'private'\nformat = 'event'\n\
         secret = '{NEW}'\nprevious_secrets_file = '{previous}'\nmask = ['text']\n\
         start = 'beginning'\n",
        receiver.address
    );
    let server = Server::start_with(&[apps(["default"]), destination].concat()).await;
    let body = messages("7001", "17840000000000001", &[("mid.1", "One röll")]);
    assert_eq!(server.deliver("/webhook", body).await.status, 200);
    eventually("the event arrives", async || receiver.got().len() == 1).await;
    let got = &receiver.got()[0];
    assert!(!got.has("röll"));
    let body = std::str::from_utf8(&got.body).unwrap();
    let lines = [
        line(got, NEW, body),
        line(got, OLD, body),
        line(got, OTHER, body),
        line(got, NEW, &body.replace("7001", "7002")),
    ];
    assert_eq!(verify(directory.path(), &lines), [true, true, false, false]);
}
