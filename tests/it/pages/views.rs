//! Saved views: the eight of the start, and those that users save, share, rename and delete.

use hookshelf::meta::signature::{sign, sign_simulated};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::*;
use crate::{
    api::{scopes::desk_with, tokens},
    support::{
        message::{comment, message, messages, notification},
        server::SECRET,
    },
};

const ACCOUNT: &str = "17840000000000001";

/// The views of the start.
const FIRST: [&str; 8] = [
    "Unanswered comments",
    "Waiting longest",
    "Unsent this week",
    "Ads",
    "Unknown kinds",
    "More than an hour late",
    "Simulated",
    "Problems",
];

impl Desk {
    /// Opens a view, and follows it to its list.
    async fn view_as(&self, name: &str, slug: &str) -> Page {
        let answer = self.ask_as(name, &format!("/views/{slug}")).await;
        assert_eq!(answer.status, 303, "{slug}");
        let list = answer.headers["location"].to_str().unwrap();
        let list = self.page_as(name, list).await;
        assert_eq!(list.answer.status, 200, "{slug}: {}", list.text());
        list
    }

    /// Sends a form of the views.
    async fn send_view(&self, name: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let bearer = format!("Bearer {}", token(name));
        let headers = [("Authorization", bearer.as_str())];
        let mut form = form_urlencoded::Serializer::new(String::new());
        let form = form.extend_pairs(fields).finish();
        self.server.send_admin(("POST", path), &headers, form).await
    }

    /// Saves a list under a name. Returns the status.
    async fn save_view(&self, name: &str, title: &str, address: &str) -> u16 {
        let fields = [("name", title), ("address", address), ("pinned", "true")];
        self.send_view(name, "/views", &fields).await.status
    }

    async fn status_as(&self, name: &str, path: &str) -> u16 {
        self.ask_as(name, path).await.status
    }

    /// Delivers a message that is marked as simulated.
    async fn deliver_simulated(&self, text: &str) {
        let secret = SecretString::from(SECRET);
        let body = messages("7005", ACCOUNT, &[("mid.simulated", text)]);
        let signature = sign(&secret, body.as_bytes());
        let mark = sign_simulated(&secret, body.as_bytes());
        let headers = [
            ("X-Hub-Signature-256", signature.as_str()),
            ("X-Hookshelf-Simulated", mark.as_str()),
        ];
        let answer = self.server.post("/webhook", &headers, body).await;
        assert_eq!(answer.status, 200);
    }

    /// Delivers something for each view of the start, and something beside it.
    async fn deliver_for_each_view(&self) {
        self.deliver(messages("7001", ACCOUNT, &[("mid.waits", "long ago")]))
            .await;
        self.deliver(messages("7002", ACCOUNT, &[("mid.asks", "answered")]))
            .await;
        let answer = json!({"mid": "mid.answer", "text": "gladly", "is_echo": true});
        self.deliver(item((ACCOUNT, "7002"), ("message", answer)))
            .await;
        let unsent = json!({"mid": "mid.unsent", "is_deleted": true});
        self.deliver(item(("7003", ACCOUNT), ("message", unsent)))
            .await;
        self.deliver(item(("7003", ACCOUNT), ("novelty", json!({}))))
            .await;
        let ad = json!({"id": "8100", "ad_id": "6", "original_media_id": "8101"});
        self.deliver(said_now("7004", "9001", ("came by the ad", None), &ad))
            .await;
        let media = json!({"id": "8200"});
        self.deliver(said_now("7004", "9002", ("just now", None), &media))
            .await;
        let reply = ("thank you", Some("9002"));
        self.deliver(said_now(ACCOUNT, "9003", reply, &media)).await;
        self.deliver_simulated("only simulated").await;
        self.deliver("{]").await;
        self.be_listed().await;
    }
}

/// An item between two parties, some days ago.
fn item((from, to): (&str, &str), (name, value): (&str, Value)) -> String {
    let item = json!({
        "sender": {"id": from}, "recipient": {"id": to}, "timestamp": 1_795_000_060_000_i64,
        name: value,
    });
    notification(ACCOUNT, "messaging", &item)
}

/// A comment of this second.
fn said_now(from: &str, id: &str, (text, parent): (&str, Option<&str>), media: &Value) -> String {
    let mut value = json!({"id": id, "text": text, "from": {"id": from}, "media": media});
    if let Some(parent) = parent {
        value["parent_id"] = parent.into();
    }
    let change = json!({"field": "comments", "value": value});
    let now = hookshelf::clock::Clock::system().now().as_second();
    let entry = json!({"id": ACCOUNT, "time": now, "changes": [change]});
    json!({"object": "instagram", "entry": [entry]}).to_string()
}

#[tokio::test]
async fn each_view_of_the_start_selects_its_rows() {
    let desk = Desk::open().await;
    desk.deliver_for_each_view().await;
    let list = desk.page("/views").await;
    for name in FIRST {
        list.says(name);
    }
    for (slug, shown) in [
        ("unsent-this-week", "Unsent"),
        ("ads", "came by the ad"),
        ("unknown-kinds", "Unknown"),
        ("simulated", "only simulated"),
    ] {
        let view = desk.view_as("reader", slug).await;
        view.says(shown);
        assert_eq!(view.links("open=").len(), 1, "{slug}");
    }
    let late = desk.view_as("reader", "more-than-an-hour-late").await;
    late.says("long ago").hides("just now");
    let media = desk.view_as("reader", "unanswered-comments").await;
    let counts = ["8101", "8200"].map(|id| media.links(&format!("/comments/{id}")).len());
    assert_eq!(counts, [1, 0]);
    let waiting = desk.view_as("reader", "waiting-longest").await;
    let counts = ["7001", "7002"].map(|id| waiting.links(&format!("/{ACCOUNT}/{id}")).len());
    assert_eq!(counts, [1, 0]);
    let problems = desk.view_as("reader", "problems").await;
    problems.says("not json");
    assert_eq!(problems.links("/deliveries/").len(), 1);
}

#[tokio::test]
async fn a_list_is_saved_and_stands_in_the_navigation() {
    let desk = Desk::open().await;
    desk.deliver(comment(ACCOUNT, "9001", "how much?")).await;
    desk.deliver(message("mid.view", "fresh rolls")).await;
    let list = desk.page("/events?kind=comment").await;
    list.says("Save view").says("Name of this list");
    assert!(list.html.contains("value=\"/events?kind=comment\""));
    assert!(
        !list.html.contains("name=\"shared\""),
        "a viewer shares nothing"
    );
    let hostile = "<i>Questions</i> \u{202e}";
    let address = "/events?kind=comment&open=1&text=";
    assert_eq!(desk.save_view("reader", hostile, address).await, 303);
    let list = desk.view_as("reader", "i-questions-i").await;
    list.says("how much?").hides("fresh rolls").says("Saved");
    list.says("<i>Questions</i> 202E")
        .hides("<i>Q")
        .hides("\u{202e}");
    let current = "<a href=\"/events?kind=comment\" aria-current=\"true\"><svg";
    assert_eq!(list.html.matches(current).count(), 1);
    let others = desk.page("/deliveries").await;
    assert_eq!(others.links("/events?kind=comment").len(), 1);
    let pasted = "/find?id=http%3A%2F%2Fops.example%2Fviews%2Fi-questions-i";
    let pasted = desk.ask_as("reader", pasted).await;
    assert_eq!(pasted.headers["location"], "/views/i-questions-i");
    for path in ["/events/1", "/health", "/views"] {
        desk.page(path).await.hides("Name of this list");
    }
}

#[tokio::test]
async fn a_view_is_personal_until_an_operator_shares_it() {
    let desk = Desk::open().await;
    let address = "/events?kind=comment";
    assert_eq!(desk.save_view("operator", "Questions", address).await, 303);
    let path = "/views/questions";
    for (name, status) in [("operator", 303), ("reader", 404), ("privacy", 404)] {
        assert_eq!(desk.status_as(name, path).await, status, "{name}");
        let page = desk.page_as(name, "/live").await;
        let links = page.links(address).len();
        assert_eq!(links, usize::from(status == 303), "{name}");
    }
    let shared = [("name", "Questions"), ("shared", "true")];
    for (name, status) in [("reader", 404), ("privacy", 404), ("operator", 303)] {
        let answer = desk.send_view(name, path, &shared).await;
        assert_eq!(answer.status, status, "{name}");
    }
    assert_eq!(desk.status_as("reader", path).await, 303);
    let list = desk.page("/views").await;
    list.says("Questions").says("All users");
    assert!(list.links("edit=").is_empty());
    let fields = [("name", "Mine"), ("address", address), ("shared", "true")];
    for path in ["/views", path] {
        let answer = desk.send_view("reader", path, &fields).await;
        assert_eq!(answer.status, 403, "{path}");
    }
    let answer = desk
        .send_view("reader", "/views/questions/delete", &[])
        .await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn a_renamed_view_keeps_its_address_and_a_deleted_one_is_asked_about_once() {
    let desk = Desk::open().await;
    let address = "/conversations?waiting=true";
    assert_eq!(desk.save_view("reader", "Queue", address).await, 303);
    assert_eq!(desk.save_view("reader", "Queue", "/accounts").await, 303);
    let form = desk.page("/views?edit=queue").await;
    form.says("The address /views/queue stays")
        .says("Delete this view")
        .says("Yes, delete it");
    assert_eq!(form.html.matches("Yes, delete it").count(), 1);
    let renamed = [("name", "Who waits?")];
    let answer = desk.send_view("reader", "/views/queue", &renamed).await;
    assert_eq!(answer.status, 303);
    desk.page("/views").await.says("Who waits?");
    desk.view_as("reader", "queue").await;
    let page = desk.page("/events").await;
    assert!(page.links(address).is_empty(), "it is no longer pinned");
    let answer = desk.send_view("reader", "/views/queue/delete", &[]).await;
    assert_eq!(answer.status, 303);
    assert_eq!(desk.status_as("reader", "/views/queue").await, 404);
    assert_eq!(desk.status_as("reader", "/views/queue-2").await, 303);
    let answer = desk.send_view("operator", "/views/ads/delete", &[]).await;
    assert_eq!(answer.status, 303);
    desk.page("/views").await.hides("Ads");
}

#[tokio::test]
async fn a_view_keeps_no_other_address() {
    let desk = Desk::open().await;
    for address in [
        "https://evil.example/events",
        "//evil.example/events",
        "/\\evil.example",
        "/v1/events",
        "/events/1",
        "/health",
        "/events?colour=red",
        "",
    ] {
        let status = desk.save_view("operator", "Evil", address).await;
        assert_eq!(status, 400, "{address}");
    }
    for name in ["", " ", "a\0b", &"x".repeat(81)] {
        let status = desk.save_view("operator", name, "/events").await;
        assert_eq!(status, 400, "{name:?}");
    }
    let bearer = format!("Bearer {}", token("operator"));
    let headers = [
        ("Authorization", bearer.as_str()),
        ("Sec-Fetch-Site", "cross-site"),
    ];
    for path in ["/views", "/views/ads", "/views/ads/delete"] {
        let form = "name=a&address=%2Fevents";
        let request = ("POST", path);
        let answer = desk.server.send_admin(request, &headers, form).await;
        assert_eq!(answer.status, 403, "{path}");
    }
    assert_eq!(desk.status_as("reader", "/views/ads").await, 303);
}

#[tokio::test]
async fn there_are_two_hundred_views_at_most_and_ten_in_the_navigation() {
    let desk = Desk::open().await;
    desk.run(
        "INSERT INTO saved_views (slug, name, owner, is_shared, is_pinned, address)
         SELECT 'v' || n, 'V' || n, 'reader', false, true, '/live?kind=seen'
         FROM generate_series(1, 191) AS n",
    )
    .await;
    let page = desk.page("/events").await;
    let pinned = [
        "/comments?unanswered=true",
        "/deliveries?problem=any",
        "/live?kind=seen",
    ];
    let pinned = pinned.map(|address| page.links(address).len());
    assert_eq!(pinned, [1, 1, 8]);
    assert_eq!(desk.save_view("reader", "One more", "/events").await, 303);
    let fields = [("name", "Too many"), ("address", "/events")];
    let answer = desk.send_view("reader", "/views", &fields).await;
    assert_eq!(answer.status, 409);
    let said = String::from_utf8_lossy(&answer.body).into_owned();
    assert!(said.contains("200 views are saved"), "{said}");
    let answer = desk.send_view("reader", "/views/v7/delete", &[]).await;
    assert_eq!(answer.status, 303);
    assert_eq!(desk.save_view("reader", "Too many", "/events").await, 303);
}

#[tokio::test]
async fn typed_words_offer_the_views_that_the_reader_sees() {
    let base = format!("[admin]\nbase_path = '/hooks'\n{}", tokens());
    let desk = Desk::open_with(&base).await;
    desk.run(
        "INSERT INTO saved_views (slug, name, owner, is_shared, is_pinned, address)
         SELECT 'v' || n, '<b>Queue ' || n, 'reader', false, false, '/live?kind=seen&field=' || n
         FROM generate_series(10, 30) AS n",
    )
    .await;
    let offers = desk.page("/hooks/find/offers?q=UE+que&client=lumen").await;
    offers.says("<b>Queue 10").hides("<b>Q");
    let views = offers.links("/live?");
    assert_eq!(views.len(), 5);
    assert_eq!(views[0], "/hooks/live?kind=seen&field=10");
    let one = desk.page("/hooks/find/offers?q=queue+29").await;
    assert_eq!(one.links("/live?"), ["/hooks/live?kind=seen&field=29"]);
    let all = desk.page("/hooks/find/offers?q=e").await;
    assert_eq!(all.html.matches("role=\"option\"").count(), 12);
    for (name, own, ads) in [("reader", 5, 1), ("operator", 0, 1), ("viewer", 0, 0)] {
        let queues = desk.page_as(name, "/hooks/find/offers?q=queue").await;
        assert_eq!(queues.links("/live?").len(), own, "{name}");
        let found = desk.page_as(name, "/hooks/find/offers?q=ads").await;
        assert_eq!(found.links("payload=").len(), ads, "{name}");
    }
}

#[tokio::test]
async fn filters_of_others_stay_hidden_from_clients_and_searches_from_those_without_content() {
    let desk = desk_with(&tokens()).await;
    let fields = [
        ("name", "Florist"),
        ("address", "/events?client=florist"),
        ("shared", "true"),
        ("pinned", "true"),
    ];
    let answer = desk.send_view("operator", "/views", &fields).await;
    assert_eq!(answer.status, 303);
    for (name, florist, ads) in [
        ("reader", 303, 303),
        ("viewer", 303, 404),
        ("bakery", 404, 303),
        ("operator", 303, 303),
    ] {
        assert_eq!(
            desk.status_as(name, "/views/florist").await,
            florist,
            "{name}"
        );
        assert_eq!(desk.status_as(name, "/views/ads").await, ads, "{name}");
    }
    let page = desk.page_as("bakery", "/views").await;
    page.says("Unsent this week").hides("florist");
    let answer = desk.send_view("bakery", "/views", &fields).await;
    assert_eq!(answer.status, 403, "a client shares nothing");
    let answer = desk.send_view("bakery", "/views/ads/delete", &[]).await;
    assert_eq!(answer.status, 403);
}
