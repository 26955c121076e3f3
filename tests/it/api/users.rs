//! Users whom a proxy signs in, and names in a header.

use super::{sessions::header, *};

/// The proxy at this address is trusted, and names users and their groups.
const PROXY: &str = "[http]\ntrusted_proxies = ['127.0.0.1/32']\n\
                     [admin]\nuser_header = 'X-Forwarded-User'\ngroups_header = 'X-Groups'\n";

/// A proxy elsewhere is trusted.
const ELSEWHERE: &str = "[http]\ntrusted_proxies = ['192.0.2.1/32']\n\
                         [admin]\nuser_header = 'X-Forwarded-User'\ngroups_header = 'X-Groups'\n";

/// Lines of a user or a group.
fn user(who: &str, rest: &str) -> String {
    format!("[[admin.users]]\n{who}\n{rest}\n")
}

fn users() -> String {
    [
        user("name = 'anna@example.org'", "role = 'privacy'"),
        user("name = 'ben'", "role = 'viewer'"),
        user(
            "group = 'florists'",
            "role = 'operator'\nclients = ['florist']",
        ),
        user("group = 'staff'", "role = 'operator'"),
    ]
    .concat()
}

impl Desk {
    /// Answer to a user of these groups.
    async fn ask_user(&self, (user, groups): (&str, &str), call: (&str, &str)) -> Answer {
        let headers = [("X-Forwarded-User", user), ("X-Groups", groups)];
        self.server.ask_admin_with(call, &headers).await
    }

    async fn verbs_of(&self, user: &str) -> Vec<String> {
        let mut conn = self.server.database().await;
        let verbs = sqlx::query_scalar("SELECT verb FROM audit WHERE token = $1 ORDER BY id");
        verbs.bind(user).fetch_all(&mut conn).await.unwrap()
    }
}

#[tokio::test]
async fn each_user_gets_the_scope_of_its_entry() {
    let desk = Desk::open_with(&format!("{PROXY}{}{}", users(), tokens())).await;
    desk.deliver(message("mid.user", "fresh rolls")).await;
    for (name, groups, [events, spool, drain, audit]) in [
        ("anna@example.org", "", [200, 200, 202, 200]),
        ("anna@example.org", "florists", [200, 200, 202, 200]),
        ("ben", "staff", [200, 200, 403, 403]),
        ("carla", "staff", [200, 200, 202, 403]),
        ("carla", "others, florists,staff", [200, 404, 404, 403]),
        ("carla", "", [403, 403, 403, 403]),
        ("staff", "", [403, 403, 403, 403]),
        ("", "staff", [401, 401, 401, 401]),
    ] {
        for (path, status) in [
            ("/v1/events", events),
            ("/v1/spool", spool),
            ("/v1/audit", audit),
        ] {
            let answer = desk.ask_user((name, groups), ("GET", path)).await;
            assert_eq!(answer.status, status, "{path} as {name} of {groups}");
        }
        let headers = [
            ("X-Forwarded-User", name),
            ("X-Groups", groups),
            ("Sec-Fetch-Site", "same-origin"),
        ];
        let call = ("POST", "/v1/spool/drain");
        let answer = desk.server.ask_admin_with(call, &headers).await;
        assert_eq!(answer.status, drain, "a drain as {name} of {groups}");
    }
    let event = ("GET", "/v1/events/1");
    let answer = desk.ask_user(("carla", "staff"), event).await;
    assert_eq!(answer.status, 200);
    assert_eq!(desk.verbs_of("carla").await, ["event"]);
}

#[tokio::test]
async fn groups_are_read_from_the_configured_header_only() {
    let desk = Desk::open_with(&format!("{PROXY}{}", users())).await;
    let carla = ("X-Forwarded-User", "carla");
    for (groups, status) in [
        (("X-Groups", "staff"), 200),
        (("X-Forwarded-Groups", "staff"), 403),
    ] {
        let call = ("GET", "/v1/events");
        let answer = desk.server.ask_admin_with(call, &[carla, groups]).await;
        assert_eq!(answer.status, status, "{groups:?}");
    }
}

#[tokio::test]
async fn an_unknown_user_is_told_so_and_a_reload_lets_the_user_in() {
    let desk = Desk::open_with(&format!("{PROXY}{}", users())).await;
    let call = ("GET", "/v1/events");
    let answer = desk.ask_user(("dora", ""), call).await;
    let told = problem("dora", &answer);
    assert_eq!(
        (answer.status, &told["type"]),
        (403, &"/problems/forbidden".into())
    );
    assert_eq!(
        told["detail"],
        "the proxy signed in dora, whom admin.users does not let in"
    );
    // The status of a probe and the page of a problem need no user.
    for path in ["/readyz", "/problems/forbidden"] {
        assert_eq!(desk.ask_user(("dora", ""), ("GET", path)).await.status, 200);
    }
    let file = desk.server.directory.join("hookshelf.toml");
    let dora = user("name = 'dora'", "role = 'viewer'");
    std::fs::write(file, format!("{}{PROXY}{dora}", apps(["default", "shop"]))).unwrap();
    assert!(desk.server.run(&["reload"]).status.success());
    assert_eq!(desk.ask_user(("dora", ""), call).await.status, 200);
    assert_eq!(desk.ask_user(("ben", ""), call).await.status, 403);
}

#[tokio::test]
async fn the_header_means_nothing_from_others_and_without_the_key() {
    let tokens = tokens();
    for lines in [
        format!("{ELSEWHERE}{}{tokens}", users()),
        format!("[http]\ntrusted_proxies = ['127.0.0.1/32']\n{tokens}"),
    ] {
        let desk = Desk::open_with(&lines).await;
        let forged = [
            ("X-Forwarded-User", "anna@example.org"),
            ("X-Forwarded-For", "192.0.2.1"),
        ];
        let call = ("GET", "/v1/events");
        let answer = desk.server.ask_admin_with(call, &forged).await;
        assert_eq!(answer.status, 401, "{lines}");
    }
}

#[tokio::test]
async fn a_user_header_without_tokens_lets_nobody_else_in() {
    let desk = Desk::open_with(&format!("{PROXY}{}", users())).await;
    assert_eq!(desk.server.ask_admin("/v1/events").await.status, 401);
    assert_eq!(desk.server.ask_admin("/healthz").await.status, 200);
    assert!(desk.server.run(&["spool", "status"]).status.success());
    let twice = [
        ("X-Forwarded-User", "anna@example.org"),
        ("X-Forwarded-User", "ben"),
    ];
    let answer = desk
        .server
        .ask_admin_with(("GET", "/v1/events"), &twice)
        .await;
    assert_eq!(answer.status, 401);
}

#[tokio::test]
async fn a_token_goes_before_the_user_and_the_user_before_a_cookie() {
    let desk = Desk::open_with(&format!("{PROXY}{}{}", users(), tokens())).await;
    let browser = desk.browser("privacy").await;
    let bearer = format!("Bearer {}", token("privacy"));
    let ben = ("X-Forwarded-User", "ben");
    let call = ("GET", "/v1/audit");
    for (headers, status) in [
        (vec![ben], 403),
        (vec![ben, ("Cookie", &browser)], 403),
        (vec![("Cookie", &*browser)], 200),
        (vec![ben, ("Authorization", &bearer)], 200),
        (vec![ben, ("Authorization", "Bearer unknown")], 403),
        (vec![ben, ("Authorization", "Bearer hsk_unknown")], 401),
    ] {
        let answer = desk.server.ask_admin_with(call, &headers).await;
        assert_eq!(answer.status, status, "{headers:?}");
    }
}

#[tokio::test]
async fn a_token_that_the_proxy_adds_is_no_attempt() {
    let desk = Desk::open_with(&format!("{PROXY}{}{}", users(), tokens())).await;
    let call = ("GET", "/v1/events");
    let added = ("Authorization", "Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln");
    let ben = ("X-Forwarded-User", "ben");
    for number in 0..12 {
        let answer = desk.server.ask_admin_with(call, &[ben, added]).await;
        assert_eq!(answer.status, 200, "{number}");
    }
    let dora = ("X-Forwarded-User", "dora");
    let answer = desk.server.ask_admin_with(call, &[dora, added]).await;
    assert_eq!(answer.status, 403, "an unknown user stays one");
    assert_eq!(desk.ask_as("viewer", "/v1/events").await.status, 200);
    // Without a user, the token is all there is.
    for number in 0..10 {
        let answer = desk.server.ask_admin_with(call, &[added]).await;
        assert_eq!(answer.status, 401, "{number}");
    }
    assert_eq!(desk.ask_as("viewer", "/v1/events").await.status, 429);
    let bearer = format!("Bearer {}", token("privacy"));
    let headers = [ben, ("Authorization", &*bearer)];
    let audit = ("GET", "/v1/audit");
    let answer = desk.server.ask_admin_with(audit, &headers).await;
    assert_eq!(answer.status, 403, "the address waits, so ben asks");
    assert_eq!(desk.server.ask_admin_with(call, &[ben]).await.status, 200);
}

#[tokio::test]
async fn a_user_of_an_untrusted_peer_makes_no_token_harmless() {
    let desk = Desk::open_with(&format!("{ELSEWHERE}{}{}", users(), tokens())).await;
    let call = ("GET", "/v1/events");
    let headers = [
        ("X-Forwarded-User", "ben"),
        ("Authorization", "Bearer eyJhbGciOiJSUzI1NiJ9.e30.c2ln"),
    ];
    for number in 0..10 {
        let answer = desk.server.ask_admin_with(call, &headers).await;
        assert_eq!(answer.status, 401, "{number}");
    }
    assert_eq!(desk.ask_as("viewer", "/v1/events").await.status, 429);
}

#[tokio::test]
async fn a_user_changes_something_only_from_the_own_site_and_signs_out_at_the_proxy() {
    let desk = Desk::open_with(&format!("{PROXY}{}", users())).await;
    let staff = [("X-Forwarded-User", "carla"), ("X-Groups", "staff")];
    for (site, status) in [
        (None, 403),
        (Some("cross-site"), 403),
        (Some("same-origin"), 202),
    ] {
        let site = site.map(|site| ("Sec-Fetch-Site", site));
        let headers: Vec<_> = staff.into_iter().chain(site).collect();
        let call = ("POST", "/v1/spool/drain");
        let answer = desk.server.ask_admin_with(call, &headers).await;
        assert_eq!(answer.status, status, "{site:?}");
    }
    let headers: Vec<_> = staff
        .into_iter()
        .chain([("Sec-Fetch-Site", "same-origin")])
        .collect();
    let answer = desk
        .server
        .ask_admin_with(("POST", "/logout"), &headers)
        .await;
    assert_eq!(answer.status, 409);
    assert_eq!(header(&answer.headers, "set-cookie"), "");
}

#[tokio::test]
async fn no_user_has_the_name_of_a_token_in_the_audit() {
    let desk = Desk::open_with(&format!("{PROXY}{}{}", users(), tokens())).await;
    for (name, status) in [("operator", 403), ("local", 403), ("operators", 200)] {
        let answer = desk.ask_user((name, "staff"), ("GET", "/v1/events")).await;
        assert_eq!(answer.status, status, "{name}");
    }
    let spaced = "a".repeat(129);
    let answer = desk
        .ask_user((&spaced, "staff"), ("GET", "/v1/events"))
        .await;
    assert_eq!(answer.status, 403);
}

#[tokio::test]
async fn a_stream_of_a_user_ends_when_the_entry_is_removed() {
    let desk = Desk::open_with(&format!("{PROXY}{}", users())).await;
    let headers = [("X-Forwarded-User", "ben")];
    let mut stream = EventStream::open(desk.server.admin, "?after=0", &headers).await;
    assert_eq!(stream.status, 200);
    stream.backlog().await;
    let file = desk.server.directory.join("hookshelf.toml");
    let anna = user("name = 'anna@example.org'", "role = 'privacy'");
    std::fs::write(file, format!("{}{PROXY}{anna}", apps(["default", "shop"]))).unwrap();
    assert!(desk.server.run(&["reload"]).status.success());
    while stream.next().await.is_some() {}
}
