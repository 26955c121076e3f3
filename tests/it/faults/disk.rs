//! A full disk, for the data files or for the WAL.

use crate::support::{
    cluster::Cluster,
    eventually,
    message::message,
    server::{Server, deliver_to},
};

use super::stage::{Flow, Stage};

/// Maximum size of a file of the server, in KiB.
const KIB: u32 = 3 << 10;

/// An incompressible body of about this many bytes.
fn large(mid: &str, bytes: usize) -> String {
    let digits = (0_u64..).map(|n| format!("{:016x}", (n + 7).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    let text: String = digits.take(bytes / 16).collect();
    message(mid, &text)
}

async fn deliver_large(server: &Server, number: u32) -> u16 {
    let body = large(&format!("mid.large.{number}"), 500_000);
    deliver_to(server.public, "/webhook", body)
        .await
        .unwrap()
        .status
}

#[tokio::test]
async fn what_finds_no_room_is_put_off_and_its_neighbours_are_stored() {
    let mut postgres = Cluster::make(&[]).await;
    postgres.make_log_files_small();
    postgres.start_on_a_small_disk(KIB).await;
    let mut stage = Stage::before(postgres);
    let flow = Flow::to(&stage.server);
    let mut number = 0;
    while deliver_large(&stage.server, number).await == 200 {
        number += 1;
    }
    for _ in 0..3 {
        assert_eq!(deliver_large(&stage.server, number).await, 503);
        flow.goes_on().await;
    }
    stage.postgres.stop();
    stage.postgres.start().await;
    eventually("it is stored when there is room", async || {
        deliver_large(&stage.server, number).await == 200
    })
    .await;
    stage.ends_well(flow).await;
}

#[tokio::test]
async fn a_log_of_writes_that_cannot_grow_brings_postgres_down_and_loses_nothing() {
    let mut postgres = Cluster::make(&["min_wal_size=2MB", "max_wal_size=2MB"]).await;
    postgres.make_log_files_small();
    postgres.start().await;
    let mut stage = Stage::before(postgres);
    let flow = Flow::to(&stage.server);
    flow.goes_on().await;
    stage.postgres.let_log_grow(false);
    stage.postgres.until_it_fell().await;
    flow.is_put_off().await;
    stage.postgres.let_log_grow(true);
    stage.postgres.start().await;
    stage.ends_well(flow).await;
}
