//! Every route as every caller.

use hyper::HeaderMap;

use super::{
    scopes::{BAKERY, desk_with},
    *,
};

/// Callers: without a token, with a wrong one, each role, and tokens of a client, another client,
/// an app and another app.
const CALLERS: [&str; 12] = [
    "nobody", "stranger", "metrics", "viewer", "reader", "operator", "privacy", "consumer",
    "bakery", "florist", "default", "shop",
];

/// Statuses for the callers.
type Statuses = [u16; 12];

/// With a token of any role but that of a consumer.
const KNOWN: Statuses = [401, 401, 200, 200, 200, 200, 200, 403, 200, 200, 200, 200];
const ANYBODY: Statuses = [200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200];
const PAGE: Statuses = [200, 401, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200];
const METRICS: Statuses = [401, 401, 200, 200, 200, 200, 200, 403, 404, 404, 404, 404];
const LIST: Statuses = [401, 401, 403, 200, 200, 200, 200, 403, 200, 200, 200, 200];
/// An object of the bakery at the app `default`.
const OBJECT: Statuses = [401, 401, 403, 200, 200, 200, 200, 403, 200, 404, 200, 404];
const SEARCH: Statuses = [401, 401, 403, 403, 200, 200, 200, 403, 200, 200, 200, 200];
/// A viewer exports without content, and a reader may not export what it may read.
const EXPORT: Statuses = [401, 401, 403, 200, 403, 200, 200, 403, 200, 200, 200, 200];
const BODY: Statuses = [401, 401, 403, 403, 403, 200, 200, 403, 404, 404, 404, 404];
const SERVER: Statuses = [401, 401, 403, 200, 200, 200, 200, 403, 404, 404, 404, 404];
const DRAIN: Statuses = [401, 401, 403, 403, 403, 202, 202, 403, 404, 404, 404, 404];
/// A restricted token rechecks what is wholly its own.
const RECHECK: Statuses = [401, 401, 403, 403, 403, 200, 200, 403, 200, 200, 200, 200];
/// A restricted token sees no consumers.
const STATE: Statuses = [401, 401, 403, 200, 200, 200, 200, 200, 404, 404, 404, 404];
const WORK: Statuses = [401, 401, 403, 403, 403, 200, 200, 200, 404, 404, 404, 404];
const AUDIT: Statuses = [401, 401, 403, 403, 403, 403, 200, 403, 403, 403, 403, 403];

/// Routes with a request of each, filled with the ids of an event of the bakery.
const ROUTES: [(&str, &str, Statuses); 38] = [
    ("GET", "/healthz", ANYBODY),
    ("GET", "/readyz", ANYBODY),
    ("GET", "/metrics", METRICS),
    ("GET", "/problems/{name}", PAGE),
    ("GET", "/openapi.json", KNOWN),
    ("GET", "/docs", KNOWN),
    ("GET", "/v1/events", LIST),
    ("GET", "/v1/events?after=0&wait=1", LIST),
    ("GET", "/v1/events?text=hello", SEARCH),
    ("GET", "/v1/events?payload=hello", SEARCH),
    ("GET", "/v1/events?username=somebody", SEARCH),
    ("GET", "/v1/events?format=csv", EXPORT),
    ("GET", "/v1/events?format=ndjson", EXPORT),
    ("GET", "/v1/events/stream", LIST),
    ("GET", "/v1/events/stream?account={account}", LIST),
    ("GET", "/v1/events/{position}", OBJECT),
    ("GET", "/v1/events/{position}/around", OBJECT),
    ("GET", "/v1/find?id={account}", LIST),
    ("GET", "/v1/deliveries", LIST),
    ("GET", "/v1/deliveries/{id}", OBJECT),
    ("GET", "/v1/deliveries/{id}/body", BODY),
    ("GET", "/v1/deliveries/{id}/signature", BODY),
    ("GET", "/v1/rejections", LIST),
    ("GET", "/v1/accounts", LIST),
    ("GET", "/v1/accounts/{account}", OBJECT),
    ("PATCH", "/v1/accounts/{account}", BODY),
    ("GET", "/v1/consumers", STATE),
    ("GET", "/v1/consumers/{consumer}", STATE),
    ("GET", "/v1/replays", SERVER),
    ("GET", "/v1/replays/{replay}", SERVER),
    ("GET", "/v1/conversations", LIST),
    ("GET", "/v1/conversations/{account}/{person}", OBJECT),
    ("GET", "/v1/media", LIST),
    ("GET", "/v1/media/{id}/comments", OBJECT),
    ("GET", "/v1/stats?by=account", LIST),
    ("GET", "/v1/gaps", LIST),
    ("GET", "/v1/spool", SERVER),
    ("GET", "/v1/spool/records", SERVER),
];

/// Routes that change something or are for few.
const OTHERS: [(&str, &str, Statuses); 10] = [
    ("POST", "/v1/spool/drain", DRAIN),
    ("POST", "/v1/rejections/recheck", RECHECK),
    ("POST", "/v1/consumers/{consumer}/lease", WORK),
    ("POST", "/v1/consumers/{consumer}/settle", WORK),
    ("POST", "/v1/consumers/{consumer}/release", WORK),
    ("POST", "/v1/replays", BODY),
    ("POST", "/v1/replays/{replay}/pause", BODY),
    ("POST", "/v1/replays/{replay}/resume", BODY),
    ("POST", "/v1/replays/{replay}/cancel", BODY),
    ("GET", "/v1/audit", AUDIT),
];

fn routes() -> impl Iterator<Item = (&'static str, &'static str, Statuses)> {
    ROUTES.into_iter().chain(OTHERS)
}

fn path_of(request: &str) -> &str {
    request.split('?').next().unwrap()
}

/// Status and headers of an answer, and its problem.
struct Told {
    status: u16,
    headers: HeaderMap,
    problem: Value,
}

/// A desk whose callers come from an address each, so that none is blocked for the failures of
/// others.
struct Counter {
    desk: Desk,
    /// Number of requests so far.
    asked: std::cell::Cell<u32>,
}

impl Counter {
    async fn open() -> Self {
        let proxies = "[http]\ntrusted_proxies = ['127.0.0.1/32']\n";
        let own = [
            table("default", "role = 'operator'\napps = ['default']"),
            consumer(),
        ]
        .concat();
        let desk = desk_with(&format!("{}{own}{proxies}", tokens())).await;
        desk.serve_consumer().await;
        desk.replay_to_bot().await;
        // Nobody owns this consumer, so the replay does not end.
        desk.run("UPDATE replays SET consumer = 'former', state = 'running', ended_at = NULL")
            .await;
        Self {
            desk,
            asked: 0.into(),
        }
    }

    async fn ask(&self, caller: &str, method: &str, request: &str) -> Told {
        let number = self.asked.replace(self.asked.get() + 1);
        let from = format!("10.1.{}.{}", number / 250, number % 250 + 1);
        let bearer = format!("Bearer {}", token(caller));
        let mut headers = vec![("X-Forwarded-For", &*from)];
        headers.extend((caller != "nobody").then_some(("Authorization", &*bearer)));
        let server = &self.desk.server;
        if method == "GET" && path_of(request) == "/v1/events/stream" {
            let query = request.trim_start_matches("/v1/events/stream");
            let stream = EventStream::open(server.admin, query, &headers).await;
            let (status, headers) = (stream.status, stream.headers.clone());
            let body = match status {
                200 => "null".to_owned(),
                _ => stream.body().await,
            };
            let problem = serde_json::from_str(&body).unwrap();
            return Told {
                status,
                headers,
                problem,
            };
        }
        let body = match request.rsplit_once('/') {
            _ if method == "PATCH" => "{}",
            Some((_, "settle")) => "{}",
            Some((_, "release")) => r#"{"worker": "w1"}"#,
            Some((_, "replays")) => r#"{"to": "bot", "filter": {"since": "1h"}}"#,
            _ => "",
        };
        let answer = server.send_admin((method, request), &headers, body).await;
        let is_refused = answer.status >= 400;
        let problem = is_refused.then(|| problem(request, &answer));
        Told {
            status: answer.status,
            headers: answer.headers,
            problem: problem.unwrap_or_default(),
        }
    }
}

#[tokio::test]
async fn each_caller_gets_of_each_route_what_the_table_says() {
    let counter = Counter::open().await;
    let own = format!("/v1/events?account={BAKERY}&kind=message");
    let event = &counter.desk.read_as("reader", &own).await["events"][0];
    let filled = |request: &str| {
        let text = |key: &str| event[key].as_str().unwrap();
        let is_of_media = request.starts_with("/v1/media");
        let id = if is_of_media {
            "media-91019101"
        } else {
            text("delivery_id")
        };
        request
            .replace("{position}", text("position"))
            .replace("{account}", BAKERY)
            .replace("{person}", text("person_id"))
            .replace("{id}", id)
            .replace("{consumer}", "bot")
            .replace("{replay}", "1")
            .replace("{name}", "parameter")
    };
    for (method, request, statuses) in routes() {
        let request = filled(request);
        for (caller, status) in CALLERS.into_iter().zip(statuses) {
            let told = counter.ask(caller, method, &request).await;
            let what = format!("{method} {request} as {caller}: {}", told.problem);
            assert_eq!(told.status, status, "{what}");
            let header = |name: &str| told.headers.get(name).map(|it| it.to_str().unwrap());
            assert_eq!(header("access-control-allow-origin"), None, "{what}");
            let detail = &told.problem["detail"];
            match status {
                401 => assert_eq!(header("www-authenticate"), Some("Bearer"), "{what}"),
                403 => assert!(detail.as_str().unwrap().contains("token with"), "{what}"),
                404 => assert_eq!(detail, "no such path or object", "{what}"),
                _ => {}
            }
            if request.starts_with("/v1") {
                assert_eq!(header("cache-control"), Some("no-store"), "{what}");
            }
        }
    }
}

#[tokio::test]
async fn no_route_takes_another_method_and_none_is_missing_here() {
    let counter = Counter::open().await;
    let paths: BTreeSet<_> = routes().map(|(_, request, _)| path_of(request)).collect();
    let document: Value = serde_json::from_str(&hookshelf::http::openapi_document()).unwrap();
    let described = document["paths"].as_object().unwrap().iter();
    let described: BTreeSet<_> = described
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().keys();
            methods.map(move |method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    let known: BTreeSet<_> = routes()
        .map(|(method, request, _)| (method.to_owned(), path_of(request).to_owned()))
        .collect();
    assert_eq!(described, known, "the table has every route");
    for path in paths {
        let taken: Vec<_> = routes()
            .filter(|(_, request, _)| path_of(request) == path)
            .map(|(method, ..)| method)
            .collect();
        let plain = path.replace(['{', '}'], "");
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] {
            if taken.contains(&method) {
                continue;
            }
            let told = counter.ask("privacy", method, &plain).await;
            assert_eq!(told.status, 405, "{method} {path}");
            let allowed = told.headers["allow"].to_str().unwrap();
            let allows = |method: &&str| allowed.split(',').any(|it| it == *method);
            assert!(taken.iter().all(allows), "{method} {path}: {allowed}");
        }
    }
}
