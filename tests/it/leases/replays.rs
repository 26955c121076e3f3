//! Replays: settled events go out once more, as a second cursor with an end.

use hookshelf::store::{
    consumers::EventFilter,
    replays::{self, NewReplay, Replay, ReplayChoice, ReplayState},
};
use nix::sys::signal::Signal;

use super::*;

/// Events become dead letters at their first failure.
const ONCE: &str = "max_attempts = 1\n";

/// All events.
fn all() -> ReplayChoice {
    ReplayChoice::default()
}

/// Events of a person.
fn of(person: &str) -> ReplayChoice {
    let filter = EventFilter {
        person_id: Some(person.to_owned()),
        ..EventFilter::default()
    };
    ReplayChoice { filter, ..all() }
}

impl Desk {
    /// An operator begins a replay of the stored events.
    async fn replay(&self, choice: ReplayChoice, rate: Option<u32>) -> i32 {
        let mut conn = self.server.database().await;
        let events = "SELECT count(*), max(position) FROM events";
        let (events, through): (i64, i64) =
            sqlx::query_as(events).fetch_one(&mut conn).await.unwrap();
        let new = NewReplay {
            consumer: "bot",
            choice,
            rate,
            note: None,
            operator: "test",
            events,
            after: 0,
            through,
        };
        replays::create(&mut conn, new).await.unwrap()
    }

    async fn replay_row(&self, id: i32) -> Replay {
        let mut conn = self.server.database().await;
        replays::replay(&mut conn, id).await.unwrap().unwrap()
    }

    /// An operator puts a replay into another state, and the owner learns of it.
    async fn set_replay(&self, id: i32, state: ReplayState) {
        let mut conn = self.server.database().await;
        assert!(replays::set_state(&mut conn, id, state).await.unwrap());
        let goes_on = state == ReplayState::Running;
        eventually("the owner knows the state", async || {
            self.state().await["replay"].is_object() == goes_on
        })
        .await;
    }

    /// Waits until all events of the replay were read.
    async fn has_read(&self, id: i32) {
        let through = self.replay_row(id).await.through.to_string();
        eventually("the replay is read", async || {
            let replay = self.state().await["replay"].clone();
            replay["id"] == id && replay["position"] == through.as_str()
        })
        .await;
    }

    /// Waits for the end of the replay; its settled, skipped and dead events.
    async fn done(&self, id: i32) -> [i64; 3] {
        eventually("the replay is done", async || {
            self.replay_row(id).await.state == ReplayState::Done
        })
        .await;
        let row = self.replay_row(id).await;
        assert!(row.ended_at.is_some() && row.heads.is_empty(), "{row:?}");
        [row.settled, row.skipped, row.dead]
    }

    /// Acks so many events, many at a time.
    async fn settle_many(&self, mut count: usize) {
        while count > 0 {
            let events = self.lease(json!({"max": 100, "wait_s": 30})).await;
            let leases: Vec<_> = events.iter().map(Leased::lease).collect();
            let results = self.settle(json!({"acks": leases})).await;
            assert!(results.iter().all(|it| it == "acked"), "{results:?}");
            count -= results.len();
        }
    }

    /// A desk where each person of these said its name, and all of it is settled.
    async fn settled(lines: &str, persons: &[&str]) -> Self {
        let desk = Self::open_with(lines).await;
        for person in persons {
            desk.say(person, &[person]).await;
        }
        for _ in persons {
            let event = desk.next().await;
            assert_eq!(desk.ack(&event).await, "acked");
        }
        desk
    }
}

#[tokio::test]
async fn the_chosen_events_go_out_once_more_in_the_order_of_their_lane() {
    let desk = Desk::open().await;
    desk.say("1", &["a", "b"]).await;
    desk.say("2", &["x"]).await;
    assert_eq!(desk.work("w").await.len(), 3);
    let replay = desk.replay(of("1"), None).await;
    let first = desk.next().await;
    assert_eq!((first.mid(), first.tried()), ("a", (1, false)));
    assert_eq!(first.0["replay"], replay);
    let listed = json_of(&desk.server.ask_admin("/v1/events?after=0").await);
    assert_eq!(first.0["event"], listed["events"][0], "with the first ids");
    desk.has_read(replay).await;
    assert_eq!(desk.available().await, [""; 0], "one at a time");
    assert_eq!(desk.ack(&first).await, "acked");
    assert_eq!(desk.work("w").await, ["b"]);
    assert_eq!(desk.done(replay).await, [2, 0, 0]);
    let state = desk.state().await;
    assert_eq!(
        (&state["settled"], &state["replay"]),
        (&5.into(), &Value::Null)
    );
}

#[tokio::test]
async fn a_replay_finds_few_events_of_many_by_their_text() {
    let desk = Desk::open_with("lane = 'none'\n").await;
    for person in 0..30 {
        let said: Vec<_> = (0..100).map(|at| format!("m.{person}.{at}")).collect();
        let mut said: Vec<_> = said.iter().map(|mid| (mid.as_str(), "hello")).collect();
        said[50].1 = if person % 10 == 7 {
            "one roll"
        } else {
            "hello"
        };
        let body = messages(&format!("70{person}"), ACCOUNT, &said);
        assert_eq!(desk.server.deliver("/webhook", body).await.status, 200);
    }
    desk.settle_many(3_000).await;
    let filter = EventFilter {
        text: Some("ROLL".to_owned()),
        ..EventFilter::default()
    };
    let replay = desk.replay(ReplayChoice { filter, ..all() }, None).await;
    for person in [7, 17, 27] {
        let event = desk.next().await;
        assert_eq!(event.mid(), format!("m.{person}.50"));
        assert_eq!(desk.ack(&event).await, "acked");
    }
    assert_eq!(desk.done(replay).await, [3, 0, 0]);
}

#[tokio::test]
async fn a_replayed_event_is_never_out_beside_a_live_one_and_live_goes_first() {
    let desk = Desk::settled("", &["1", "2"]).await;
    let replay = desk.replay(all(), None).await;
    desk.has_read(replay).await;
    let out = desk.lease(json!({"max": 1})).await.remove(0);
    desk.say(out.mid(), &["live"]).await;
    desk.say("3", &["other"]).await;
    eventually("both are read", async || {
        desk.state().await["lag"]["positions"] == 0
    })
    .await;
    let next = desk.lease(json!({})).await;
    assert_eq!((mids(&next)[0], next.len()), ("other", 2), "{next:?}");
    assert_eq!(
        (&next[0].0["replay"], &next[1].0["replay"]),
        (&Value::Null, &replay.into())
    );
    assert_eq!(desk.ack(&out).await, "acked");
    let live = desk.next().await;
    assert_eq!((live.mid(), &live.0["replay"]), ("live", &Value::Null));
}

#[tokio::test]
async fn an_event_that_is_not_settled_comes_live_and_not_once_more() {
    let desk = Desk::settled("", &["1"]).await;
    desk.say("1", &["live"]).await;
    let live = desk.next().await;
    let replay = desk.replay(all(), None).await;
    desk.has_read(replay).await;
    assert_eq!(desk.available().await, [""; 0], "the lane is busy");
    assert_eq!(desk.ack(&live).await, "acked");
    assert_eq!(desk.work("w").await, ["1"]);
    assert_eq!(desk.done(replay).await, [1, 1, 0]);
}

#[tokio::test]
async fn a_replay_goes_on_after_a_kill() {
    let persons = ["1", "2", "3", "4", "5", "6"];
    let desk = Desk::settled("lease = '1s'\n", &persons).await;
    let replay = desk.replay(all(), None).await;
    desk.has_read(replay).await;
    let out = desk.lease(json!({"max": 3, "lease_s": 60})).await;
    for event in &out[..2] {
        assert_eq!(desk.ack(event).await, "acked");
    }
    desk.server.signal(Signal::SIGKILL);
    let (_, directory, place) = desk.server.wait();
    let desk = Desk::of(Server::start_in(directory, place)).await;
    let mut rest = Vec::new();
    while rest.len() < 4 {
        let event = desk.next().await;
        assert_eq!(event.0["replay"], replay);
        assert_eq!(desk.ack(&event).await, "acked");
        rest.push(event.mid().to_owned());
    }
    rest.sort();
    assert_eq!(rest, persons[2..]);
    assert_eq!(desk.done(replay).await, [6, 0, 0]);
}

#[tokio::test]
async fn a_paused_replay_goes_on_where_it_stopped() {
    let desk = Desk::settled("", &["1", "2", "3"]).await;
    let replay = desk.replay(all(), None).await;
    desk.has_read(replay).await;
    let out = desk.lease(json!({"max": 1})).await.remove(0);
    desk.set_replay(replay, ReplayState::Paused).await;
    assert_eq!(desk.available().await, [""; 0]);
    assert_eq!(desk.ack(&out).await, "acked");
    let row = desk.replay_row(replay).await;
    assert_eq!(
        (row.state, row.settled, row.heads.len()),
        (ReplayState::Paused, 1, 2)
    );
    desk.set_replay(replay, ReplayState::Running).await;
    assert_eq!(desk.work("w").await, ["2", "3"]);
    assert_eq!(desk.done(replay).await, [3, 0, 0]);
}

#[tokio::test]
async fn a_cancelled_replay_ends_with_the_events_that_are_out_and_the_next_one_begins() {
    let desk = Desk::settled("", &["1", "2", "3"]).await;
    let replay = desk.replay(all(), None).await;
    desk.has_read(replay).await;
    let out = desk.lease(json!({"max": 1})).await.remove(0);
    desk.set_replay(replay, ReplayState::Cancelled).await;
    assert_eq!(desk.available().await, [""; 0]);
    assert_eq!(desk.ack(&out).await, "acked");
    let row = desk.replay_row(replay).await;
    assert_eq!((row.state, row.settled), (ReplayState::Cancelled, 1));
    let next = desk.replay(of("3"), Some(1)).await;
    let event = desk.next().await;
    assert_eq!((event.mid(), &event.0["replay"]), ("3", &next.into()));
    assert_eq!(desk.ack(&event).await, "acked");
    assert_eq!(desk.done(next).await, [1, 0, 0]);
}

#[tokio::test]
async fn a_cancelled_replay_leaves_a_paused_one_its_events() {
    let desk = Desk::settled("", &["1", "2"]).await;
    let paused = desk.replay(all(), None).await;
    desk.has_read(paused).await;
    desk.set_replay(paused, ReplayState::Paused).await;
    let other = desk.replay(of("1"), None).await;
    desk.has_read(other).await;
    desk.set_replay(other, ReplayState::Cancelled).await;
    let (_, directory, place) = desk.server.stop();
    let desk = Desk::of(Server::start_in(directory, place)).await;
    desk.set_replay(paused, ReplayState::Running).await;
    assert_eq!(desk.work("w").await, ["1", "2"]);
    assert_eq!(desk.done(paused).await, [2, 0, 0]);
}

/// A worker has an event of the replay, and the next owner waits for the end of its lease.
#[tokio::test]
async fn a_cancelled_replay_stays_cancelled_after_a_kill() {
    let desk = Desk::settled("", &["1", "2", "3"]).await;
    let replay = desk.replay(all(), None).await;
    desk.has_read(replay).await;
    let out = desk.lease(json!({"max": 1})).await.remove(0);
    desk.set_replay(replay, ReplayState::Cancelled).await;
    eventually("the rest is dropped", async || {
        desk.replay_row(replay).await.heads.len() == 1
    })
    .await;
    desk.server.signal(Signal::SIGKILL);
    let (_, directory, place) = desk.server.wait();
    let desk = Desk::of(Server::start_in(directory, place)).await;
    desk.say(out.mid(), &["live"]).await;
    desk.say("4", &["other"]).await;
    let next = desk.next().await;
    assert_eq!(
        next.mid(),
        "other",
        "the lane of the event that is out waits"
    );
    assert_eq!(desk.ack(&next).await, "acked");
    assert_eq!(desk.ack(&out).await, "acked");
    assert_eq!(desk.work("w").await, ["live"]);
    let row = desk.replay_row(replay).await;
    assert_eq!((row.state, row.settled), (ReplayState::Cancelled, 1));
}

#[tokio::test]
async fn old_events_are_skipped_unless_the_operator_wants_them() {
    let desk = Desk::open_with("max_age = '1h'\n").await;
    let hours = jiff::SignedDuration::from_hours(2);
    let old = hookshelf::clock::Clock::system().now() - hours;
    let body = messages("1", ACCOUNT, &[("old", "hello")]);
    let body = body.replace("1795000000123", &old.as_millisecond().to_string());
    assert_eq!(desk.server.deliver("/webhook", body).await.status, 200);
    eventually("it is skipped live", async || {
        desk.state().await["skipped"]["too_old"] == 1
    })
    .await;
    let skipping = desk.replay(all(), None).await;
    assert_eq!(desk.done(skipping).await, [0, 1, 0]);
    assert_eq!(desk.state().await["skipped"]["too_old"], 2);
    let choice = ReplayChoice {
        ignore_max_age: true,
        ..all()
    };
    let replay = desk.replay(choice, None).await;
    let event = desk.next().await;
    assert_eq!((event.mid(), &event.0["replay"]), ("old", &replay.into()));
    assert_eq!(desk.ack(&event).await, "acked");
    assert_eq!(desk.done(replay).await, [1, 0, 0]);
}

#[tokio::test]
async fn a_replay_of_dead_letters_settles_them_or_they_stay_dead() {
    let desk = Desk::open_with(ONCE).await;
    for person in ["1", "2", "3"] {
        desk.say(person, &[person]).await;
    }
    for _ in 0..3 {
        let event = desk.next().await;
        if event.mid() == "2" {
            assert_eq!(desk.ack(&event).await, "acked");
        } else {
            let nacks = json!({"nacks": [event.lease()]});
            assert_eq!(desk.settle(nacks).await, ["dead"]);
        }
    }
    let choice = ReplayChoice {
        of_dead: true,
        ..all()
    };
    let replay = desk.replay(choice, None).await;
    let first = desk.next().await;
    assert_eq!(
        (first.mid(), desk.ack(&first).await.as_str()),
        ("1", "acked")
    );
    let second = desk.next().await;
    assert_eq!(second.mid(), "3");
    let nacks = json!({"nacks": [second.lease()]});
    assert_eq!(desk.settle(nacks).await, ["dead"]);
    assert_eq!(desk.done(replay).await, [1, 0, 1]);
    let mut conn = desk.server.database().await;
    let states = "SELECT array_agg(state ORDER BY position) FROM dead_letters";
    let states: Vec<String> = sqlx::query_scalar(states)
        .fetch_one(&mut conn)
        .await
        .unwrap();
    assert_eq!(states, ["settled", "dead"]);
}
