//! Parameters, headers, bodies and parts of paths that are wrong in every way.

use hyper::header::HeaderValue;

use super::{scopes::desk_with, *};

/// Routes with a query that lets each of its parameters have an effect.
const ROUTES: [(&str, &str); 20] = [
    ("/v1/events", "after=0"),
    ("/v1/events/stream", ""),
    ("/v1/events/1", ""),
    ("/v1/events/1/around", ""),
    ("/v1/find", ""),
    ("/v1/deliveries", ""),
    ("/v1/deliveries/{delivery}", ""),
    ("/v1/deliveries/{delivery}/body", ""),
    ("/v1/deliveries/{delivery}/signature", ""),
    ("/v1/rejections", ""),
    ("/v1/accounts", ""),
    ("/v1/accounts/17840000000000101", ""),
    ("/v1/conversations", ""),
    ("/v1/conversations/17840000000000101/7101", ""),
    ("/v1/media", ""),
    ("/v1/media/media-91019101/comments", ""),
    ("/v1/stats", ""),
    ("/v1/gaps", ""),
    ("/v1/audit", ""),
    ("/v1/replays", ""),
];

/// Values that are wrong for every parameter: empty, U+0000, no UTF-8, and no percent encoding.
const WRONG: [&str; 7] = ["", "%00", "a%00b", "%FF", "%C3%28", "%", "%4"];

const NO_NUMBERS: [&str; 7] = [
    "x",
    "-1",
    "%2B1",
    "1.5",
    "1e1",
    "1%202",
    "99999999999999999999",
];

const NO_MOMENTS: [&str; 8] = [
    "soon",
    "tomorrow",
    "2026-13-01",
    "2026-02-30",
    "-2h",
    "1969-12-31T23:59:59Z",
    "-009999-01-01T00:00:00Z",
    "99999999%20years",
];

/// Wrong values of a parameter, and a right one.
fn values(path: &str, name: &str) -> (Vec<String>, &'static str) {
    let long = |length| "x".repeat(length);
    let owned = |values: &[&str]| values.iter().map(ToString::to_string).collect::<Vec<_>>();
    let above = |most: &str| [owned(&NO_NUMBERS), owned(&[most])].concat();
    let is_of_events = path.starts_with("/v1/events") || path.ends_with("/comments");
    match name {
        "field" | "app" | "client" | "account" | "person" | "message" | "comment" | "media"
        | "username" | "id" | "thread" | "subject" | "token" | "to" | "columns" => {
            (vec![long(513)], "some")
        }
        "text" | "payload" => (vec![long(201)], "some"),
        "limit" if ["/v1/accounts", "/v1/rejections"].contains(&path) => (above("10001"), "1"),
        "limit" => (above("1001"), "1"),
        "n" => (above("201"), "2"),
        "wait" => (above("31"), "0"),
        "after" | "before" if is_of_events || path == "/v1/replays" => {
            (above("9223372036854775808"), "0")
        }
        "after" | "before" if path == "/v1/deliveries" => (owned(&["x", "1"]), DELIVERY),
        "after" | "before" => (owned(&NO_PLACES), "1.1"),
        "since" | "until" | "silent_since" => (owned(&NO_MOMENTS), "2h"),
        "kind" => (
            owned(&["comments", "COMMENT", "comment,", ",comment"]),
            "comment",
        ),
        "source" => (owned(&["meta", "live,meta"]), "live"),
        "by" => (owned(&["week", "day,", "day,week"]), "day"),
        "cause" => (owned(&["up", "down,up"]), "down"),
        "problem" => (owned(&["none", "ERASED"]), "unknown_object"),
        "order" => (owned(&["up", "Newest"]), "newest"),
        "format" => (owned(&["xml", "CSV"]), "json"),
        "csv" => (owned(&["cooked", "true"]), "raw"),
        "delivery" => (owned(&["1", "0199a7c2"]), DELIVERY),
        "echo" | "late" | "bom" | "dry" | "waiting" | "answered" | "unanswered" | "gaps" => {
            (owned(&["1", "yes", "TRUE"]), "true")
        }
        unknown => panic!("what are wrong values of {unknown} of {path}?"),
    }
}

/// The last one is before the first time of Postgres.
const NO_PLACES: [&str; 7] = [
    "x",
    "1",
    "1.",
    ".1",
    "1.x",
    "1.2.3",
    "-377705000000000000.1",
];

const DELIVERY: &str = "0199a7c2-9b3e-7c4d-8a51-3f2e1d0c9b8a";

/// Parameters that may be given several times.
const LISTS: [&str; 4] = ["kind", "source", "by", "cause"];

/// A desk with its callers, and the id of a delivery.
async fn desk() -> (Desk, String) {
    let desk = desk_with(&tokens()).await;
    let list = desk.read_as("operator", "/v1/deliveries").await;
    let id = list["deliveries"][0]["id"].as_str().unwrap().to_owned();
    (desk, id)
}

/// Names that a route knows, as it says itself.
async fn names(desk: &Desk, path: &str) -> Vec<String> {
    let (status, problem) = desk.problem_as("privacy", &format!("{path}?zzz=1")).await;
    assert_eq!(
        (status, &problem["parameter"]),
        (400, &"zzz".into()),
        "{path}"
    );
    let names = problem["allowed"].as_str().unwrap().split(", ");
    let names = names.filter(|name| *name != "no parameter");
    names.map(str::to_owned).collect()
}

/// Asserts that a request is refused for the parameter `name`.
async fn is_wrong(desk: &Desk, url: &str, name: &str) -> Value {
    let (status, problem) = desk.problem_as("privacy", url).await;
    assert_eq!(status, 400, "{url}: {problem}");
    assert_eq!(problem["parameter"], name, "{url}: {problem}");
    assert!(problem["allowed"].is_string(), "{url}: {problem}");
    assert!(problem["given"].is_string(), "{url}: {problem}");
    problem
}

#[tokio::test]
async fn each_parameter_of_each_route_is_refused_if_it_is_wrong_in_any_way() {
    let (desk, delivery) = desk().await;
    let mut paths = BTreeSet::new();
    for (path, needed) in ROUTES {
        let path = path.replace("{delivery}", &delivery);
        for name in names(&desk, &path).await {
            let is_needed = needed.starts_with(&format!("{name}="));
            let needed = if is_needed { "" } else { needed };
            let base = format!("{path}?{needed}&");
            let (mut wrong, right) = values(&path, &name);
            wrong.extend(WRONG.map(str::to_owned));
            if ["limit", "n"].contains(&&*name) {
                wrong.push("0".to_owned());
            }
            for value in &wrong {
                is_wrong(&desk, &format!("{base}{name}={value}"), &name).await;
            }
            is_wrong(&desk, &format!("{base}{name}"), &name).await;
            let twice = format!("{base}{name}={right}&{name}={right}");
            if LISTS.contains(&&*name) {
                let and_wrong = format!("{base}{name}={right}&{name}={}", wrong[0]);
                is_wrong(&desk, &and_wrong, &name).await;
            } else {
                let problem = is_wrong(&desk, &twice, &name).await;
                assert_eq!(problem["detail"], format!("{name} is given twice"));
            }
        }
        paths.insert(path);
    }
    assert!(paths.len() > 15);
}

#[tokio::test]
async fn an_unknown_parameter_is_refused_with_the_nearest_known_one() {
    let (desk, delivery) = desk().await;
    for (path, _) in ROUTES {
        let path = path.replace("{delivery}", &delivery);
        let names = names(&desk, &path).await;
        for name in names.iter().filter(|name| name.len() >= 4) {
            let slip = format!("{name}s");
            let problem = is_wrong(&desk, &format!("{path}?{slip}=1"), &slip).await;
            let detail = problem["detail"].as_str().unwrap();
            let near = format!("unknown parameter; did you mean {name}?");
            assert_eq!(detail, near, "{path}");
            let upper = name.to_uppercase();
            is_wrong(&desk, &format!("{path}?{upper}=1"), &upper).await;
        }
        is_wrong(&desk, &format!("{path}?=1"), "").await;
        is_wrong(&desk, &format!("{path}?%00=1"), "\0").await;
        is_wrong(&desk, &format!("{path}?%FF=1"), "%FF").await;
        let long = "n".repeat(5000);
        is_wrong(&desk, &format!("{path}?{long}=1"), &long[..200]).await;
    }
}

#[tokio::test]
async fn routes_without_parameters_take_none() {
    let (desk, _) = desk().await;
    let bearer = format!("Bearer {}", token("operator"));
    let headers = [("Authorization", &*bearer)];
    for (method, path) in [
        ("GET", "/v1/spool"),
        ("GET", "/v1/consumers"),
        ("GET", "/v1/consumers/bot"),
        ("POST", "/v1/consumers/bot/lease"),
        ("POST", "/v1/consumers/bot/settle"),
        ("POST", "/v1/consumers/bot/release"),
        ("POST", "/v1/spool/drain"),
        ("POST", "/v1/replays"),
        ("GET", "/v1/replays/1"),
        ("POST", "/v1/replays/1/pause"),
        ("PATCH", "/v1/accounts/17840000000000101"),
    ] {
        let call = (method, &*format!("{path}?label=x"));
        let answer = desk.server.send_admin(call, &headers, "{}").await;
        let problem = problem(path, &answer);
        assert_eq!(
            (answer.status, &problem["parameter"]),
            (400, &"label".into())
        );
    }
    is_wrong(&desk, "/v1/spool/records?limit=0", "limit").await;
    is_wrong(&desk, "/v1/spool/records?after=x", "after").await;
    is_wrong(&desk, "/v1/spool/records?limit=1&limit=1", "limit").await;
    is_wrong(&desk, "/v1/spool/records?limits=1", "limits").await;
}

#[tokio::test]
async fn no_parameter_is_ignored_because_of_another() {
    let (desk, _) = desk().await;
    for (url, name) in [
        ("/v1/events?text=hello&after=0", "after"),
        ("/v1/events?text=hello&order=oldest", "order"),
        ("/v1/events?payload=hello&wait=5", "wait"),
        ("/v1/events?text=hello&wait=31", "wait"),
        ("/v1/events?wait=5", "wait"),
        ("/v1/events?account=nobody&delivery=1", "delivery"),
        ("/v1/events?account=1&limit=0", "limit"),
        ("/v1/events?account=1&format=xml", "format"),
        ("/v1/events?format=json&dry=true", "dry"),
        ("/v1/events/stream?account=nobody&after=x", "after"),
        ("/v1/events/stream?account=nobody&delivery=1", "delivery"),
        ("/v1/conversations/1/2?before=1.1&after=1.1", "after"),
    ] {
        is_wrong(&desk, url, name).await;
    }
}

#[tokio::test]
async fn percent_encoding_is_read_everywhere_and_a_plus_is_a_space() {
    let (desk, _) = desk().await;
    for query in ["k%69nd=comment", "kind=%63omment&&", "&kind=comment&"] {
        let list = desk.read_as("reader", &format!("/v1/events?{query}")).await;
        assert_eq!(list["events"].as_array().unwrap().len(), 2, "{query}");
    }
    desk.run("UPDATE accounts SET label = 'A b ö' WHERE client = 'bakery'")
        .await;
    let list = desk
        .read_as("reader", "/v1/events?account=A+b%20%C3%B6")
        .await;
    assert_eq!(list["events"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_wrong_part_of_a_path_is_no_object() {
    let (desk, _) = desk().await;
    let long = "1".repeat(600);
    let wrong = [
        "x",
        "-1",
        "0",
        "99999999999999999999",
        "%00",
        "a%00b",
        "%FF",
        "%C3%28",
        "..%2F..",
        "%20",
        "%E2%80%AE",
        &long,
    ];
    for id in wrong {
        for path in [
            "/v1/events/{id}",
            "/v1/events/{id}/around",
            "/v1/deliveries/{id}",
            "/v1/deliveries/{id}/body",
            "/v1/deliveries/{id}/signature",
            "/v1/accounts/{id}",
            "/v1/conversations/{id}/7101",
            "/v1/conversations/17840000000000101/{id}",
            "/v1/media/{id}/comments",
            "/v1/consumers/{id}",
            "/v1/replays/{id}",
            "/problems/{id}",
        ] {
            let path = path.replace("{id}", id);
            let (status, _) = desk.problem_as("privacy", &path).await;
            assert_eq!(status, 404, "{path}");
        }
    }
}

#[tokio::test]
async fn a_start_in_a_header_is_checked_like_one_in_the_query() {
    let (desk, _) = desk().await;
    let bearer = format!("Bearer {}", token("operator"));
    let own = ("Authorization", bearer.as_str());
    let ids: [&[&str]; 6] = [
        &[""],
        &["x"],
        &["-1"],
        &["+1"],
        &["99999999999999999999"],
        &["1", "1"],
    ];
    for ids in ids {
        let ids = ids.iter().map(|id| ("Last-Event-ID", *id));
        let headers: Vec<_> = ids.chain([own]).collect();
        let stream = EventStream::open(desk.server.admin, "", &headers).await;
        assert_eq!(stream.status, 400, "{headers:?}");
        let problem: Value = serde_json::from_str(&stream.body().await).unwrap();
        assert_eq!(problem["parameter"], "Last-Event-ID", "{headers:?}");
    }
    let headers = [own, ("Last-Event-ID", "1")];
    let stream = EventStream::open(desk.server.admin, "?after=x", &headers).await;
    assert_eq!(stream.status, 400, "the parameter is not ignored");
    assert_eq!(
        HeaderValue::from_static("application/problem+json"),
        stream.headers["content-type"]
    );
}

#[tokio::test]
async fn a_wrong_body_changes_nothing() {
    let (desk, _) = desk().await;
    let path = "/v1/accounts/17840000000000101";
    let before = desk.read_as("operator", path).await;
    let bearer = format!("Bearer {}", token("operator"));
    let headers = [("Authorization", bearer.as_str())];
    let label = |text: &str| format!("{{\"label\": \"{text}\"}}");
    let bodies = [
        String::new(),
        "{".to_owned(),
        "[]".to_owned(),
        "7".to_owned(),
        "{} {}".to_owned(),
        r#"{"label": 5}"#.to_owned(),
        r#"{"label": ["x"]}"#.to_owned(),
        r#"{"label": "x", "label": "y"}"#.to_owned(),
        r#"{"lable": "x"}"#.to_owned(),
        label(r"a\u0000b"),
        label(r"\ud800"),
        label(&"x".repeat(201)),
        label(&"x".repeat(3 << 20)),
        "[".repeat(100_000),
    ];
    for body in bodies {
        let start: String = body.chars().take(40).collect();
        let answer = desk
            .server
            .send_admin(("PATCH", path), &headers, body)
            .await;
        let problem = problem(&start, &answer);
        assert_eq!(
            (answer.status, &problem["type"]),
            (400, &"/problems/body".into()),
            "{start}"
        );
    }
    assert_eq!(desk.read_as("operator", path).await, before);
}
