//! Pipelined requests, and clients that do not read their answers.

use super::stage::{Stage, good};
use crate::support::{
    server::TOKEN,
    wire::{Wire, request},
};

#[tokio::test]
async fn a_hundred_deliveries_in_one_go_are_acked_and_stored_in_their_order() {
    let stage = Stage::open().await;
    let mids: Vec<_> = (0..100)
        .map(|number| format!("mid.row.{number:03}"))
        .collect();
    let mut wire = stage.wire().await;
    let row = mids.iter().flat_map(|mid| good(mid)).collect::<Vec<_>>();
    stage
        .endures(async {
            wire.send(row).await;
            for mid in &mids {
                assert_eq!(wire.answer().await.bare(), 200, "{mid}");
            }
        })
        .await;
    let stored: Vec<String> = sqlx::query_scalar(
        "SELECT message_id FROM events WHERE message_id LIKE 'mid.row.%' ORDER BY position",
    )
    .fetch_all(&mut stage.server.database().await)
    .await
    .unwrap();
    assert_eq!(stored, mids);
    stage.close().await;
}

#[tokio::test]
async fn who_takes_no_answer_loses_the_seat() {
    let stage = Stage::open().await;
    let token = TOKEN.replace(' ', "%20");
    let query = format!("hub.mode=subscribe&hub.verify_token={token}&hub.challenge=");
    let long = request("GET", &format!("/webhook?{query}{}", "x".repeat(8 << 10)));
    let ask_and_ask = async {
        let mut wire = Wire::with_little_room(stage.server.public).await;
        while wire.send(&long).await {}
    };
    stage.endures(ask_and_ask).await;
    stage.closed("stalled_write", 1).await;
    stage.close().await;
}
