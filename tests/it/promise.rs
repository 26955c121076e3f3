//! The central guarantee under kills: a signed delivery that got 200 is durable, and each thing
//! that happened is one event.

use std::{collections::BTreeSet, sync::Arc};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sqlx::PgConnection;
use tokio::{sync::Mutex, task::JoinSet};

use crate::support::{
    eventually,
    message::message,
    server::{Server, deliver_to},
};

/// Number of concurrent senders, and number of acks that a round waits for before each kill.
const SENDERS: u64 = 8;
const ACKS: usize = 150;

/// Messages whose delivery got 200.
type Ledger = Arc<Mutex<BTreeSet<String>>>;

/// Delivers one message after the other and records the acked ones. Retries a delivery without a
/// 200, as Meta would, until the server is gone.
async fn deliver(server: std::net::SocketAddr, prefix: String, ledger: Ledger) {
    for number in 0.. {
        let mid = format!("{prefix}.{number}");
        loop {
            match deliver_to(server, "/webhook", message(&mid, "One of many")).await {
                Ok(answer) if answer.status == 200 => break,
                Ok(_) => {}
                Err(_) => return,
            }
        }
        ledger.lock().await.insert(mid);
    }
}

fn begin(server: &Server, round: u32, ledger: &Ledger) -> JoinSet<()> {
    let mut senders = JoinSet::new();
    for sender in 0..SENDERS {
        let prefix = format!("mid.{round}.{sender}");
        senders.spawn(deliver(server.public, prefix, Arc::clone(ledger)));
    }
    senders
}

async fn more_are_acked(ledger: &Ledger) {
    let before = ledger.lock().await.len();
    eventually("more deliveries are acked", async || {
        ledger.lock().await.len() >= before + ACKS
    })
    .await;
}

/// Kills the server process of the private Postgres, which has the effect of a power cut.
fn kill_postgres(server: &Server) {
    let file = server.directory.join("data/postgres/data/postmaster.pid");
    let text = std::fs::read_to_string(file).unwrap();
    let pid = text.lines().next().unwrap().parse().unwrap();
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
}

#[tokio::test]
async fn what_was_acked_is_stored_once_through_kills_of_the_server_and_of_postgres() {
    let ledger = Ledger::default();
    let mut server = Server::start_private();
    for round in 0..3 {
        let mut senders = begin(&server, round, &ledger);
        more_are_acked(&ledger).await;
        kill_postgres(&server);
        more_are_acked(&ledger).await;
        server.signal(Signal::SIGKILL);
        while senders.join_next().await.is_some() {}
        let (_, directory, place) = server.wait();
        server = Server::start_in(directory, place);
    }
    let mut database = server.database().await;
    eventually("all that was acked is stored", async || {
        let stored = events(&mut database).await.into_iter().collect();
        ledger.lock().await.is_subset(&stored)
    })
    .await;
    let stored = events(&mut database).await;
    let distinct: BTreeSet<&String> = stored.iter().collect();
    assert_eq!(distinct.len(), stored.len(), "an event was stored twice");
}

/// Message ids of all events.
async fn events(database: &mut PgConnection) -> Vec<String> {
    sqlx::query_scalar("SELECT message_id FROM events ORDER BY position")
        .fetch_all(database)
        .await
        .unwrap()
}
