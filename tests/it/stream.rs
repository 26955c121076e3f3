//! `/v1/events/stream` as a client uses it.

use serde_json::Value;

use crate::support::{
    directory::Directory,
    event_stream::{Block, EventStream},
    eventually,
    message::{message, messages},
    server::{Server, apps},
};

impl Server {
    async fn stream(&self, query: &str) -> EventStream {
        EventStream::open(self.admin, query, &[]).await
    }

    async fn receive(&self, mid: &str) {
        let answer = self.deliver("/webhook", message(mid, "hello")).await;
        assert_eq!(answer.status, 200);
    }

    /// True if the metrics contain this text.
    async fn counts(&self, text: &str) -> bool {
        let metrics = self.ask_admin("/metrics").await;
        String::from_utf8_lossy(&metrics.body).contains(text)
    }
}

/// Message ids of the events, each with the position as its id.
fn mids(blocks: &[Block]) -> Vec<String> {
    let mid = |block: &Block| {
        let event: Value = serde_json::from_str(block.data.as_ref().unwrap()).unwrap();
        let position = block.id.unwrap();
        assert_eq!(event["position"], position.to_string());
        event["message_id"].as_str().unwrap().to_owned()
    };
    blocks.iter().map(mid).collect()
}

#[tokio::test]
async fn a_stream_sends_the_backlog_then_what_arrives_and_resumes_at_the_last_id() {
    let server = Server::start().await;
    server.receive("a").await;
    server.receive("b").await;
    let mut stream = server.stream("?after=0").await;
    assert_eq!(stream.status, 200);
    let header = |name: &str| stream.headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "text/event-stream");
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("x-accel-buffering"), "no");
    let backlog = stream.backlog().await;
    assert_eq!(mids(&backlog), ["a", "b"]);
    let mut from_now = server.stream("").await;
    assert_eq!(from_now.backlog().await, []);

    server.receive("a").await;
    server.receive("c").await;
    for stream in [&mut stream, &mut from_now] {
        let block = stream.next().await.unwrap();
        assert_eq!(mids(&[block]), ["c"], "a repeat is not shown");
    }
    // The header has precedence over the parameter, which stays in the URL of an EventSource.
    let last = backlog[0].id.unwrap().to_string();
    let mut resumed =
        EventStream::open(server.admin, "?after=0", &[("Last-Event-ID", &last)]).await;
    assert_eq!(mids(&resumed.backlog().await), ["b", "c"]);
}

#[tokio::test]
async fn a_filter_passes_its_events_only() {
    let server = Server::start().await;
    for person in ["1", "2"] {
        let body = messages(person, "17840000000000001", &[(person, "hello")]);
        server.deliver("/webhook", body).await;
    }
    let mut stream = server
        .stream("?after=0&person=2&kind=message,comment")
        .await;
    assert_eq!(mids(&stream.backlog().await), ["2"]);
    let unknown = [
        "?account=nobody",
        "?delivery=0199a7c2-9b3e-7c4d-8a51-3f2e1d0c9b8a",
    ];
    for query in unknown {
        assert_eq!(server.stream(query).await.status, 400, "{query}");
    }
    // The account may have its first event later.
    let mut later = server.stream("?account=17840000000000002").await;
    assert_eq!(later.backlog().await, []);
    let body = messages("3", "17840000000000002", &[("first", "hello")]);
    server.deliver("/webhook", body).await;
    assert_eq!(mids(&[later.next().await.unwrap()]), ["first"]);
}

#[tokio::test]
async fn a_filter_that_passes_nothing_moves_the_last_id_and_resumes_there() {
    let server = Server::start().await;
    for batch in 0..5 {
        let mids: Vec<_> = (0..500).map(|number| format!("{batch}-{number}")).collect();
        let said: Vec<_> = mids.iter().map(|mid| (&**mid, "hello")).collect();
        let body = messages("1", "17840000000000001", &said);
        assert_eq!(server.deliver("/webhook", body).await.status, 200);
    }
    let mut stream = server.stream("?after=0&kind=comment").await;
    let blocks = stream.backlog().await;
    let ids: Vec<_> = blocks.iter().map(|block| block.id.unwrap()).collect();
    assert_eq!(ids.len(), 2, "{blocks:?}");
    assert!(
        blocks
            .iter()
            .all(|it| it.data.is_none() && it.event.is_none())
    );
    assert!(ids[0] >= 1000 && ids[1] - ids[0] >= 1000, "{ids:?}");
    let last = ids[1].to_string();
    let headers = [("Last-Event-ID", &*last)];
    let query = "?after=0&kind=message";
    let mut resumed = EventStream::open(server.admin, query, &headers).await;
    let rest = resumed.backlog().await;
    assert_eq!(rest[0].id, Some(ids[1] + 1));
    assert_eq!(rest.last().unwrap().id, Some(2500));
}

#[tokio::test]
async fn a_start_that_cannot_be_met_is_refused() {
    let server = Server::start().await;
    server.receive("a").await;
    for query in [
        "?after=x",
        "?after=-1",
        "?text=a",
        "?order=oldest",
        "?limit=1",
        "?kind=x",
    ] {
        assert_eq!(server.stream(query).await.status, 400, "{query}");
    }
    let wrong = [("Last-Event-ID", "x")];
    let refused = EventStream::open(server.admin, "", &wrong).await;
    assert_eq!(refused.status, 400);
    let refused = server.stream("?after=100").await;
    assert_eq!(refused.status, 409);
    let problem: Value = serde_json::from_str(&refused.body().await).unwrap();
    assert_eq!(problem["end"], "1");
    assert_eq!(problem["type"], "/problems/beyond");
}

#[tokio::test]
async fn streams_have_a_limit_of_their_own_and_take_no_seat_of_others() {
    let limit = 70;
    let server = Server::start_with(&format!(
        "{}[admin]\nmax_streams = {limit}\n",
        apps(["default"])
    ))
    .await;
    let mut streams = Vec::new();
    for _ in 0..limit {
        let mut stream = server.stream("").await;
        assert_eq!(stream.backlog().await, []);
        streams.push(stream);
    }
    let refused = server.stream("").await;
    assert_eq!(refused.status, 503);
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(server.ask_admin("/healthz").await.status, 200);
    // An end makes room.
    streams.pop();
    eventually("another stream opens", async || {
        server.stream("").await.status == 200
    })
    .await;
}

#[tokio::test]
async fn streams_end_at_once_and_in_order_when_the_server_stops() {
    let server = Server::start().await;
    let mut stream = server.stream("").await;
    assert_eq!(stream.backlog().await, []);
    let (status, directory, _place) = server.stop();
    assert!(status.success(), "{status:?}");
    assert_eq!(stream.next().await, None);
    let log = std::fs::read_to_string(directory.join("log")).unwrap();
    assert!(log.contains("stopped"), "{log}");
}

#[tokio::test]
async fn the_stream_of_a_removed_token_ends_and_others_go_on() {
    let token = |name: &str| format!("hsk_{}", name.repeat(32));
    let configuration = |names: &[&str]| {
        let token = |name: &&str| {
            let token = token(name);
            format!("[[admin.tokens]]\nname = \"{name}\"\nrole = \"viewer\"\ntoken = \"{token}\"\n")
        };
        apps(["default"]) + names.iter().map(token).collect::<String>().as_str()
    };
    let server = Server::start_with(&configuration(&["a", "b"])).await;
    let open = async |name: &str| {
        let bearer = format!("Bearer {}", token(name));
        EventStream::open(server.admin, "", &[("Authorization", &bearer)]).await
    };
    let (mut kept, mut removed) = (open("a").await, open("b").await);
    for stream in [&mut kept, &mut removed] {
        assert_eq!(stream.backlog().await, []);
    }
    let file = server.directory.join("hookshelf.toml");
    std::fs::write(file, configuration(&["a"])).unwrap();
    let output = server.run(&["reload"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(removed.next().await, None);
    assert_eq!(open("b").await.status, 401);
    server.receive("m").await;
    let block = kept.next().await.unwrap();
    assert_eq!(mids(std::slice::from_ref(&block)), ["m"]);
    assert!(
        !block.data.unwrap().contains("hello"),
        "a viewer sees no content"
    );
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_cut_off_and_resumes() {
    let server = Server::start().await;
    let mut stream = server.stream("").await;
    assert_eq!(stream.backlog().await, []);
    let text = "x".repeat(2_000);
    let mut sent = 0;
    eventually("the client is cut off", async || {
        // More than the buffers of both sockets hold.
        if sent < 8 {
            let mids: Vec<_> = (0..500).map(|it| format!("{sent}-{it}")).collect();
            let said: Vec<_> = mids.iter().map(|mid| (&**mid, &*text)).collect();
            let body = messages("1", "17840000000000001", &said);
            assert_eq!(server.deliver("/webhook", body).await.status, 200);
            sent += 1;
        }
        let closed = "connections_closed_total{listener=\"admin\",reason=\"stalled_write\"}";
        server.counts(closed).await
    })
    .await;
    let mut resumed = server.stream("?after=0").await;
    let events = mids(&resumed.backlog().await);
    assert_eq!(events.len(), 500 * sent);
}

#[tokio::test]
async fn a_stream_shows_commits_of_another_server_on_the_same_database() {
    let server = Server::start().await;
    let directory = Directory::create();
    let url = server.place.as_ref().unwrap().url();
    let database = format!("[database]\nurl = \"{url}\"\nallow_lossy_commits = true\n");
    let file = directory.join("hookshelf.toml");
    std::fs::write(file, apps(["default"]) + database.as_str()).unwrap();
    let other = Server::start_in(directory, None);
    let mut stream = server.stream("").await;
    assert_eq!(stream.backlog().await, []);
    let mut mids_sent = (1..).map(|number| format!("mid-{number}"));
    // The look each second may come first.
    eventually("the poll notices a commit", async || {
        let mid = mids_sent.next().unwrap();
        other.receive(&mid).await;
        let block = stream.next().await.unwrap();
        assert_eq!(mids(&[block]), [mid]);
        server.counts("hookshelf_wakes_total{by=\"poll\"}").await
    })
    .await;
}

#[tokio::test]
async fn without_the_poll_a_stream_goes_on_and_doctor_says_so() {
    let server = Server::start().await;
    server.receive("a").await;
    let mut stream = server.stream("?after=0").await;
    assert_eq!(mids(&stream.backlog().await), ["a"]);
    let mut database = server.database().await;
    let away = "ALTER SEQUENCE event_position RENAME TO set_aside";
    sqlx::query(away).execute(&mut database).await.unwrap();
    eventually("the poll fails", async || {
        server.counts("hookshelf_wake_poll_fails 1").await
    })
    .await;
    let report = server.run(&["doctor"]);
    let report = String::from_utf8_lossy(&report.stdout).into_owned();
    assert!(report.contains("waking relies on the fallback"), "{report}");
    let back = "ALTER SEQUENCE set_aside RENAME TO event_position";
    sqlx::query(back).execute(&mut database).await.unwrap();
    eventually("the poll resumes", async || {
        server.counts("hookshelf_wake_poll_fails 0").await
    })
    .await;
    server.receive("b").await;
    assert_eq!(mids(&[stream.next().await.unwrap()]), ["b"]);
}
