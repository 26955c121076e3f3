//! Flushes that know the place of the row.

use super::*;

/// Searches of the index of the consumers in this session, since its counts were last collected.
const INDEX_SCANS: &str = "SELECT pg_stat_get_xact_numscans('consumers_pkey'::regclass)";

async fn index_scans(conn: &mut PgConnection) -> i64 {
    let scans = sqlx::query_scalar(INDEX_SCANS).fetch_one(conn);
    scans.await.unwrap()
}

#[tokio::test]
async fn a_flush_finds_the_row_at_its_place_and_after_a_change_by_an_operator() {
    let (world, mut conn) = World::with_consumer().await;
    take(&mut conn, "one").await.unwrap();
    let mut place = RowPlace::default();
    for position in 101..=103 {
        let next = Flush {
            position,
            ..flush(1)
        };
        let written = consumers::flush_at(&mut conn, &next, &mut place).await;
        assert_eq!(written.unwrap(), WRITTEN);
    }
    world
        .run("UPDATE consumers SET paused = 'operator' WHERE name = 'bot'")
        .await;
    let next = Flush {
        position: 104,
        ..flush(1)
    };
    let written = consumers::flush_at(&mut conn, &next, &mut place).await;
    let paused = Some("operator".to_owned());
    assert_eq!(written.unwrap(), Flushed::Written { paused });
    let position = world.number("SELECT position FROM consumers").await;
    assert_eq!(position, 104);

    take(&mut conn, "one").await.unwrap();
    let lost = consumers::flush_at(&mut conn, &next, &mut place).await;
    assert_eq!(lost.unwrap(), Flushed::Lost);
}

#[tokio::test]
async fn a_flush_at_its_place_does_not_search_the_index() {
    let (_world, mut conn) = World::with_consumer().await;
    take(&mut conn, "one").await.unwrap();
    let mut place = RowPlace::default();
    let flushed = consumers::flush_at(&mut conn, &flush(1), &mut place).await;
    assert_eq!(flushed.unwrap(), WRITTEN);
    // Counts are not collected within a transaction.
    let mut tx = conn.begin().await.unwrap();
    for is_searched in [false, true] {
        let before = index_scans(&mut tx).await;
        let flushed = consumers::flush_at(&mut tx, &flush(1), &mut place).await;
        assert_eq!(flushed.unwrap(), WRITTEN);
        assert_eq!(index_scans(&mut tx).await > before, is_searched);
        // Without a place, the row is searched.
        place = RowPlace::default();
    }
}
