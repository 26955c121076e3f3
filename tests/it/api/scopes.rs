//! Scopes: no answer to one client contains an id of another.

use super::*;
use crate::support::event_stream::EventStream;

pub(crate) const BAKERY: &str = "17840000000000101";
pub(crate) const FLORIST: &str = "17840000000000202";

/// Routes that answer with stored data, with the position and delivery of each event filled in.
const ROUTES: [&str; 24] = [
    "/v1/events",
    "/v1/events?order=oldest",
    "/v1/events?text=hello",
    "/v1/events?account={account}",
    "/v1/events/{position}",
    "/v1/events/{position}/around",
    "/v1/deliveries",
    "/v1/deliveries/{delivery}",
    "/v1/accounts",
    "/v1/accounts/{account}",
    "/v1/stats?by=account",
    "/v1/find?id={account}",
    "/v1/conversations",
    "/v1/conversations/{account}/{person}",
    "/v1/media",
    "/v1/media/{media}/comments",
    "/v1/events?format=ndjson",
    "/v1/deliveries?format=csv",
    "/v1/rejections?format=ndjson",
    "/v1/conversations?format=ndjson",
    "/v1/conversations?format=csv&dry=true",
    "/v1/conversations/{account}/{person}?format=csv",
    "/v1/media?format=csv",
    "/v1/media/{media}/comments?format=ndjson",
];

async fn desk_of_two() -> Desk {
    desk_with(&tokens()).await
}

/// A desk with these lines of configuration, and with events of two clients.
pub(crate) async fn desk_with(lines: &str) -> Desk {
    let desk = Desk::open_with(lines).await;
    for (account, person, mid) in [
        (BAKERY, "71017101", "mid.bakery"),
        (FLORIST, "72027202", "mid.florist"),
    ] {
        desk.deliver(messages(person, account, &[(mid, "hello")]))
            .await;
    }
    // One delivery with items of both.
    let entry = |account: &str, id: &str| {
        let body: Value = serde_json::from_str(&comment(account, id, "hello")).unwrap();
        let mut entry = body["entry"][0].clone();
        entry["changes"][0]["value"]["media"] = serde_json::json!({"id": format!("media-{id}")});
        entry
    };
    let mixed = serde_json::json!({
        "object": "instagram",
        "entry": [entry(BAKERY, "91019101"), entry(FLORIST, "92029202")],
    });
    desk.deliver(mixed.to_string()).await;
    for (account, client) in [(BAKERY, "bakery"), (FLORIST, "florist")] {
        let label =
            format!("UPDATE accounts SET client = '{client}' WHERE account_id = '{account}'");
        desk.run(&label).await;
    }
    desk.be_listed().await;
    desk
}

#[tokio::test]
async fn no_answer_to_one_client_has_an_id_of_another() {
    let desk = desk_of_two().await;
    let all = desk.read_as("reader", "/v1/events?limit=1000").await;
    for (name, own, foreign) in [
        (
            "bakery",
            ["17840000000000101", "71017101"],
            [FLORIST, "72027202", "mid.florist", "92029202"],
        ),
        (
            "florist",
            ["17840000000000202", "72027202"],
            [BAKERY, "71017101", "mid.bakery", "91019101"],
        ),
    ] {
        let list = desk.read_as(name, "/v1/events").await.to_string();
        assert!(own.iter().all(|id| list.contains(id)), "{name}: {list}");
        for event in all["events"].as_array().unwrap() {
            for route in ROUTES {
                let path = route
                    .replace(
                        "{position}",
                        &event["position"].to_string().replace('"', ""),
                    )
                    .replace("{delivery}", event["delivery_id"].as_str().unwrap())
                    .replace("{account}", event["account_id"].as_str().unwrap())
                    .replace("{person}", event["person_id"].as_str().unwrap())
                    .replace("{media}", event["media_id"].as_str().unwrap_or("none"));
                let answer = desk.ask_as(name, &path).await;
                // The answer may quote the request, as in the URL of the next page.
                let body = String::from_utf8(answer.body.to_vec()).unwrap();
                let quoted = foreign.iter().filter(|id| !path.contains(**id));
                let leaked: Vec<_> = quoted.filter(|id| body.contains(**id)).collect();
                assert!(leaked.is_empty(), "{path} as {name}: {leaked:?} in {body}");
                if event["account_id"] != own[0] && route == "/v1/events/{position}" {
                    assert_eq!(answer.status, 404, "{path} as {name}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_restricted_token_gets_no_body_and_nothing_of_the_server() {
    let desk = desk_of_two().await;
    let list = desk.read_as("bakery", "/v1/deliveries").await;
    let deliveries = list["deliveries"].as_array().unwrap();
    assert_eq!(deliveries.len(), 2);
    let id = deliveries[0]["id"].as_str().unwrap();
    for path in [
        format!("/v1/deliveries/{id}/body"),
        format!("/v1/deliveries/{id}/signature"),
        "/metrics".to_owned(),
        "/v1/spool".to_owned(),
    ] {
        let (status, problem) = desk.problem_as("bakery", &path).await;
        assert_eq!(
            (status, &problem["detail"]),
            (404, &"no such path or object".into())
        );
    }
    let list = desk.read_as("shop", "/v1/events").await;
    assert_eq!(texts(&list), [""; 0]);
}

#[tokio::test]
async fn a_viewer_sees_no_content() {
    let desk = desk_of_two().await;
    let list = desk.read_as("viewer", "/v1/events").await;
    for event in list["events"].as_array().unwrap() {
        assert!(
            event["text"].is_null() && event["payload"].is_null(),
            "{event}"
        );
        assert!(
            event["masked"]
                .as_array()
                .is_some_and(|keys| !keys.is_empty()),
            "{event}"
        );
    }
    let answer = list.to_string();
    assert!(!answer.contains("hello"), "{answer}");
}

#[tokio::test]
async fn a_viewer_learns_no_user_name_by_asking_for_it() {
    let desk = desk_of_two().await;
    desk.run("UPDATE accounts SET username = 'bakery'").await;
    let path = "/v1/find?id=bakery";
    for (name, finds) in [("viewer", false), ("reader", true)] {
        let found = desk.read_as(name, path).await.to_string();
        assert_eq!(found.contains(BAKERY), finds, "{path}: {found}");
    }
    let path = "/v1/events?account=bakery";
    assert_eq!(desk.problem_as("viewer", path).await.0, 400);
    let list = desk.read_as("reader", path).await.to_string();
    assert!(list.contains(BAKERY), "{list}");
    let (status, _) = desk.problem_as("viewer", "/v1/accounts/a%00b").await;
    assert_eq!(status, 404);
}

/// Routes with the filter `account`.
const BY_ACCOUNT: [&str; 6] = [
    "/v1/events?account=",
    "/v1/events?format=ndjson&account=",
    "/v1/conversations?account=",
    "/v1/media?account=",
    "/v1/stats?account=",
    "/v1/events/stream?account=",
];

#[tokio::test]
async fn an_account_is_found_by_id_or_name_and_its_absence_tells_nothing() {
    let desk = desk_of_two().await;
    desk.run(&format!(
        "UPDATE accounts SET label = 'rolls', username = 'the_bakery' WHERE account_id = '{BAKERY}'"
    ))
    .await;
    for route in BY_ACCOUNT {
        let ask = async |name: &str, account: &str| {
            let path = format!("{route}{account}");
            let Some(query) = path.strip_prefix("/v1/events/stream") else {
                return desk.ask_as(name, &path).await.status;
            };
            let bearer = format!("Bearer {}", token(name));
            let headers = [("Authorization", bearer.as_str())];
            EventStream::open(desk.server.admin, query, &headers)
                .await
                .status
        };
        for account in [BAKERY, "rolls", "the_bakery", "@The_Bakery", "178499999"] {
            assert_eq!(ask("bakery", account).await, 200, "{route}{account}");
        }
        // An account of another client is as unknown as none.
        for account in ["rolls", "the_bakery", "nobody"] {
            assert_eq!(ask("florist", account).await, 400, "{route}{account}");
        }
        assert_eq!(ask("florist", BAKERY).await, 200, "{route}{BAKERY}");
        assert_eq!(ask("viewer", "the_bakery").await, 400, "{route}the_bakery");
    }
    for account in ["rolls", "the_bakery", BAKERY, "nobody", "178499999"] {
        for path in [
            format!("/v1/accounts/{account}"),
            format!("/v1/conversations/{account}/71017101"),
        ] {
            assert_eq!(desk.problem_as("florist", &path).await.0, 404, "{path}");
            let found = !matches!(account, "nobody" | "178499999");
            let status = desk.ask_as("bakery", &path).await.status;
            assert_eq!(status, if found { 200 } else { 404 }, "{path}");
        }
    }
    let (_, problem) = desk
        .problem_as("bakery", "/v1/media/1/comments?account=rols")
        .await;
    assert_eq!(
        (&problem["parameter"], &problem["given"]),
        (&"account".into(), &"rols".into())
    );
}
