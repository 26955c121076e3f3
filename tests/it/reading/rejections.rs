//! `rejections list`: requests that were not stored, and totals.

use hookshelf::store::rejections::{self, Count};
use jiff::SignedDuration;
use serde_json::Value;

use super::Shelf;
use crate::support::{
    eventually,
    server::{Server, apps},
};

/// An address in one of Meta's networks.
const METAS: &str = "157.240.1.9";

#[tokio::test]
async fn a_path_that_leads_nowhere_is_counted_and_never_named() {
    let behind_a_proxy = format!(
        "{}[http]\ntrusted_proxies = [\"127.0.0.1/32\"]\n",
        apps(["default"])
    );
    let server = Server::start_with(&behind_a_proxy).await;
    for (path, from) in [
        ("/webhooks", METAS),
        ("/webhook/shopp", METAS),
        ("/wp-login.php", "198.51.100.7"),
        ("/.env", "203.0.113.9"),
        ("/webhook/shopp", "192.0.2.1"),
    ] {
        let answer = server.post(path, &[("X-Forwarded-For", from)], "{}").await;
        assert_eq!(answer.status, 404);
    }
    let list = || {
        let output = server.run(&["rejections", "list", "--json"]);
        String::from_utf8(output.stdout).unwrap()
    };
    eventually("all five are counted", async || {
        let rows = list();
        let rows = rows
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        rows.map(|row| row["count"].as_u64().unwrap()).sum::<u64>() == 5
    })
    .await;
    let said = list();
    for name in [
        "webhooks",
        "shopp",
        "wp-login",
        ".env",
        "198.51",
        "203.0.113",
        "192.0.2",
    ] {
        assert!(!said.contains(name), "{name}: {said}");
    }
    for row in [
        r#""app":"-","reason":"unknown_path","prefix":"157.240.1.0/24","count":1"#,
        r#""app":"-","reason":"unknown_app","prefix":"157.240.1.0/24","count":1"#,
        r#""app":"-","reason":"unknown_path","prefix":"0.0.0.0/0","count":2"#,
        r#""app":"-","reason":"unknown_app","prefix":"0.0.0.0/0","count":1"#,
    ] {
        assert!(said.contains(row), "{row}: {said}");
    }
}

#[tokio::test]
async fn the_table_ends_with_the_total_of_each_reason() {
    let shelf = Shelf::create().await;
    let count = |hour: &str, app: &str, reason, count| Count {
        hour: hour.parse().unwrap(),
        app: app.to_owned(),
        reason,
        prefix: Some("192.0.2.0/24".to_owned()),
        count,
        last_at: hour.parse::<jiff::Timestamp>().unwrap() + SignedDuration::from_mins(5),
        proxy_header: None,
    };
    let counts = [
        count("2026-11-20T10:00:00Z", "shop", "signature_missing", 3),
        count("2026-11-20T12:00:00Z", "bar", "signature_missing", 2),
        count("2026-11-20T11:00:00Z", "shop", "store_unavailable", 40),
    ];
    let mut connection = shelf.database.connect().await;
    rejections::add(&mut connection, &counts, 1000)
        .await
        .unwrap();
    let table = |options: &[&str]| {
        let said = shelf.says(&[&["rejections", "list"], options].concat());
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        // Causes and remedies follow after an empty line.
        let table = said.lines().take_while(|line| !line.is_empty());
        table.map(words).collect::<Vec<_>>()
    };
    let totals = [
        "total signature_missing 5 2026-11-20T12:05:00Z",
        "total store_unavailable 40 2026-11-20T11:05:00Z",
    ];
    assert_eq!(table(&[])[4..], totals);
    assert_eq!(
        table(&["--limit", "1"])[2..],
        totals,
        "also of what is not shown"
    );
    assert_eq!(
        table(&["--app", "bar"])[2..],
        ["total signature_missing 2 2026-11-20T12:05:00Z"]
    );
    assert_eq!(table(&["--app", "nobody"]).len(), 1);
    for form in ["--json", "--csv"] {
        assert!(!shelf.says(&["rejections", "list", form]).contains("total"));
    }
}
