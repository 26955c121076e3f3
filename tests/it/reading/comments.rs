//! `comments list` and `comments show`: threads of one level, ads together with their posts.

use hookshelf::clock::Clock;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::Shelf;

const ACCOUNT: &str = "17840000000000001";

/// A comment by a person on a media, sent `minutes` ago.
fn comment(minutes: i64, id: &str, media: &Value, from: &str, parent: Option<&str>) -> String {
    let at = Clock::system().now() - SignedDuration::from_mins(minutes);
    let mut value = json!({"id": id, "text": format!("text of {id}"), "media": media,
                           "from": {"id": from, "username": format!("name_of_{from}")}});
    if let Some(parent) = parent {
        value["parent_id"] = json!(parent);
    }
    let change = json!({"field": "comments", "value": value});
    let entry = json!({"id": ACCOUNT, "time": at.as_second(), "changes": [change]});
    json!({"object": "instagram", "entry": [entry]}).to_string()
}

fn post(id: &str) -> Value {
    json!({"id": id, "media_product_type": "FEED"})
}

fn ad(id: &str, of: &str) -> Value {
    json!({"id": id, "media_product_type": "AD", "ad_id": "4711", "ad_title": "Sale",
           "original_media_id": of})
}

impl Shelf {
    async fn receive_comments(&self, bodies: impl IntoIterator<Item = String>) {
        for body in bodies {
            self.store("default", SignedDuration::ZERO, body).await;
        }
        self.list().await;
    }

    fn media(&self, options: &[&str]) -> Vec<Value> {
        self.rows(&[&["comments", "list"], options].concat())
    }

    fn threads(&self, options: &[&str]) -> Value {
        let shown = self.rows(&[&["comments", "show"], options].concat());
        shown.into_iter().next().unwrap()
    }
}

/// Threads in short: the first comment, then the replies.
fn outline(shown: &Value) -> Vec<String> {
    let id = |comment: &Value| comment["comment_id"].as_str().unwrap_or("-").to_owned();
    let threads = shown["threads"].as_array().unwrap().iter();
    let line = |thread: &Value| {
        let replies = thread["replies"].as_array().unwrap().iter();
        let all = std::iter::once(id(&thread["comment"])).chain(replies.map(id));
        all.collect::<Vec<_>>().join(" ")
    };
    threads.map(line).collect()
}

#[tokio::test]
async fn a_thread_is_a_comment_with_its_replies_and_the_newest_comment_is_first() {
    let shelf = Shelf::create().await;
    let media = post("1");
    shelf
        .receive_comments([
            comment(30, "c1", &media, "7001", None),
            comment(29, "c2", &media, "7002", None),
            comment(27, "r2", &media, "7002", Some("c1")),
            comment(28, "r1", &media, ACCOUNT, Some("c1")),
            // Some first comments name the media as their parent.
            comment(26, "c3", &media, "7003", Some("1")),
            // Replies may arrive before their comment, or without it.
            comment(25, "r4", &media, "7003", Some("c4")),
            comment(24, "r5", &media, ACCOUNT, Some("unknown")),
            comment(26, "c4", &media, "7004", None),
            comment(20, "else", &post("2"), "7004", None),
        ])
        .await;
    let shown = shelf.threads(&["1"]);
    assert_eq!(outline(&shown), ["c4 r4", "- r5", "c3", "c1 r1 r2", "c2"]);
    assert_eq!(shown["threads"][3]["unanswered"], 1);
    assert_eq!(shown["threads"][3]["comment"]["is_unanswered"], false);
    assert_eq!(shown["threads"][3]["replies"][1]["is_unanswered"], true);
    assert_eq!(shown["unanswered"], 5);

    for limit in ["1", "2", "3"] {
        let mut walked = Vec::new();
        let mut page = shelf.threads(&["1", "--limit", limit]);
        walked.extend(outline(&page));
        while let Some(next) = page["next"].as_str().map(str::to_owned) {
            page = shelf.threads(&["1", "--limit", limit, "--before", &next]);
            walked.extend(outline(&page));
        }
        assert_eq!(walked, outline(&shown), "{limit} at once");
    }
}

#[tokio::test]
async fn a_comment_that_was_received_before_the_first_of_the_media_has_its_replies() {
    let shelf = Shelf::create().await;
    let hours = SignedDuration::from_hours;
    let removed = comment(60, "late", &post("1"), "7002", None)
        .replace("\"media\"", "\"verb\":\"remove\",\"media\"");
    for (ago, body) in [
        (48, comment(48 * 60, "first", &post("1"), "7001", None)),
        // A server that was stopped spooled it.
        (96, comment(96 * 60, "late", &post("1"), "7002", None)),
        (1, removed),
        (0, comment(0, "reply", &post("1"), "7003", Some("late"))),
    ] {
        shelf.store("default", hours(ago), body).await;
    }
    shelf.list().await;
    let shown = shelf.threads(&["1"]);
    assert_eq!(outline(&shown), ["late reply", "first"]);
}

#[tokio::test]
async fn the_list_has_the_newest_comment_first_and_knows_the_unanswered() {
    let shelf = Shelf::create().await;
    shelf
        .receive_comments([
            comment(30, "a1", &post("1"), "7001", None),
            comment(20, "b1", &post("2"), "7001", None),
            comment(10, "b2", &post("2"), ACCOUNT, Some("b1")),
            comment(25, "c1", &post("3"), "7002", None),
        ])
        .await;
    let ids = |options: &[&str]| {
        let rows = shelf.media(options);
        let id = |row: &Value| row["media_id"].as_str().unwrap().to_owned();
        rows.iter().map(id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&[]), ["2", "3", "1"]);
    assert_eq!(ids(&["--unanswered"]), ["3", "1"]);
    assert_eq!(ids(&["--account", "404"]), [""; 0]);
    shelf
        .receive_comments([comment(5, "a2", &post("1"), ACCOUNT, Some("a1"))])
        .await;
    assert_eq!(ids(&["--unanswered"]), ["3"]);
}

#[tokio::test]
async fn the_pair_of_an_ad_and_its_post_is_one_comment_of_the_post_in_both_orders() {
    let pair = [
        comment(10, "c1", &ad("88", "1"), "7001", None),
        comment(10, "c1", &post("1"), "7001", None),
    ];
    let reversed = [pair[1].clone(), pair[0].clone()];
    for order in [pair, reversed] {
        let shelf = Shelf::create().await;
        shelf.receive_comments(order).await;
        shelf
            .receive_comments([
                comment(9, "c2", &ad("99", "1"), "7002", None),
                comment(8, "r2", &ad("99", "1"), ACCOUNT, Some("c2")),
                comment(7, "c3", &post("1"), "7002", None),
            ])
            .await;
        let media = shelf.media(&[]);
        assert_eq!(media.len(), 1, "{media:?}");
        assert_eq!(media[0]["media_id"], "1");
        assert_eq!(media[0]["comments"], 3);
        assert_eq!(media[0]["unanswered"], 2);
        let shown = shelf.threads(&["1"]);
        assert_eq!(outline(&shown), ["c3", "c2 r2", "c1"]);
        assert_eq!(shown["threads"][1]["comment"]["ad_id"], "4711");
        assert_eq!(shown["threads"][2]["comment"]["ad_id"], "4711");
        // The media of an ad means its post.
        assert_eq!(shelf.threads(&["99"]), shown);
    }
}

#[tokio::test]
async fn threads_are_shown_to_people_with_names_and_states() {
    let shelf = Shelf::create().await;
    shelf
        .receive_comments([
            comment(10, "c1", &post("1"), "7001", None),
            comment(9, "r1", &post("1"), ACCOUNT, Some("c1")),
            comment(8, "c2", &ad("88", "1"), "7002", None),
        ])
        .await;
    let shown = shelf.says(&["comments", "show", "1"]);
    for part in [
        "comments 2, own 1, unanswered 1",
        "with the comments on its ad 88",
        " @name_of_7001, late: arrived ",
        "  text of c1\n",
        "              text of r1\n",
        " @name_of_7002, unanswered, on ad 4711",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let (code, said) = shelf.complains(&["comments", "show", "404"]);
    assert_eq!(code, 1);
    assert!(said.contains("hookshelf comments list"), "{said}");
}
