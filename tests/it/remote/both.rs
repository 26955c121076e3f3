//! Each verb prints the same bytes over the database and over `--url`.

use serde_json::Value;

use super::{configuration, run};
use crate::support::{
    eventually,
    message::{comment, message},
    server::Server,
};

/// Lists, with a table, JSON and CSV.
const LISTS: &[&str] = &[
    "events list",
    "events list --limit 3",
    "events list --after 2 --limit 3",
    "events list --kind message,comment --app default",
    "events list --account 17840000000000001 --since 2020-01-01",
    "events list --text HELLO",
    "events list --text hello --after 1 --limit 1",
    "events list --payload hello --limit 2",
    "events list --kind unknown",
    "events stats",
    "events stats --by app,source,hour",
    "deliveries list",
    "deliveries list --limit 2",
    "deliveries list --source live",
    "rejections list",
    "accounts list",
    "accounts list --silent 1h",
    "conversations list",
    "conversations list --limit 2 --waiting",
    "comments list",
    "comments list --unanswered --limit 1",
    "find 1",
    "find 7001",
    "find nothing-has-this-id",
];

/// Single things, for people and as JSON.
const SHOWN: &[&str] = &[
    "events show 1",
    "events show 2",
    "events show 999999",
    "deliveries show DELIVERY",
    "deliveries show 0199a7c2-9b3e-7c4d-8a51-3f2e1d0c9b8a",
    "accounts show 17840000000000001",
    "accounts show nobody",
    "conversations show",
    "conversations show 17840000000000001 7001 --limit 1",
    "conversations show 17840000000000001 nobody",
    "comments show",
    "comments show --limit 1",
    "comments show nothing",
];

/// Calls that take no form.
const OTHERS: &[&str] = &[
    "deliveries show DELIVERY --body",
    "events export",
    "events export --format csv --kind message",
];

/// A server with everything that a verb shows.
async fn filled() -> (Server, String) {
    let server = Server::start_with(&configuration()).await;
    for body in [
        message("m1", "hello"),
        message("m1", "hello"),
        message("m2", "hello \u{1b}[2J\\n\u{202e} =1+1"),
        comment("17840000000000001", "c1", "hello?"),
    ] {
        let answer = server.deliver("/webhook", body).await;
        assert_eq!(answer.status, 200);
    }
    assert!(server.run(&["simulate"]).status.success());
    assert_eq!(server.post("/webhook", &[], "{}").await.status, 401);
    let mut database = server.database().await;
    eventually("everything is counted and listed", async || {
        let done = "SELECT (SELECT count(*) = 2 FROM followers
                            WHERE position = (SELECT max(position) FROM events))
                        AND EXISTS (SELECT FROM rejections)";
        let done = sqlx::query_scalar(done).fetch_one(&mut database).await;
        done.unwrap()
    })
    .await;
    let (_, rows, _) = run(&mut server.verb(&["deliveries", "list", "--json"]));
    let row: Value = serde_json::from_str(rows.lines().next().unwrap()).unwrap();
    let delivery = row["id"].as_str().unwrap().to_owned();
    (server, delivery)
}

/// Results of a call over the database and over the URL.
fn both(server: &Server, call: &str) -> [(Option<i32>, String, String); 2] {
    let arguments: Vec<_> = call.split(' ').collect();
    [
        run(&mut server.verb(&arguments)),
        run(&mut server.verb_elsewhere("privacy", &arguments)),
    ]
}

#[tokio::test]
async fn every_verb_prints_the_same_bytes_both_ways() {
    let (server, delivery) = filled().await;
    let forms = |calls: &[&str], forms: &[&str]| -> Vec<String> {
        let all = calls.iter();
        let all = all.flat_map(|call| forms.iter().map(move |form| format!("{call}{form}")));
        all.collect()
    };
    let lists = forms(LISTS, &["", " --json", " --csv"]);
    let shown = forms(SHOWN, &["", " --json"]);
    for call in [lists, shown, forms(OTHERS, &[""])].concat() {
        let call = call.replace("DELIVERY", &delivery);
        let [(code, printed, noted), there] = both(&server, &call);
        assert_eq!((code, &printed), (there.0, &there.1), "{call}");
        // Only this machine has the quarantine; a search names the time of its start.
        if !call.starts_with("rejections") && !noted.contains("the search covered") {
            assert_eq!(noted, there.2, "{call}");
        }
        let says_something = !printed.is_empty() || !noted.is_empty();
        assert!(
            says_something && code.is_some_and(|it| it < 2),
            "{call}: {noted}"
        );
    }
}

#[tokio::test]
async fn a_label_set_over_the_url_is_shown_both_ways_and_found() {
    let (server, _) = filled().await;
    let label = "accounts label 17840000000000001 --label Bakery --client acme";
    let arguments: Vec<_> = label.split(' ').collect();
    let (code, printed, _) = run(&mut server.verb_elsewhere("privacy", &arguments));
    assert_eq!(code, Some(0));
    assert!(
        printed.contains("label                Bakery\n"),
        "{printed}"
    );
    for call in [
        "accounts show Bakery",
        "find Bakery",
        "events list --client acme",
    ] {
        let [here, there] = both(&server, call);
        assert_eq!(here, there, "{call}");
        assert!(here.1.contains("17840000000000001"), "{call}: {}", here.1);
    }
    let removed = [
        "accounts",
        "label",
        "17840000000000001",
        "--label",
        "",
        "--json",
    ];
    let (_, printed, _) = run(&mut server.verb(&removed));
    let row: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(
        (&row["label"], &row["client"]),
        (&Value::Null, &"acme".into())
    );
}

#[tokio::test]
async fn reads_over_the_url_are_audited_and_reads_of_the_database_are_not() {
    let (server, _) = filled().await;
    let show = "conversations show 17840000000000001 7001";
    let list = "audit list --subject 7001 --json";
    let [_, before] = both(&server, list);
    assert_eq!(before.1, "");
    let [here, there] = both(&server, show);
    assert_eq!(here, there);
    for form in ["", " --csv", " --json"] {
        let [here, there] = both(&server, &format!("audit list --subject 7001{form}"));
        assert_eq!(here, there, "{form}");
        assert_eq!(here.1.matches("conversation").count(), 1, "{}", here.1);
        assert!(!here.1.contains("7001"), "{}", here.1);
    }
}
