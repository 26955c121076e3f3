//! Unknown routes, other methods and ambiguous requests: the answer reveals nothing.

use super::{
    door::{Door, Setup},
    wire::{head, post, request},
};

#[tokio::test]
async fn unknown_paths_are_404_without_a_word() {
    let mut door = Door::open();
    let paths = [
        "/",
        "/favicon.ico",
        "/webhook//",
        "/webhook/default//",
        "/webhook/nobody",
        "/webhook/nobody/",
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
async fn a_slash_at_the_end_of_a_callback_url_changes_nothing() {
    let door = Door::open();
    for (path, slashed) in [
        ("/webhook", "/webhook/"),
        ("/webhook/default", "/webhook/default/"),
    ] {
        let get = |path: &str| request("GET", &format!("{path}?hub.mode=subscribe"));
        let unsigned = |path: &str| post(path, &[], b"{}");
        for [bare, with_slash] in [
            [get(path).into_bytes(), get(slashed).into_bytes()],
            [unsigned(path), unsigned(slashed)],
            [
                request("PUT", path).into_bytes(),
                request("PUT", slashed).into_bytes(),
            ],
        ] {
            let (bare, with_slash) = (door.ask(bare).await, door.ask(with_slash).await);
            assert_ne!(with_slash.bare(), 404, "{slashed}");
            assert_eq!(with_slash.bare(), bare.bare(), "{slashed}");
            assert_eq!(with_slash.header("location"), None, "{slashed}");
        }
    }
}

#[tokio::test]
async fn the_body_for_an_unknown_app_is_not_even_asked_for() {
    let door = Door::open();
    let framing = "expect: 100-continue\r\ncontent-length: 1000";
    let answer = door.ask(head("/webhook/nobody", &[], framing)).await;
    assert_eq!(answer.bare(), 404);
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

#[tokio::test]
async fn an_answer_that_leaves_a_long_body_unread_says_that_it_is_the_last() {
    let door = Door::open();
    let long = "content-length: 100000";
    for (target, status) in [("/webhook/nobody", 404), ("/healthz", 405)] {
        let mut wire = door.wire().await;
        let answer = wire.ask(head(target, &[], long)).await;
        assert_eq!(answer.bare(), status, "{target}");
        assert_eq!(answer.header("connection"), Some("close"), "{target}");
        wire.finish().await;
        assert_eq!(wire.closed().await, "");
    }
    let mut wire = door.wire().await;
    let short = post("/webhook/nobody", &[], b"{}");
    assert_eq!(wire.ask(&short).await.bare(), 404);
    assert_eq!(wire.ask(&short).await.bare(), 404, "it goes on");
}

#[tokio::test]
async fn other_forms_of_a_request_lead_nowhere_else() {
    let door = Door::open();
    for (line, status) in [
        ("GET http://elsewhere/healthz HTTP/1.1", 200),
        ("GET http://elsewhere/metrics HTTP/1.1", 404),
        ("OPTIONS * HTTP/1.1", 404),
        ("CONNECT here:80 HTTP/1.1", 404),
        ("CONNECT /webhook HTTP/1.1", 405),
        ("GET /webhook/../healthz HTTP/1.1", 404),
        ("GET /webhook/.. HTTP/1.1", 404),
        ("GET /healthz/../metrics HTTP/1.1", 404),
    ] {
        let answer = door.ask(format!("{line}\r\nhost: here\r\n\r\n")).await;
        assert_eq!(answer.status, status, "{line}");
    }
    let mut old = door.wire().await;
    let answer = old.ask("GET /healthz HTTP/1.0\r\n\r\n").await;
    assert_eq!(answer.bare(), 200);
    assert_eq!(old.closed().await, "", "HTTP/1.0 ends after its answer");
}

#[tokio::test]
async fn nobody_is_upgraded() {
    let door = Door::open();
    let mut wire = door.wire().await;
    for to in ["h2c", "websocket"] {
        let ask = format!(
            "GET /healthz HTTP/1.1\r\nhost: here\r\nconnection: upgrade\r\nupgrade: {to}\r\n\r\n"
        );
        assert_eq!(wire.ask(ask).await.bare(), 200, "{to}");
    }
    assert_eq!(wire.ask(request("GET", "/healthz")).await.bare(), 200);
}

#[tokio::test]
async fn a_head_that_others_may_read_otherwise_is_400() {
    let door = Door::open();
    for header in [
        "a: b\r\n folded: c",
        "a: b\0c",
        "content-length : 3",
        "content-length",
        " a: b",
        "a\rb: c",
    ] {
        let mut wire = door.wire().await;
        let head = format!("POST /webhook HTTP/1.1\r\nhost: here\r\n{header}\r\n\r\n");
        assert_eq!(wire.ask(head).await.bare(), 400, "{header:?}");
        assert_eq!(wire.closed().await, "", "{header:?}");
    }
    let old = "POST /webhook HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(door.ask(old).await.bare(), 400);
}
