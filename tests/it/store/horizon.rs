//! Holder of the oldest transaction, which keeps dead versions of rows from vacuum.

use hookshelf::store::horizon::{self, HolderKind};
use sqlx::PgConnection;

use super::World;

impl World {
    /// Opens a transaction with these statements, and leaves it open.
    async fn hold(&self, begin: &'static str) -> PgConnection {
        let mut conn = self.connect().await;
        sqlx::raw_sql(begin).execute(&mut conn).await.unwrap();
        conn
    }

    /// Number of transactions since the oldest one began.
    async fn held(&self) -> Option<i64> {
        let holder = horizon::oldest(&mut self.connect().await).await.unwrap();
        let holder = holder?;
        assert_eq!(holder.kind, HolderKind::Session);
        assert!(holder.age.is_some(), "{holder:?}");
        Some(holder.transactions)
    }
}

async fn end(mut conn: PgConnection) {
    sqlx::raw_sql("ROLLBACK").execute(&mut conn).await.unwrap();
}

#[tokio::test]
async fn the_oldest_open_transaction_is_found() {
    let world = World::create().await;
    assert_eq!(world.held().await, None);
    let reader = world
        .hold("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM consumers")
        .await;
    let first = world.held().await.unwrap();
    world.run("DELETE FROM consumers").await;
    world.run("CREATE TABLE other ()").await;
    let writer = world.hold("BEGIN; CREATE TABLE another ()").await;
    assert!(world.held().await.unwrap() > first);

    end(reader).await;
    assert!(world.held().await.is_some(), "the writer is left");
    end(writer).await;
    assert_eq!(world.held().await, None);
}
