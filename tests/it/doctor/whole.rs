//! Whole reports: without problems, without a server, and with a broken configuration.

use std::{fs::Permissions, os::unix::fs::PermissionsExt, process::Command};

use tokio::net::TcpListener;

use super::{
    DoctorReport,
    front::{Behind, Front, fixture},
    good, hides_secrets,
};
use crate::support::{
    directory::Directory,
    server::{Server, apps},
};
use hookshelf::doctor::Check;

const PAGE: &str = include_str!("../../../docs/doctor.md");

/// A data directory with a configuration that only its owner can read.
fn directory(configuration: &str) -> Directory {
    let directory = Directory::create();
    let file = directory.join("hookshelf.toml");
    std::fs::write(&file, configuration).unwrap();
    std::fs::set_permissions(file, Permissions::from_mode(0o600)).unwrap();
    directory
}

/// Runs `doctor` without a server.
fn alone(directory: &Directory, variables: &[(&str, &str)]) -> DoctorReport {
    let output = Command::new(env!("CARGO_BIN_EXE_hookshelf"))
        .args(["doctor", "--json"])
        .env_clear()
        .env("HOOKSHELF_CONFIG", directory.join("hookshelf.toml"))
        .env("HOOKSHELF__DATA_DIR", directory.join("data"))
        .env("HOOKSHELF__HTTP__LISTEN", "127.0.0.1:0")
        .env("HOOKSHELF__ADMIN__LISTEN", "127.0.0.1:0")
        .envs(variables.iter().copied())
        .output();
    DoctorReport::read(&output.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_everything_right_has_nothing_wrong_and_is_left_as_it_was() {
    let server = Server::start_in(directory(&good()), None);
    let front = Front::good(Behind::Server(server.public)).await;
    let authority = fixture("authority.pem");
    let variables = [
        ("HOOKSHELF__HTTP__PUBLIC_URL", &*front.url),
        ("SSL_CERT_FILE", &*authority),
    ];
    let report = DoctorReport::of(&server, &variables);
    assert_eq!(report.with("wrong"), Vec::<&str>::new());
    assert_eq!(report.with("unchecked"), Vec::<&str>::new());
    assert_eq!(report.code, Some(0));
    // Expected warnings: Meta has not sent anything, and cannot reach this URL. The result for the
    // free disk space depends on the machine, and the spool shares the disk of the private
    // Postgres.
    let warned: Vec<_> = report
        .with("warning")
        .into_iter()
        .filter(|it| !matches!(*it, "disk" | "spool"))
        .collect();
    assert_eq!(warned, ["callback", "callback", "public_url"]);
    let mut checks: Vec<_> = report.lines.iter().map(|line| &*line.check).collect();
    checks.sort_unstable();
    checks.dedup();
    let mut all = Check::ALL.map(|check| check.to_string());
    all.sort_unstable();
    assert_eq!(checks, all);

    let output = server.run_with(&["doctor"], &variables);
    hides_secrets(&output);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("\nok        challenge      app default: https://"),
        "{text}"
    );
    assert!(
        text.contains("\n                         remedy: "),
        "{text}"
    );
    assert!(
        text.ends_with(" 0 wrong, 0 unchecked\n") && !text.contains('\u{1b}'),
        "{text}"
    );

    // The challenges of `doctor` do not count as Meta's, and `doctor` stores nothing.
    let (status, directory, _) = server.stop();
    assert!(status.success());
    let server = Server::start_in(directory, None);
    let rows = "SELECT (SELECT count(*) FROM callbacks) + (SELECT count(*) FROM deliveries)
                     + (SELECT count(*) FROM rejections)";
    let rows: i64 = sqlx::query_scalar(rows)
        .fetch_one(&mut server.database().await)
        .await
        .unwrap();
    assert_eq!(rows, 0);
}

#[test]
fn without_a_server_each_check_that_cannot_be_made_says_why() {
    let directory = directory(&good());
    let report = alone(&directory, &[]);
    report.says("database", "unchecked", "no private Postgres is running");
    for check in [
        "durability",
        "sessions",
        "schema",
        "partitions",
        "clock",
        "callback",
    ] {
        report.says(check, "unchecked", "no connection to the database");
    }
    report.says("server", "unchecked", "has port 0");
    report.says("public_url", "warning", "http.public_url is not set");
    report.says("challenge", "unchecked", "http.public_url is not set");
    assert_eq!(report.code, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_at_the_addresses_of_the_server_warns_and_somebody_else_is_wrong() {
    let directory = directory(&good());
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap().to_string();
    drop(free);
    let report = alone(&directory, &[("HOOKSHELF__ADMIN__LISTEN", &address)]);
    report.says("server", "warning", "no server answers on");
    let server = Server::start().await;
    // Uses the public listener as the admin address.
    let public = server.public.to_string();
    let report = DoctorReport::of(
        &server,
        &[
            ("HOOKSHELF__ADMIN__LISTEN", &public),
            ("HOOKSHELF__HTTP__LISTEN", "127.0.0.1:0"),
        ],
    );
    report.says("server", "wrong", "is not this Hookshelf");
    assert_eq!(report.code, Some(1));
}

#[test]
fn a_broken_configuration_is_told_whole_and_the_rest_waits() {
    let broken =
        apps(["default"]).replace("app_secret", "app_secrt") + "[http]\nmax_connections = 0\n";
    let report = alone(&directory(&broken), &[]);
    report.says("configuration", "wrong", "apps.default.app_secrt");
    report.says("configuration", "wrong", "http.max_connections");
    let others = Check::ALL.iter().filter(|it| **it != Check::Configuration);
    for check in others {
        report.says(&check.to_string(), "unchecked", "has to be right first");
    }
    assert_eq!(report.code, Some(1));
}

#[test]
fn files_that_others_can_read_are_told() {
    let place = directory(&good());
    let file = place.join("hookshelf.toml");
    std::fs::set_permissions(file, Permissions::from_mode(0o644)).unwrap();
    let report = alone(&place, &[]);
    report.says(
        "files",
        "warning",
        "hookshelf.toml can be read by every user",
    );
    report.says("secrets", "ok", "app and the verify token look right");

    let place = directory("");
    let report = alone(&place, &[]);
    report.says("secrets", "warning", "is not there yet");
    let made = place.join("data/credentials.toml");
    std::fs::create_dir_all(place.join("data")).unwrap();
    std::fs::write(&made, good()).unwrap();
    std::fs::set_permissions(&made, Permissions::from_mode(0o644)).unwrap();
    let report = alone(&place, &[]);
    report.says("files", "wrong", "can be read by every user");
    assert_eq!(report.code, Some(1));
}

#[test]
fn every_check_is_on_its_page() {
    for check in Check::ALL {
        let row = format!("| `{check}` |");
        assert_eq!(PAGE.matches(&row).count(), 1, "{row}");
    }
}
