//! Lists of events: filters, pages, searches, single events and ids.

use std::collections::BTreeSet;

use super::*;

const ACCOUNT: &str = "17840000000000005";

async fn desk_with(texts: impl IntoIterator<Item = (String, String)>) -> Desk {
    let desk = Desk::open().await;
    for (mid, text) in texts {
        let said = [(mid.as_str(), text.as_str())];
        desk.deliver(messages("7005", ACCOUNT, &said)).await;
    }
    desk
}

fn numbered(count: usize) -> impl Iterator<Item = (String, String)> {
    (1..=count).map(|n| (format!("mid.{n}"), format!("text {n}")))
}

#[tokio::test]
async fn pages_lead_in_both_directions() {
    let desk = desk_with(numbered(5)).await;
    let newest = desk.read_as("reader", "/v1/events?limit=2").await;
    assert_eq!(texts(&newest), ["text 5", "text 4"]);
    let next = newest["next"].as_str().unwrap();
    let older = desk.read_as("reader", next).await;
    assert_eq!(texts(&older), ["text 3", "text 2"]);
    let back = desk
        .read_as("reader", older["previous"].as_str().unwrap())
        .await;
    assert_eq!(texts(&back), ["text 4", "text 5"]);
    let oldest = desk.read_as("reader", "/v1/events?after=0&limit=3").await;
    assert_eq!(texts(&oldest), ["text 1", "text 2", "text 3"]);
    let rest = desk
        .read_as("reader", oldest["next"].as_str().unwrap())
        .await;
    assert_eq!(texts(&rest), ["text 4", "text 5"]);
    let end = desk.read_as("reader", rest["next"].as_str().unwrap()).await;
    assert_eq!(texts(&end), [""; 0]);
    assert!(end["as_of_position"].is_string());
}

#[tokio::test]
async fn a_walk_repeats_and_skips_nothing_while_events_pour_in() {
    let desk = desk_with(numbered(20)).await;
    let (mut seen, mut path) = (Vec::new(), "/v1/events?after=0&limit=3".to_owned());
    for more in 21..=40 {
        let (mid, text) = (format!("mid.{more}"), format!("text {more}"));
        desk.deliver(messages("7005", ACCOUNT, &[(&mid, &text)]))
            .await;
        let page = desk.read_as("reader", &path).await;
        seen.extend(texts(&page).into_iter().map(str::to_owned));
        path = page["next"].as_str().unwrap().to_owned();
    }
    let all: Vec<_> = (1..=40).map(|n| format!("text {n}")).collect();
    assert_eq!(seen, all);
    let (mut seen, mut path) = (Vec::new(), "/v1/events?limit=7".to_owned());
    let mut more = 41;
    loop {
        let (mid, text) = (format!("mid.{more}"), format!("text {more}"));
        let page = desk.read_as("reader", &path).await;
        desk.deliver(messages("7005", ACCOUNT, &[(&mid, &text)]))
            .await;
        more += 1;
        seen.extend(texts(&page).into_iter().map(str::to_owned));
        match page["next"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    let all: Vec<_> = (1..=40).rev().map(|n| format!("text {n}")).collect();
    assert_eq!(seen, all);
}

#[tokio::test]
async fn a_misspelt_filter_is_refused_with_the_nearest_one() {
    let desk = Desk::open().await;
    for (query, parameter, detail) in [
        (
            "kidn=comment",
            "kidn",
            "unknown parameter; did you mean kind?",
        ),
        ("limit=5&limit=6", "limit", "limit is given twice"),
        ("colour=red", "colour", "unknown parameter"),
    ] {
        let (status, problem) = desk
            .problem_as("reader", &format!("/v1/events?{query}"))
            .await;
        assert_eq!((status, &problem["parameter"]), (400, &parameter.into()));
        assert_eq!(problem["detail"], detail);
    }
    for query in [
        "kind=coment",
        "since=soon",
        "until=never",
        "limit=0",
        "limit=1001",
        "after=-1",
        "after=x",
        "order=up",
        "echo=maybe",
        "delivery=1",
        "problem=none",
        "source=meta",
        "field=",
        "app=%00",
        "text=",
        "text=%00",
        "payload=a%00b",
        "since=-009999-01-01T00:00:00Z",
        "dry=true",
        "bom=true",
        "format=csv&limit=1",
        "format=csv&order=newest",
        "format=csv&wait=1",
        "format=ndjson&bom=true",
        "text=x&after=1",
        "text=x&order=oldest",
        "person=",
    ] {
        let (status, problem) = desk
            .problem_as("reader", &format!("/v1/events?{query}"))
            .await;
        assert_eq!(status, 400, "{query}");
        assert!(problem["allowed"].is_string(), "{query}: {problem}");
    }
}

#[tokio::test]
async fn every_filter_finds_its_events() {
    let desk = desk_with(numbered(3)).await;
    desk.deliver(comment(ACCOUNT, "9005", "how much?")).await;
    desk.run("UPDATE accounts SET label = 'Bakery', client = 'bakery'")
        .await;
    let list = desk.read_as("reader", "/v1/events?kind=comment").await;
    let delivery = list["events"][0]["delivery_id"].as_str().unwrap();
    for (filter, count) in [
        ("kind=comment,message".to_owned(), 4),
        ("kind=comment&kind=message".to_owned(), 4),
        ("kind=seen".to_owned(), 0),
        ("app=default".to_owned(), 4),
        ("app=shop".to_owned(), 0),
        ("client=bakery".to_owned(), 4),
        ("account=Bakery".to_owned(), 4),
        (format!("account={ACCOUNT}"), 4),
        ("account=17849999999999999".to_owned(), 0),
        ("person=7005".to_owned(), 3),
        ("message=mid.2".to_owned(), 1),
        ("comment=9005".to_owned(), 1),
        (format!("delivery={delivery}"), 1),
        (
            "delivery=0199a7c2-9b3e-7c4d-8a51-3f2e1d0c9b8a".to_owned(),
            0,
        ),
        ("echo=true".to_owned(), 0),
        ("late=true".to_owned(), 4),
        ("late=false".to_owned(), 0),
        ("source=live".to_owned(), 4),
        ("since=1h".to_owned(), 4),
        ("until=1h".to_owned(), 0),
    ] {
        let list = desk
            .read_as("reader", &format!("/v1/events?{filter}"))
            .await;
        assert_eq!(list["events"].as_array().unwrap().len(), count, "{filter}");
    }
}

#[tokio::test]
async fn a_search_finds_escaped_text_and_says_how_far_it_came() {
    let desk = desk_with([
        ("mid.a".to_owned(), "Zwei Brötchen, bitte".to_owned()),
        ("mid.b".to_owned(), "Coffee".to_owned()),
    ])
    .await;
    let found = desk
        .read_as("reader", "/v1/events?text=BR%C3%96TCHEN&since=today")
        .await;
    assert_eq!(texts(&found), ["Zwei Brötchen, bitte"]);
    assert_eq!(
        (&found["complete"], &found["next"]),
        (&true.into(), &Value::Null)
    );
    let found = desk.read_as("reader", "/v1/events?payload=MID.B").await;
    assert_eq!(texts(&found), ["Coffee"]);
    let found = desk.read_as("reader", "/v1/events?text=tea&since=3d").await;
    assert_eq!(found["complete"], false);
    let mut requests = 1;
    let mut next = found["next"].as_str().map(str::to_owned);
    while let Some(path) = next {
        let found = desk.read_as("reader", &path).await;
        next = found["next"].as_str().map(str::to_owned);
        requests += 1;
    }
    assert_eq!(requests, 3, "a request searches a day");
    let (status, _) = desk.problem_as("viewer", "/v1/events?text=tea").await;
    assert_eq!(status, 403, "without content, an answer would tell it");
}

#[tokio::test]
async fn a_slow_search_answers_in_parts() {
    let said: Vec<_> = numbered(200).collect();
    let said: Vec<_> = said.iter().map(|(mid, text)| (&**mid, &**text)).collect();
    let desk = Desk::open().await;
    desk.deliver(messages("7005", ACCOUNT, &said)).await;
    // Reading all payloads takes longer than a request may.
    desk.run(
        "CREATE OR REPLACE FUNCTION item_of(body bytea, item_start int, item_length int,
                                            problem text)
         RETURNS json STABLE PARALLEL SAFE LANGUAGE plpgsql AS $$
         BEGIN
             PERFORM pg_sleep(0.015);
             RETURN convert_from(substring(body, item_start + 1, item_length), 'UTF8')::json;
         END $$",
    )
    .await;
    let (mut seen, mut requests) = (Vec::new(), 0);
    let mut path = Some("/v1/events?payload=text%202".to_owned());
    while let Some(next) = path {
        let found = desk.read_as("reader", &next).await;
        seen.extend(texts(&found).into_iter().map(str::to_owned));
        path = found["next"].as_str().map(str::to_owned);
        requests += 1;
    }
    assert!(requests > 1, "a request ends in time");
    let all = numbered(200).map(|(_, text)| text);
    let mut all: Vec<_> = all.filter(|text| text.starts_with("text 2")).collect();
    all.reverse();
    assert_eq!(seen, all);
}

#[tokio::test]
async fn a_single_event_comes_with_all_that_belongs_to_it() {
    let desk = desk_with(numbered(3)).await;
    let again = messages("7005", ACCOUNT, &[("mid.2", "text 2")]);
    desk.deliver(format!(" {again}")).await;
    let list = desk.read_as("reader", "/v1/events?message=mid.2").await;
    let position = list["events"][0]["position"].to_string().replace('"', "");
    let path = format!("/v1/events/{position}");
    let detail = desk.read_as("reader", &path).await;
    assert_eq!(detail["event"]["text"], "text 2");
    assert_eq!(detail["delivery"]["event_count"], 1);
    assert_eq!(detail["repeats"][0]["comparison"], "same");
    let around = desk.read_as("reader", &format!("{path}/around?n=2")).await;
    assert_eq!(around["before"][0]["text"], "text 1");
    assert_eq!(around["after"][0]["text"], "text 3");
    let (status, _) = desk.problem_as("reader", "/v1/events/999999").await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn one_box_finds_every_id() {
    let desk = desk_with(numbered(1)).await;
    let named = comment(ACCOUNT, "9005", "how much?");
    let named = named.replace(r#""id":"7001""#, r#""id":"7001","username":"ana.lima""#);
    desk.deliver(named).await;
    desk.run("UPDATE accounts SET label = 'Corner Bakery'")
        .await;
    let list = desk.read_as("reader", "/v1/events?kind=comment").await;
    let event = &list["events"][0];
    let delivery = event["delivery_id"].as_str().unwrap();
    for (id, kind) in [
        ("mid.1", "message"),
        ("9005", "comment"),
        ("7005", "person"),
        (ACCOUNT, "account"),
        ("Corner%20Bakery", "account"),
        (delivery, "delivery"),
        ("@Ana.Lima", "username"),
    ] {
        let found = desk.read_as("reader", &format!("/v1/find?id={id}")).await;
        let targets = found["targets"].as_array().unwrap();
        let kinds: BTreeSet<_> = targets
            .iter()
            .map(|it| it["type"].as_str().unwrap())
            .collect();
        assert!(kinds.contains(kind), "{id}: {found}");
    }
    let found = desk
        .read_as("reader", "/v1/find?id=nothing-has-this-id")
        .await;
    assert_eq!(found["targets"], serde_json::json!([]));
}

#[tokio::test]
async fn a_waiting_client_is_answered_by_the_next_event() {
    let desk = desk_with(numbered(1)).await;
    let list = desk.read_as("reader", "/v1/events?after=0").await;
    let next = list["next"].as_str().unwrap();
    let path = format!("{next}&wait=30&kind=comment");
    let waiting = desk.read_as("reader", &path);
    let delivering = async {
        desk.deliver(message("mid.other", "another kind")).await;
        desk.deliver(comment(ACCOUNT, "9005", "how much?")).await;
    };
    let (answer, ()) = tokio::join!(waiting, delivering);
    assert_eq!(texts(&answer), ["how much?"]);
    let none = desk
        .read_as("reader", &format!("{next}&wait=1&kind=seen"))
        .await;
    assert_eq!(texts(&none), [""; 0]);
}
