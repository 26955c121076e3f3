//! Sessions of browsers: sign-in with a token, the cookie, and the end.

use hyper::HeaderMap;

use super::{outages::desk_behind_a_proxy, scopes::desk_with, *};

/// Site of the listener, as a browser tells it with a form.
pub(super) const SAME_SITE: (&str, &str) = ("Origin", "http://localhost");

/// The value of a header.
pub(super) fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |it| it.to_str().unwrap())
}

/// A form with a token.
pub(super) fn form(token: &str, next: &str) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.append_pair("token", token).append_pair("next", next);
    form.finish()
}

/// Name and value of the cookie that an answer sets.
pub(super) fn cookie(answer: &Answer) -> String {
    let set = header(&answer.headers, "set-cookie");
    set.split(';').next().unwrap().to_owned()
}

impl Desk {
    pub(super) async fn post(&self, path: &str, headers: &[(&str, &str)], body: String) -> Answer {
        self.server.send_admin(("POST", path), headers, body).await
    }

    /// Answer to a sign-in with a token.
    pub(super) async fn sign_in(&self, token: &str) -> Answer {
        self.post("/login", &[SAME_SITE], form(token, "/")).await
    }

    /// Cookie of a browser that signs in with the token of this name.
    pub(super) async fn browser(&self, name: &str) -> String {
        let answer = self.sign_in(&token(name)).await;
        assert_eq!(answer.status, 303, "{name}");
        cookie(&answer)
    }

    pub(super) async fn ask_with(&self, cookie: &str, path: &str) -> Answer {
        let headers = [("Cookie", cookie)];
        self.server.ask_admin_with(("GET", path), &headers).await
    }

    /// Status of a list for a browser.
    async fn status_of(&self, cookie: &str) -> u16 {
        self.ask_with(cookie, "/v1/events").await.status
    }

    /// A browser sends the form at this path.
    pub(super) async fn press(&self, cookie: &str, path: &str) -> Answer {
        let headers = [("Cookie", cookie), SAME_SITE];
        self.post(path, &headers, String::new()).await
    }

    /// Replaces the tokens.
    fn reload(&self, tokens: &str) {
        let file = self.server.directory.join("hookshelf.toml");
        std::fs::write(file, format!("{}{tokens}", apps(["default", "shop"]))).unwrap();
        assert!(self.server.run(&["reload"]).status.success());
    }

    async fn count(&self, rows: &str) -> i64 {
        let mut conn = self.server.database().await;
        let count = format!("SELECT count(*) FROM {rows}");
        let count = sqlx::query_scalar(sqlx::AssertSqlSafe(count));
        count.fetch_one(&mut conn).await.unwrap()
    }
}

#[tokio::test]
async fn a_browser_signs_in_with_a_token_and_reads_in_its_scope() {
    let desk = desk_with(&tokens()).await;
    let form = form(&token("bakery"), "/v1/events?kind=message");
    let answer = desk.post("/login", &[SAME_SITE], form).await;
    assert_eq!(answer.status, 303);
    let headers = &answer.headers;
    assert_eq!(header(headers, "location"), "/v1/events?kind=message");
    assert_eq!(header(headers, "cache-control"), "no-store");
    let set = header(headers, "set-cookie");
    let (pair, rest) = set.split_once(';').unwrap();
    assert_eq!(rest, " Path=/; Max-Age=604800; HttpOnly; SameSite=Lax");
    let id = pair.strip_prefix("hookshelf_session=").unwrap();
    assert_eq!(id.len(), 64);

    let list = desk.ask_with(pair, "/v1/events").await;
    assert_eq!(list.status, 200);
    let list: Value = serde_json::from_slice(&list.body).unwrap();
    assert_eq!(list, desk.read_as("bakery", "/v1/events").await);
    assert_eq!(desk.ask_with(pair, "/v1/spool").await.status, 404);
    // The database has neither the id nor the token.
    let rows = format!("admin_sessions WHERE id = sha256('\\x{id}') AND token = sha256('");
    let rows = format!("{rows}{}')", token("bakery"));
    assert_eq!(desk.count(&rows).await, 1);
}

#[tokio::test]
async fn a_token_in_the_header_goes_before_the_cookie() {
    let desk = Desk::open().await;
    let browser = desk.browser("privacy").await;
    assert_eq!(desk.ask_with(&browser, "/v1/audit").await.status, 200);
    for (name, status) in [("viewer", 403), ("unknown", 401)] {
        let bearer = format!("Bearer {}", token(name));
        let headers = [("Cookie", &*browser), ("Authorization", &*bearer)];
        let path = ("GET", "/v1/audit");
        let answer = desk.server.ask_admin_with(path, &headers).await;
        assert_eq!(answer.status, status, "{name}");
    }
}

#[tokio::test]
async fn a_session_has_the_scope_that_its_token_has_now_and_ends_with_it() {
    let desk = Desk::open().await;
    let browser = desk.browser("privacy").await;
    assert_eq!(desk.ask_with(&browser, "/v1/audit").await.status, 200);
    let viewer = table("privacy", "role = 'viewer'");
    desk.reload(&viewer);
    assert_eq!(desk.ask_with(&browser, "/v1/audit").await.status, 403);
    assert_eq!(desk.status_of(&browser).await, 200);
    desk.reload(&table("other", "role = 'viewer'"));
    let answer = desk.ask_with(&browser, "/v1/events").await;
    assert_eq!(answer.status, 401);
    let detail = &problem("a removed token", &answer)["detail"];
    assert_eq!(detail, "the session has ended; sign in again");
    // A token that comes back revives no session.
    desk.reload(&viewer);
    assert_eq!(desk.status_of(&browser).await, 401);
    let again = desk.browser("privacy").await;
    assert_eq!(desk.status_of(&again).await, 200);
    eventually("the row of the ended session is gone", async || {
        desk.count("admin_sessions").await == 1
    })
    .await;
}

#[tokio::test]
async fn a_start_without_a_token_ends_its_sessions() {
    let desk = Desk::open().await;
    let [viewer, operator] = [desk.browser("viewer").await, desk.browser("operator").await];
    let (_, directory, place) = desk.server.stop();
    let configure = |tokens: String| {
        let lines = format!("{}{tokens}", apps(["default", "shop"]));
        std::fs::write(directory.join("hookshelf.toml"), lines).unwrap();
    };
    configure(table("operator", "role = 'operator'"));
    let desk = Desk {
        server: Server::start_in(directory, place),
    };
    assert_eq!(desk.status_of(&viewer).await, 401);
    desk.reload(&tokens());
    assert_eq!(desk.status_of(&viewer).await, 401);
    assert_eq!(desk.status_of(&operator).await, 200);
}

#[tokio::test]
async fn a_form_and_an_asset_look_no_cookie_up() {
    const FAILED: &str = "a query of the API failed";
    let (desk, proxy, _database) = desk_behind_a_proxy().await;
    proxy.go_away();
    let unknown = format!("hookshelf_session={}", "ab".repeat(32));
    for (path, status) in [
        ("/login", 200),
        ("/assets/0/styles.css", 200),
        ("/assets/0/none.css", 404),
        ("/healthz", 200),
    ] {
        let answer = desk.ask_with(&unknown, path).await;
        assert_eq!(answer.status, status, "{path}");
    }
    assert!(!desk.server.log().contains(FAILED), "{}", desk.server.log());
    assert_eq!(desk.ask_with(&unknown, "/v1/spool").await.status, 503);
    eventually("the failed lookup is in the log", async || {
        desk.server.log().contains(FAILED)
    })
    .await;
}

#[tokio::test]
async fn a_session_ends_twelve_hours_after_its_last_use() {
    let desk = Desk::open().await;
    let [first, second] = [desk.browser("viewer").await, desk.browser("viewer").await];
    let last_use = |column: &str, time: &str| {
        let interval = format!("now() - interval '{time}'");
        format!("UPDATE admin_sessions SET {column} = {interval}")
    };
    desk.run(&last_use("last_seen_at", "11 hours 59 minutes"))
        .await;
    assert_eq!(desk.status_of(&first).await, 200);
    desk.run(&last_use("last_seen_at", "12 hours")).await;
    assert_eq!(desk.status_of(&second).await, 401);
    desk.run(&last_use("last_seen_at", "1 hour")).await;
    desk.run(&last_use("created_at", "7 days")).await;
    assert_eq!(desk.status_of(&second).await, 401);
}

#[tokio::test]
async fn a_browser_changes_something_only_if_it_tells_its_site() {
    let desk = Desk::open().await;
    let browser = desk.browser("operator").await;
    let bearer = format!("Bearer {}", token("operator"));
    let cookie = ("Cookie", &*browser);
    let site = |value| ("Sec-Fetch-Site", value);
    let origin = |value| ("Origin", value);
    for (headers, status) in [
        (vec![cookie], 403),
        (vec![cookie, SAME_SITE], 202),
        (vec![cookie, site("same-origin")], 202),
        (vec![cookie, site("none")], 202),
        (vec![cookie, site("cross-site")], 403),
        (vec![cookie, site("same-site")], 403),
        (vec![cookie, origin("https://evil.example")], 403),
        (vec![cookie, origin("null")], 403),
        (vec![cookie, origin("null"), site("cross-site")], 403),
        (vec![cookie, origin("null"), site("none")], 403),
        // A form of a page that tells no referrer.
        (vec![cookie, origin("null"), site("same-origin")], 202),
        (vec![cookie, ("Authorization", &*bearer)], 202),
        (vec![("Authorization", &*bearer)], 202),
    ] {
        let answer = desk.post("/v1/spool/drain", &headers, String::new()).await;
        assert_eq!(answer.status, status, "{headers:?}");
        if status == 403 {
            let problem = problem("a change", &answer);
            assert_eq!(problem["type"], "/problems/cross-site", "{headers:?}");
        }
    }
    assert_eq!(desk.status_of(&browser).await, 200, "reading needs no site");
}

#[tokio::test]
async fn nobody_signs_in_from_another_site() {
    let desk = Desk::open().await;
    for headers in [
        vec![],
        vec![("Origin", "https://evil.example")],
        vec![("Sec-Fetch-Site", "cross-site")],
    ] {
        let form = form(&token("operator"), "/");
        let answer = desk.post("/login", &headers, form).await;
        assert_eq!(answer.status, 403, "{headers:?}");
        assert!(!answer.headers.contains_key("set-cookie"), "{headers:?}");
    }
    let form = form(&token("operator"), "//evil.example/");
    let answer = desk.post("/login", &[SAME_SITE], form).await;
    assert_eq!(header(&answer.headers, "location"), "/");
}

#[tokio::test]
async fn a_sign_out_ends_one_session_and_its_streams() {
    let desk = Desk::open().await;
    let [here, there] = [desk.browser("viewer").await, desk.browser("viewer").await];
    let other = desk.browser("operator").await;
    let open = async |browser: &str| {
        let headers = [("Cookie", browser)];
        let mut stream = EventStream::open(desk.server.admin, "?after=0", &headers).await;
        assert_eq!(stream.status, 200);
        stream.backlog().await;
        stream
    };
    let mut streams = [open(&here).await, open(&there).await, open(&other).await];
    let answer = desk.press(&here, "/logout").await;
    assert_eq!(answer.status, 303);
    assert_eq!(header(&answer.headers, "location"), "/login");
    let removed = "hookshelf_session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax";
    assert_eq!(header(&answer.headers, "set-cookie"), removed);
    assert!(streams[0].next().await.is_none());
    assert_eq!(desk.status_of(&here).await, 401);
    assert_eq!(desk.status_of(&there).await, 200);

    desk.deliver(message("mid.later", "still open")).await;
    assert!(streams[1].next().await.is_some());
    // The token of two sessions.
    let third = desk.browser("viewer").await;
    assert_eq!(desk.press(&third, "/logout/everywhere").await.status, 303);
    while streams[1].next().await.is_some() {}
    for (browser, status) in [(&there, 401), (&third, 401), (&other, 200)] {
        assert_eq!(desk.status_of(browser).await, status);
    }
    assert!(streams[2].next().await.is_some());
    assert_eq!(desk.count("admin_sessions").await, 1);
}

#[tokio::test]
async fn wrong_tokens_of_a_form_count_as_those_of_a_header() {
    let desk = Desk::open().await;
    for number in 0..10 {
        let answer = match number % 2 {
            0 => desk.sign_in("not-one-of-them").await,
            _ => desk.ask_as("unknown", "/v1/events").await,
        };
        assert_eq!(answer.status, 401, "{number}");
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    let refused = desk.sign_in(&token("operator")).await;
    assert_eq!(refused.status, 429);
    assert!(refused.headers.contains_key("retry-after"));
    eventually("each is in the audit", async || {
        desk.count("audit WHERE verb = 'login_failed'").await == 10
    })
    .await;
}

#[tokio::test]
async fn a_sign_in_needs_a_token_that_shows_pages() {
    let lines = format!("{}{}", tokens(), consumer());
    let desk = Desk::open_with(&lines).await;
    for name in ["metrics", "consumer"] {
        let answer = desk.sign_in(&token(name)).await;
        let detail = &problem(name, &answer)["detail"];
        assert_eq!(
            (answer.status, detail.as_str().unwrap()),
            (
                403,
                &*format!("a token with the role {name} shows no pages")
            )
        );
    }
    assert_eq!(desk.sign_in("").await.status, 401);
    assert_eq!(desk.sign_in(&"x".repeat(9000)).await.status, 400);
    let spaced = format!(" {}\n", token("viewer"));
    assert_eq!(desk.sign_in(&spaced).await.status, 303, "as pasted");
    assert_eq!(desk.count("admin_sessions").await, 1);
}

#[tokio::test]
async fn a_browser_on_https_gets_a_cookie_for_https_only() {
    let https = ("X-Forwarded-Proto", "https");
    for (lines, is_trusted) in [
        ("[http]\ntrusted_proxies = ['127.0.0.1/32']\n", true),
        ("[http]\ntrusted_proxies = ['192.0.2.1/32']\n", false),
    ] {
        let desk = Desk::open_with(&format!("{}{lines}", tokens())).await;
        let form = || form(&token("viewer"), "/");
        let answer = desk.post("/login", &[SAME_SITE, https], form()).await;
        let set = header(&answer.headers, "set-cookie");
        assert_eq!(set.starts_with("__Host-"), is_trusted, "{set}");
        assert_eq!(set.ends_with("; Secure"), is_trusted, "{set}");
        let headers = [("Cookie", &*cookie(&answer)), https];
        let path = ("GET", "/v1/events");
        let answer = desk.server.ask_admin_with(path, &headers).await;
        assert_eq!(answer.status, 200);
        // A cookie that a neighbour under the same domain may have set.
        let plain = desk.browser("viewer").await;
        let headers = [("Cookie", &*plain), https];
        let answer = desk.server.ask_admin_with(path, &headers).await;
        assert_eq!(answer.status, if is_trusted { 401 } else { 200 });
    }
}

#[tokio::test]
async fn sessions_in_use_outlast_an_outage_of_postgres() {
    let (desk, proxy, _database) = desk_behind_a_proxy().await;
    let [used, unused] = [desk.browser("viewer").await, desk.browser("viewer").await];
    assert_eq!(desk.status_of(&used).await, 200);
    proxy.go_away();
    assert_eq!(desk.ask_with(&used, "/v1/spool").await.status, 200);
    let answer = desk.ask_with(&unused, "/v1/spool").await;
    assert_eq!(answer.status, 503);
    assert_eq!(problem("unused", &answer)["type"], "/problems/database");
    for answer in [
        desk.sign_in(&token("viewer")).await,
        desk.press(&used, "/logout").await,
    ] {
        assert_eq!(answer.status, 503);
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    assert_eq!(desk.ask_with(&used, "/v1/spool").await.status, 200);
    assert_eq!(desk.ask_as("viewer", "/v1/spool").await.status, 200);
    assert_eq!(desk.ask_with(&unused, "/healthz").await.status, 200);
    proxy.mend();
    assert_eq!(desk.ask_with(&unused, "/v1/spool").await.status, 200);
}

#[tokio::test]
async fn without_tokens_a_cookie_means_nothing() {
    let desk = Desk::open_with("").await;
    let cookie = format!("hookshelf_session={}", "ab".repeat(32));
    for cookie in [cookie.as_str(), "hookshelf_session=1", "a=b"] {
        assert_eq!(desk.status_of(cookie).await, 200, "{cookie}");
        let headers = [("Cookie", cookie)];
        let drain = desk.post("/v1/spool/drain", &headers, String::new()).await;
        assert_eq!(drain.status, 202, "{cookie}");
    }
}
