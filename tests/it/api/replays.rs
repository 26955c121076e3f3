//! Replays over HTTP: each filter, wrong requests, masked filters, and the audit.

use jiff::Timestamp;
use serde_json::json;

use super::*;

const REPLAYS: &str = "/v1/replays";

impl Desk {
    /// Status and body of a POST.
    async fn replay_as(&self, name: &str, path: &str, body: &Value) -> (u16, Value) {
        let bearer = format!("Bearer {}", token(name));
        let headers = [("Authorization", bearer.as_str())];
        let sent = self
            .server
            .send_admin(("POST", path), &headers, body.to_string());
        let answer = sent.await;
        (answer.status, serde_json::from_slice(&answer.body).unwrap())
    }

    /// Creates a replay of everything that was received in the last hour.
    pub(super) async fn replay_to_bot(&self) {
        let body = json!({"to": "bot", "filter": {"since": "1h"}, "dry_run": false});
        let (status, answer) = self.replay_as("operator", REPLAYS, &body).await;
        assert_eq!(status, 201, "{answer}");
    }
}

/// A desk with the consumer `bot`, a comment and a message with a text each.
async fn desk() -> Desk {
    let blind = table("blind", "role = 'operator'\ncontent = false");
    let desk = Desk::open_with(&format!("{}{blind}{}", tokens(), consumer())).await;
    desk.serve_consumer().await;
    let mut asked: Value =
        serde_json::from_str(&comment("17840000000000001", "9001", "how much?")).unwrap();
    let value = &mut asked["entry"][0]["changes"][0]["value"];
    value["media"] = json!({"id": "17900000000000001"});
    value["from"]["username"] = "some.body".into();
    desk.deliver(asked.to_string()).await;
    desk.deliver(message("mid.replay", "fresh rolls")).await;
    desk.run("UPDATE accounts SET client = 'bakery'").await;
    desk
}

#[tokio::test]
async fn each_filter_of_a_list_of_events_chooses_the_same_events() {
    let desk = desk().await;
    let list = desk.read_as("operator", "/v1/events?order=oldest").await;
    let [asked, said] = [&list["events"][0], &list["events"][1]];
    for (name, value, events) in [
        ("kind", json!(["comment"]), 1),
        ("kind", json!(["comment", "message"]), 2),
        ("source", json!(["live"]), 2),
        ("field", json!("messages"), 1),
        ("app", json!("default"), 2),
        ("client", json!("bakery"), 2),
        ("account", json!(["17840000000000001"]), 2),
        ("person", said["person_id"].clone(), 2),
        ("message", json!("mid.replay"), 1),
        ("comment", json!("9001"), 1),
        ("media", json!("17900000000000001"), 1),
        ("delivery", asked["delivery_id"].clone(), 1),
        ("echo", json!(false), 2),
        ("late", json!(true), 2),
        ("username", json!("Some.Body"), 1),
        ("text", json!("ROLLS"), 1),
        ("payload", json!("how much"), 1),
        ("since", asked["received_at"].clone(), 2),
        ("until", json!("2100-01-01T00:00:00Z"), 2),
    ] {
        let body = json!({"to": "bot", "filter": {name: value}, "dry_run": false});
        let (status, answer) = desk.replay_as("operator", REPLAYS, &body).await;
        assert_eq!(status, 201, "{name}: {answer}");
        assert_eq!(answer["plan"]["events"], events, "{name}: {answer}");
        let path = format!("{REPLAYS}/{}", answer["replay"]["id"]);
        let shown = desk.read_as("reader", &path).await;
        if name == "since" {
            // A time may be spelled with fewer digits.
            let times = [&shown["filter"]["since"], &value];
            let [shown, asked] = times.map(|it| it.as_str().unwrap().parse::<Timestamp>().unwrap());
            assert_eq!(shown, asked);
        } else {
            assert_eq!(shown["filter"], json!({name: value}), "{shown}");
        }
        assert_eq!(shown["events"], events, "{shown}");
        let bounds = ["after", "through", "position"].map(|it| shown[it].as_str().unwrap());
        let first: i64 = if events == 1 && shown["filter"].get("kind").is_none() {
            continue;
        } else {
            bounds[0].parse().unwrap()
        };
        assert_eq!(
            first + 1,
            asked["position"].as_str().unwrap().parse::<i64>().unwrap()
        );
        assert_eq!(bounds[0], bounds[2], "nothing is read yet: {shown}");
    }
    let none = json!({"to": "bot", "filter": {"problem": "unsafe_text"}});
    let (status, answer) = desk.replay_as("operator", REPLAYS, &none).await;
    assert_eq!((status, &answer["plan"]["events"]), (200, &json!(0)));
}

/// Body of a request, with the status and the parameter of the problem.
type Wrong = (Value, u16, Value);

fn wrong_forms() -> Vec<Wrong> {
    let since = json!({"since": "2h"});
    vec![
        (json!({}), 400, Value::Null),
        (
            json!({"to": "bot", "filter": since, "rates": 1}),
            400,
            Value::Null,
        ),
        (json!({"to": "bot", "filter": "since"}), 400, Value::Null),
        (
            json!({"to": "bot", "filter": since, "rate": -1}),
            400,
            Value::Null,
        ),
    ]
}

fn wrong_values() -> Vec<Wrong> {
    let since = json!({"since": "2h"});
    vec![
        (json!({"to": "bot"}), 422, "filter".into()),
        (json!({"to": "bot", "filter": {}}), 422, "filter".into()),
        (json!({"to": "bto", "filter": since}), 422, "to".into()),
        (
            json!({"to": "bot", "filter": {"colour": "red"}}),
            422,
            "colour".into(),
        ),
        (
            json!({"to": "bot", "filter": {"limit": 1}}),
            422,
            "limit".into(),
        ),
        (
            json!({"to": "bot", "filter": {"kind": "coment"}}),
            422,
            "kind".into(),
        ),
        (
            json!({"to": "bot", "filter": {"since": null}}),
            422,
            "since".into(),
        ),
        (
            json!({"to": "bot", "filter": {"person": {"id": 1}}}),
            422,
            "person".into(),
        ),
        (
            json!({"to": "bot", "filter": {"person": ["1", "2"]}}),
            422,
            "person".into(),
        ),
        (
            json!({"to": "bot", "filter": {"account": "nobody"}}),
            422,
            "account".into(),
        ),
    ]
}

fn wrong_options() -> Vec<Wrong> {
    let since = json!({"since": "2h"});
    vec![
        (
            json!({"to": "bot", "filter": since, "rate": 0}),
            422,
            "rate".into(),
        ),
        (
            json!({"to": "bot", "filter": since, "rate": 100_001}),
            422,
            "rate".into(),
        ),
        (
            json!({"to": "bot", "filter": since, "note": ""}),
            422,
            "note".into(),
        ),
        (
            json!({"to": "bot", "filter": since, "note": "n".repeat(501)}),
            422,
            "note".into(),
        ),
        (
            json!({"to": "bot", "filter": {"message": "mid.other"}}),
            409,
            Value::Null,
        ),
        (json!({"to": "bot", "dead": true}), 409, Value::Null),
    ]
}

#[tokio::test]
async fn a_wrong_request_is_refused_and_creates_nothing() {
    let desk = desk().await;
    let since = json!({"since": "2h"});
    for (body, status, parameter) in [wrong_forms(), wrong_values(), wrong_options()].concat() {
        let mut body = body;
        body["dry_run"] = false.into();
        let (found, problem) = desk.replay_as("operator", REPLAYS, &body).await;
        let shown = format!("{body}: {problem}");
        assert_eq!(
            (found, &problem["parameter"]),
            (status, &parameter),
            "{shown}"
        );
    }
    let unknown = json!({"to": "bto", "filter": since});
    let (_, problem) = desk.replay_as("operator", REPLAYS, &unknown).await;
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.ends_with("is called bto; did you mean bot?"),
        "{detail}"
    );
    let list = desk.read_as("viewer", REPLAYS).await;
    assert_eq!(list["replays"], json!([]));
    let audit = desk.read_as("privacy", "/v1/audit").await;
    assert_eq!(audit["audit"], json!([]));
}

#[tokio::test]
async fn a_filter_with_content_needs_content_and_is_masked_without() {
    let desk = desk().await;
    let filter = json!({"text": "rolls", "person": "7001", "since": "2h"});
    let body = json!({"to": "bot", "filter": filter, "dry_run": false});
    let (status, problem) = desk.replay_as("blind", REPLAYS, &body).await;
    assert_eq!(status, 403, "{problem}");
    let (status, answer) = desk.replay_as("operator", REPLAYS, &body).await;
    assert_eq!(
        (status, &answer["replay"]["filter"]["text"]),
        (201, &json!("rolls"))
    );
    for name in ["viewer", "blind"] {
        let list = desk.read_as(name, REPLAYS).await;
        let replay = &list["replays"][0];
        assert_eq!(replay["filter"]["person"], "7001");
        assert_eq!(replay["filter"]["text"], Value::Null);
        assert_eq!(replay["masked"], json!(["text"]));
        assert!(!list.to_string().contains("rolls"), "{list}");
    }
}

#[tokio::test]
async fn each_change_is_one_entry_of_the_audit_and_an_ended_replay_stays() {
    let desk = desk().await;
    desk.replay_to_bot().await;
    for (verb, status, state) in [
        ("pause", 200, "paused"),
        ("pause", 200, "paused"),
        ("resume", 200, "running"),
        ("resume", 200, "running"),
        ("cancel", 200, "cancelled"),
        ("cancel", 200, "cancelled"),
        ("resume", 409, "replay 1 is cancelled"),
        ("pause", 409, "replay 1 is cancelled"),
    ] {
        let path = format!("{REPLAYS}/1/{verb}");
        let (found, answer) = desk.replay_as("operator", &path, &Value::Null).await;
        let told = if found == 200 { "state" } else { "detail" };
        assert_eq!(
            (found, &answer[told]),
            (status, &json!(state)),
            "{verb}: {answer}"
        );
    }
    let shown = desk.read_as("viewer", "/v1/replays/1").await;
    assert_eq!(shown["operator"], "operator");
    assert!(shown["ended_at"].is_string(), "{shown}");
    assert_eq!(shown["left"], 2);
    let (status, _) = desk.problem_as("viewer", "/v1/replays/2").await;
    assert_eq!(status, 404);
    let audit = desk.read_as("privacy", "/v1/audit").await;
    let entries = audit["audit"].as_array().unwrap().iter().rev();
    let entries: Vec<_> = entries
        .map(|it| {
            (
                it["token"].as_str(),
                it["verb"].as_str(),
                &it["subject"],
                &it["rows"],
            )
        })
        .map(|(token, verb, subject, rows)| {
            format!("{} {} {subject} {rows}", token.unwrap(), verb.unwrap())
        })
        .collect();
    assert_eq!(
        entries,
        [
            r#"operator replay "bot" 2"#,
            r#"operator replay_pause "1" null"#,
            r#"operator replay_resume "1" null"#,
            r#"operator replay_cancel "1" null"#,
        ]
    );
}

#[tokio::test]
async fn replays_are_listed_page_by_page_and_by_target() {
    let desk = desk().await;
    for _ in 1..=3 {
        desk.replay_to_bot().await;
    }
    let ids = |list: &Value| {
        let rows = list["replays"].as_array().unwrap().iter();
        rows.map(|it| it["id"].as_i64().unwrap())
            .collect::<Vec<_>>()
    };
    let page = desk.read_as("viewer", "/v1/replays?to=bot&limit=2").await;
    assert_eq!(ids(&page), [3, 2]);
    let page = desk.read_as("viewer", page["next"].as_str().unwrap()).await;
    assert_eq!((ids(&page), &page["next"]), (vec![1], &Value::Null));
    let page = desk.read_as("viewer", "/v1/replays?to=other").await;
    assert_eq!(ids(&page), [0_i64; 0]);
}
