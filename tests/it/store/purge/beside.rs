//! What arrives while a purge is at work: nothing that is not simulated loses its event, is stored
//! twice or waits for the purge to end.

use hookshelf::store;

use super::super::{World, now};

#[tokio::test]
async fn a_server_that_starts_does_not_wait_for_it() {
    let world = World::create().await;
    let mut purge = world.purge().await;
    purge.begin().await.unwrap();
    let mut starting = world.connect().await;
    sqlx::raw_sql("SET lock_timeout = '2s'")
        .execute(&mut starting)
        .await
        .unwrap();
    store::migrate(&mut starting, now()).await.unwrap();
}
