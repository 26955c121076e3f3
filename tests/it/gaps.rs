//! Gaps of a server that stopped, was killed, or spooled deliveries.

use hookshelf::{
    config::{Role, Token},
    query::{GapCause, GapFilter, GapRow, Scope, Session},
};
use jiff::Timestamp;
use nix::sys::signal::Signal;
use sqlx::Connection;

use crate::support::{
    eventually,
    message::message,
    postgres::TestDatabase,
    server::{Server, apps},
};

async fn gaps(database: &TestDatabase, filter: &GapFilter) -> Vec<GapRow> {
    let mut session = Session::open(&database.options(), &Scope::local(Role::Viewer))
        .await
        .unwrap();
    session.gaps(filter, 100).await.unwrap()
}

/// Waits until there are `count` gaps.
async fn are_stored(database: &TestDatabase, count: usize) -> Vec<GapRow> {
    let mut found = Vec::new();
    eventually("the gaps are stored", async || {
        found = gaps(database, &GapFilter::default()).await;
        found.len() == count
    })
    .await;
    found
}

/// Waits until a server is noted as running.
async fn is_noted(server: &Server) {
    let mut database = server.database().await;
    eventually("it is noted as running", async || {
        let noted = sqlx::query_scalar("SELECT EXISTS (SELECT FROM liveness WHERE NOT stopped)");
        noted.fetch_one(&mut database).await.unwrap()
    })
    .await;
}

fn now() -> Timestamp {
    hookshelf::clock::Clock::system().now()
}

#[tokio::test]
async fn a_stop_and_a_kill_are_a_gap_for_each_app_until_the_next_start() {
    let server = Server::start_with(&apps(["default", "shop"])).await;
    is_noted(&server).await;
    assert_eq!(
        gaps(server.place.as_ref().unwrap(), &GapFilter::default()).await,
        []
    );

    let before_stop = now();
    let (_, directory, place) = server.stop();
    let after_stop = now();
    let server = Server::start_in(directory, place);
    let after_start = now();
    let stopped = are_stored(server.place.as_ref().unwrap(), 2).await;
    let mut names: Vec<_> = stopped.iter().map(|it| &*it.app).collect();
    names.sort_unstable();
    assert_eq!(names, ["default", "shop"]);
    for gap in &stopped {
        assert_eq!(gap.cause, "down");
        assert!(
            before_stop <= gap.opened_at && gap.opened_at <= after_stop,
            "{gap:?}"
        );
        let closed_at = gap.closed_at.unwrap();
        assert!(
            after_stop <= closed_at && closed_at <= after_start,
            "{gap:?}"
        );
    }

    is_noted(&server).await;
    server.signal(Signal::SIGKILL);
    let (_, directory, place) = server.wait();
    let after_kill = now();
    let server = Server::start_in(directory, place);
    let database = server.place.as_ref().unwrap();
    let killed = are_stored(database, 4).await;
    for gap in &killed[2..] {
        assert_eq!(gap.cause, "down");
        assert!(
            gap.opened_at <= after_kill && gap.closed_at.unwrap() >= after_kill,
            "{gap:?}"
        );
    }

    let shop = GapFilter {
        app: Some("shop".to_owned()),
        since: Some(after_kill),
        ..GapFilter::default()
    };
    let of_shop = gaps(database, &shop).await;
    assert_eq!(of_shop.len(), 1, "{of_shop:?}");
    let earlier = GapFilter {
        causes: vec![GapCause::Down],
        until: stopped[0].closed_at,
        ..GapFilter::default()
    };
    assert_eq!(gaps(database, &earlier).await, stopped);
    let spooling = GapFilter {
        causes: vec![GapCause::Spooling],
        ..GapFilter::default()
    };
    assert_eq!(gaps(database, &spooling).await, []);
}

#[tokio::test]
async fn an_open_gap_of_a_killed_server_ends_with_it() {
    let server = Server::start().await;
    is_noted(&server).await;
    let mut connection = server.database().await;
    let open = "INSERT INTO gaps (app, cause, opened_at) VALUES ('default', 'refusing', now() - interval '1 hour')";
    sqlx::query(open).execute(&mut connection).await.unwrap();
    server.signal(Signal::SIGKILL);
    let (_, directory, place) = server.wait();
    let server = Server::start_in(directory, place);
    let found = are_stored(server.place.as_ref().unwrap(), 2).await;
    assert_eq!((&*found[0].cause, &*found[1].cause), ("refusing", "down"));
    assert_eq!(found[0].closed_at, Some(found[1].opened_at));
}

#[tokio::test]
async fn another_running_server_leaves_no_gap() {
    let server = Server::start().await;
    is_noted(&server).await;
    let mut connection = server.database().await;
    let other = "INSERT INTO liveness (app, instance, alive_at, stopped)
        VALUES ('default', 'other:/var/lib/hookshelf', now(), false)";
    sqlx::query(other).execute(&mut connection).await.unwrap();
    let (_, directory, place) = server.stop();
    let server = Server::start_in(directory, place);
    is_noted(&server).await;
    let running = "SELECT count(*) FROM liveness WHERE NOT stopped";
    eventually("both are noted as running", async || {
        let count: i64 = sqlx::query_scalar(running)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        count == 2
    })
    .await;
    assert_eq!(
        gaps(server.place.as_ref().unwrap(), &GapFilter::default()).await,
        []
    );
}

#[tokio::test]
async fn spooled_deliveries_are_a_gap_until_the_spool_is_empty() {
    let server = Server::start().await;
    is_noted(&server).await;
    let mut connection = server.database().await;
    let mut holder = connection.begin().await.unwrap();
    let lock = sqlx::query("SELECT 1 FROM commit_fence FOR UPDATE");
    lock.execute(&mut *holder).await.unwrap();
    let answer = server
        .deliver("/webhook", message("mid.late", "Rolls"))
        .await;
    assert_eq!(answer.status, 200);
    let database = server.place.as_ref().unwrap();
    let found = are_stored(database, 1).await;
    assert_eq!((&*found[0].app, &*found[0].cause), ("default", "spooling"));
    assert_eq!(found[0].closed_at, None);
    holder.rollback().await.unwrap();
    eventually("the gap is closed", async || {
        let found = gaps(database, &GapFilter::default()).await;
        found.len() == 1 && found[0].closed_at.is_some()
    })
    .await;
}

#[tokio::test]
async fn a_scope_shows_the_gaps_of_its_apps_and_of_the_apps_of_its_clients() {
    let database = TestDatabase::create().await;
    let fill = sqlx::raw_sql(
        "INSERT INTO gaps (app, cause, opened_at) VALUES ('shop', 'down', now()), ('bar', 'down', now());
         INSERT INTO accounts (app, account_id, client, first_seen, last_seen)
         VALUES ('shop', '1784', 'bakery', now(), now())",
    );
    fill.execute(&mut database.connect().await).await.unwrap();
    let app = |name: &str| vec![name.parse().unwrap()];
    let client = |name: &str| vec![name.to_owned()];
    for (apps, clients, shown) in [
        (None, None, &["bar", "shop"] as &[&str]),
        (Some(app("bar")), None, &["bar"]),
        (None, Some(client("bakery")), &["shop"]),
        (Some(app("bar")), Some(client("bakery")), &[]),
        (None, Some(client("florist")), &[]),
    ] {
        let token = Token {
            name: "reader".to_owned(),
            sha256: [0; 32],
            role: Role::Viewer,
            content: false,
            apps,
            clients,
            consumers: Vec::new(),
        };
        let mut session = Session::open(&database.options(), &Scope::of(&token))
            .await
            .unwrap();
        let rows = session.gaps(&GapFilter::default(), 10).await.unwrap();
        let mut found: Vec<_> = rows.iter().map(|row| &*row.app).collect();
        found.sort_unstable();
        assert_eq!(found, shown, "{token:?}");
    }
}

/// Opened and closed times of the gaps with this cause, in hours before now.
async fn hours(server: &Server, cause: &'static str) -> Vec<(Option<i32>, Option<i32>)> {
    let hours = "SELECT round(extract(epoch FROM now() - opened_at) / 3600)::int,
                        round(extract(epoch FROM now() - closed_at) / 3600)::int
                 FROM gaps WHERE cause = $1 ORDER BY opened_at";
    let hours = sqlx::query_as(hours).bind(cause);
    hours.fetch_all(&mut server.database().await).await.unwrap()
}

#[tokio::test]
async fn a_clock_that_was_ahead_hides_no_gap_and_makes_none_that_ends_before_it_begins() {
    let server = Server::start().await;
    is_noted(&server).await;
    server.signal(Signal::SIGKILL);
    let (_, directory, place) = server.wait();
    let mut database = place.as_ref().unwrap().connect().await;
    // Another server, whose clock was a day ahead, does not run any more.
    let jumped = "UPDATE liveness SET alive_at = now() - interval '3 hours', stopped = false;
         INSERT INTO liveness (app, instance, alive_at, stopped)
         VALUES ('default', 'other:/var/lib/hookshelf', now() + interval '1 day', false)";
    sqlx::raw_sql(jumped).execute(&mut database).await.unwrap();
    let server = Server::start_in(directory, place);
    eventually("the gap is stored", async || {
        hours(&server, "down").await == [(Some(3), Some(0))]
    })
    .await;

    // The clock of the only server was a day ahead, and is right again.
    server.signal(Signal::SIGKILL);
    let (_, directory, place) = server.wait();
    let jumped = "UPDATE liveness SET alive_at = now() + interval '1 day';
         INSERT INTO gaps (app, cause, opened_at)
         VALUES ('default', 'refusing', now() - interval '2 hours'),
                ('default', 'unable', now() + interval '20 hours')";
    sqlx::raw_sql(jumped).execute(&mut database).await.unwrap();
    let server = Server::start_in(directory, place);
    eventually("the open gaps are closed", async || {
        hours(&server, "refusing").await == [(Some(2), Some(0))]
            && hours(&server, "unable").await == [(Some(-20), Some(-20))]
    })
    .await;
    assert_eq!(
        hours(&server, "down").await,
        [(Some(3), Some(0))],
        "unknown, so none is added"
    );
    let alive = "SELECT max(alive_at) <= now() FROM liveness";
    let alive: bool = sqlx::query_scalar(alive)
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert!(alive, "the row is right again");
}
