//! The schema is created once, by any number of concurrent migrations, and every part has a
//! comment.

use hookshelf::store;
use sqlx::{ConnectOptions as _, Connection as _};

use super::{World, items, now};

const EMPTY: &str = "DROP SCHEMA public CASCADE; CREATE SCHEMA public";

/// Tables, views and columns without a comment. Partitions share the comments of their parents.
const UNEXPLAINED: &str = "
    SELECT c.relname || coalesce('.' || a.attname, '')
    FROM pg_class AS c
    CROSS JOIN LATERAL (SELECT NULL::name AS attname, 0 AS attnum
                        UNION ALL
                        SELECT attname, attnum FROM pg_attribute
                        WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS a
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
      AND NOT c.relispartition AND (a.attnum = 0 OR c.relkind <> 'S')
      AND CASE a.attnum WHEN 0 THEN obj_description(c.oid, 'pg_class')
                        ELSE col_description(c.oid, a.attnum) END IS NULL
    ORDER BY 1";

#[tokio::test]
async fn every_table_view_and_column_says_what_it_is() {
    let world = World::create().await;
    assert_eq!(world.texts(UNEXPLAINED).await, Vec::<String>::new());
    // The query finds a missing comment.
    world
        .run("CREATE TABLE bare (a int, b int); CREATE VIEW plain AS SELECT a FROM bare")
        .await;
    world
        .run("COMMENT ON TABLE bare IS 'A table.'; COMMENT ON COLUMN bare.b IS 'A column.'")
        .await;
    assert_eq!(
        world.texts(UNEXPLAINED).await,
        ["bare.a", "plain", "plain.a"]
    );
}

#[tokio::test]
async fn migrating_again_changes_nothing() {
    let world = World::create().await;
    let applied = "SELECT version || ' ' || installed_on FROM _sqlx_migrations ORDER BY version";
    let tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    let (before, size) = (world.texts(applied).await, world.number(tables).await);
    store::migrate(&mut world.connect().await, now())
        .await
        .unwrap();
    assert_eq!(world.texts(applied).await, before);
    assert_eq!(world.number(tables).await, size);
}

#[tokio::test]
async fn several_migrate_an_empty_database_at_once() {
    let world = World::create().await;
    world.run(EMPTY).await;
    let migrate = async || {
        store::migrate(&mut world.connect().await, now())
            .await
            .unwrap();
    };
    tokio::join!(migrate(), migrate(), migrate());
    let batch = [items::delivery(vec![items::comment(1)])];
    assert_eq!(world.writer().await.commit(&batch).await[0].new, 1);
    let ahead = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'stored_events'::regclass";
    assert_eq!(world.number(ahead).await, 1 + i64::from(store::DAYS_AHEAD));
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_left_alone_and_says_so() {
    let world = World::create().await;
    world
        .run(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (99990101, 'from the future', true, 'x', 1)",
        )
        .await;
    let refused = store::migrate(&mut world.connect().await, now())
        .await
        .unwrap_err();
    let said = refused.to_string();
    assert!(
        said.contains("newer") && said.contains("99990101"),
        "{said}"
    );
}

#[tokio::test]
async fn a_migration_that_was_changed_after_it_was_applied_is_refused() {
    let world = World::create().await;
    world
        .run("UPDATE _sqlx_migrations SET checksum = 'x' WHERE version = 2")
        .await;
    let refused = store::migrate(&mut world.connect().await, now()).await;
    assert!(
        matches!(refused, Err(store::Error::Migration(_))),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_database_without_tables_says_what_to_do() {
    let world = World::create().await;
    world.run(EMPTY).await;
    let batch = [items::delivery(vec![items::comment(1)])];
    let refused = world.writer().await.try_commit(&batch).await.unwrap_err();
    assert!(
        refused.to_string().contains("hookshelf migrate"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_database_that_cannot_hold_every_text_is_refused() {
    let world = World::create().await;
    let name = world
        .texts("SELECT current_database()::text")
        .await
        .remove(0)
        + "_latin1";
    let create = "ENCODING LATIN1 LOCALE 'C' TEMPLATE template0";
    world.run(&format!("CREATE DATABASE {name} {create}")).await;
    let options = world.db.options().database(&name);
    let mut connection = options.connect().await.unwrap();
    let refused = store::migrate(&mut connection, now()).await.unwrap_err();
    assert!(refused.to_string().contains("LATIN1"), "{refused}");
    connection.close().await.unwrap();
    world.run(&format!("DROP DATABASE {name}")).await;
}
