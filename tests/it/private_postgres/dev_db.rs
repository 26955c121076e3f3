//! The throwaway Postgres answers, and leaves nothing behind however it ends.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::ConnectOptions;

use crate::support::directory::Directory;
use crate::support::eventually;
use crate::support::postgres::{DevDb, DevDbAddress, TestDatabase};

/// Variable that passes the parent directory of the throwaway Postgres.
const TEMP_DIR: &str = "HOOKSHELF_TEST_TEMP_DIR";

pub(super) fn dev_db(temp_dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hookshelf"));
    command.arg("dev-db").env("TMPDIR", temp_dir);
    command
}

fn is_empty(directory: &Directory) -> bool {
    std::fs::read_dir(directory.path())
        .unwrap()
        .next()
        .is_none()
}

#[tokio::test]
async fn every_test_gets_a_database_of_its_own() {
    let databases = [TestDatabase::create().await, TestDatabase::create().await];
    for database in &databases {
        let pool = database.pool().await;
        // If both were the same database, the second table of this name would be refused.
        sqlx::query("CREATE TABLE mine ()")
            .execute(&pool)
            .await
            .unwrap();
        let mut connection = database.connect().await;
        let name: String = sqlx::query_scalar("SELECT current_database()::text")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert!(database.url().contains(&name));
    }
}

#[tokio::test]
async fn databases_are_made_side_by_side() {
    let many: Vec<_> = (0..8)
        .map(|_| tokio::spawn(TestDatabase::create()))
        .collect();
    for database in many {
        database.await.unwrap().connect().await;
    }
}

#[tokio::test]
async fn it_ends_with_its_input() {
    let temp_dir = Directory::create();
    let mut server = DevDb::start(&mut dev_db(temp_dir.path()));
    assert!(server.place.dir.starts_with(temp_dir.path()));
    server.options().connect().await.unwrap();

    drop(server.input.take());

    assert!(server.process.wait().unwrap().success());
    assert!(is_empty(&temp_dir));
}

#[tokio::test]
async fn it_ends_when_told_to() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let temp_dir = Directory::create();
        let mut server = DevDb::start(&mut dev_db(temp_dir.path()));
        kill(
            Pid::from_raw(server.process.id().try_into().unwrap()),
            signal,
        )
        .unwrap();
        assert!(server.process.wait().unwrap().success());
        assert!(is_empty(&temp_dir));
    }
}

#[tokio::test]
async fn it_ends_when_its_holder_is_killed() {
    let temp_dir = Directory::create();
    let mut holder = Holder::start(&temp_dir);
    let open_session = holder.place.options().connect().await.unwrap();

    holder.process.kill().unwrap();
    holder.process.wait().unwrap();

    eventually("the directory is gone", async || is_empty(&temp_dir)).await;
    drop(open_session);
    holder
        .place
        .options()
        .connect()
        .await
        .expect_err("nobody answers");
}

#[tokio::test]
async fn what_a_killed_one_left_is_swept_by_the_next() {
    let temp_dir = Directory::create();
    let mut killed = DevDb::start(&mut dev_db(temp_dir.path()));
    killed.process.kill().unwrap();
    killed.process.wait().unwrap();
    killed
        .options()
        .connect()
        .await
        .expect("its server is left");

    let mut next = DevDb::start(&mut dev_db(temp_dir.path()));
    assert!(!killed.place.dir.exists());
    killed
        .options()
        .connect()
        .await
        .expect_err("nobody answers");
    let mut beside = DevDb::start(&mut dev_db(temp_dir.path()));
    next.options()
        .connect()
        .await
        .expect("one that is in use is left alone");

    for server in [&mut next, &mut beside] {
        drop(server.input.take());
        server.process.wait().unwrap();
    }
    assert!(is_empty(&temp_dir));
}

/// A second process of this test binary that holds a throwaway Postgres.
struct Holder {
    process: Child,
    place: DevDbAddress,
}

impl Holder {
    fn start(temp_dir: &Directory) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args([
            "--exact",
            "--ignored",
            "--nocapture",
            "private_postgres::dev_db::holder",
        ]);
        command
            .env(TEMP_DIR, temp_dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        let mut lines = output.lines().map_while(Result::ok);
        let place = lines.find_map(|line| serde_json::from_str(&line).ok());
        Self {
            process,
            place: place.expect("the holder says where its server is"),
        }
    }
}

#[tokio::test]
#[ignore = "the other process of a test that needs one"]
async fn holder() {
    let Some(temp_dir) = std::env::var_os(TEMP_DIR) else {
        return;
    };
    let server = DevDb::start(&mut dev_db(Path::new(&temp_dir)));
    println!("\n{}", serde_json::to_string(&server.place).unwrap());
    let input = tokio::task::spawn_blocking(|| std::io::stdin().lines().count());
    input.await.unwrap();
}
