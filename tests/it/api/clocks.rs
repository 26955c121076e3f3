//! A clock that jumps by a day, forward and back.

use hookshelf::clock::Clock;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use super::*;
use crate::support::{directory::Directory, moved_clock::MovedClock, postgres::TestDatabase};

const ACCOUNT: &str = "17840000000000008";

/// Texts of the deliveries, and by how many hours the clock is wrong at each.
const JUMPS: [(&str, i64); 5] = [
    ("now", 0),
    ("tomorrow", 24),
    ("yesterday", -24),
    ("again", 0),
    ("later", 1),
];

async fn desk_with_a_clock() -> (Desk, MovedClock) {
    let (directory, database) = (Directory::create(), TestDatabase::create().await);
    let lines = format!("{}{}", apps(["default", "shop"]), tokens());
    std::fs::write(directory.join("hookshelf.toml"), lines).unwrap();
    let clock = MovedClock::create(directory.path());
    let server = Server::start_where(directory, Some(database), &clock.variables());
    (Desk { server }, clock)
}

impl Desk {
    async fn deliver_at(&self, clock: &MovedClock, (text, hours): (&str, i64)) {
        clock.move_by(hours);
        self.deliver(messages("7008", ACCOUNT, &[(text, text)]))
            .await;
    }
}

fn right_time() -> Timestamp {
    Clock::system().now()
}

/// Text and time of arrival of each event.
fn arrivals(list: &Value) -> Vec<(String, Timestamp)> {
    let events = list["events"].as_array().unwrap().iter();
    let text = |event: &Value, key: &str| event[key].as_str().unwrap().to_owned();
    events
        .map(|event| {
            (
                text(event, "text"),
                text(event, "received_at").parse().unwrap(),
            )
        })
        .collect()
}

#[tokio::test]
async fn a_stream_and_pages_have_the_order_of_arrival_whatever_the_clock_says() {
    let (desk, clock) = desk_with_a_clock().await;
    let bearer = format!("Bearer {}", token("reader"));
    let headers = [("Authorization", bearer.as_str())];
    let mut live = EventStream::open(desk.server.admin, "", &headers).await;
    assert_eq!(live.backlog().await, []);
    for jump in JUMPS {
        desk.deliver_at(&clock, jump).await;
        let block = live.next().await.unwrap();
        let event: Value = serde_json::from_str(&block.data.unwrap()).unwrap();
        assert_eq!(event["text"], jump.0);
        let received_at: Timestamp = event["received_at"].as_str().unwrap().parse().unwrap();
        let wrong_by = received_at.duration_since(right_time()).abs();
        let said = SignedDuration::from_hours(jump.1.abs());
        let differs = (wrong_by - said).abs();
        assert!(
            differs < SignedDuration::from_mins(10),
            "{jump:?}: {received_at}"
        );
    }
    let all = JUMPS.map(|(text, _)| text);
    let mut seen = Vec::new();
    let mut path = "/v1/events?after=0&limit=1".to_owned();
    for hours in [24, -24, 0, -1, 24] {
        clock.move_by(hours);
        let page = desk.read_as("reader", &path).await;
        seen.extend(texts(&page).into_iter().map(str::to_owned));
        page["next"].as_str().unwrap().clone_into(&mut path);
    }
    assert_eq!(seen, all);
    let blocks = desk.stream_as("reader", "").await;
    assert_eq!(blocks.len(), all.len());
    let list = desk.read_as("reader", "/v1/events").await;
    let newest: Vec<_> = all.into_iter().rev().collect();
    assert_eq!(texts(&list), newest);
    let conversation = format!("/v1/conversations/{ACCOUNT}/7008");
    desk.be_listed().await;
    let lines = desk.read_as("reader", &conversation).await;
    assert_eq!(lines["lines"].as_array().unwrap().len(), all.len());
    eventually("all are counted", async || {
        desk.read_as("reader", "/v1/stats").await["events"] == all.len()
    })
    .await;
}

#[tokio::test]
async fn filters_and_searches_by_time_mean_the_clock_at_the_request() {
    let (desk, clock) = desk_with_a_clock().await;
    for jump in JUMPS {
        desk.deliver_at(&clock, jump).await;
    }
    let all = arrivals(&desk.read_as("reader", "/v1/events?after=0").await);
    for hours in [0, 24, -24, 48, -48] {
        clock.move_by(hours);
        let now = || right_time() + SignedDuration::from_hours(hours);
        for (ago, query) in [(2, "2h"), (30, "30h"), (72, "3d")] {
            let ago = SignedDuration::from_hours(ago);
            is_found(&desk, &all, query, || now() - ago).await;
        }
        let midnight = |days: i64| {
            let day = now().to_zoned(TimeZone::UTC).date();
            let day = day - jiff::Span::new().days(days);
            day.to_zoned(TimeZone::UTC).unwrap().timestamp()
        };
        is_found(&desk, &all, "today", || midnight(0)).await;
        is_found(&desk, &all, "yesterday", || midnight(1)).await;
    }
}

/// Asserts that since, until and a search find what arrived since `start`, and nothing else.
async fn is_found(
    desk: &Desk,
    all: &[(String, Timestamp)],
    query: &str,
    start: impl Fn() -> Timestamp,
) {
    let expected = |since: bool, start: Timestamp| {
        let meets = all.iter().filter(|(_, at)| (*at >= start) == since);
        meets.map(|(text, _)| text.clone()).collect::<BTreeSet<_>>()
    };
    loop {
        let before = start();
        let since = desk
            .read_as("reader", &format!("/v1/events?since={query}"))
            .await;
        let until = desk
            .read_as("reader", &format!("/v1/events?until={query}"))
            .await;
        let found = searched(desk, &format!("/v1/events?text=o&since={query}")).await;
        let after = start();
        // An event or midnight between both times makes the answer ambiguous.
        if expected(true, before) != expected(true, after) {
            continue;
        }
        let set = |list: &Value| {
            arrivals(list)
                .into_iter()
                .map(|it| it.0)
                .collect::<BTreeSet<_>>()
        };
        assert_eq!(set(&since), expected(true, before), "since {query}");
        assert_eq!(set(&until), expected(false, before), "until {query}");
        let with_o = expected(true, before)
            .into_iter()
            .filter(|it| it.contains('o'));
        assert_eq!(found, with_o.collect(), "search since {query}");
        return;
    }
}

/// Texts that a search finds, to its end.
async fn searched(desk: &Desk, path: &str) -> BTreeSet<String> {
    let (mut found, mut next) = (BTreeSet::new(), Some(path.to_owned()));
    while let Some(path) = next {
        let list = desk.read_as("reader", &path).await;
        for (text, _) in arrivals(&list) {
            assert!(found.insert(text), "nothing comes twice");
        }
        next = list["next"].as_str().map(str::to_owned);
        assert_eq!(next.is_none(), list["complete"] == true);
    }
    found
}

#[tokio::test]
async fn a_wait_and_a_login_do_not_depend_on_the_clock() {
    let (desk, clock) = desk_with_a_clock().await;
    let wait = "/v1/events?after=0&wait=30";
    let jumping = async {
        for hours in [24, -24] {
            clock.move_by(hours);
            desk.deliver(comment(ACCOUNT, &format!("c{hours}"), "no message"))
                .await;
        }
        desk.deliver_at(&clock, ("now", 0)).await;
    };
    let waiting = format!("{wait}&kind=message");
    let (list, ()) = tokio::join!(desk.read_as("reader", &waiting), jumping);
    assert_eq!(texts(&list), ["now"]);
    let wrong = [("Authorization", "Bearer not-one-of-them")];
    for number in 0..12 {
        clock.move_by(24 * (number % 3 - 1));
        let answer = desk
            .server
            .ask_admin_with(("GET", "/v1/events"), &wrong)
            .await;
        let status = if number < 10 { 401 } else { 429 };
        assert_eq!(answer.status, status, "after {number} failures");
    }
}
