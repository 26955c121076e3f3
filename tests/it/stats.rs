//! `hookshelf events stats` as an operator runs it.

use std::process::Output;

use serde_json::Value;

use crate::support::{eventually, message::messages, server::Server};

/// A message to the account with this number.
fn to(account: u32, mid: &str) -> String {
    messages(
        "9001",
        &format!("1784000000000000{account}"),
        &[(mid, "hello")],
    )
}

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

impl Server {
    /// Delivers three messages to two accounts, one of them twice, and waits until they are
    /// counted.
    async fn with_messages() -> Self {
        let server = Self::start().await;
        for body in [to(1, "a"), to(1, "b"), to(2, "c"), to(1, "a")] {
            assert_eq!(server.deliver("/webhook", body).await.status, 200);
        }
        eventually("everything is counted", async || {
            let output = server.run(&["events", "stats", "--json"]);
            text(&output).contains("\"events\":3,\"repeats\":1")
        })
        .await;
        server
    }

    fn stats(&self, arguments: &[&str]) -> Vec<Value> {
        let mut all = vec!["events", "stats", "--json"];
        all.extend(arguments);
        let printed = text(&self.run(&all));
        let lines = printed
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        lines.collect()
    }
}

#[tokio::test]
async fn counts_are_told_apart_filtered_and_summed() {
    let server = Server::with_messages().await;
    let mut database = server.database().await;
    let label = "UPDATE accounts SET client = 'Bakery' WHERE account_id = '17840000000000001'";
    sqlx::query(label).execute(&mut database).await.unwrap();

    let by_client = server.stats(&["--by", "client,account,kind,app,source"]);
    let told = by_client
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n");
    for part in [
        r#""account_id":"17840000000000001","app":"default","client":"Bakery","events":2"#,
        r#""account_id":"17840000000000002","app":"default","client":null,"events":1"#,
        r#""kind":"message","repeats":1,"source":"live""#,
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
    for (filter, value, events) in [
        ("--client", "Bakery", 2),
        ("--account", "17840000000000002", 1),
        ("--kind", "message", 3),
        ("--app", "default", 3),
        ("--source", "live", 3),
        ("--since", "2h", 3),
        ("--until", "9999-01-01", 3),
    ] {
        let rows = server.stats(&["--by", "kind", filter, value]);
        assert_eq!(rows[0]["events"], events, "{filter} {value}");
    }
    for (filter, value) in [
        ("--client", "Butcher"),
        ("--kind", "comment"),
        ("--source", "simulated"),
        ("--until", "2 days"),
    ] {
        assert!(
            server.stats(&["--by", "kind", filter, value]).is_empty(),
            "{filter} {value}"
        );
    }

    let table = text(&server.run(&["events", "stats", "--by", "account"]));
    let words: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(words[0], ["account_id", "events", "repeats"]);
    assert_eq!(words[1], ["17840000000000001", "2", "1"]);
    assert_eq!(words[3], ["total", "3", "1"]);

    // Prints no note if everything is counted, else the position counted so far.
    let output = server.run(&["events", "stats"]);
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    let metrics = server.ask_admin("/metrics").await;
    let metrics = String::from_utf8(metrics.body.to_vec()).unwrap();
    for gauge in ["positions", "seconds"] {
        let line = format!("hookshelf_follower_lag_{gauge}{{follower=\"stats\"}} 0");
        assert!(metrics.contains(&line), "{metrics}");
    }
}

#[tokio::test]
async fn a_commit_of_the_server_wakes_the_follower() {
    let server = Server::start().await;
    let mut mids = 1..;
    // The look each second may come first.
    eventually("a commit wakes the follower", async || {
        let mid = format!("mid-{}", mids.next().unwrap());
        server.deliver("/webhook", to(1, &mid)).await;
        let metrics = server.ask_admin("/metrics").await;
        let metrics = String::from_utf8(metrics.body.to_vec()).unwrap();
        metrics.contains("hookshelf_wakes_total{by=\"commit\"}")
    })
    .await;
}

#[tokio::test]
async fn a_follower_that_stumbles_says_so_and_goes_on_and_the_counts_say_how_far_they_go() {
    let server = Server::with_messages().await;
    let mut database = server.database().await;
    let away = "ALTER TABLE stats_hourly RENAME COLUMN events TO set_aside";
    sqlx::query(away).execute(&mut database).await.unwrap();
    server.deliver("/webhook", to(1, "d")).await;
    eventually("it stumbles", async || {
        server.log().contains("follower failed")
    })
    .await;
    let back = "ALTER TABLE stats_hourly RENAME COLUMN set_aside TO events";
    sqlx::query(back).execute(&mut database).await.unwrap();
    eventually("it goes on", async || {
        server.log().contains("follower resumed")
    })
    .await;
    eventually("it counts", async || {
        server.stats(&["--by", "kind"])[0]["events"] == 4
    })
    .await;

    // Without a server the counts are not updated.
    let (_, directory, place) = server.stop();
    let stored = "INSERT INTO stored_events (delivery_id, received_at, app, kind, is_echo, is_self,
                                    item_start, item_length, source, dedupe_key)
         SELECT gen_random_uuid(), now(), 'default', 'comment', false, false, 0, 0, 'live',
                gen_random_uuid()";
    sqlx::query(stored).execute(&mut database).await.unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_hookshelf"));
    let output = command
        .args(["events", "stats"])
        .env("DATABASE_URL", place.as_ref().unwrap().url())
        .env("HOOKSHELF_CONFIG", directory.join("hookshelf.toml"))
        .output()
        .unwrap();
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(
        said.contains("counted up to position") && said.contains("while the server runs"),
        "{said}"
    );
    assert!(text(&output).contains("total"), "{output:?}");
}

#[tokio::test]
async fn unknown_names_are_refused_with_the_known_ones() {
    let server = Server::start().await;
    let output = server.run(&["events", "stats", "--by", "day,colour"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("client") && said.contains("hour"), "{said}");
}
