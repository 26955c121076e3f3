//! Events that a consumer reads by position or by lane.

use hookshelf::{
    meta::event::{Event, Kind, Source},
    query::{EventFilter, EventRow},
    store::{self, Delivery, consumers},
};
use jiff::Timestamp;
use sqlx::PgConnection;

use crate::store::{
    PATIENCE, World,
    items::{comment, days_ago, delivery, message},
};

/// Name of a person and the events of this person.
fn of(person: &str, event: Event) -> Event {
    Event {
        person_id: Some(person.to_owned().into()),
        ..event
    }
}

/// A log with its positions in order. Positions have holes; the tests call the events one to seven.
struct Log {
    _world: World,
    conn: PgConnection,
    positions: Vec<i64>,
}

impl Log {
    /// Commits deliveries of several days, in an order other than that of their receipt. The events
    /// 1, 3, 4, 6 and 7 are of one person.
    async fn with_late_deliveries() -> Self {
        let world = World::create().await;
        let mut writer = world.writer().await;
        let simulated = Delivery {
            source: Source::Simulated,
            ..delivery(vec![of("person", comment(7))])
        };
        for delivery in [
            days_ago(1, vec![of("person", comment(1)), of("other", comment(2))]),
            days_ago(5, vec![of("person", message(3))]),
            delivery(vec![of("person", comment(4)), of("other", comment(5))]),
            days_ago(3, vec![of("person", comment(6))]),
            simulated,
        ] {
            writer.commit(&[delivery]).await;
        }
        let options = world.db.options();
        let mut conn = store::connect_follower(&options, PATIENCE).await.unwrap();
        let positions = sqlx::query_scalar("SELECT position FROM events ORDER BY position");
        let positions = positions.fetch_all(&mut conn).await.unwrap();
        Self {
            _world: world,
            conn,
            positions,
        }
    }

    /// Position of an event; of 0, the position before all events.
    fn position(&self, event: usize) -> i64 {
        event
            .checked_sub(1)
            .map_or(0, |index| self.positions[index])
    }

    fn numbers(&self, events: &[EventRow]) -> Vec<usize> {
        let number = |position| self.positions.iter().position(|it| *it == position);
        let positions = events.iter().map(|event| event.position);
        positions.map(|it| number(it).unwrap() + 1).collect()
    }

    /// Events of a lane after one event and up to another.
    async fn next(&mut self, lane: &EventFilter, range: [usize; 2], limit: u32) -> Vec<usize> {
        let [after, through] = range.map(|event| self.position(event));
        let events = consumers::next_of_lane(&mut self.conn, lane, after, through, limit).await;
        self.numbers(&events.unwrap())
    }
}

fn lane(person: Option<&str>) -> EventFilter {
    EventFilter {
        app: Some("default".to_owned()),
        account_ids: vec!["17840000000000001".to_owned()],
        person_id: person.map(str::to_owned),
        ..EventFilter::default()
    }
}

#[tokio::test]
async fn the_next_events_of_a_lane_come_in_order_of_their_positions() {
    let mut log = Log::with_late_deliveries().await;
    let person = lane(Some("person"));
    assert_eq!(log.next(&person, [0, 7], 10).await, [1, 3, 4, 6, 7]);
    assert_eq!(log.next(&person, [1, 6], 10).await, [3, 4, 6]);
    assert_eq!(log.next(&person, [1, 7], 1).await, [3]);
    assert_eq!(log.next(&person, [7, 7], 10).await, [0; 0]);
    assert_eq!(log.next(&lane(None), [1, 6], 10).await, [2, 3, 4, 5, 6]);
    let comments = EventFilter {
        kinds: vec![Kind::Comment],
        sources: vec![Source::Live],
        ..person.clone()
    };
    assert_eq!(log.next(&comments, [0, 7], 10).await, [1, 4, 6]);
    for other in [
        lane(Some("nobody")),
        EventFilter {
            app: Some("another".to_owned()),
            ..person.clone()
        },
        EventFilter {
            account_ids: vec!["17840000000000002".to_owned()],
            ..person
        },
    ] {
        assert_eq!(log.next(&other, [0, 7], 10).await, [0; 0], "{other:?}");
    }
}

#[tokio::test]
async fn events_are_found_by_position_with_and_without_their_time() {
    let mut log = Log::with_late_deliveries().await;
    let all: Vec<(i64, Option<Timestamp>)> = log.positions.iter().map(|it| (*it, None)).collect();
    let events = consumers::events_at(&mut log.conn, &all).await.unwrap();
    assert_eq!(log.numbers(&events), [1, 2, 3, 4, 5, 6, 7]);
    assert!(events.iter().all(|it| it.payload.is_none()));

    let at = |event: usize| (log.positions[event - 1], None);
    let dated = |event: usize| (at(event).0, Some(events[event - 1].received_at));
    let missing = log.position(7) + 1;
    let another_day = (at(2).0, dated(3).1);
    let wanted = [
        at(6),
        dated(3),
        dated(4),
        (missing, None),
        at(1),
        another_day,
    ];
    let mut found = consumers::events_at(&mut log.conn, &wanted).await.unwrap();
    assert_eq!(log.numbers(&found), [1, 3, 4, 6]);
    let read = consumers::read_payloads(&mut log.conn, &mut found).await;
    read.unwrap();
    assert!(found.iter().all(|it| it.payload.is_some()));
    let none = consumers::events_at(&mut log.conn, &[]).await.unwrap();
    assert!(none.is_empty());
}

/// The view shows the first rows to the statement that finds positions, and no more to the one that
/// reads them: as if they were deleted in between.
#[tokio::test]
async fn rows_that_are_deleted_during_a_lookup_do_not_end_a_lane() {
    const DELETED: u32 = 7;
    let world = World::create().await;
    let events = (1..=9).map(|number| of("person", comment(number)));
    world
        .writer()
        .await
        .commit(&[delivery(events.collect())])
        .await;
    let deleting = format!(
        "ALTER VIEW events RENAME TO all_events;
         CREATE VIEW events AS SELECT * FROM all_events
         WHERE position > {DELETED} OR current_setting('enable_sort') = 'off'"
    );
    world.run(&deleting).await;
    let options = world.db.options();
    let mut conn = store::connect_follower(&options, PATIENCE).await.unwrap();
    for lane in [lane(Some("person")), lane(None)] {
        for limit in [1, 3, DELETED] {
            let next = consumers::next_of_lane(&mut conn, &lane, 0, 9, limit);
            let next = next.await.unwrap();
            assert_eq!(next.first().map(|it| it.position), Some(8), "{lane:?}");
        }
        let end = consumers::next_of_lane(&mut conn, &lane, 0, 7, 3).await;
        assert!(end.unwrap().is_empty());
    }
}
