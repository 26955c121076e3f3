//! What is not there, and what is said about it: nothing.

use super::{
    door::{Door, Setup, metric},
    wire::{head, post, request},
};

#[tokio::test]
async fn unknown_paths_are_404_without_a_word() {
    let mut door = Door::open();
    let paths = [
        "/",
        "/favicon.ico",
        "/webhook/",
        "/webhook/default/",
        "/webhook/nobody",
        "/webhook/%64efault",
        "/webhook/%ff",
        "/webhook/default/more",
        "//webhook",
        "/Webhook",
        "/healthz/",
        "/readyz",
        "/metrics",
        "/v1/events",
    ];
    for path in paths {
        for request in [
            request("GET", path).into_bytes(),
            post(path, &[], b"<b>hello</b>"),
        ] {
            let answer = door.ask(request).await;
            assert_eq!(answer.bare(), 404, "{path}");
            assert_eq!(answer.header("location"), None, "{path}");
        }
    }
    assert!(door.is_quiet());
}

#[tokio::test]
async fn the_body_for_an_unknown_app_is_not_even_asked_for() {
    let door = Door::open();
    let framing = "expect: 100-continue\r\ncontent-length: 1000";
    let answer = door.ask(head("/webhook/nobody", &[], framing)).await;
    assert_eq!(answer.bare(), 404);
    assert!(metric("hookshelf_unknown_apps_total", &[]) >= Some(1.0));
}

#[tokio::test]
async fn other_methods_are_405_and_learn_which_there_are() {
    let door = Door::open();
    for method in [
        "PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "HEAD", "PROPFIND",
    ] {
        for path in ["/webhook", "/webhook/default?hub.challenge=1"] {
            let answer = door.ask(request(method, path)).await;
            assert_eq!(answer.bare(), 405, "{method} {path}");
            assert_eq!(answer.header("allow"), Some("GET, POST"), "{method} {path}");
        }
    }
    assert_eq!(door.ask(request("DELETE", "/healthz")).await.bare(), 405);
}

#[tokio::test]
async fn health_says_200_and_nothing_else() {
    let door = Door::with(Setup::with_apps(&[]));
    assert_eq!(door.ask(request("GET", "/healthz")).await.bare(), 200);
    assert_eq!(door.ask(request("GET", "/webhook")).await.bare(), 404);
}

#[tokio::test]
async fn what_is_not_http_1_is_refused_without_an_echo() {
    let door = Door::open();
    for bytes in [
        "hello there\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\x16\x03\x01\x02\x00",
    ] {
        let mut wire = door.wire().await;
        wire.send(bytes).await;
        wire.send("\r\n\r\n").await;
        let said = wire.closed().await;
        assert!(
            said.is_empty() || said.starts_with("HTTP/1.1 400 "),
            "{said}"
        );
        assert!(!said.contains("hello"), "{said}");
    }
}
