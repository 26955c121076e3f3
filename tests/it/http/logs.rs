//! Log records of a delivery, and secrets that must not appear in them.

use std::{
    io::Write,
    sync::{Arc, Mutex, Once},
};

use hookshelf::{
    config::{Log, LogFormat},
    ingest::Failure,
    meta::signature::sign,
    telemetry::log::subscriber,
};

use super::{
    door::{Door, STORED, secret, signed, signed_with},
    wire::{post, request},
};

/// A log in memory.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Sets a global subscriber that accepts all records. `tracing` caches at the first record of a
/// call site if any subscriber wants it; without a global subscriber a page opened at that moment
/// on another thread could stay empty.
pub(super) fn want_all_records() {
    static WANTED: Once = Once::new();
    WANTED.call_once(|| {
        let level = "trace".parse().unwrap();
        let format = LogFormat::Json;
        let all = subscriber(
            &Log {
                format,
                level,
                deliveries: false,
            },
            false,
            std::io::sink,
        );
        tracing::subscriber::set_global_default(all).unwrap();
    });
}

impl Page {
    /// Opens a page that receives all records of this thread, and so of this test.
    fn open(format: LogFormat) -> (Self, tracing::subscriber::DefaultGuard) {
        let page = Self::default();
        let writer = page.clone();
        let level = "trace,hookshelf=trace".parse().unwrap();
        let lines = subscriber(
            &Log {
                format,
                level,
                deliveries: false,
            },
            false,
            move || writer.clone(),
        );
        (page, tracing::subscriber::set_default(lines))
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// Sends every kind of input from Meta or strangers, each with a marker word that must not appear
/// in the log.
async fn exchange(door: &mut Door) {
    let body = br#"{"object":"instagram","entry":[{"id":"body-word","text":"text-word"}]}"#;
    let ends = [STORED, Err(Failure::Internal)];
    for end in ends {
        door.deliver(signed("default", body), end).await;
    }
    door.ask(signed_with(&secret("somebody"), "default", body))
        .await;
    let signature = sign(&secret("default"), b"signature-word");
    let headers = [
        ("x-hub-signature-256", &*signature),
        ("user-agent", "agent-word"),
    ];
    door.ask(post("/webhook?query-word=1", &headers, body))
        .await;
    for token in ["token-of-default", "token-word"] {
        let query =
            format!("hub.mode=subscribe&hub.challenge=challenge-word&hub.verify_token={token}");
        door.ask(request("GET", &format!("/webhook?{query}"))).await;
    }
    door.ask(request("GET", "/path-word")).await;
}

#[tokio::test]
async fn neither_secret_nor_token_nor_signature_nor_content_is_logged() {
    for format in [LogFormat::Human, LogFormat::Json] {
        let (page, _guard) = Page::open(format);
        let mut door = Door::open();
        exchange(&mut door).await;
        let log = page.text();
        for said in [
            "delivery settled",
            "challenge answered",
            "signature_mismatch",
            "accepted",
        ] {
            assert!(log.contains(said), "{said} is missing in {log}");
        }
        let signature = sign(&secret("default"), b"signature-word");
        for silent in [
            "-word",
            "token-of-",
            "secret of",
            &signature[7..],
            "sha256=",
        ] {
            assert!(!log.contains(silent), "{silent} is in {log}");
        }
    }
}

#[tokio::test]
async fn a_json_log_is_one_object_a_line_with_the_delivery_named() {
    let (page, _guard) = Page::open(LogFormat::Json);
    let mut door = Door::open();
    let (delivery, _) = door.deliver(signed("default", b"{}"), STORED).await;
    let lines: Vec<serde_json::Value> = page
        .text()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let settled = lines
        .iter()
        .find(|line| line["message"] == "delivery settled")
        .unwrap();
    assert_eq!(settled["delivery"], delivery.envelope.id.to_string());
    assert_eq!(settled["level"], "DEBUG");
    assert_eq!(settled["outcome"], "accepted");
    assert_eq!(settled["secret"], "app");
    assert_eq!(settled["bytes"], 2);
}
