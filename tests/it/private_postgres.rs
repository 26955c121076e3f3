//! The private Postgres and the throwaway one that the tests run on.

use crate::support::postgres::TestDatabase;

#[tokio::test]
async fn a_test_gets_a_database_of_its_own() {
    let database = TestDatabase::create().await;
    let mut connection = database.connect().await;
    let name: String = sqlx::query_scalar("SELECT current_database()::text")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert!(database.url().contains(&name));
}
