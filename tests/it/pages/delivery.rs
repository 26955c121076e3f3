//! Page of a delivery: its secret, its sender, its bytes, and its items in order.

use hookshelf::meta::signature::sign;
use secrecy::SecretString;
use serde_json::json;

use super::{
    deliveries::{ACCOUNT, BODY, desk_with_body, newest},
    *,
};
use crate::{
    api::tokens,
    support::{
        message::{comment, message},
        server::SECRET,
    },
};

/// Changes the configuration of the running server.
fn configure(desk: &Desk, from: &str, to: &str) {
    let file = desk.server.directory.join("hookshelf.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(file, text.replace(from, to)).unwrap();
    assert!(desk.server.run(&["reload"]).status.success());
}

#[tokio::test]
async fn a_replaced_secret_is_named_to_every_reader() {
    let (desk, path) = desk_with_body().await;
    let page = desk.page_as("viewer", &path).await;
    page.says("Valid for the secret app when the delivery was stored")
        .says("A secret of this name is configured now.");
    configure(&desk, SECRET, "another secret of the same app");
    let page = desk.page_of_operator(&path).await;
    page.says("No configured secret makes this signature now")
        .says("The secret app was replaced or removed since.")
        .hides("Verified again now");
    configure(&desk, "app_secret", "instagram_app_secret");
    let page = desk.page_as("viewer", &path).await;
    page.says("No secret of this name is configured now.");
    configure(&desk, "another secret of the same app", SECRET);
    let page = desk.page_of_operator(&path).await;
    page.says("The configured secret instagram makes the same signature");
    desk.run("UPDATE stored_deliveries SET body = NULL, erased_at = now()")
        .await;
    let page = desk.page_of_operator(&path).await;
    page.says("The signature cannot be verified again.")
        .says("No secret of this name is configured now.");
}

#[tokio::test]
async fn the_download_has_the_exact_bytes() {
    let (desk, path) = desk_with_body().await;
    let page = desk.page_of_operator(&path).await;
    page.says("Download");
    let bytes = desk.ask_as("operator", &page.links("/body")[0]).await;
    assert_eq!((bytes.status, &bytes.body[..]), (200, BODY.as_bytes()));
    let name = bytes.headers["content-disposition"].to_str().unwrap();
    assert!(name.starts_with("attachment; filename="), "{name}");
    let page = desk.page_as("viewer", &path).await;
    assert_eq!(page.links("/body"), [""; 0]);
}

#[tokio::test]
async fn the_sender_is_named_by_the_network_of_its_address() {
    let lines = format!("{}[http]\ntrusted_proxies = [\"127.0.0.1\"]\n", tokens());
    let desk = Desk::open_with(&lines).await;
    for (number, (address, words)) in [
        ("173.252.95.16", "1 item from Meta's network, signed with"),
        ("198.51.100.7", "1 item from another network, signed with"),
    ]
    .into_iter()
    .enumerate()
    {
        let body = message(&format!("mid.{number}"), "hello");
        let signature = sign(&SecretString::from(SECRET), body.as_bytes());
        let headers = [
            ("X-Hub-Signature-256", &*signature),
            ("X-Forwarded-For", address),
        ];
        let answer = desk.server.post("/webhook", &headers, body).await;
        assert_eq!(answer.status, 200);
        let path = format!("/deliveries/{}", newest(&desk).await);
        let page = desk.page(&path).await;
        page.says(words).says(address);
        let is_metas = page.text().contains("The address belongs to Meta.")
            || page.html.contains("title=\"The address belongs to Meta.\"");
        assert_eq!(is_metas, address.starts_with("173."));
    }
}

#[tokio::test]
async fn events_and_repeats_stand_in_the_order_of_their_bytes() {
    let desk = Desk::open().await;
    desk.deliver(comment(ACCOUNT, "9002", "how much?")).await;
    let change = |id: &str| {
        let value = json!({"id": id, "text": "how much?", "from": {"id": "7001"}});
        json!({"field": "comments", "value": value})
    };
    let changes = ["9001", "9002", "9003"].map(change);
    let entry = json!({"id": ACCOUNT, "time": 1_793_000_000, "changes": changes});
    let body = json!({"object": "instagram", "entry": [entry]});
    desk.deliver(body.to_string()).await;
    let path = format!("/deliveries/{}", newest(&desk).await);
    let page = desk.page_of_operator(&path).await;
    page.says("3 items").says("2 new events, 1 repeat");
    let (_, items) = page.html.split_once("id=\"items\"").unwrap();
    let items = items.split_once("</section>").unwrap().0;
    let results = items.split("/events/").skip(1);
    let results = results.map(|rest| rest.split(['>', '<']).nth(1).unwrap());
    let results: Vec<_> = results
        .map(|words| words.trim_end_matches(|it: char| it.is_ascii_digit()))
        .collect();
    assert_eq!(results, ["Event ", "Repeat of event ", "Event "]);
    let ranges = items.split("<td class=\"num end\">").skip(1);
    let starts: Vec<usize> = ranges
        .map(|range| range.split('–').next().unwrap().replace(',', ""))
        .map(|start| start.parse().unwrap())
        .collect();
    assert!(starts.is_sorted(), "{starts:?}");
}

#[tokio::test]
async fn every_kind_of_place_that_would_change_is_marked_as_received() {
    let desk = Desk::open().await;
    desk.deliver("{\"entry\": [],\"n\":1E2,\"t\":\"a\\u00f6\\n\"}")
        .await;
    let path = format!("/deliveries/{}", newest(&desk).await);
    let page = desk.page_of_operator(&path).await;
    page.hides("<mark>");
    let marked = desk
        .page_of_operator(&page.links("bytes=received#bytes")[0])
        .await;
    marked.says("Marked: places that a serializer would change");
    let marks = marked.html.split("<mark>").skip(2);
    let marks: Vec<_> = marks
        .map(|rest| rest.split_once("</mark>").unwrap().0)
        .collect();
    let escape = r#"<span class="esc"><bdi>\u00f6</bdi></span>"#;
    assert_eq!(marks, ["<bdi> </bdi>", "<bdi>1E2</bdi>", escape]);
}

#[tokio::test]
async fn the_bytes_of_an_item_are_marked_in_hex() {
    let (desk, path) = desk_with_body().await;
    let page = desk.page_of_operator(&format!("{path}?bytes=hex")).await;
    let (_, item) = page.html.split_once("id=\"item-1\"").unwrap();
    let (item, _) = item.split_once('>').unwrap().1.split_once("</a>").unwrap();
    let mut digits = String::new();
    for (number, part) in item.split("<span class=\"").enumerate() {
        let shown = if number == 0 {
            part
        } else {
            part.rsplit_once("</span>").unwrap().1
        };
        digits.extend(shown.split_whitespace());
    }
    let start = BODY.find("{\"sender\"").unwrap();
    let end = BODY.len() - "]}]}".len();
    assert_eq!(digits, hex::encode(&BODY[start..end]));
}
