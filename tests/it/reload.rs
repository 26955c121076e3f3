//! `reload` waits for the server and reports the loaded configuration, or why nothing changed; and
//! the switch from the generated secret to Meta's.

use std::process::{Command, Output};

use nix::sys::signal::Signal;

use crate::support::{
    activation,
    directory::Directory,
    postgres::TestDatabase,
    server::{SECRET, Server, apps},
};

const BODY: &str = r#"{"object":"instagram","entry":[{"id":"17840000000000006","time":1763596800,
"messaging":[{"sender":{"id":"7006"},"recipient":{"id":"17840000000000006"},
"timestamp":1763596800000,"message":{"mid":"mid.reload.1","text":"Three rolls, please"}}]}]}"#;

/// Variable with the path of the configuration file.
const FILE: &str = "HOOKSHELF_CONFIG";

fn said(output: &Output) -> String {
    let bytes = [&output.stdout[..], &output.stderr].concat();
    String::from_utf8(bytes).unwrap()
}

/// Output of a call that must fail.
fn refused(mut call: Command) -> String {
    let output = call.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    said(&output)
}

/// Starts a server without a configuration file.
async fn without_file() -> Server {
    let (directory, place) = (Directory::create(), TestDatabase::create().await);
    let (mut shell, line) = activation::shell(&directory, Some(&place), Vec::new(), &[]);
    shell.env_remove(FILE);
    Server::start_by(shell, line, directory, Some(place))
}

/// A command beside a server without a configuration file.
fn beside(server: &Server, verb: &[&str]) -> Command {
    let mut command = server.verb(verb);
    command.env_remove(FILE);
    command
}

#[tokio::test]
async fn a_reload_ends_when_its_apps_are_accepted_and_names_what_was_read() {
    let server = Server::start().await;
    let file = server.directory.join("hookshelf.toml");
    std::fs::write(&file, apps(["default", "bakery"])).unwrap();
    let output = server.run(&["reload"]);
    assert!(output.status.success(), "{}", said(&output));
    let expected = format!(
        "hookshelf serve (process {}) reloaded {}; apps: bakery, default\n",
        server.pid(),
        file.display()
    );
    assert_eq!(said(&output), expected);
    assert_eq!(server.deliver("/webhook/bakery", BODY).await.status, 200);
}

#[tokio::test]
async fn a_reload_that_the_server_does_not_take_fails_and_says_why() {
    let server = Server::start().await;
    let file = server.directory.join("hookshelf.toml");
    std::fs::write(&file, "").unwrap();
    let why = refused(server.verb(&["reload"]));
    for part in [
        "keeps its apps",
        "no app is configured any more",
        &file.display().to_string(),
    ] {
        assert!(why.contains(part), "{part}: {why}");
    }
    assert_eq!(server.deliver("/webhook", BODY).await.status, 200);
    std::fs::write(&file, apps(["default"])).unwrap();
    assert!(server.run(&["reload"]).status.success());
}

#[tokio::test]
async fn a_file_that_the_server_does_not_read_is_refused_by_its_name() {
    let server = Server::start().await;
    let file = server
        .directory
        .join("hookshelf.toml")
        .display()
        .to_string();
    let other = server.directory.join("other.toml").display().to_string();
    std::fs::write(&other, apps(["default", "bakery"])).unwrap();
    let why = refused(server.verb(&["reload", "--config", &other]));
    for part in [
        &*format!("reads {file} and not {other}"),
        "restart the server",
    ] {
        assert!(why.contains(part), "{part}: {why}");
    }
    for result in ["configuration reloaded", "failed to reload"] {
        assert!(!server.log().contains(result), "{}", server.log());
    }
    assert_eq!(server.deliver("/webhook/bakery", BODY).await.status, 404);

    // A symbolic link to the same file.
    let link = server.directory.join("link.toml");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let mut reload = server.verb(&["reload", "--config", "link.toml"]);
    let output = reload
        .current_dir(server.directory.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

#[tokio::test]
async fn a_file_is_refused_where_the_server_was_started_without_one() {
    let server = without_file().await;
    let other = server.directory.join("other.toml").display().to_string();
    std::fs::write(&other, apps(["default"])).unwrap();
    let why = refused(beside(&server, &["reload", "--config", &other]));
    for part in [
        "was started without a configuration file",
        &format!("`hookshelf serve --config {other}`"),
        "credentials.toml",
    ] {
        assert!(why.contains(part), "{part}: {why}");
    }
    assert_eq!(server.deliver("/webhook", BODY).await.status, 401);
}

#[tokio::test]
async fn a_server_that_stands_still_is_waited_for_no_longer_than_is_said() {
    let server = Server::start().await;
    server.signal(Signal::SIGSTOP);
    let why = refused(server.verb(&["reload"]));
    server.signal(Signal::SIGCONT);
    assert!(
        why.contains("did not report the result of the reload within 10 s"),
        "{why}"
    );
    assert!(why.contains("hangs"), "{why}");
}

#[tokio::test]
async fn the_secrets_of_meta_take_one_step_from_a_first_look() {
    let server = without_file().await;
    assert_eq!(server.deliver("/webhook", BODY).await.status, 401);
    let file = server.directory.join("data/credentials.toml");
    let made = std::fs::read_to_string(&file).unwrap();
    assert!(made.contains("hookshelf reload"), "{made}");
    let value = |key: &str| {
        let line = made.lines().find(|line| line.starts_with(key)).unwrap();
        line.split('"').nth(1).unwrap().to_owned()
    };
    let (secret, token) = (value("app_secret"), value("verify_token"));

    let own = format!("app_secret = \"{secret}\"");
    let metas = format!("instagram_app_secret = \"{SECRET}\"");
    std::fs::write(&file, made.replace(&own, &metas)).unwrap();
    let output = beside(&server, &["reload"]).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let expected = format!("reloaded {}; apps: default\n", file.display());
    assert!(said(&output).ends_with(&expected), "{}", said(&output));

    assert_eq!(server.deliver("/webhook", BODY).await.status, 200);
    let query = format!("hub.mode=subscribe&hub.challenge=77&hub.verify_token={token}");
    let challenge = server.get(&format!("/webhook?{query}")).await;
    assert_eq!((challenge.status, &challenge.body[..]), (200, &b"77"[..]));
    let rechecked = beside(&server, &["rejections", "recheck", "--yes"]);
    let rechecked = { rechecked }.output().unwrap();
    assert!(
        said(&rechecked).contains("default: 1 delivery stored"),
        "{}",
        said(&rechecked)
    );
    let simulated = beside(&server, &["simulate", "--count=3"])
        .output()
        .unwrap();
    assert!(simulated.status.success(), "{}", said(&simulated));
    let doctor = said(&beside(&server, &["doctor"]).output().unwrap());
    assert!(
        doctor.contains("the secret instagram is not 32 hexadecimal digits"),
        "{doctor}"
    );
    for text in [said(&output), server.log(), doctor] {
        assert!(!text.contains(SECRET) && !text.contains(&secret), "{text}");
    }

    std::fs::write(&file, made.replace(&own, "app_secrt = \"hush\"")).unwrap();
    let why = refused(beside(&server, &["reload"]));
    assert!(
        why.contains("apps.default.app_secrt") && !why.contains("hush"),
        "{why}"
    );
    assert_eq!(server.deliver("/webhook", BODY).await.status, 200);
}
