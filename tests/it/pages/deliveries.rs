//! Pages of deliveries: the list, the signature, the bytes, and two side by side.

use hookshelf::meta::signature::sign;
use secrecy::SecretString;

use super::*;
use crate::{
    api::{
        scopes::{BAKERY, FLORIST, desk_with},
        tokens,
    },
    support::{
        message::{comment, message, notification},
        server::SECRET,
    },
};

pub(super) const ACCOUNT: &str = "17840000000000001";

/// A body whose bytes a serializer would change.
pub(super) const BODY: &str = "{\"object\":\"instagram\", \"entry\":[{\"id\":\"17840000000000001\",\"time\":1795000000,\
    \"messaging\":[{\"sender\":{\"id\":\"7001\"},\"recipient\":{\"id\":\"17840000000000001\"},\
    \"timestamp\":1795000000000,\"message\":{\"mid\":\"mid.page\",\"text\":\"Br\\u00f6tchen 5\\/5\"}}]}]}";

/// Id of the newest delivery.
pub(super) async fn newest(desk: &Desk) -> String {
    let list = desk.read_as("operator", "/v1/deliveries?limit=1").await;
    list["deliveries"][0]["id"].as_str().unwrap().to_owned()
}

pub(super) async fn desk_with_body() -> (Desk, String) {
    let desk = Desk::open().await;
    desk.deliver(BODY).await;
    let id = newest(&desk).await;
    (desk, format!("/deliveries/{id}"))
}

impl Desk {
    pub(super) async fn page_of_operator(&self, path: &str) -> Page {
        let page = self.page_as("operator", path).await;
        assert_eq!(page.answer.status, 200, "{path}: {}", page.text());
        page
    }
}

#[tokio::test]
async fn the_list_leads_to_older_and_newer_deliveries() {
    let desk = Desk::open().await;
    let page = desk.page("/deliveries").await;
    page.says("Nothing here yet").says("hookshelf simulate");
    let mut ids = Vec::new();
    for number in 1..=5 {
        desk.deliver(message(&format!("mid.{number}"), "hello"))
            .await;
        ids.push(newest(&desk).await);
    }
    let page = desk.page("/deliveries?limit=2").await;
    page.hides(&ids[2]);
    assert_eq!(
        page.links("/deliveries/"),
        [&ids[4], &ids[3]].map(|id| format!("/deliveries/{id}"))
    );
    let older = desk.page(&page.links("before=")[0]).await;
    assert_eq!(
        older.links("/deliveries/"),
        [&ids[2], &ids[1]].map(|id| format!("/deliveries/{id}"))
    );
    let newer = desk.page(&older.links("after=")[0]).await;
    assert_eq!(
        newer.links("/deliveries/"),
        [&ids[4], &ids[3]].map(|id| format!("/deliveries/{id}"))
    );
    let last = desk.page(older.links("before=").last().unwrap()).await;
    assert_eq!(
        last.links("/deliveries/"),
        [format!("/deliveries/{}", ids[0])]
    );
    last.says("Newer").hides("rel=\"next\"");
    let none = desk.page("/deliveries?source=simulated").await;
    none.says("Nothing matches")
        .says("hookshelf deliveries list --source simulated");
    assert_eq!(
        desk.page_as("reader", "/deliveries?order=x")
            .await
            .answer
            .status,
        400
    );
}

#[tokio::test]
async fn a_signature_is_explained_on_the_body() {
    let (desk, path) = desk_with_body().await;
    let page = desk.page_of_operator(&path).await;
    let header = sign(&SecretString::from(SECRET), BODY.as_bytes());
    page.says(&header)
        .says(&format!(
            "HMAC-SHA256 of these {} bytes with the secret app",
            BODY.len()
        ))
        .says("Verified again now")
        .says("A parsed and serialized body would not verify")
        .says("Places of this body that would change: 3, marked in the bytes")
        .says(r"\u00f6 ö at 216")
        .says(r"\/ / at 229");
    let id = path.rsplit('/').next().unwrap();
    let command = format!("<code tabindex=\"0\">hookshelf deliveries show {id} --body &#62; body<");
    assert!(page.html.contains(&command));
    let bytes = desk.server.run(&["deliveries", "show", id, "--body"]);
    assert_eq!(bytes.stdout, BODY.as_bytes(), "the command gives the bytes");
    page.says("openssl dgst -sha256 -hmac \"$APP_SECRET\" body");
}

#[tokio::test]
async fn the_bytes_have_three_forms_with_anchors_of_the_items() {
    let (desk, path) = desk_with_body().await;
    let page = desk.page_of_operator(&path).await;
    page.says("\"text\": \"Brötchen 5/5\"");
    let form = async |form: &str| desk.page_of_operator(&format!("{path}?bytes={form}")).await;
    let received = form("received").await;
    received.says(BODY);
    assert!(
        received
            .html
            .contains(r#"<span class="esc"><bdi>\u00f6</bdi></span>"#),
        "escapes are marked"
    );
    let hex = form("hex").await;
    hex.says("00000000 7b 22 6f 62 6a 65 63 74 22 3a 22 69 6e 73 74 61 {\"object\":\"insta");
    for page in [page, received, hex] {
        assert_eq!(page.links("#item-"), ["#item-1"]);
        assert_eq!(page.html.matches("id=\"item-1\"").count(), 1);
    }
}

#[tokio::test]
async fn a_huge_body_is_shown_in_parts() {
    let desk = Desk::open().await;
    let text = "<i>&\u{f6}".repeat(40_000);
    desk.deliver(message("mid.huge", &text)).await;
    let path = format!("/deliveries/{}?bytes=received", newest(&desk).await);
    let first = desk.page_of_operator(&path).await;
    first.says("Bytes 0 to 65,535 of").hides("<i>");
    assert!(first.html.len() < 600_000, "{}", first.html.len());
    let second = desk
        .page_of_operator(&first.links("from=65536#bytes")[0])
        .await;
    second
        .says("Bytes 65,536 to 131,071 of")
        .says("Earlier bytes");
    for form in ["formatted", "hex"] {
        let path = path.replace("received", form);
        let page = desk.page_of_operator(&path).await;
        assert!(page.html.len() < 900_000, "{form}: {}", page.html.len());
    }
    let behind = desk
        .page_of_operator(&format!("{path}&from=99999999"))
        .await;
    behind
        .says("Bytes 196,608 to 240,235 of 240,236")
        .says("Earlier bytes")
        .hides("Later bytes");
}

#[tokio::test]
async fn only_an_operator_with_content_sees_the_bytes() {
    let (desk, path) = desk_with_body().await;
    for (name, why) in [
        ("viewer", "need a token with the role operator"),
        ("reader", "need a token with the role operator"),
        ("shop", ""),
    ] {
        let page = desk.page_as(name, &path).await;
        if why.is_empty() {
            assert_eq!(page.answer.status, 404, "{name}");
            continue;
        }
        assert_eq!(page.answer.status, 200, "{name}");
        page.says("Not visible with this token").says(why);
        page.hides("u00f6").hides("class=\"slice");
    }
    let viewer = desk.page_as("viewer", &path).await;
    viewer.hides("tchen");
    desk.page_as("reader", &path).await.says("Brötchen 5/5");
    let audit = desk.read_as("privacy", "/v1/audit").await;
    let entries = audit["audit"].as_array().unwrap().iter();
    let verbs: Vec<_> = entries.map(|it| (&it["token"], &it["verb"])).collect();
    assert_eq!(format!("{verbs:?}").matches("body").count(), 0, "{verbs:?}");
    desk.page_of_operator(&path).await;
    let audit = desk.read_as("privacy", "/v1/audit").await;
    for verb in ["delivery", "body", "signature"] {
        let mut entries = audit["audit"].as_array().unwrap().iter();
        let found = entries.any(|it| it["token"] == "operator" && it["verb"] == verb);
        assert!(found, "{verb}: {audit}");
    }
}

#[tokio::test]
async fn a_client_sees_its_own_deliveries_and_no_bytes() {
    let desk = desk_with(&tokens()).await;
    let list = desk.read_as("reader", "/v1/events").await;
    for event in list["events"].as_array().unwrap() {
        let path = format!("/deliveries/{}", event["delivery_id"].as_str().unwrap());
        let page = desk.page_as("bakery", &path).await;
        let by_api = desk.ask_as("bakery", &format!("/v1{path}")).await;
        assert_eq!(page.answer.status, by_api.status, "{path}");
        page.hides(FLORIST).hides("72027202");
        if event["account_id"] == BAKERY {
            page.says("need a token for all apps and clients");
        }
    }
    let strange = message("mid.strange", "of no client");
    desk.deliver(strange).await;
    let id = newest(&desk).await;
    let page = desk.page_as("bakery", &format!("/deliveries/{id}")).await;
    assert_eq!(page.answer.status, 404);
    desk.page_as("bakery", "/deliveries").await.hides(&id);
}

#[tokio::test]
async fn an_erased_body_says_so() {
    let (desk, path) = desk_with_body().await;
    desk.run("UPDATE stored_deliveries SET body = NULL, header_set = NULL, signature = NULL, erased_at = now()")
        .await;
    let page = desk.page_of_operator(&path).await;
    page.says("The body was erased on")
        .says("The headers of this delivery are no longer stored")
        .says("The signature cannot be verified again");
}

#[tokio::test]
async fn a_repeat_leads_to_its_event() {
    let desk = Desk::open().await;
    desk.deliver(comment(ACCOUNT, "9001", "how much?")).await;
    let list = desk.read_as("reader", "/v1/events?limit=1").await;
    let event = list["events"][0]["position"].as_str().unwrap().to_owned();
    desk.deliver(comment(ACCOUNT, "9001", "how much?")).await;
    let path = format!("/deliveries/{}", newest(&desk).await);
    let page = desk.page_of_operator(&path).await;
    page.says("0 new events, 1 repeat")
        .says(&format!("Repeat of event {event}"));
}

#[tokio::test]
async fn two_deliveries_stand_side_by_side_with_their_differences() {
    let (desk, path) = desk_with_body().await;
    let value = serde_json::json!({"id": "9100", "text": "other", "from": {"id": "7001"}});
    let item = serde_json::json!({"field": "comments", "value": value});
    desk.deliver(notification(ACCOUNT, "changes", &item)).await;
    let other = newest(&desk).await;
    let page = desk.page_of_operator(&format!("{path}?with={other}")).await;
    page.says("This delivery")
        .says("The other delivery")
        .says("entry[0].messaging[0].message.text Brötchen 5/5 –")
        .says("entry[0].changes[0].field – comments");
    assert_eq!(page.links("#item-1"), ["#item-1"]);
    assert_eq!(page.links("#with-item-1"), ["#with-item-1"]);
    let viewer = desk
        .page_as("viewer", &format!("{path}?with={other}"))
        .await;
    viewer.says("cannot be compared").hides("other\"}");
    let unknown = format!("{path}?with=0199a7c2-9b3e-7c4d-8a51-3f2e1d0c9b8a");
    assert_eq!(desk.page_as("operator", &unknown).await.answer.status, 404);
}

#[tokio::test]
async fn hostile_bytes_are_text() {
    let desk = Desk::open().await;
    for body in [
        &b"{\"entry\": \"</pre><script>alert(1)</script>\xe2\x80\xae\"}"[..],
        b"\xff\xfe no JSON </pre><img src=x>",
        b"",
    ] {
        desk.deliver(body).await;
        let path = format!("/deliveries/{}", newest(&desk).await);
        for form in ["formatted", "received", "hex"] {
            let page = desk.page_of_operator(&format!("{path}?bytes={form}")).await;
            page.hides("<script>").hides("<img").hides("\u{202e}");
            assert_eq!(
                page.html.matches("</pre>").count(),
                page.html.matches("<pre").count()
            );
        }
    }
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    desk.deliver(deep).await;
    let path = format!("/deliveries/{}", newest(&desk).await);
    desk.page_of_operator(&path)
        .await
        .says("nested too deep to be formatted");
}
