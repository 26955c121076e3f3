//! Rejected deliveries: their part in quarantine, and the recheck.

use serde_json::json;

use super::*;
use crate::support::server::SECRET;
use hookshelf::meta::signature::sign;
use secrecy::SecretString;

const RECHECK: &str = "/v1/rejections/recheck";
const WRONG: &str = "the secret of another app";

/// A desk that rejected three deliveries to `default` and two to `shop`, for a wrong secret.
pub(crate) async fn desk_with_wrong_secrets() -> Desk {
    let configuration = apps(["default", "shop"]).replace(SECRET, WRONG) + tokens().as_str();
    let desk = Desk {
        server: Server::start_with(&configuration).await,
    };
    for (path, mid) in [
        ("/webhook", "mid.1"),
        ("/webhook", "mid.2"),
        ("/webhook", "mid.3"),
        ("/webhook/shop", "mid.4"),
        ("/webhook/shop", "mid.5"),
    ] {
        let body = message(mid, "A dozen rolls");
        let signature = sign(&SecretString::from(SECRET), body.as_bytes());
        let headers = [("X-Hub-Signature-256", &*signature)];
        assert_eq!(desk.server.post(path, &headers, body).await.status, 401);
    }
    assert_eq!(desk.server.post("/webhook", &[], "{}").await.status, 401);
    eventually("they are counted and in quarantine", async || {
        let list = desk.read_as("reader", "/v1/rejections").await;
        list["quarantined"] == 5 && total(&list["rejections"], "count") == 6
    })
    .await;
    desk
}

fn total(rows: &Value, key: &str) -> u64 {
    let rows = rows.as_array().unwrap().iter();
    rows.map(|row| row[key].as_u64().unwrap()).sum()
}

/// Corrects the secrets.
pub(crate) fn mend(desk: &Desk) {
    correct(&desk.server);
}

/// Same as [`mend`], for a server.
pub(crate) fn correct(server: &Server) {
    let file = server.directory.join("hookshelf.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(file, text.replace(WRONG, SECRET)).unwrap();
    assert!(server.run(&["reload"]).status.success());
}

impl Desk {
    async fn recheck_as(&self, name: &str, query: &str) -> Vec<Value> {
        let answer = self.post_as(name, &format!("{RECHECK}{query}"), "").await;
        let body: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(answer.status, 200, "{query}: {body}");
        body["apps"].as_array().unwrap().clone()
    }

    async fn post_as(&self, name: &str, path: &str, body: &'static str) -> Answer {
        let bearer = format!("Bearer {}", token(name));
        let headers = [("Authorization", bearer.as_str())];
        self.server.send_admin(("POST", path), &headers, body).await
    }
}

/// A number of each app.
fn numbers(apps: &[Value], key: &str) -> Vec<(String, u64)> {
    let number = |app: &Value| {
        (
            app["app"].as_str().unwrap().to_owned(),
            app[key].as_u64().unwrap(),
        )
    };
    apps.iter().map(number).collect()
}

#[tokio::test]
async fn a_recheck_counts_what_passes_and_stores_it_if_asked() {
    let desk = desk_with_wrong_secrets().await;
    let counted = desk.recheck_as("operator", "").await;
    assert_eq!(
        numbers(&counted, "held"),
        [("default".to_owned(), 3), ("shop".to_owned(), 2)]
    );
    assert_eq!(
        numbers(&counted, "passing"),
        [("default".to_owned(), 0), ("shop".to_owned(), 0)]
    );
    mend(&desk);
    let counted = desk.recheck_as("operator", "?yes=false").await;
    assert_eq!(
        numbers(&counted, "passing"),
        [("default".to_owned(), 3), ("shop".to_owned(), 2)]
    );
    assert_eq!(counted[0]["secrets"], json!({"app": 3}));
    assert_eq!(counted[0]["stored"], 0);
    let verb = desk.server.run(&["rejections", "recheck", "--json"]);
    let verb = String::from_utf8(verb.stdout).unwrap();
    let verb: Vec<Value> = verb
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    assert_eq!(counted, verb, "the same as the verb");
    let list = desk.read_as("reader", "/v1/events").await;
    assert_eq!(texts(&list), [""; 0], "a count stores nothing");

    // Meta sends one of them again, which is the same event.
    desk.deliver(message("mid.2", "A dozen rolls")).await;
    let at_once = ["?yes=true", "?yes=true&app=default"].map(|it| desk.recheck_as("operator", it));
    let [first, second] = at_once;
    let (first, second) = tokio::join!(first, second);
    let all = json!([first, second].concat());
    assert_eq!(total(&all, "deliveries"), 5, "{all}");
    assert_eq!(total(&all, "events"), 4, "{all}");
    assert_eq!(total(&all, "repeated"), 1, "{all}");
    assert_eq!(
        desk.recheck_as("operator", "?yes=true").await,
        [json!(null); 0]
    );
    let list = desk.read_as("reader", "/v1/events").await;
    assert_eq!(texts(&list), ["A dozen rolls"; 5]);
    let list = desk.read_as("reader", "/v1/rejections").await;
    assert_eq!(list["quarantined"], 0);
    assert_eq!(total(&list["rejections"], "quarantined"), 0);
    assert_eq!(
        total(&list["rejections"], "count"),
        6,
        "they were rejected all the same"
    );
}

#[tokio::test]
async fn a_recheck_stores_deliveries_of_the_apps_of_its_token_only() {
    let desk = desk_with_wrong_secrets().await;
    mend(&desk);
    for (name, query) in [
        ("bakery", ""),
        ("bakery", "?yes=true"),
        ("shop", "?app=default&yes=true"),
    ] {
        assert_eq!(
            desk.recheck_as(name, query).await,
            [json!(null); 0],
            "{name}: {query}"
        );
    }
    let list = desk.read_as("bakery", "/v1/rejections").await;
    assert_eq!(
        (&list["rejections"], &list["quarantined"]),
        (&json!([]), &json!(0))
    );
    let list = desk.read_as("shop", "/v1/rejections").await;
    assert_eq!(
        (
            total(&list["rejections"], "quarantined"),
            &list["quarantined"]
        ),
        (2, &json!(2))
    );
    let stored = desk.recheck_as("shop", "?yes=true").await;
    assert_eq!(numbers(&stored, "deliveries"), [("shop".to_owned(), 2)]);
    let left = desk.recheck_as("operator", "").await;
    assert_eq!(numbers(&left, "held"), [("default".to_owned(), 3)]);
}

#[tokio::test]
async fn each_row_says_how_many_of_its_deliveries_are_in_quarantine() {
    let desk = desk_with_wrong_secrets().await;
    let list = desk.read_as("reader", "/v1/rejections").await;
    let rows = list["rejections"].as_array().unwrap();
    for row in rows {
        let (count, quarantined) = (&row["count"], &row["quarantined"]);
        match row["reason"].as_str().unwrap() {
            "signature_mismatch" => assert_eq!(count, quarantined, "{row}"),
            _ => assert_eq!(quarantined, 0, "{row}"),
        }
        assert_eq!(row["owner"], "private");
        assert!(
            row["cause"].is_string() && row["remedy"].is_string(),
            "{row}"
        );
    }
    assert_eq!(total(&list["rejections"], "quarantined"), 5);
    let list = desk.read_as("reader", "/v1/rejections?app=shop").await;
    assert_eq!(list["quarantined"], 2);
}

#[tokio::test]
async fn a_recheck_needs_an_operator_and_known_parameters() {
    let desk = Desk::open().await;
    for (name, status) in [
        ("metrics", 403),
        ("viewer", 403),
        ("reader", 403),
        ("privacy", 200),
    ] {
        assert_eq!(
            desk.post_as(name, RECHECK, "").await.status,
            status,
            "{name}"
        );
    }
    let bare = desk.server.send_admin(("POST", RECHECK), &[], "").await;
    assert_eq!(bare.status, 401);
    assert_eq!(desk.ask_as("operator", RECHECK).await.status, 405);
    for (query, parameter) in [
        ("yes=maybe", "yes"),
        ("yes=", "yes"),
        ("yes=true&yes=true", "yes"),
        ("app=", "app"),
        ("app=a%00b", "app"),
        ("since=soon", "since"),
        ("until=never", "until"),
        ("discard=true", "discard"),
        ("limit=1", "limit"),
    ] {
        let answer = desk
            .post_as("operator", &format!("{RECHECK}?{query}"), "")
            .await;
        let problem: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(
            (answer.status, &problem["parameter"]),
            (400, &json!(parameter)),
            "{query}"
        );
    }
    let answer = desk.post_as("operator", RECHECK, r#"{"yes": true}"#).await;
    let problem: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(
        (answer.status, &problem["type"]),
        (400, &json!("/problems/body"))
    );
}
