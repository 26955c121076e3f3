//! `admin.base_path`: everything below it, and the probes also at the root.

use super::{
    sessions::{SAME_SITE, cookie, form, header},
    *,
};

const BASE: &str = "[admin]\nbase_path = '/hookshelf'\nadvertise = 'http://127.0.0.1:9'\n";

async fn desk() -> Desk {
    Desk::open_with(&format!("{BASE}{}", tokens())).await
}

/// Messages with these numbers as their texts.
async fn deliver_numbers(desk: &Desk, numbers: std::ops::Range<u32>) {
    let texts: Vec<_> = numbers.map(|number| number.to_string()).collect();
    for texts in texts.chunks(500) {
        let said: Vec<_> = texts.iter().map(|text| (&**text, &**text)).collect();
        desk.deliver(messages("7001", "17840000000000007", &said))
            .await;
    }
}

#[tokio::test]
async fn everything_is_below_it_and_the_probes_are_also_at_the_root() {
    let desk = desk().await;
    for (path, status) in [
        ("/healthz", 200),
        ("/readyz", 200),
        ("/metrics", 200),
        ("/hookshelf/healthz", 200),
        ("/hookshelf/readyz", 200),
        ("/hookshelf/metrics", 200),
        ("/hookshelf/v1/events?limit=1", 200),
        ("/hookshelf/docs", 200),
        ("/hookshelf/problems/parameter", 200),
        ("/v1/events", 404),
        ("/hookshelves/v1/events", 404),
        ("/hookshelf/hookshelf/v1/events", 404),
        ("/hookshelf//v1/events", 404),
        ("/", 404),
    ] {
        let answer = desk.ask_as("operator", path).await;
        assert_eq!(answer.status, status, "{path}");
        if status == 404 {
            let told = problem(path, &answer);
            assert_eq!(told["type"], "/hookshelf/problems/not-found", "{path}");
        }
    }
    let elsewhere = desk.ask_as("operator", "/v1/events").await;
    let detail = &problem("elsewhere", &elsewhere)["detail"];
    assert_eq!(detail, "no such path; this server is below /hookshelf");
}

#[tokio::test]
async fn a_problem_has_its_page_below_it_and_a_length() {
    let desk = desk().await;
    let (status, told) = desk
        .problem_as("operator", "/hookshelf/v1/events?limt=1")
        .await;
    assert_eq!(status, 400);
    assert_eq!(told["type"], "/hookshelf/problems/parameter");
    assert_eq!(told["detail"], "unknown parameter; did you mean limit?");
    let page = told["type"].as_str().unwrap();
    assert_eq!(desk.ask_as("operator", page).await.status, 200);
    let refused = desk.server.ask_admin("/hookshelf/v1/events").await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.headers["www-authenticate"], "Bearer");
    let length: usize = header(&refused.headers, "content-length").parse().unwrap();
    assert_eq!(length, refused.body.len());
    let head = ("HEAD", "/hookshelf/v1/events");
    let head = desk.server.ask_admin_with(head, &[]).await;
    assert_eq!((head.status, head.body.len()), (401, 0));
}

#[tokio::test]
async fn urls_of_answers_are_below_it() {
    let desk = desk().await;
    deliver_numbers(&desk, 0..5).await;
    let mut path = "/hookshelf/v1/events?order=oldest&limit=2".to_owned();
    let mut seen = Vec::new();
    while seen.len() < 5 {
        let page = desk.read_as("operator", &path).await;
        seen.extend(texts(&page).into_iter().map(str::to_owned));
        let previous = page["previous"].as_str().unwrap();
        assert!(previous.starts_with("/hookshelf/v1/events?"), "{previous}");
        page["next"].as_str().unwrap().clone_into(&mut path);
        assert!(path.starts_with("/hookshelf/v1/events?"), "{path}");
    }
    assert_eq!(seen, ["0", "1", "2", "3", "4"]);
    let search = desk
        .read_as("operator", "/hookshelf/v1/events?text=3")
        .await;
    assert_eq!(texts(&search), ["3"]);

    let bearer = format!("Bearer {}", token("operator"));
    let headers = [("Authorization", &*bearer)];
    let stream = "/hookshelf/v1/events/stream?after=0";
    let mut stream = EventStream::open_at(desk.server.admin, stream, &headers).await;
    assert_eq!((stream.status, stream.backlog().await.len()), (200, 5));
}

#[tokio::test]
async fn the_openapi_document_describes_the_server_below_it() {
    let desk = desk().await;
    let document = desk.read_as("operator", "/hookshelf/openapi.json").await;
    assert_eq!(document["servers"][0]["url"], "/hookshelf");
    let list = &document["paths"]["/v1/events"]["get"]["responses"]["400"];
    let schema = &list["content"]["application/problem+json"]["schema"];
    let types = schema["allOf"][1]["properties"]["type"]["enum"].to_string();
    assert!(
        types.contains("\"/hookshelf/problems/parameter\""),
        "{types}"
    );
    let page = desk.ask_as("operator", "/hookshelf/docs").await;
    let page = String::from_utf8(page.body.to_vec()).unwrap();
    assert!(page.contains("http://127.0.0.1:9090/hookshelf/v1/events"));
}

#[tokio::test]
async fn a_browser_signs_in_and_out_below_it() {
    let proxy = "[http]\ntrusted_proxies = ['127.0.0.1/32']\n";
    let desk = Desk::open_with(&format!("{proxy}{BASE}{}", tokens())).await;
    for (next, location) in [
        (
            "/hookshelf/v1/events?limit=1",
            "/hookshelf/v1/events?limit=1",
        ),
        ("/v1/events", "/hookshelf/"),
    ] {
        let form = form(&token("viewer"), next);
        let answer = desk.post("/hookshelf/login", &[SAME_SITE], form).await;
        assert_eq!(header(&answer.headers, "location"), location);
        let set = header(&answer.headers, "set-cookie");
        assert!(set.contains("; Path=/hookshelf; "), "{set}");
        let browser = cookie(&answer);
        let path = "/hookshelf/v1/events";
        assert_eq!(desk.ask_with(&browser, path).await.status, 200);
        let answer = desk.press(&browser, "/hookshelf/logout").await;
        assert_eq!(header(&answer.headers, "location"), "/hookshelf/login");
        assert!(header(&answer.headers, "set-cookie").contains("; Path=/hookshelf; "));
        assert_eq!(desk.ask_with(&browser, path).await.status, 401);
    }
    // The prefix __Host- needs the path /.
    let headers = [SAME_SITE, ("X-Forwarded-Proto", "https")];
    let form = form(&token("viewer"), "");
    let answer = desk.post("/hookshelf/login", &headers, form).await;
    let set = header(&answer.headers, "set-cookie");
    assert!(set.starts_with("hookshelf_session=") && set.ends_with("; Secure"));
}

#[tokio::test]
async fn commands_reach_the_server_below_it() {
    let desk = desk().await;
    deliver_numbers(&desk, 0..1100).await;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let status = desk.server.run(&["spool", "status", "--json"]);
    assert!(status.status.success(), "{}", text(&status.stderr));
    let doctor = desk.server.run(&["doctor", "--json"]);
    let doctor = text(&doctor.stdout);
    assert!(!doctor.contains("reports no spool"), "{doctor}");

    let token = token("operator");
    let token = [("HOOKSHELF_TOKEN", token.as_str())];
    for base in ["/hookshelf", "/hookshelf/"] {
        let url = format!("http://{}{base}", desk.server.admin);
        // Two pages, of which the first one names the second.
        let list = ["events", "list", "--json", "--limit", "1050", "--url", &url];
        let listed = desk.server.run_with(&list, &token);
        assert!(listed.status.success(), "{}", text(&listed.stderr));
        assert_eq!(text(&listed.stdout).lines().count(), 1050);
    }
    let url = format!("http://{}", desk.server.admin);
    let listed = desk
        .server
        .run_with(&["events", "list", "--url", &url], &token);
    assert!(!listed.status.success());
}

#[tokio::test]
async fn other_processes_learn_the_address_below_it() {
    let desk = Desk::open_with(&format!("{BASE}{}{}", tokens(), consumer())).await;
    let path = "/hookshelf/v1/consumers/bot";
    eventually("the consumer has an owner", async || {
        let state = desk.read_as("operator", path).await;
        state["owner"]["address"] == "http://127.0.0.1:9/hookshelf"
    })
    .await;
}
