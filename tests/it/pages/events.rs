//! Pages of events: the list, its filters, and an event.

use hookshelf::store::partitions;
use jiff::civil::date;

use super::*;
use crate::{
    api::{
        scopes::{BAKERY, FLORIST, desk_with},
        tokens,
    },
    support::{
        eventually,
        message::{comment, message},
        server::Server,
    },
};

const ACCOUNT: &str = "17840000000000001";

async fn position_of_newest(desk: &Desk) -> String {
    let list = desk.read_as("reader", "/v1/events?limit=1").await;
    list["events"][0]["position"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_list_shows_each_event_and_leads_to_older_ones() {
    let desk = Desk::open().await;
    desk.page("/events").await.says("Nothing here yet");
    for number in 1..=5 {
        let body = comment(
            ACCOUNT,
            &format!("900{number}"),
            &format!("question {number}"),
        );
        desk.deliver(body).await;
    }
    let page = desk.page("/events?limit=2").await;
    page.says("question 5")
        .says("question 4")
        .hides("question 3");
    let older = &page.links("before=")[0];
    let page = desk.page(older).await;
    page.says("question 3")
        .says("question 2")
        .hides("question 4");
    let newer = page.links("after=")[0].clone();
    desk.page(&newer)
        .await
        .says("question 5")
        .says("question 4");
}

#[tokio::test]
async fn filters_are_a_part_of_the_address() {
    let desk = Desk::open().await;
    desk.deliver(comment(ACCOUNT, "9001", "how much?")).await;
    desk.deliver(message("mid.filter", "fresh rolls")).await;
    let page = desk.page("/events?kind=message").await;
    page.says("fresh rolls").hides("how much?");
    assert!(page.html.contains("value=\"message\" checked"));
    let searched = desk.page("/events?text=HOW").await;
    searched
        .says("how much?")
        .says("Searched back to")
        .hides("fresh rolls");
    let none = desk.page("/events?kind=handover").await;
    none.says("Nothing matches").says("Remove all filters");
}

#[tokio::test]
async fn a_search_that_found_nothing_yet_continues_until_it_is_stopped() {
    let desk = Desk::open().await;
    desk.deliver(message("mid.search", "fresh rolls")).await;
    let page = desk.page("/events?text=bagel&since=3d").await;
    page.says("Searching").says("Nothing found back to");
    assert!(page.html.contains("hx-trigger=\"load delay:200ms\""));
    let stopped = desk.page(&page.links("stop=true")[0]).await;
    stopped.says("Nothing matches").says("Search further back");
    assert!(!stopped.html.contains("hx-trigger=\"load"));
    let found = desk.page("/events?text=fresh&since=3d").await;
    found.says("fresh rolls").hides("Searching");
    let whole = desk.page("/events?text=bagel&since=2h").await;
    whole.says("Nothing matches").hides("Searching");
}

#[tokio::test]
async fn each_filter_of_the_address_is_shown_and_can_be_removed() {
    let desk = Desk::open().await;
    desk.deliver(message("mid.filter", "fresh rolls")).await;
    let page = desk.page("/events?message=mid.none&limit=5").await;
    page.says("Nothing matches").says("mid.none");
    let without = page.links("limit=5");
    let without = without.iter().find(|link| !link.contains("message="));
    desk.page(without.unwrap()).await.says("fresh rolls");
}

#[tokio::test]
async fn empty_fields_of_a_form_leave_the_address() {
    let desk = Desk::open().await;
    let answer = desk
        .ask_as("reader", "/events?kind=message&person=&text=&source=")
        .await;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.headers["location"], "/events?kind=message");
    let answer = desk.ask_as("reader", "/events?person=").await;
    assert_eq!(answer.headers["location"], "/events");
}

#[tokio::test]
async fn an_event_opens_beside_the_list_and_as_a_page() {
    let desk = Desk::open().await;
    desk.deliver(comment(ACCOUNT, "9001", "how much?")).await;
    let list = desk.page("/events?kind=comment").await;
    let open = list.links("open=")[0].clone();
    let beside = desk.page(&open).await;
    beside.says("how much?").says("Payload");
    assert!(beside.html.contains("aria-label=\"Open as a page\""));
    let position = position_of_newest(&desk).await;
    let page = desk.page(&format!("/events/{position}")).await;
    page.says("Comment of").says("9001").says("Exact text");
    page.says(&format!("SELECT * FROM events WHERE position = {position}"));
}

#[tokio::test]
async fn a_term_is_found_in_the_keys_and_values_of_a_payload() {
    let desk = Desk::open().await;
    desk.deliver(comment(ACCOUNT, "9001", "How <b>Much</b>?"))
        .await;
    let event = desk.page("/events/1").await;
    event.hides("<mark>").hides("Clear</a>");
    let found = desk.page("/events/1?find=mUCH").await;
    found.says("1 match");
    let expected = "How &lt;b&gt;<mark>Much</mark>&lt;/b&gt;?";
    assert_eq!(found.html.matches(expected).count(), 1, "{}", found.html);
    let clear = "href=\"/events/1\" hx-target=\"#payload\"";
    assert!(found.html.contains(clear), "{}", found.html);
    let key = desk.page("/events/1?find=FROM").await;
    key.says("1 match");
    assert!(key.html.contains("<mark>from</mark>"));
    let none = desk.page("/events/1?find=%22%3E%3Cimg+src%3Dx%3E").await;
    none.says("No match").hides("<mark>").hides("<img");
    let tree = |page: &Page| {
        let tree = page.html.split("<ul class=\"tree\">").nth(1).unwrap();
        tree.split("Exact text").next().unwrap().to_owned()
    };
    assert_eq!(tree(&none), tree(&event), "the tree is as without a search");
    let long = format!("/events/1?find={}", "a".repeat(201));
    assert_eq!(desk.page_as("reader", &long).await.answer.status, 400);
    let empty = desk.ask_as("reader", "/events/1?find=").await;
    assert_eq!(empty.headers["location"], "/events/1");
    let masked = desk.page_as("viewer", "/events/1?find=much").await;
    masked
        .says("Not visible with this token")
        .hides("match</p>")
        .hides("name=\"find\"");
}

#[tokio::test]
async fn a_term_beside_a_list_is_of_the_open_event_alone() {
    let desk = Desk::open().await;
    desk.deliver(comment(ACCOUNT, "9001", "how much?")).await;
    for list in ["/events", "/live"] {
        let path = format!("{list}?kind=comment&open=1&find=much");
        let page = desk.page(&path).await;
        page.says("1 match").says("how much?");
        let form = page.html.split("aria-label=\"Search the payload\"").nth(1);
        let form = form.unwrap().split("</form>").next().unwrap();
        for kept in [
            "name=\"kind\" value=\"comment\"",
            "name=\"open\" value=\"1\"",
        ] {
            assert!(form.contains(kept), "{list}: {form}");
        }
        let rows = page.html.split("class=\"row\" ").skip(1);
        let rows: Vec<_> = rows.filter_map(|row| row.split('>').next()).collect();
        assert!(!rows.is_empty(), "{list}");
        assert!(rows.iter().all(|row| !row.contains("find=")), "{rows:?}");
        let close = page
            .html
            .split("aria-label=\"Close\" hx-target")
            .next()
            .unwrap();
        let close = close.rsplit("href=").next().unwrap();
        assert_eq!(close, format!("\"{list}?kind=comment\" "), "without it");
        let place = page.html.split("id=\"place\"").nth(1).unwrap();
        let place = place.split("</template>").next().unwrap();
        assert!(!place.contains("much"), "{place}");
        page.hides("stream?kind=comment&#38;find");
    }
}

#[tokio::test]
async fn a_repeat_leads_to_its_event() {
    let desk = Desk::open().await;
    desk.deliver(comment(ACCOUNT, "9001", "how much?")).await;
    let first = position_of_newest(&desk).await;
    desk.deliver(comment(ACCOUNT, "9001", "how much?")).await;
    let repeat = first.parse::<i64>().unwrap() + 1;
    let page = desk.page(&format!("/events/{repeat}")).await;
    page.says(&format!("Position {first}"))
        .says("Delivered twice.");
}

#[tokio::test]
async fn a_viewer_sees_that_content_is_there_and_not_the_content() {
    let desk = Desk::open().await;
    desk.deliver(comment(ACCOUNT, "9001", "how much?")).await;
    let page = desk.page_as("viewer", "/events").await;
    page.says("Not visible with this token").hides("how much?");
    let position = position_of_newest(&desk).await;
    let event = desk.page_as("viewer", &format!("/events/{position}")).await;
    event.says("Not visible with this token").hides("how much?");
    let refused = desk.page_as("viewer", "/events?text=much").await;
    assert_eq!(refused.answer.status, 403);
}

#[tokio::test]
async fn a_client_sees_its_own_events_only() {
    let desk = desk_with(&tokens()).await;
    let list = desk.read_as("reader", "/v1/events").await;
    for event in list["events"].as_array().unwrap() {
        let path = format!("/events/{}", event["position"].as_str().unwrap());
        let is_own = event["account_id"] == BAKERY;
        let page = desk.page_as("bakery", &path).await;
        assert_eq!(page.answer.status, if is_own { 200 } else { 404 }, "{path}");
    }
    let page = desk.page_as("bakery", "/events").await;
    page.says("hello").hides(FLORIST).hides("72027202");
    let named = desk
        .page_as("bakery", &format!("/events?account={FLORIST}"))
        .await;
    named.says("Nothing matches");
}

#[tokio::test]
async fn hostile_text_is_text() {
    let desk = Desk::open().await;
    let hostile = "<img src=x onerror=alert(1)> {{7*7}} \u{202e}evil hx-get=/x";
    desk.deliver(comment(ACCOUNT, "9001", hostile)).await;
    let position = position_of_newest(&desk).await;
    for path in ["/events".to_owned(), format!("/events/{position}")] {
        let page = desk.page(&path).await;
        page.says("<img src=x onerror=alert(1)> {{7*7}} 202Eevil");
        page.hides("<img").hides("\u{202e}");
    }
}

#[tokio::test]
async fn around_an_event_are_those_of_its_account_before_and_after_it() {
    let desk = Desk::open().await;
    for number in 1..=5 {
        let account = if number == 4 {
            "17840000000000002"
        } else {
            ACCOUNT
        };
        let text = format!("question {number}");
        desk.deliver(comment(account, &format!("900{number}"), &text))
            .await;
    }
    let event = desk.page("/events/3").await;
    assert_eq!(event.links("/around"), ["/events/3/around#p3"]);
    let around = desk.page("/events/3/around").await;
    around.says("2 before and 1 after it");
    around
        .says("question 2")
        .says("question 5")
        .hides("question 4");
    assert!(
        around
            .html
            .contains("href=\"/events/3\" aria-current=\"true\"")
    );
    let near = desk.page("/events/3/around?n=2").await;
    near.says("question 2").hides("question 1");
    let older = &near.links("before=")[0];
    desk.page(older)
        .await
        .says("question 1")
        .hides("question 2");
    assert!(around.links("after=").is_empty(), "nothing is newer");
    let none = desk.page_as("reader", "/events/99/around").await;
    assert_eq!(none.answer.status, 404);
}

#[tokio::test]
async fn around_an_event_a_client_sees_its_own_account_only() {
    let desk = desk_with(&tokens()).await;
    let list = desk.read_as("reader", "/v1/events").await;
    for event in list["events"].as_array().unwrap() {
        let path = format!("/events/{}/around", event["position"].as_str().unwrap());
        let page = desk.page_as("bakery", &path).await;
        let is_own = event["account_id"] == BAKERY;
        assert_eq!(page.answer.status, if is_own { 200 } else { 404 }, "{path}");
        page.hides(FLORIST);
    }
}

/// Words about newer events in the answer that scripts get.
async fn newer(desk: &Desk, page: &Page) -> Page {
    let address = page.html.split_once("id=\"newer\"").unwrap().1;
    let address = address.split_once("hx-get=\"").unwrap().1;
    let address = address.split('"').next().unwrap().replace("&#38;", "&");
    let address = address.replace("&amp;", "&");
    desk.page_with("reader", &address, &[("HX-Request", "true")])
        .await
}

#[tokio::test]
async fn newer_events_are_counted_and_do_not_move_the_list() {
    let desk = Desk::open().await;
    desk.deliver(comment(ACCOUNT, "9001", "how much?")).await;
    let page = desk.page("/events?kind=comment").await;
    let none = newer(&desk, &page).await;
    assert_eq!((none.answer.status, none.text().as_str()), (200, ""));
    for number in 2..=3 {
        desk.deliver(comment(ACCOUNT, &format!("900{number}"), "more"))
            .await;
        desk.deliver(message(&format!("mid.{number}"), "fresh rolls"))
            .await;
    }
    let two = newer(&desk, &page).await;
    assert_eq!(two.text(), "2 newer events");
    assert_eq!(two.links("/events"), ["/events?kind=comment"]);
    for part in [
        "/events?before=4",
        "/events?until=2026-01-01",
        "/events?text=more",
    ] {
        desk.page(part).await.hides("id=\"newer\"");
    }
    let alone = desk
        .ask_as("reader", "/events/newer?after=1&kind=comment")
        .await;
    assert_eq!(
        (alone.status, &alone.headers["location"]),
        (303, &"/events?kind=comment".parse().unwrap())
    );
}

impl Desk {
    /// Makes everything so far look like a dropped day.
    pub(super) async fn drop_the_past(&self) {
        self.be_all_counted().await;
        self.run(
            "DELETE FROM stored_events; DELETE FROM stored_repeats; DELETE FROM stored_deliveries;
             UPDATE stats_hourly SET hour = '2026-01-05T10:00:00Z'",
        )
        .await;
    }
}

#[tokio::test]
async fn an_event_of_a_dropped_day_is_older_and_not_just_missing() {
    let desk = Desk::open().await;
    desk.deliver(comment(ACCOUNT, "9001", "how much?")).await;
    let missing = desk.page_as("reader", "/events/7").await;
    assert_eq!(missing.answer.status, 404);
    desk.drop_the_past().await;
    desk.deliver(comment(ACCOUNT, "9002", "when?")).await;
    for path in ["/events/1", "/events/1/around"] {
        let page = desk.page_as("reader", path).await;
        assert_eq!(page.answer.status, 410, "{path}");
        page.says("It is older than the stored days");
        page.says("position 1 is older than the oldest stored one, 2; its day was dropped");
    }
    let missing = desk.page_as("reader", "/events/7").await;
    assert_eq!(missing.answer.status, 404, "this position was never stored");
    let elsewhere = desk.page_as("bakery", "/events/1").await;
    assert_eq!(
        elsewhere.answer.status, 404,
        "it may have been of another client"
    );
}

impl Desk {
    /// Starts the server again: it looks at its days then, and every hour.
    fn start_again(self) -> Self {
        let (_, directory, place) = self.server.stop();
        let server = Server::start_in(directory, place);
        Self { server }
    }

    /// Waits until the server has noted a day.
    async fn have_noted(&self, day: &str) {
        let mut database = self.server.database().await;
        let noted = format!("SELECT count(*) FROM kept_days WHERE {day}");
        eventually(day, async || {
            let noted = sqlx::query_scalar(sqlx::AssertSqlSafe(noted.clone()));
            let noted: i64 = noted.fetch_one(&mut database).await.unwrap();
            noted == 1
        })
        .await;
    }
}

#[tokio::test]
async fn an_event_of_a_dropped_day_says_when_the_day_was_gone() {
    let desk = Desk::open().await;
    desk.deliver(comment(ACCOUNT, "9001", "how much?")).await;
    desk.be_all_counted().await;
    let (day, mut database) = (date(2026, 1, 5), desk.server.database().await);
    partitions::ensure_day(&mut database, day).await.unwrap();
    desk.run(
        "UPDATE stored_events SET received_at = '2026-01-05T10:00:00Z';
         UPDATE stored_deliveries SET received_at = '2026-01-05T10:00:00Z';
         UPDATE stats_hourly SET hour = '2026-01-05T10:00:00Z'",
    )
    .await;
    let desk = desk.start_again();
    desk.have_noted("day = '2026-01-05' AND last_position = 1")
        .await;
    partitions::drop_day(&mut database, day).await.unwrap();
    let desk = desk.start_again();
    desk.have_noted("day = '2026-01-05' AND dropped_at IS NOT NULL")
        .await;
    desk.deliver(comment(ACCOUNT, "9002", "when?")).await;
    let received = uuid::Timestamp::from_unix(uuid::NoContext, 1_767_610_800, 0);
    let delivery = uuid::Uuid::new_v7(received);
    for path in ["/events/1".to_owned(), format!("/deliveries/{delivery}")] {
        let page = desk.page_as("reader", &path).await;
        assert_eq!(page.answer.status, 410, "{path}");
        page.says("day was dropped, at the latest on 20");
        let answer = desk.ask_as("reader", &format!("/v1{path}")).await;
        let problem = String::from_utf8_lossy(&answer.body).into_owned();
        let said = "day was dropped, at the latest on 20";
        assert!(problem.contains(said), "{path}: {problem}");
    }
    desk.page("/find?id=1")
        .await
        .says("its day was dropped, at the latest on 20");
}
