//! The same faults with a spool: no delivery gets 503, and once Postgres is back every acked
//! delivery is stored once, with its original arrival time.

use hookshelf::{
    clock::Clock,
    envelope::Envelope,
    spool::{FILE_BYTES, Record, Settings, Spool},
};
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use nix::sys::signal::Signal;
use sqlx::PgConnection;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::support::{
    cluster::Cluster,
    directory::Directory,
    eventually,
    message::message,
    proxy::Proxy,
    server::{Server, apps, deliver_to},
};

use super::stage::{Flow, Stage, events, serve_with, until_degraded, until_missing, url_of};

const LOSSY: &str = "allow_lossy_commits = true";

/// Trigger that makes Postgres hang on one message.
const HANG: &str = "CREATE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN IF NEW.message_id = 'mid.hang' THEN PERFORM pg_sleep(600); END IF;
       RETURN NEW; END $$;
    CREATE TRIGGER hang BEFORE INSERT ON stored_events FOR EACH ROW EXECUTE FUNCTION hang()";

async fn deliver(server: &Server, mid: &str) -> u16 {
    let answer = deliver_to(server.public, "/webhook", message(mid, "Rye")).await;
    answer.unwrap().status
}

async fn until_stored(database: &mut PgConnection, mids: &[&str]) {
    eventually("they are stored", async || {
        events(database).await.len() >= mids.len()
    })
    .await;
    let mut stored = events(database).await;
    stored.sort();
    assert_eq!(stored, mids);
}

async fn run(database: &mut PgConnection, sql: &'static str) {
    sqlx::raw_sql(sql).execute(database).await.unwrap();
}

#[tokio::test]
async fn a_killed_postgres_puts_nobody_off() {
    let (mut stage, flow) = Stage::with_a_spool().await;
    for _ in 0..3 {
        stage.postgres.kill();
        flow.goes_on().await;
        until_degraded(&stage.server, &["database"]).await;
        flow.goes_on().await;
        stage.postgres.start().await;
        flow.goes_on().await;
    }
    assert_eq!(flow.put_off(), 0);
    stage.ends_well(flow).await;
}

#[tokio::test]
async fn a_postgres_stopped_where_it_is_puts_nobody_off() {
    let (stage, flow) = Stage::with_a_spool().await;
    for _ in 0..2 {
        stage.postgres.freeze();
        flow.goes_on().await;
        flow.goes_on().await;
        stage.postgres.thaw();
        flow.goes_on().await;
    }
    assert_eq!(flow.put_off(), 0);
    stage.ends_well(flow).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_network_and_lost_answers_put_nobody_off() {
    let postgres = Cluster::start_with(&[]).await;
    let network = Proxy::to(postgres.options()).await;
    let server = serve_with(&url_of(&network.options()), LOSSY);
    let flow = Flow::to(&server);
    flow.goes_on().await;
    for _ in 0..2 {
        network.freeze();
        flow.goes_on().await;
        flow.goes_on().await;
        network.mend();
        flow.goes_on().await;
        network.hold_answers();
        network.until_holding().await;
        flow.goes_on().await;
        network.cut();
        network.mend();
        flow.goes_on().await;
    }
    assert_eq!(flow.put_off(), 0);
    let stage = Stage { postgres, server };
    stage.ends_well(flow).await;
}

#[tokio::test]
async fn a_server_starts_without_its_database_and_brings_it_up_when_it_is_there() {
    let mut postgres = Cluster::make(&[]).await;
    let server = serve_with(&postgres.url(), LOSSY);
    let said = server.said().join("\n");
    assert!(said.contains("UNAVAILABLE"), "{said}");
    let before = Clock::system().now();
    assert_eq!(deliver(&server, "mid.1").await, 200);
    assert_eq!(deliver(&server, "mid.2").await, 200);
    let after = Clock::system().now();
    until_degraded(&server, &["database"]).await;
    postgres.start().await;
    until_degraded(&server, &[]).await;
    let mut database = postgres.connect().await;
    until_stored(&mut database, &["mid.1", "mid.2"]).await;
    assert_eq!(events(&mut database).await, ["mid.1", "mid.2"], "in order");
    let count = "SELECT count(*) FROM deliveries WHERE received_at BETWEEN $1 AND $2";
    let at_their_time: i64 = sqlx::query_scalar(count)
        .bind(before.to_sqlx())
        .bind(after.to_sqlx())
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert_eq!(at_their_time, 2);
}

/// On a standby not even the applied migrations can be read.
#[tokio::test]
async fn a_server_starts_before_a_standby_and_stores_when_it_is_the_primary() {
    let mut primary = Cluster::start_with(&["hot_standby=on"]).await;
    let standby = primary.standby().await;
    let server = serve_with(&standby.url(), LOSSY);
    let said = server.said().join("\n");
    assert!(
        said.contains("UNAVAILABLE: ") && said.contains("accepts no writes"),
        "{said}"
    );
    assert_eq!(deliver(&server, "mid.1").await, 200);
    primary.stop();
    let mut database = standby.connect().await;
    run(&mut database, "SELECT pg_promote()").await;
    eventually("the database is opened", async || {
        server.log().contains("connected to Postgres")
    })
    .await;
    until_stored(&mut database, &["mid.1"]).await;
}

#[tokio::test]
async fn what_a_killed_server_left_is_adopted_by_the_next() {
    let mut postgres = Cluster::start_with(&[]).await;
    let mut server = serve_with(&postgres.url(), LOSSY);
    assert_eq!(deliver(&server, "mid.0").await, 200);
    postgres.stop();
    for mid in ["mid.1", "mid.2", "mid.3"] {
        assert_eq!(deliver(&server, mid).await, 200);
        server.signal(Signal::SIGKILL);
        let (_, directory, place) = server.wait();
        server = Server::start_in(directory, place);
    }
    postgres.start().await;
    let mut database = postgres.connect().await;
    let all = ["mid.0", "mid.1", "mid.2", "mid.3"];
    until_stored(&mut database, &all).await;
    assert_eq!(events(&mut database).await, all, "in order");
}

#[tokio::test]
async fn a_full_spool_is_said_and_takes_again_when_it_was_drained() {
    let mut postgres = Cluster::start_with(&[]).await;
    let spool = "[spool]\nmax_bytes = \"1MiB\"\nreserve = \"0\"";
    let server = serve_with(&postgres.url(), &format!("{LOSSY}\n{spool}"));
    postgres.stop();
    let mut acked = 0;
    while deliver(&server, &format!("mid.{acked:04}")).await == 200 {
        acked += 1;
    }
    assert!(acked > 10, "{acked}");
    assert!(server.log().contains("failed to spool a delivery"));
    until_missing(&server, &["database", "spool"]).await;
    let status = server.run(&["spool", "status"]).stdout;
    let status = String::from_utf8_lossy(&status);
    assert!(
        status.contains("does not accept deliveries: it is full"),
        "{status}"
    );
    eventually("the metrics say it", async || {
        let metrics = server.ask_admin("/metrics").await.body;
        let metrics = String::from_utf8_lossy(&metrics);
        metrics.contains("\nhookshelf_spool_takes 0\n")
            && metrics.contains("\nhookshelf_spool_refusals_total{code=\"full\"} ")
    })
    .await;
    postgres.start().await;
    eventually("deliveries are taken again", async || {
        deliver(&server, &format!("mid.{acked:04}")).await == 200
    })
    .await;
    let mut database = postgres.connect().await;
    eventually("all is stored", async || {
        events(&mut database).await.len() == acked + 1
    })
    .await;
    until_degraded(&server, &[]).await;
}

/// Postgres hangs on one of the deliveries only.
#[tokio::test]
async fn a_delivery_that_postgres_hangs_on_is_in_nobodys_way() {
    let mut postgres = Cluster::start_with(&[]).await;
    let server = serve_with(&postgres.url(), LOSSY);
    let mut database = postgres.connect().await;
    run(&mut database, HANG).await;
    postgres.stop();
    for mid in ["mid.1", "mid.hang", "mid.2", "mid.3"] {
        assert_eq!(deliver(&server, mid).await, 200);
    }
    postgres.start().await;
    let mut database = postgres.connect().await;
    until_stored(&mut database, &["mid.1", "mid.2", "mid.3"]).await;
    eventually("it is told of", async || {
        server.log().contains("retried after the others")
    })
    .await;
    let (_, directory, place) = server.stop();
    // A hanging commit holds locks that block dropping the function.
    let ended = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'hookshelf writer'";
    eventually("no commit hangs any more", async || {
        let left: i64 = sqlx::query_scalar(ended)
            .fetch_one(&mut database)
            .await
            .unwrap();
        left == 0
    })
    .await;
    run(&mut database, "DROP FUNCTION hang CASCADE").await;
    let _server = Server::start_in(directory, place);
    until_stored(&mut database, &["mid.1", "mid.2", "mid.3", "mid.hang"]).await;
}

/// The hanging delivery is the first in the spool, and a full spool has no room to move it to the
/// end.
#[tokio::test]
async fn a_delivery_that_postgres_hangs_on_does_not_keep_a_full_spool_full() {
    let mut postgres = Cluster::start_with(&[]).await;
    let spool = "[spool]\nmax_bytes = \"1MiB\"\nreserve = \"0\"";
    let server = serve_with(&postgres.url(), &format!("{LOSSY}\n{spool}"));
    let mut database = postgres.connect().await;
    run(&mut database, HANG).await;
    postgres.stop();
    assert_eq!(deliver(&server, "mid.hang").await, 200);
    let (mut acked, text) = (0, "Rye ".repeat(8_000));
    let full = async |mid: String| {
        let answer = deliver_to(server.public, "/webhook", message(&mid, &text)).await;
        answer.unwrap().status != 200
    };
    while !full(format!("mid.{acked:04}")).await {
        acked += 1;
    }
    postgres.start().await;
    let mut database = postgres.connect().await;
    eventually("all others are stored", async || {
        events(&mut database).await.len() == acked
    })
    .await;
}

/// In a long outage the drain tries one delivery at a time, and sometimes the next one. Postgres
/// comes back just then.
#[tokio::test]
async fn no_delivery_is_blamed_for_a_postgres_that_was_away() {
    let postgres = Cluster::start_with(&[]).await;
    let server = serve_with(&postgres.url(), LOSSY);
    let mut database = postgres.connect().await;
    run(
        &mut database,
        "CREATE SEQUENCE tries; SELECT nextval('tries'); SELECT pg_advisory_lock(7);
         CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN IF NEW.message_id = 'mid.2' THEN PERFORM nextval('tries'); END IF;
            PERFORM pg_advisory_xact_lock_shared(7); RETURN NEW; END $$;
         CREATE TRIGGER away BEFORE INSERT ON stored_events FOR EACH ROW EXECUTE FUNCTION away()",
    )
    .await;
    assert_eq!(deliver(&server, "mid.1").await, 200);
    assert_eq!(deliver(&server, "mid.2").await, 200);
    let tries = "SELECT last_value FROM tries";
    let before: i64 = sqlx::query_scalar(tries)
        .fetch_one(&mut database)
        .await
        .unwrap();
    eventually("the second one is tried alone", async || {
        let tries = sqlx::query_scalar::<_, i64>(tries).fetch_one(&mut database);
        tries.await.unwrap() > before
    })
    .await;
    run(&mut database, "SELECT pg_advisory_unlock(7)").await;
    until_stored(&mut database, &["mid.1", "mid.2"]).await;
    until_degraded(&server, &[]).await;
    assert!(
        !server.log().contains("retried after the others"),
        "{}",
        server.log()
    );
}

#[tokio::test]
async fn with_too_little_room_on_its_disk_postgres_is_left_alone() {
    let directory = Directory::create();
    let configure = |min_free: &str| {
        let configuration = apps(["default"]);
        let database = format!("[database]\nmin_free = {min_free:?}\n");
        std::fs::write(
            directory.join("hookshelf.toml"),
            configuration + database.as_str(),
        )
        .unwrap();
    };
    configure("8TiB");
    let path = directory.path().to_owned();
    let server = Server::start_in(directory, None);
    assert_eq!(deliver(&server, "mid.1").await, 200);
    until_degraded(&server, &["disk"]).await;
    let mut database = server.database().await;
    assert_eq!(events(&mut database).await, [""; 0]);
    drop(database);
    let (status, directory, place) = server.stop();
    assert!(status.success());
    let text = std::fs::read_to_string(path.join("hookshelf.toml")).unwrap();
    std::fs::write(path.join("hookshelf.toml"), text.replace("8TiB", "1KiB")).unwrap();
    let server = Server::start_in(directory, place);
    let mut database = server.database().await;
    until_stored(&mut database, &["mid.1"]).await;
    until_degraded(&server, &[]).await;
}

/// Opens the spool in `directory` while no server uses it.
fn spool_in(directory: &Directory) -> Spool {
    let settings = Settings {
        dir: directory.join("data/spool"),
        max_bytes: 1 << 30,
        reserve: 0,
        file_bytes: FILE_BYTES,
    };
    Spool::open(&settings, Clock::system()).unwrap()
}

fn record(id: u64, received_at: Timestamp, mid: &str) -> Record {
    Record {
        envelope: Envelope {
            id: Uuid::from_u64_pair(7, id),
            received_at,
            app: "default".into(),
            headers: "{}".to_owned(),
            remote_addr: Some([192, 0, 2, 7].into()),
        },
        simulated: false,
        secret: "previous-1".into(),
        body: message(mid, "Rye").into(),
    }
}

/// Trigger that slows each commit down, and thereby the drain.
const SLOW: &str = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$;
    CREATE TRIGGER slow BEFORE INSERT ON stored_events FOR EACH STATEMENT EXECUTE FUNCTION slow()";

/// A repeated drain stores nothing twice.
#[tokio::test]
async fn a_long_drain_keeps_its_order_keeps_no_new_delivery_waiting_and_may_be_done_twice() {
    let postgres = Cluster::start_with(&[]).await;
    let server = serve_with(&postgres.url(), LOSSY);
    let mut database = postgres.connect().await;
    run(&mut database, SLOW).await;
    let (_, directory, place) = server.stop();
    let now = Clock::system().now();
    let spooled: Vec<_> = (0..4000).map(|id| format!("mid.{id:04}")).collect();
    let spool = spool_in(&directory);
    let records = spooled.iter().zip(0..);
    let records: Vec<_> = records.map(|(mid, id)| record(id, now, mid)).collect();
    // One thread starts the appends in this order, and they are written together.
    let mut keeping = JoinSet::new();
    for record in records.clone() {
        let spool = spool.clone();
        keeping.spawn(async move { spool.append(&record).await });
    }
    assert!(keeping.join_all().await.iter().all(Result::is_ok));
    drop(spool);
    let server = Server::start_in(directory, place);
    assert_eq!(deliver(&server, "mid.new").await, 200);
    eventually("all are stored", async || {
        events(&mut database).await.len() == spooled.len() + 1
    })
    .await;
    let mut stored = events(&mut database).await;
    assert_ne!(stored.last().map(String::as_str), Some("mid.new"));
    stored.retain(|mid| mid != "mid.new");
    assert_eq!(stored, spooled, "in order");

    let (_, directory, place) = server.stop();
    spool_in(&directory).append(&records[7]).await.unwrap();
    let server = Server::start_in(directory, place);
    eventually("it is drained once more", async || {
        let status = server.run(&["spool", "status", "--json"]).stdout;
        String::from_utf8_lossy(&status).contains(r#""drained":1,"#)
    })
    .await;
    let count = "SELECT (SELECT count(*) FROM deliveries), (SELECT count(*) FROM repeats)";
    let counts: (i64, i64) = sqlx::query_as(count)
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert_eq!(counts, (4001, 0));
}

/// The delivery was spooled before the server was down for two days.
#[tokio::test]
async fn what_was_kept_for_days_has_its_own_time_and_followers_are_told_of_its_day() {
    let received_at = Clock::system().now() - SignedDuration::from_hours(50);
    let directory = Directory::create();
    std::fs::create_dir(directory.join("data")).unwrap();
    let old = record(7, received_at, "mid.old");
    spool_in(&directory).append(&old).await.unwrap();
    let postgres = Cluster::start_with(&[]).await;
    let configuration = format!(
        "{}[database]\nurl = {:?}\n{LOSSY}\n",
        apps(["default"]),
        postgres.url()
    );
    std::fs::write(directory.join("hookshelf.toml"), configuration).unwrap();
    let _server = Server::start_in(directory, None);
    let mut database = postgres.connect().await;
    until_stored(&mut database, &["mid.old"]).await;
    let sql = "SELECT d.received_at = $1 AND e.received_at = $1 AND secret = 'previous-1'
                      AND d.remote_addr = '192.0.2.7' AND d.source = 'live'
                      AND last_position = e.position
               FROM deliveries AS d JOIN events AS e ON d.id = e.delivery_id
               LEFT JOIN late_days ON day = (e.received_at AT TIME ZONE 'UTC')::date";
    let right: bool = sqlx::query_scalar(sql)
        .bind(received_at.to_sqlx())
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert!(right);
}
