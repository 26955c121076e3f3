//! Failures with `--url`, and their messages.

use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

use super::{configuration, elsewhere, run, token};
use crate::support::server::Server;

const LIST: [&str; 2] = ["events", "list"];

/// Error output of a failure. It never has a token.
fn complaint(command: &mut std::process::Command) -> String {
    let (code, printed, said) = run(command);
    assert_eq!(printed, "");
    assert!(
        matches!(code, Some(1 | 2)) && !said.contains("hsk_"),
        "{said}"
    );
    said
}

/// URL of a server that gives one answer.
fn answering(answer: &'static str) -> (String, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]).unwrap();
        stream.write_all(answer.as_bytes()).unwrap();
    });
    (url, served)
}

#[tokio::test]
async fn each_refusal_of_a_server_says_what_to_do() {
    let server = Server::start_with(&configuration()).await;
    let url = server.url();
    let said = complaint(&mut elsewhere(&url, &LIST));
    assert!(
        said.contains("needs a token: set HOOKSHELF_TOKEN"),
        "{said}"
    );

    let body = [
        "deliveries",
        "show",
        "0199a7c2-9b3e-7c4d-8a51-3f2e1d0c9b8a",
        "--body",
    ];
    let said = complaint(&mut server.verb_elsewhere("viewer", &body));
    assert!(said.contains("role operator"), "{said}");
    let said = complaint(&mut server.verb_elsewhere("viewer", &["audit", "list"]));
    assert!(said.contains("role privacy"), "{said}");

    let said = complaint(&mut server.verb_elsewhere("viewer", &["events", "show", "7"]));
    assert!(
        said.contains("neither an event nor a repeat is at position 7"),
        "{said}"
    );
    let said =
        complaint(&mut server.verb_elsewhere("viewer", &["events", "tail", "--account", "x"]));
    assert!(
        said.contains("no account has this label or user name"),
        "{said}"
    );

    // An address of this machine, spelled as no server expects it.
    let port = server.admin.port();
    let strange = format!("http://[::ffff:127.0.0.1]:{port}");
    let said = complaint(elsewhere(&strange, &LIST).env("HOOKSHELF_TOKEN", token("viewer")));
    assert!(said.contains("admin.names"), "{said}");

    let public = format!("http://{}", server.public);
    let said = complaint(&mut elsewhere(&public, &LIST));
    assert!(said.contains("does not answer as a Hookshelf"), "{said}");

    for _ in 0..10 {
        let said = complaint(elsewhere(&url, &LIST).env("HOOKSHELF_TOKEN", token("nobody")));
        assert!(said.contains("does not know the token"), "{said}");
    }
    let said = complaint(&mut server.verb_elsewhere("viewer", &LIST));
    assert!(
        said.contains("too many wrong tokens") && said.contains("try again in "),
        "{said}"
    );
}

#[test]
fn other_programs_and_servers_without_a_database_are_told_apart() {
    for (answer, part) in [
        (
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\nhi",
            "does not answer as a Hookshelf",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\nhi",
            "does not answer as a Hookshelf",
        ),
        (
            "HTTP/1.1 301 Moved\r\nlocation: https://shelf.example\r\ncontent-length: 0\r\n\r\n",
            "does not answer as a Hookshelf",
        ),
        (
            "HTTP/1.1 404 Not Found\r\ncontent-type: text/html\r\ncontent-length: 2\r\n\r\nno",
            "does not answer as a Hookshelf",
        ),
        ("", "no server answers at http://127.0.0.1:"),
        (
            "HTTP/1.1 503 Unavailable\r\ncontent-type: application/problem+json\r\n\
             retry-after: 5\r\nconnection: close\r\n\r\n\
             {\"type\":\"/problems/database\",\"detail\":\"Postgres is away; 7 deliveries wait there.\"}",
            "7 deliveries wait there.; try again in 5 s",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{",
            "broke",
        ),
    ] {
        let (url, served) = answering(answer);
        let said = complaint(&mut elsewhere(&url, &LIST));
        served.join().unwrap();
        assert!(said.contains(part), "{answer}: {said}");
    }
    let said = complaint(&mut elsewhere("http://127.0.0.1:1", &LIST));
    assert!(
        said.contains("no server answers at http://127.0.0.1:1: start it"),
        "{said}"
    );
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let url = "http://127.0.0.1:1";
    for (arguments, part) in [
        (
            &["events", "list", "--url", url, "--config", "a.toml"][..],
            "leave out one of them",
        ),
        (
            &["events", "list", "--url", "http://shelf.example"],
            "ssh -L",
        ),
        (
            &["events", "list", "--url", "https://hsk_x@shelf.example"],
            "HOOKSHELF_TOKEN",
        ),
        (
            &["events", "list", "--url", "shelf"],
            "http://127.0.0.1:9090",
        ),
        (
            &["events", "list", "--token-file", "/nowhere"],
            "failed to read /nowhere",
        ),
    ] {
        let said = complaint(&mut elsewhere(url, arguments));
        assert!(said.contains(part), "{arguments:?}: {said}");
    }
    let alone = ["events", "list", "--token-file", "/nowhere"];
    let said = complaint(elsewhere(url, &alone).env_remove("HOOKSHELF_URL"));
    assert!(said.contains("add --url"), "{said}");
    // What was typed goes before the environment.
    let named = ["events", "list", "--config", "/nowhere.toml"];
    let said = complaint(&mut elsewhere(url, &named));
    assert!(said.contains("/nowhere.toml"), "{said}");
}
