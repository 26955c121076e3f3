//! Every database problem that `doctor` reports, provoked.

use sqlx::{AssertSqlSafe, Executor};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream, UnixStream},
};

use super::{DoctorReport, good};
use crate::support::server::{ALLOW_LOSSY, Server};

async fn run(server: &Server, sql: &str) {
    let mut database = server.database().await;
    database
        .execute(AssertSqlSafe(sql.to_owned()))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_take_the_promise_back_are_wrong() {
    let server = Server::start_with(&good()).await;
    // Test servers run with lossy commits.
    let report = DoctorReport::of(&server, &[(ALLOW_LOSSY, "false")]);
    report.says("durability", "wrong", "fsync is off");
    report.says("database", "ok", "can hold every text");
    report.says("sessions", "ok", "more sessions are free");
    report.says("partitions", "ok", "today and the days ahead");
    report.says("clock", "ok", "agrees with the clock of the database");
    assert_eq!(report.code, Some(1));
    let database = server.place.as_ref().unwrap().options();
    let name = database.get_database().unwrap();
    for setting in [
        "synchronous_commit = off",
        "default_transaction_read_only = on",
    ] {
        run(&server, &format!("ALTER DATABASE {name} SET {setting}")).await;
    }
    let report = DoctorReport::of(&server, &[(ALLOW_LOSSY, "false")]);
    report.says("durability", "wrong", "synchronous_commit is off");
    report.says("durability", "wrong", "default_transaction_read_only is on");
    let report = DoctorReport::of(&server, &[]);
    report.says("durability", "warning", "fsync is off");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_of_another_program_is_told() {
    let server = Server::start_with(&good()).await;
    let newest = "(SELECT max(version) FROM _sqlx_migrations)";
    let known: i64 = sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
        .fetch_one(&mut server.database().await)
        .await
        .unwrap();
    let report = DoctorReport::of(&server, &[]);
    report.says("schema", "ok", &format!("up to {known}"));
    let change = format!("UPDATE _sqlx_migrations SET version = 99990101 WHERE version = {newest}");
    run(&server, &change).await;
    let report = DoctorReport::of(&server, &[]);
    report.says("schema", "wrong", "99990101 is unknown");
    report.says("callback", "unchecked", "the schema has to be right");
    run(
        &server,
        &format!("DELETE FROM _sqlx_migrations WHERE version = {newest}"),
    )
    .await;
    let report = DoctorReport::of(&server, &[]);
    report.says("schema", "warning", &format!("not applied yet: {known}"));
    run(
        &server,
        "UPDATE _sqlx_migrations SET checksum = 'x' WHERE version = 2",
    )
    .await;
    let report = DoctorReport::of(&server, &[]);
    report.says("schema", "wrong", "migration 2 differs from the one");
    run(&server, "DROP SCHEMA public CASCADE; CREATE SCHEMA public").await;
    let report = DoctorReport::of(&server, &[]);
    report.says("schema", "warning", "not applied yet: 1, 2");
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_that_are_missing_or_half_detached_are_told() {
    let server = Server::start_with(&good()).await;
    // Holds the lock of partition makers, so that the server cannot repair the damage.
    let mut makers = server.database().await;
    sqlx::query("SELECT pg_advisory_lock($1)")
        .bind(0x0068_6f6f_6b73_6831_i64)
        .execute(&mut makers)
        .await
        .unwrap();
    let today: String = sqlx::query_scalar(
        "SELECT to_char(now() AT TIME ZONE 'UTC' + interval '1 day', 'YYYYMMDD')",
    )
    .fetch_one(&mut server.database().await)
    .await
    .unwrap();
    run(&server, &format!("DROP TABLE events_{today}")).await;
    run(
        &server,
        &format!(
            "UPDATE pg_inherits SET inhdetachpending = true
             WHERE inhrelid = 'deliveries_{today}'::regclass"
        ),
    )
    .await;
    run(
        &server,
        "UPDATE commit_fence SET epoch = 7, epoch_since = now() - interval '30 days'",
    )
    .await;
    let report = DoctorReport::of(&server, &[]);
    report.says(
        "partitions",
        "warning",
        "the days ahead are missing: 2, the first is",
    );
    let half = format!("detaching deliveries_{today} from stored_deliveries was interrupted");
    report.says("partitions", "warning", &half);
    let remedy = report
        .lines
        .iter()
        .filter_map(|line| line.remedy.as_deref());
    assert!(remedy.clone().any(|it| it.contains("FINALIZE")));
    report.says("partitions", "warning", "have no partition");
    report.says("partitions", "warning", "did not move on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_told_without_its_password() {
    let server = Server::start_with(&good()).await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let url = format!("postgres://somebody:swordfish@{address}/none");
    let output = server.run_with(&["doctor"], &[("HOOKSHELF__DATABASE__URL", &url)]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("wrong     database       Postgres is not available"),
        "{text}"
    );
    assert!(
        text.contains("unchecked partitions     no connection to the database"),
        "{text}"
    );
    assert!(!text.contains("swordfish"), "{text}");
    assert_eq!(output.status.code(), Some(1));
}

/// Simulates a pooler without the startup parameter `options`, such as one in transaction mode.
async fn pooler(server: &Server) -> String {
    let options = server.place.as_ref().unwrap().options();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let socket = options
        .get_socket()
        .map(|dir| dir.join(format!(".s.PGSQL.{}", options.get_port())));
    let tcp = format!("{}:{}", options.get_host(), options.get_port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (socket, tcp) = (socket.clone(), tcp.clone());
            tokio::spawn(async move {
                match socket {
                    Some(socket) => {
                        pool(stream, UnixStream::connect(socket).await.unwrap()).await;
                    }
                    None => pool(stream, TcpStream::connect(tcp).await.unwrap()).await,
                }
            });
        }
    });
    let mut url = url::Url::parse(&server.place.as_ref().unwrap().url()).unwrap();
    url.set_query(Some("sslmode=disable"));
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(port)).unwrap();
    url.into()
}

async fn pool(
    mut client: TcpStream,
    mut server: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
) {
    let length = client.read_i32().await.unwrap();
    let mut startup = vec![0; usize::try_from(length).unwrap() - 4];
    client.read_exact(&mut startup).await.unwrap();
    if startup.windows(9).any(|it| it == b"\0options\0") {
        let fields = b"SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: options\0\0";
        let length = i32::try_from(fields.len() + 4).unwrap();
        let error = [b"E", &length.to_be_bytes()[..], fields].concat();
        let _ = client.write_all(&error).await;
        return;
    }
    server.write_i32(length).await.unwrap();
    server.write_all(&startup).await.unwrap();
    let _ = copy_bidirectional(&mut client, &mut server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_refuses_the_writers_session_is_told() {
    let server = Server::start_with(&good()).await;
    let url = pooler(&server).await;
    let report = DoctorReport::of(&server, &[("HOOKSHELF__DATABASE__URL", &url)]);
    report.says("database", "ok", "answers");
    report.says(
        "sessions",
        "wrong",
        "unsupported startup parameter: options",
    );
    assert_eq!(report.code, Some(1));
}
