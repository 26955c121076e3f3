//! Findings about consumers. The server of these tests runs none of them: only `doctor` has them in
//! its configuration.

use sqlx::AssertSqlSafe;

use super::{DoctorReport, good};
use crate::support::server::Server;

/// Configures the consumer `bot`.
const BOT: &[(&str, &str)] = &[("HOOKSHELF__CONSUMERS__BOT__PRESET", "bot")];

/// A server with a stored consumer `bot`, which a process owns.
async fn server_with_bot() -> Server {
    let server = Server::start_with(&good()).await;
    let bot = "INSERT INTO consumers (name, position, owner, owned_until)
               VALUES ('bot', 0, 'somebody', now() + interval '1 hour')";
    run(&server, bot).await;
    server
}

async fn run(server: &Server, sql: &str) {
    let mut database = server.database().await;
    let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
    sql.execute(&mut database).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_without_problems_is_fine() {
    let server = Server::start_with(&good()).await;
    let report = DoctorReport::of(&server, &[]);
    report.says("consumers", "ok", "none is configured");
    let report = DoctorReport::of(&server, BOT);
    report.says(
        "consumers",
        "warning",
        "bot is configured and has no place in the log",
    );
    let server = server_with_bot().await;
    let report = DoctorReport::of(&server, BOT);
    report.says(
        "consumers",
        "ok",
        "1 consumer: none is behind, paused or with dead letters",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_does_not_get_on_is_told() {
    let server = server_with_bot().await;
    let lane = "INSERT INTO consumer_lanes (consumer, position, received_at, attempts, first_at, due_at, code)
                VALUES ('bot', 1, now() - interval '10 minutes', 2, now(), now(), 'graph_429')";
    run(&server, lane).await;
    let report = DoctorReport::of(&server, BOT);
    report.says(
        "consumers",
        "warning",
        "bot is behind: its oldest unsettled event is 10 min",
    );
    report.says("consumers", "warning", "1 lane waits (graph_429: 1)");

    run(&server, "UPDATE consumers SET paused = 'clock'").await;
    let report = DoctorReport::of(&server, BOT);
    report.says(
        "consumers",
        "warning",
        "bot is paused, with the reason clock",
    );
    run(
        &server,
        "UPDATE consumers SET paused = NULL, owned_until = now()",
    )
    .await;
    let report = DoctorReport::of(&server, BOT);
    report.says(
        "consumers",
        "warning",
        "no server delivers the events of bot",
    );
    let report = DoctorReport::of(&server, &[]);
    report.says(
        "consumers",
        "warning",
        "bot has a place in the log and is not configured",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_told_until_somebody_decides() {
    let server = server_with_bot().await;
    let letters = "INSERT INTO dead_letters SELECT 'bot', position, now(), 5, now(), now(),
                       'attempts', 'x', 'dead' FROM generate_series(1, 2) AS position";
    run(&server, letters).await;
    let report = DoctorReport::of(&server, BOT);
    report.says("consumers", "warning", "bot has 2 dead letters");
    run(&server, "UPDATE dead_letters SET state = 'discarded'").await;
    let report = DoctorReport::of(&server, BOT);
    report.says("consumers", "ok", "1 consumer");
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_and_clients_that_are_not_known_are_told_with_the_nearest() {
    let server = server_with_bot().await;
    let accounts = "INSERT INTO accounts (app, account_id, client, first_seen, last_seen)
                    VALUES ('default', '17840000000000001', 'bakery', now(), now()),
                           ('default', '17840000000000002', NULL, now(), now())";
    run(&server, accounts).await;
    let with = |accounts, clients| {
        let variables = [
            ("HOOKSHELF__CONSUMERS__BOT__ACCOUNTS", accounts),
            ("HOOKSHELF__CONSUMERS__BOT__CLIENTS", clients),
        ];
        DoctorReport::of(&server, &variables)
    };
    let report = with("17840000000000002,17840000000000001", "bakery");
    report.says("consumers", "ok", "1 consumer");
    let report = with("17840000000000002,17840000000000071,5", "bakrey,florist");
    for found in [
        "accounts of bot: 17840000000000071 is not known yet; did you mean 17840000000000001?",
        "accounts of bot: 5 is not known yet",
        "clients of bot: bakrey is not known yet; did you mean bakery?",
        "clients of bot: florist is not known yet",
    ] {
        report.says("consumers", "warning", found);
    }
}
