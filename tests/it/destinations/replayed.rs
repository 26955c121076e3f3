//! Replays to a destination.

use hookshelf::store::replays::{self, NewReplay, ReplayChoice};

use super::*;

#[tokio::test]
async fn a_replayed_event_is_sent_again_with_the_number_of_the_replay() {
    let receiver = Receiver::start().await;
    let event = format!("format = \"event\"\nsecret = \"{KEY}\"");
    let server = start(&[
        destination("meta", &receiver, ""),
        destination("event", &receiver, &event),
    ])
    .await;
    // Live, these events come in one request. A replay sends each alone, never the whole body.
    say(&server, "7001", &[("mid.1", "one"), ("mid.2", "two")]).await;
    let settled = "SELECT count(*) FROM consumers WHERE settled = 2";
    eventually("all is sent", async || number(&server, settled).await == 2).await;
    let sent = receiver.got().len();
    let mut conn = server.database().await;
    let through = number(&server, "SELECT max(position) FROM events").await;
    for consumer in ["meta", "event"] {
        let new = NewReplay {
            consumer,
            choice: ReplayChoice::default(),
            rate: None,
            note: None,
            operator: "test",
            events: 2,
            after: 0,
            through,
        };
        replays::create(&mut conn, new).await.unwrap();
    }
    let done = "SELECT count(*) FROM replays WHERE state = 'done' AND settled = 2";
    eventually("both are done", async || number(&server, done).await == 2).await;
    let got = receiver.got();
    let of = |path: &str| {
        let of_path = got.iter().filter(move |it| it.path == path);
        of_path.cloned().collect::<Vec<_>>()
    };
    let is_replayed =
        |got: &crate::support::receiver::Got| got.headers.contains_key("x-hookshelf-replay");
    assert!(!got[..sent].iter().any(is_replayed));
    let meta: Vec<_> = of("/meta").into_iter().filter(is_replayed).collect();
    assert_eq!(meta.len(), 2, "each event alone");
    for (got, mids) in meta.iter().zip([["mid.1", "mid.2"], ["mid.2", "mid.1"]]) {
        assert_eq!(got.header("x-hookshelf-replay"), "1");
        assert!(got.has(mids[0]) && !got.has(mids[1]), "{got:?}");
    }
    let events = of("/event");
    let ids: Vec<_> = events.iter().map(|it| it.header("webhook-id")).collect();
    assert_eq!((ids.len(), &ids[..2]), (4, &ids[2..]), "with the first ids");
    assert_eq!(events[2].header("x-hookshelf-replay"), "2");
}
