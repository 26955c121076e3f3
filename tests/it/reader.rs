//! The reader role: it sees all stored data, including later views, and can do nothing else.

use hookshelf::{
    clock::Clock,
    store::{self, Reading, RoleError, make_reader, partitions},
};
use jiff::{ToSpan, tz::TimeZone};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};

use crate::support::{
    postgres::TestDatabase,
    server::{Server, apps},
};

/// Roles and privileges that making a reader may touch.
const RIGHTS: &str = "
    SELECT 'role ' || row_to_json(r)::text FROM pg_authid AS r
    UNION ALL SELECT 'setting ' || row_to_json(s)::text FROM pg_db_role_setting AS s
    UNION ALL SELECT 'default ' || row_to_json(d)::text FROM pg_default_acl AS d
    UNION ALL SELECT 'member ' || row_to_json(m)::text FROM pg_auth_members AS m
    UNION ALL SELECT 'schema ' || nspname || nspacl::text FROM pg_namespace
              WHERE nspacl IS NOT NULL
    UNION ALL SELECT 'function ' || oid::text || proacl::text FROM pg_proc WHERE proacl IS NOT NULL
    UNION ALL SELECT 'relation ' || xmin::text || relname || relacl::text FROM pg_class
              WHERE relnamespace = 'public'::regnamespace AND relacl IS NOT NULL
    ORDER BY 1";

/// A database with its own reader role, because roles are shared by all databases of a server.
struct World {
    database: TestDatabase,
    owner: PgConnection,
    name: String,
}

impl World {
    async fn create() -> Self {
        let database = TestDatabase::create().await;
        let owner = database.connect().await;
        let name = format!("reader_of_{}", database.options().get_database().unwrap());
        Self {
            database,
            owner,
            name,
        }
    }

    async fn with_reader() -> Self {
        let mut world = Self::create().await;
        let made = make_reader(&mut world.owner, &world.name).await.unwrap();
        assert_eq!(
            (made.made, made.may_create),
            (true, world.is_before_15().await)
        );
        world
    }

    /// True before Postgres 15, where every role may create tables in `public`.
    async fn is_before_15(&mut self) -> bool {
        let sql = "SELECT current_setting('server_version_num')::int < 150000";
        let before = sqlx::query_scalar(sql).fetch_one(&mut self.owner).await;
        before.unwrap()
    }

    fn reader(&self) -> PgConnectOptions {
        self.database.options().username(&self.name)
    }

    async fn read(&self) -> PgConnection {
        self.reader().connect().await.unwrap()
    }

    async fn run(&mut self, sql: &str) {
        let ran = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut self.owner);
        ran.await.unwrap();
    }

    async fn texts(&mut self, sql: &'static str) -> Vec<String> {
        let rows = sqlx::query_scalar(sql).fetch_all(&mut self.owner);
        rows.await.unwrap()
    }
}

/// SQLSTATE of a statement, `None` if it succeeds.
async fn state(session: &mut PgConnection, sql: &str) -> Option<String> {
    let ran = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(session);
    let error = ran.await.err()?;
    Some(
        error
            .as_database_error()
            .unwrap()
            .code()
            .unwrap()
            .into_owned(),
    )
}

#[tokio::test]
async fn it_reads_everything_that_is_stored() {
    let mut world = World::with_reader().await;
    let names = world
        .texts(
            "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
             AND relkind IN ('r', 'p', 'v') AND NOT relispartition
               AND NOT starts_with(relname, 'stored_')
               AND relname NOT IN ('admin_sessions', 'attempts', 'audit', 'consumer_lanes',
                                   'consumers', 'conversations', 'dead_letters', 'gaps',
                                   'liveness', 'media_threads', 'replays',
                                   'saved_views')",
        )
        .await;
    assert!(names.len() > 22, "{names:?}");
    let mut session = world.read().await;
    for name in names {
        let read = state(&mut session, &format!("SELECT * FROM {name} LIMIT 1")).await;
        assert_eq!(read, None, "{name}");
    }
    // The tables behind the views are readable through the views only; the program alone reads its
    // lists.
    for table in [
        "stored_deliveries",
        "admin_sessions",
        "attempts",
        "audit",
        "consumer_lanes",
        "consumers",
        "conversations",
        "dead_letters",
        "gaps",
        "liveness",
        "media_threads",
        "replays",
        "saved_views",
    ] {
        let behind = state(&mut session, &format!("SELECT FROM {table}")).await;
        assert_eq!(behind.as_deref(), Some("42501"), "{table}");
    }
    let called = "SELECT item_field('message')";
    assert_eq!(state(&mut session, called).await, None);
}

#[tokio::test]
async fn it_writes_nothing_even_where_a_session_lifts_its_own_limits() {
    let world = World::with_reader().await;
    let mut session = world.read().await;
    let write = "INSERT INTO late_days VALUES ('2026-11-20', 1)";
    assert_eq!(state(&mut session, write).await.as_deref(), Some("25006"));

    let lift = "SET default_transaction_read_only = off";
    assert_eq!(state(&mut session, lift).await, None);
    for refused in [
        write,
        "UPDATE accounts SET label = 'x'",
        "DELETE FROM stored_events",
        "TRUNCATE stored_repeats",
        "DROP VIEW comments",
        "ALTER TABLE stored_events ADD COLUMN more text",
        "SELECT nextval('event_position')",
        "BEGIN; LOCK TABLE stored_events IN SHARE MODE; COMMIT",
        "CREATE SCHEMA mine",
        "CREATE ROLE friend",
    ] {
        let said = state(&mut session, refused).await;
        assert_eq!(said.as_deref(), Some("42501"), "{refused}");
        state(&mut session, "ROLLBACK").await;
    }
}

#[tokio::test]
async fn it_reads_nothing_outside() {
    let mut world = World::with_reader().await;
    let other = format!("other_{}", world.name);
    world
        .run(&format!(
            "CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.notes (a int);
             CREATE ROLE {other}; CREATE TABLE others (a int); ALTER TABLE others OWNER TO {other}"
        ))
        .await;
    make_reader(&mut world.owner, &world.name).await.unwrap();
    let mut session = world.read().await;
    for outside in ["elsewhere.notes", "others", "pg_authid"] {
        let said = state(&mut session, &format!("SELECT * FROM {outside}")).await;
        assert_eq!(said.as_deref(), Some("42501"), "{outside}");
    }
    let file = "SELECT pg_read_file('PG_VERSION')";
    assert_eq!(state(&mut session, file).await.as_deref(), Some("42501"));
}

#[tokio::test]
async fn it_sees_what_is_made_afterwards() {
    let mut world = World::with_reader().await;
    let now = Clock::system().now();
    let day = now.to_zoned(TimeZone::UTC).date() + 40.days();
    partitions::ensure_day(&mut world.owner, day).await.unwrap();
    let insert = format!(
        "INSERT INTO stored_deliveries (id, received_at, app, secret, event_count, source)
         VALUES (gen_random_uuid(), '{day} 12:00Z', 'default', 'app', 0, 'live');
         CREATE TABLE table_of_a_later_migration (a int);
         CREATE VIEW made_by_a_later_migration AS SELECT a FROM table_of_a_later_migration"
    );
    world.run(&insert).await;
    let mut session = world.read().await;
    let seen: i64 = sqlx::query_scalar("SELECT count(*) FROM deliveries")
        .fetch_one(&mut session)
        .await
        .unwrap();
    assert_eq!(seen, 1);

    let later = "SELECT * FROM made_by_a_later_migration";
    assert_eq!(state(&mut session, later).await.as_deref(), Some("42501"));
    // A role with a revoked privilege is left to the operator.
    let name = world.name.clone();
    let bodies = format!("SELECT ON deliveries {{}} {name}");
    let (revoke, grant) = (bodies.replace("{}", "FROM"), bodies.replace("{}", "TO"));
    world.run(&format!("REVOKE {revoke}")).await;
    store::migrate(&mut world.owner, now).await.unwrap();
    assert_eq!(state(&mut session, later).await.as_deref(), Some("42501"));
    world.run(&format!("GRANT {grant}")).await;
    store::migrate(&mut world.owner, now).await.unwrap();
    assert_eq!(state(&mut session, later).await, None);
    // A table of a later migration may hold more than a reader should see.
    let table = "SELECT * FROM table_of_a_later_migration";
    assert_eq!(state(&mut session, table).await.as_deref(), Some("42501"));
}

/// Session settings of the reader.
async fn limits(world: &World) -> Vec<(String, String)> {
    let asked = sqlx::query_as(
        "SELECT name, setting FROM pg_settings WHERE name IN ('statement_timeout', 'lock_timeout',
            'idle_in_transaction_session_timeout', 'default_transaction_read_only') ORDER BY name",
    );
    asked.fetch_all(&mut world.read().await).await.unwrap()
}

#[tokio::test]
async fn a_question_of_it_ends_in_time() {
    let mut world = World::with_reader().await;
    let expected = [
        ("default_transaction_read_only", "on"),
        ("idle_in_transaction_session_timeout", "60000"),
        ("lock_timeout", "2000"),
        ("statement_timeout", "60000"),
    ];
    let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(limits(&world).await, expected);

    // The operator's settings are kept, except the read-only setting, which makes the role a
    // reader.
    let (name, database) = (world.name.clone(), world.database.options());
    let of = format!(
        "ALTER ROLE {name} IN DATABASE {}",
        database.get_database().unwrap()
    );
    world
        .run(&format!(
            "{of} SET statement_timeout = '5min'; {of} SET default_transaction_read_only = off"
        ))
        .await;
    make_reader(&mut world.owner, &name).await.unwrap();
    let found = limits(&world).await;
    assert_eq!((&*found[0].1, &*found[3].1), ("on", "300000"));
}

#[tokio::test]
async fn a_second_run_changes_nothing() {
    let mut world = World::with_reader().await;
    let own = |rows: Vec<String>, name: &str| -> Vec<String> {
        // Ignores roles of other tests.
        rows.into_iter()
            .filter(|row| !row.starts_with("role") || row.contains(name))
            .filter(|row| !row.starts_with("setting") && !row.starts_with("member"))
            .collect()
    };
    let settings = "SELECT unnest(setconfig) FROM pg_db_role_setting AS s JOIN pg_database AS d
                    ON d.oid = s.setdatabase WHERE d.datname = current_database()";
    let before = own(world.texts(RIGHTS).await, &world.name);
    assert!(before.len() > 20, "{before:?}");
    let set = world.texts(settings).await;
    let again = make_reader(&mut world.owner, &world.name).await.unwrap();
    assert!(!again.made);
    store::migrate(&mut world.owner, Clock::system().now())
        .await
        .unwrap();
    assert_eq!(own(world.texts(RIGHTS).await, &world.name), before);
    assert_eq!((set.len(), world.texts(settings).await), (4, set));
}

#[tokio::test]
async fn a_role_that_is_more_than_a_reader_is_refused() {
    let mut world = World::create().await;
    let name = world.name.clone();
    let user: String = sqlx::query_scalar("SELECT current_user::text")
        .fetch_one(&mut world.owner)
        .await
        .unwrap();
    let refused = make_reader(&mut world.owner, &user).await.unwrap_err();
    assert!(
        refused.to_string().contains("Hookshelf itself"),
        "{refused}"
    );
    for (more, less, reason) in [
        (
            "ALTER ROLE {} SUPERUSER",
            "ALTER ROLE {} NOSUPERUSER",
            "is a superuser",
        ),
        (
            "ALTER ROLE {} CREATEDB",
            "ALTER ROLE {} NOCREATEDB",
            "may more than read",
        ),
        (
            "CREATE SCHEMA mine AUTHORIZATION {}",
            "DROP SCHEMA mine",
            "owns things",
        ),
        (
            "GRANT pg_monitor TO {}",
            "REVOKE pg_monitor FROM {}",
            "is a member",
        ),
        (
            "GRANT INSERT ON accounts TO {}",
            "REVOKE INSERT ON accounts FROM {}",
            "more than SELECT",
        ),
        (
            "GRANT UPDATE (label) ON accounts TO {}",
            "REVOKE UPDATE (label) ON accounts FROM {}",
            "more than SELECT",
        ),
        (
            "GRANT CREATE ON SCHEMA public TO {}",
            "REVOKE CREATE ON SCHEMA public FROM {}",
            "granted CREATE",
        ),
    ] {
        if reason == "is a superuser" {
            world.run(&format!("CREATE ROLE {name}")).await;
        }
        world.run(&more.replace("{}", &name)).await;
        let error = make_reader(&mut world.owner, &name).await.unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
        world.run(&less.replace("{}", &name)).await;
    }
    // Without these attributes the role becomes a reader and can log in.
    let made = make_reader(&mut world.owner, &name).await.unwrap();
    assert!(made.made);
    assert_eq!(state(&mut world.read().await, "TABLE events").await, None);
}

#[tokio::test]
async fn a_user_that_may_not_make_roles_learns_what_an_administrator_has_to_run() {
    let mut world = World::create().await;
    let user = format!("plain_{}", world.name);
    world
        .run(&format!(
            "CREATE ROLE {user} LOGIN; DROP SCHEMA public CASCADE;
             CREATE SCHEMA public AUTHORIZATION {user}"
        ))
        .await;
    let mut plain = world
        .database
        .options()
        .username(&user)
        .connect()
        .await
        .unwrap();
    store::migrate(&mut plain, Clock::system().now())
        .await
        .unwrap();

    let error = make_reader(&mut plain, &world.name).await.unwrap_err();
    assert!(error.to_string().contains(&user), "{error}");
    let RoleError::NotAllowed { statements, .. } = error else {
        panic!("{error}");
    };
    world.run(&statements).await;
    let made = make_reader(&mut plain, &world.name).await.unwrap();
    assert_eq!(
        made,
        Reading {
            made: false,
            may_create: false
        }
    );
    assert_eq!(state(&mut world.read().await, "TABLE events").await, None);
    // A user with CREATEROLE needs no administrator.
    world.run(&format!("ALTER ROLE {user} CREATEROLE")).await;
    let made = make_reader(&mut plain, &format!("{}_too", world.name)).await;
    assert!(made.unwrap().made);
    plain.close().await.unwrap();
}

#[tokio::test]
async fn the_verb_makes_one_and_says_how_it_is_used() {
    let server = Server::start_with(&apps(["default"])).await;
    let database = server.place.as_ref().unwrap().options();
    let name = format!("verb_{}", database.get_database().unwrap());
    let said = |arguments: &[&str]| {
        let output = server.run(arguments);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            output.status.code(),
            text(output.stdout) + text(output.stderr).as_str(),
        )
    };
    let (code, first) = said(&["migrate", "--reader", &name]);
    assert_eq!(code, Some(0), "{first}");
    assert!(
        first.contains("nothing else") && first.contains("\\password"),
        "{first}"
    );
    let (code, second) = said(&["migrate", "--reader", &name]);
    assert_eq!(code, Some(0), "{second}");
    assert!(
        second.contains("nothing else") && !second.contains("\\password"),
        "{second}"
    );

    let ask = ["psql", "--reader", &name, "--", "--command"];
    let (code, who) = said(&[&ask[..], &["SELECT current_user"]].concat());
    assert!(code == Some(0) && who.contains(&name), "{who}");
    let (code, refused) = said(&[&ask[..], &["DELETE FROM stored_events"]].concat());
    assert!(
        code == Some(1) && refused.contains("read-only"),
        "{refused}"
    );

    let (code, error) = said(&["migrate", "--reader", "pg_mine"]);
    assert!(
        code == Some(2) && error.contains("allowed: 1 to 63 letters"),
        "{error}"
    );
}

#[tokio::test]
async fn a_private_postgres_has_readers_too() {
    let server = Server::start_private();
    let ran = |arguments: &[&str]| {
        let output = server.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        String::from_utf8(output.stdout).unwrap()
    };
    ran(&["migrate", "--reader", "reporter"]);
    let who = "SELECT current_user, current_setting('transaction_read_only')";
    let said = ran(&[
        "psql",
        "--reader",
        "reporter",
        "--",
        "-At",
        "--command",
        who,
    ]);
    assert_eq!(said, "reporter|on\n");
    server.stop();
}
