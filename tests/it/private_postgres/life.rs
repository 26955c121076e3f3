//! Starts, crashes and stops that must succeed.

use std::os::unix::fs::PermissionsExt;

use hookshelf::store::private::{Error, Health, PrivatePostgres};

use super::application::Application;
use super::{ask, connect, durable_settings, files, kill, postmaster, settings, start};
use crate::support::directory::Directory;
use crate::support::eventually;

#[tokio::test]
async fn what_was_stored_is_there_after_the_second_start() {
    let directory = Directory::create();

    let postgres = start(&directory).await;
    assert_eq!(*postgres.health().borrow(), Health::Up);
    let mut connection = connect(postgres.connect_options()).await;
    sqlx::query("CREATE TABLE shelf AS SELECT 'kept' AS what")
        .execute(&mut connection)
        .await
        .unwrap();
    postgres.stop().await.unwrap();
    assert_eq!(
        postmaster(&directory),
        None,
        "a stopped server leaves no pid file"
    );

    let postgres = start(&directory).await;
    assert_eq!(
        ask(postgres.connect_options(), "SELECT what FROM shelf").await,
        "kept"
    );
    postgres.stop().await.unwrap();
    assert_eq!(
        files(&directory),
        ["data", "lock", "pg.log", "pg.log.old", "socket"]
    );
}

#[tokio::test]
async fn commits_are_durable_and_only_the_socket_answers() {
    let directory = Directory::create();
    let settings = durable_settings(directory.path());
    let postgres = PrivatePostgres::start(settings).await.unwrap();
    let mut connection = connect(postgres.connect_options()).await;

    for (name, value) in [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("data_checksums", "on"),
        ("listen_addresses", ""),
        ("checkpoint_timeout", "30min"),
        ("jit", "off"),
        ("max_wal_size", "4GB"),
        ("min_wal_size", "512MB"),
        ("server_encoding", "UTF8"),
    ] {
        let set: String = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(name)
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(set, value, "{name}");
    }
    let socket_dir = std::fs::metadata(directory.join("postgres/socket")).unwrap();
    assert_eq!(socket_dir.permissions().mode() & 0o777, 0o700);
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn no_value_of_a_row_reaches_the_log() {
    let directory = Directory::create();
    let postgres = start(&directory).await;
    let mut connection = connect(postgres.connect_options()).await;
    sqlx::query("CREATE TABLE t (secret text PRIMARY KEY)")
        .execute(&mut connection)
        .await
        .unwrap();
    let insert = "INSERT INTO t VALUES ($1)";
    sqlx::query(insert)
        .bind("hidden words")
        .execute(&mut connection)
        .await
        .unwrap();
    sqlx::query(insert)
        .bind("hidden words")
        .execute(&mut connection)
        .await
        .unwrap_err();
    postgres.stop().await.unwrap();

    let log = std::fs::read_to_string(directory.join("postgres/pg.log")).unwrap();
    assert!(
        log.contains("duplicate key"),
        "the error itself is logged: {log}"
    );
    assert!(!log.contains("hidden words"), "{log}");
}

#[tokio::test]
async fn a_killed_application_leaves_its_server_to_the_next() {
    let directory = Directory::create();
    Application::start(&directory, None).kill();
    let left = postmaster(&directory).expect("the server outlives the application");

    let postgres = start(&directory).await;
    assert_eq!(
        postmaster(&directory),
        Some(left),
        "it is adopted, not started again"
    );
    assert_eq!(
        ask(postgres.connect_options(), "SELECT 'well'").await,
        "well"
    );
    postgres.stop().await.unwrap();
    assert_eq!(
        postmaster(&directory),
        None,
        "an adopted server is stopped as well"
    );
}

#[tokio::test]
async fn a_killed_server_is_started_again() {
    let directory = Directory::create();
    let postgres = start(&directory).await;
    killed_and_back(&directory, &postgres).await;
    killed_and_back(&directory, &postgres).await;
    postgres.stop().await.unwrap();
    assert_eq!(postmaster(&directory), None);
}

#[tokio::test]
async fn a_killed_server_that_was_adopted_is_started_again() {
    let directory = Directory::create();
    Application::start(&directory, None).kill();
    let postgres = start(&directory).await;
    killed_and_back(&directory, &postgres).await;
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn application_and_server_may_be_killed_together() {
    let directory = Directory::create();
    Application::start(&directory, None).kill();
    kill(postmaster(&directory).unwrap());
    let postgres = start(&directory).await;
    assert_eq!(
        ask(postgres.connect_options(), "SELECT 'well'").await,
        "well"
    );
    postgres.stop().await.unwrap();
}

async fn killed_and_back(directory: &Directory, postgres: &PrivatePostgres) {
    let mut health = postgres.health();
    let killed = postmaster(directory).expect("a server");
    kill(killed);
    health
        .wait_for(|health| *health == Health::Down)
        .await
        .unwrap();
    health
        .wait_for(|health| *health == Health::Up)
        .await
        .unwrap();
    assert_ne!(postmaster(directory), Some(killed));
    assert_eq!(
        ask(postgres.connect_options(), "SELECT 'well'").await,
        "well"
    );
}

#[tokio::test]
async fn a_stop_while_the_server_is_down_is_a_stop() {
    let directory = Directory::create();
    let postgres = start(&directory).await;
    kill(postmaster(&directory).unwrap());
    postgres
        .health()
        .wait_for(|health| *health == Health::Down)
        .await
        .unwrap();
    postgres.stop().await.unwrap();
    start(&directory).await.stop().await.unwrap();
}

#[tokio::test]
async fn dropping_it_ends_the_server() {
    let directory = Directory::create();
    drop(start(&directory).await);
    eventually("the server ends", async || postmaster(&directory).is_none()).await;
    // The lock is released only when the process has ended, a moment later.
    start_when_free(&directory).await.stop().await.unwrap();
}

/// Starts once no process holds the directory.
async fn start_when_free(directory: &Directory) -> PrivatePostgres {
    let mut started = None;
    let starts = async || match PrivatePostgres::start(settings(directory.path())).await {
        Err(Error::Locked { .. }) => false,
        other => {
            started = Some(other.unwrap());
            true
        }
    };
    eventually("the directory is free", starts).await;
    started.unwrap()
}

#[tokio::test]
async fn half_made_data_are_made_again() {
    let directory = Directory::create();
    let half_made = directory.join("postgres/data.init-0badcafe");
    std::fs::create_dir_all(half_made.join("base")).unwrap();
    std::fs::write(half_made.join("PG_VERSION"), "15\n").unwrap();

    let postgres = start(&directory).await;
    assert_eq!(
        ask(postgres.connect_options(), "SELECT 'well'").await,
        "well"
    );
    postgres.stop().await.unwrap();
    assert_eq!(files(&directory), ["data", "lock", "pg.log", "socket"]);
}

#[tokio::test]
async fn an_application_killed_while_it_makes_the_data_harms_nothing() {
    let directory = Directory::create();
    let application = Application::spawn(&directory, None);
    let half_made = async || {
        files(&directory)
            .iter()
            .any(|name| name.starts_with("data.init-"))
    };
    eventually("initdb is at work", half_made).await;
    application.kill();
    assert!(
        !files(&directory).contains(&"data".to_owned()),
        "killed half way"
    );

    // A child that was about to become initdb may hold the directory a moment longer.
    let postgres = start_when_free(&directory).await;
    assert_eq!(
        ask(postgres.connect_options(), "SELECT 'well'").await,
        "well"
    );
    postgres.stop().await.unwrap();
    start(&directory).await.stop().await.unwrap();
    let files = files(&directory);
    assert_eq!(files, ["data", "lock", "pg.log", "pg.log.old", "socket"]);
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_is_no_obstacle() {
    let outer = Directory::create();
    let long = outer.join("a-long-name/".repeat(10));
    let settings = settings(&long);
    for _ in ["first start", "second start"] {
        let postgres = PrivatePostgres::start(settings.clone()).await.unwrap();
        let options = PrivatePostgres::connect_if_running(&settings)
            .await
            .expect("it runs");
        let socket_dir = options.get_socket().unwrap().clone();
        assert!(!socket_dir.starts_with(outer.path()));
        let mode = std::fs::metadata(&socket_dir).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        assert_eq!(ask(options, "SELECT 'well'").await, "well");
        postgres.stop().await.unwrap();
        assert!(
            !socket_dir.exists(),
            "nothing is left outside the data directory"
        );
    }
}

#[tokio::test]
async fn odd_characters_in_the_path_are_no_obstacle() {
    let outer = Directory::create();
    let settings = settings(&outer.join("a, b'\"c ü"));
    let postgres = PrivatePostgres::start(settings).await.unwrap();
    assert_eq!(
        ask(postgres.connect_options(), "SELECT 'well'").await,
        "well"
    );
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn data_behind_a_link_are_adopted_as_well() {
    let directory = Directory::create();
    start(&directory).await.stop().await.unwrap();
    let moved = directory.join("another-disk");
    std::fs::rename(directory.join("postgres/data"), &moved).unwrap();
    std::os::unix::fs::symlink(&moved, directory.join("postgres/data")).unwrap();

    Application::start(&directory, None).kill();
    let left = postmaster(&directory).expect("the server outlives the application");
    let postgres = start(&directory).await;
    assert_eq!(postmaster(&directory), Some(left));
    postgres.stop().await.unwrap();
}
