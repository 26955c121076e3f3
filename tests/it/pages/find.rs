//! Search box: an id leads to its page.

use super::*;
use crate::{
    api::{
        scopes::{BAKERY, FLORIST, desk_with},
        tokens,
    },
    support::message::{comment, message, notification},
};

const ACCOUNT: &str = "17840000000000001";

/// Address to which a search leads.
async fn led_to(desk: &Desk, text: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("id", text)
        .finish();
    let answer = desk.ask_as("reader", &format!("/find?{query}")).await;
    let body = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status, 303, "{text}: {body}");
    answer.headers["location"].to_str().unwrap().to_owned()
}

/// Newest event of a list.
async fn newest(desk: &Desk) -> serde_json::Value {
    let list = desk.read_as("reader", "/v1/events?limit=1").await;
    list["events"][0].clone()
}

#[tokio::test]
async fn each_id_of_an_event_leads_to_a_page_that_shows_it() {
    let desk = Desk::open().await;
    desk.deliver(message("mid.find", "fresh rolls")).await;
    let event = newest(&desk).await;
    for name in [
        "position",
        "delivery_id",
        "message_id",
        "person_id",
        "account_id",
    ] {
        let id = event[name].as_str().unwrap();
        let page = led_to(&desk, &format!(" {id} ")).await;
        let page = desk.page(page.split('#').next().unwrap()).await;
        assert!(
            page.text().contains("fresh rolls") || page.html.contains(id),
            "{name}: {}",
            page.text()
        );
    }
}

#[tokio::test]
async fn an_id_leads_to_a_page_that_is_there() {
    let desk = Desk::open().await;
    let change = |field: &str, value: serde_json::Value| {
        let change = serde_json::json!({"field": field, "value": value});
        notification(ACCOUNT, "changes", &change)
    };
    let said = |id: &str, from: &str, parent: &str| {
        let value = serde_json::json!({"id": id, "text": "so nice", "parent_id": parent,
            "media": {"id": "8100"}, "from": {"id": from, "username": format!("u{from}")}});
        change("comments", value)
    };
    desk.deliver(message("mid.find", "fresh rolls")).await;
    desk.deliver(said("9001", "7001", "8100")).await;
    desk.deliver(said("9002", "7077", "9001")).await;
    let mention = serde_json::json!({"media_id": "8200", "comment_id": "9200"});
    desk.deliver(change("mentions", mention)).await;
    desk.be_listed().await;
    for (id, start) in [
        // The newest event of this person is a comment.
        ("7001", "/conversations/17840000000000001/7001"),
        ("7077", "/events?person=7077"),
        ("@u7077", "/events?username=u7077"),
        ("9002", "/comments/8100?thread=9001#p"),
        ("9001", "/comments/8100?thread=9001#p"),
        ("9200", "/events/"),
        ("8100", "/comments/8100"),
        ("8200", "/events?media=8200"),
        ("mid.find", "/conversations/17840000000000001/7001?before="),
    ] {
        let link = led_to(&desk, id).await;
        assert!(link.starts_with(start), "{id}: {link}");
        desk.page(link.split('#').next().unwrap()).await;
        if let Some((_, place)) = link.split_once('#') {
            let page = desk.page(&link).await;
            assert!(page.html.contains(&format!("id=\"{place}\"")), "{link}");
        }
    }
}

#[tokio::test]
async fn a_repeat_of_a_lost_event_leads_to_its_delivery() {
    let desk = Desk::open().await;
    desk.deliver(comment(ACCOUNT, "9001", "how much?")).await;
    desk.deliver(comment(ACCOUNT, "9001", "how much?")).await;
    desk.run("DELETE FROM stored_events").await;
    let list = desk.read_as("reader", "/v1/deliveries?limit=1").await;
    let delivery = &list["deliveries"][0];
    let repeat = delivery["repeats"][0].as_str().unwrap();
    let link = led_to(&desk, repeat).await;
    assert_eq!(
        link,
        format!("/deliveries/{}", delivery["id"].as_str().unwrap())
    );
    desk.page(&link)
        .await
        .says("Repeat of an event that is gone");
}

#[tokio::test]
async fn an_address_leads_to_its_page_and_a_log_line_to_its_delivery() {
    let desk = Desk::open().await;
    desk.deliver(comment(ACCOUNT, "9001", "how much?")).await;
    let event = newest(&desk).await;
    let position = event["position"].as_str().unwrap();
    let delivery = event["delivery_id"].as_str().unwrap();
    let address = format!("https://ops.example/hooks/events/{position}?x=1");
    let at = format!("/events/{position}");
    assert_eq!(led_to(&desk, &address).await, format!("{at}?x=1"));
    let api = format!("http://127.0.0.1:9090/v1/events/{position}/around");
    assert_eq!(led_to(&desk, &api).await, at);
    let line = format!("2026-11-30T14:02:03Z INFO stored status=200 delivery={delivery} events=1");
    let by_id = led_to(&desk, delivery).await;
    assert_eq!(led_to(&desk, &line).await, by_id);
}

#[tokio::test]
async fn an_id_of_several_objects_lists_them() {
    let desk = Desk::open().await;
    desk.deliver(comment(ACCOUNT, "9001", "how much?")).await;
    // A position and a comment with the same digits.
    let position = newest(&desk).await["position"].as_str().unwrap().to_owned();
    desk.deliver(comment(ACCOUNT, &position, "and this?")).await;
    let page = desk.page(&format!("/find?id={position}")).await;
    page.says("2 targets").says("event").says("comment");
    assert!(page.links("/events/").len() >= 2, "{}", page.html);
}

#[tokio::test]
async fn an_unknown_id_says_where_it_was_searched() {
    let desk = Desk::open().await;
    let page = desk.page("/find?id=mid.%3Cb%3Enone").await;
    page.says("Nothing found")
        .says("mid.<b>none")
        .says("by user name")
        .says("Search texts for this")
        .hides("<b>none");
    let masked = desk.page_as("viewer", "/find?id=nobody").await;
    masked
        .says("This token does not see user names")
        .hides("Search texts");
    desk.page("/find").await.says("Paste an id of Meta");
    let huge = format!("/find?id={}", "a".repeat(5000));
    assert_eq!(desk.page_as("reader", &huge).await.answer.status, 400);
}

#[tokio::test]
async fn the_id_of_another_client_is_not_found() {
    let desk = desk_with(&tokens()).await;
    let own = desk.ask_as("bakery", &format!("/find?id={BAKERY}")).await;
    assert_eq!(own.status, 303);
    let other = desk.page_as("bakery", &format!("/find?id={FLORIST}")).await;
    assert_eq!(other.answer.status, 200);
    other
        .says("Nothing found")
        .says("belongs to an app or a client");
}

#[tokio::test]
async fn an_id_of_a_dropped_day_is_named_as_such() {
    let desk = Desk::open().await;
    desk.deliver(comment(ACCOUNT, "9001", "how much?")).await;
    desk.drop_the_past().await;
    desk.deliver(comment(ACCOUNT, "9002", "when?")).await;
    let page = desk.page("/find?id=1").await;
    page.says("No longer stored").says("its day was dropped");
    let received = uuid::Timestamp::from_unix(uuid::NoContext, 1_767_610_800, 0);
    let delivery = uuid::Uuid::new_v7(received);
    let page = desk.page(&format!("/find?id={delivery}")).await;
    page.says("the deliveries of 2026-01-05 (UTC) are no longer stored");
    let page = desk
        .page_as("reader", &format!("/deliveries/{delivery}"))
        .await;
    assert_eq!(page.answer.status, 410);
    let day_before = uuid::Timestamp::from_unix(uuid::NoContext, 1_767_524_400, 0);
    let never = uuid::Uuid::new_v7(day_before);
    let page = desk
        .page_as("reader", &format!("/deliveries/{never}"))
        .await;
    assert_eq!(page.answer.status, 404, "nothing was counted on this day");
    desk.page("/find?id=99").await.says("Nothing found");
}

impl Page {
    /// Number of offers below the search box.
    fn offers(&self) -> usize {
        self.html.matches("role=\"option\"").count()
    }
}

#[tokio::test]
async fn the_search_box_leads_on_as_an_id_does_and_keeps_scope_and_time() {
    let desk = Desk::open().await;
    desk.deliver(comment(ACCOUNT, "9001", "how much?")).await;
    let page = desk.page("/events?client=lumen&since=7d&text=much").await;
    for field in [
        "name=\"client\" value=\"lumen\"",
        "name=\"since\" value=\"7d\"",
    ] {
        let form = page.html.split("id=\"search\"").nth(1).unwrap();
        let form = form.split("</form>").next().unwrap();
        assert!(form.contains(field) && !form.contains("much"), "{form}");
    }
    let found = desk
        .ask_as("reader", "/find?q=9001&client=lumen&since=7d")
        .await;
    assert_eq!(found.status, 303);
    let none = desk.page("/find?q=unknown&client=lumen&since=7d").await;
    none.says("Nothing found")
        .says("Searched")
        .says("Possible reasons");
    assert_eq!(none.links("/events?"), ["/events?client=lumen&since=7d"]);
}

#[tokio::test]
async fn words_offer_a_search_pages_accounts_and_commands() {
    let desk = Desk::open().await;
    desk.deliver(comment(ACCOUNT, "9001", "how much?")).await;
    let label = "UPDATE accounts SET label = 'Corner <b>shop', username = 'rolls'";
    desk.run(label).await;
    let empty = desk.page("/find/offers").await;
    assert_eq!(empty.offers(), 0);
    let pages = desk.page("/find/offers?q=conv&client=lumen").await;
    pages.says("Search text for conv").says("Conversations");
    assert_eq!(
        pages.links("client=lumen"),
        [
            "/events?client=lumen&text=conv",
            "/conversations?client=lumen"
        ]
    );
    let account = desk.page("/find/offers?q=SHOP+corner").await;
    account.says("Corner <b>shop").hides("<b>shop");
    assert_eq!(
        account.links("/accounts/"),
        [format!("/accounts/{ACCOUNT}")]
    );
    assert_eq!(
        desk.page("/find/offers?q=rolls")
            .await
            .links("/accounts/")
            .len(),
        1
    );
    let dark = desk.page("/find/offers?q=dark").await;
    assert!(
        dark.html
            .contains("form=\"choose\" name=\"scheme\" value=\"dark\"")
    );
    for (words, command) in [("pause", "live=pause"), ("utc", "utc"), ("sql", "as=SQL")] {
        let page = desk.page(&format!("/find/offers?q={words}")).await;
        assert!(page.html.contains(command), "{words}: {}", page.html);
    }
    assert_eq!(desk.page("/find/offers?q=e").await.offers(), 12);
    let hostile = desk.page("/find/offers?q=%3Cimg+src%3Dx%3E").await;
    hostile.says("Search text for <img src=x>").hides("<img");
    let masked = desk.page_as("viewer", "/find/offers?q=rolls").await;
    assert_eq!(masked.offers(), 0, "{}", masked.html);
}

#[tokio::test]
async fn offers_are_of_the_accounts_and_pages_that_the_token_sees() {
    let desk = desk_with(&tokens()).await;
    let own = desk.page_as("bakery", "/find/offers?q=178400").await;
    assert_eq!(own.links("/accounts/"), [format!("/accounts/{BAKERY}")]);
    let pages = desk.page_as("bakery", "/find/offers?q=health").await;
    assert!(pages.links("/health").is_empty());
    assert_eq!(
        desk.page("/find/offers?q=health")
            .await
            .links("/health")
            .len(),
        1
    );
}
