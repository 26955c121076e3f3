//! Sign-in by the form, and pages below a base path.

use super::*;
use crate::{
    api::{outage::Outage, tokens},
    support::{eventually, message::comment},
};

impl Desk {
    /// Opens a page as a browser with this cookie.
    async fn page_of_browser(&self, cookie: Option<&str>, path: &str) -> Page {
        let mut headers = vec![("Accept", "text/html,*/*;q=0.8")];
        headers.extend(cookie.map(|cookie| ("Cookie", cookie)));
        let answer = self.server.ask_admin_with(("GET", path), &headers).await;
        let html = String::from_utf8_lossy(&answer.body).into_owned();
        Page { answer, html }
    }

    /// A browser with this cookie sends a form.
    async fn send_as_browser(
        &self,
        cookie: &str,
        path: &str,
        form: impl Into<bytes::Bytes>,
    ) -> Page {
        let headers = [
            ("Cookie", cookie),
            ("Accept", "text/html"),
            ("Sec-Fetch-Site", "same-origin"),
        ];
        let answer = self.server.send_admin(("POST", path), &headers, form).await;
        let html = String::from_utf8_lossy(&answer.body).into_owned();
        Page { answer, html }
    }

    /// Fills the form of the sign-in in. Returns the answer.
    async fn fill_in(&self, path: &str, token: &str, next: &str) -> Answer {
        let mut form = form_urlencoded::Serializer::new(String::new());
        let form = form.append_pair("token", token).append_pair("next", next);
        let site = [("Sec-Fetch-Site", "same-origin")];
        let request = ("POST", path);
        self.server.send_admin(request, &site, form.finish()).await
    }
}

/// Name and value of the cookie that an answer sets.
fn cookie_of(answer: &Answer) -> String {
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_browser_without_a_session_signs_in_and_comes_back() {
    let desk = Desk::open().await;
    let away = desk.page_of_browser(None, "/events?kind=message").await;
    assert_eq!(away.answer.status, 303);
    let login = away.header("location").to_owned();
    assert_eq!(login, "/login?next=%2Fevents%3Fkind%3Dmessage");
    let form = desk.page_of_browser(None, &login).await;
    assert_eq!(form.answer.status, 200);
    form.says("Sign in").hides("Sign out");
    assert!(form.html.contains("value=\"/events?kind=message\""));

    let answer = desk
        .fill_in("/login", &token("reader"), "/events?kind=message")
        .await;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.headers["location"], "/events?kind=message");
    let cookie = cookie_of(&answer);
    let page = desk.page_of_browser(Some(&cookie), "/events").await;
    assert_eq!(page.answer.status, 200);
    page.says("reader").says("Sign out").says("Everywhere");
}

#[tokio::test]
async fn a_wrong_token_in_the_form_is_a_page_with_the_reason() {
    let desk = Desk::open().await;
    let body = "token=hsk_wrong&next=%2F";
    let headers = [("Accept", "text/html"), ("Sec-Fetch-Site", "same-origin")];
    let answer = desk
        .server
        .send_admin(("POST", "/login"), &headers, body)
        .await;
    let html = String::from_utf8_lossy(&answer.body).into_owned();
    let page = Page { answer, html };
    page.says("the token is not one of admin.tokens");
}

#[tokio::test]
async fn pages_are_below_the_base_path() {
    let lines = format!("[admin]\nbase_path = '/hookshelf'\n{}", tokens());
    let desk = Desk::open_with(&lines).await;
    desk.deliver(comment("17840000000000001", "9001", "how much?"))
        .await;
    let page = desk.page("/hookshelf/events?limit=1").await;
    page.says("how much?");
    let own = ["href=\"/", "src=\"/", "action=\"/", "value=\"/"];
    for start in own {
        for rest in page.html.split(start).skip(1) {
            assert!(rest.starts_with("hookshelf/"), "{start}{}", &rest[..40]);
        }
    }
    for link in page.links("open=").into_iter().chain(page.links("before=")) {
        desk.page(&link).await;
    }
    let away = desk.page_of_browser(None, "/hookshelf/events").await;
    assert_eq!(
        away.header("location"),
        "/hookshelf/login?next=%2Fhookshelf%2Fevents"
    );
    let tidy = desk.page_as("reader", "/hookshelf/events?person=").await;
    assert_eq!(tidy.header("location"), "/hookshelf/events");
    let elsewhere = desk.page_as("reader", "/events").await;
    assert_eq!(elsewhere.answer.status, 404);
    elsewhere.says("no such path; this server is below /hookshelf");
    assert!(!elsewhere.links("/hookshelf/events").is_empty());
    let said = desk.server.said().join("\n");
    assert!(said.contains("/hookshelf/  (pages for a browser"), "{said}");
}

#[tokio::test]
async fn preferences_below_the_base_path_are_those_of_its_pages() {
    let desk = Desk::open_with("[admin]\nbase_path = '/hookshelf'\n").await;
    let form = "/hookshelf/preferences";
    let saved = desk.send_as_browser("a=b", form, "scheme=dark").await;
    assert_eq!(saved.answer.status, 303);
    assert_eq!(saved.header("location"), "/hookshelf/");
    let set = saved.header("set-cookie");
    assert!(set.contains("; Path=/hookshelf; "), "{set}");
    let back = "scheme=dark&back=%2Fevents";
    let back = desk.send_as_browser("a=b", form, back).await;
    assert_eq!(back.header("location"), "/hookshelf/", "not of these pages");
}

#[tokio::test]
async fn a_form_of_preferences_has_a_few_kilobytes() {
    let desk = Desk::open().await;
    let form = "scheme=dark&".repeat(2_000);
    let refused = desk.send_as_browser("a=b", "/preferences", form).await;
    assert_eq!(refused.answer.status, 400);
    refused.says("send the form of a page, of at most 16 KiB");
}

#[tokio::test]
async fn the_page_of_a_problem_knows_its_reader() {
    let desk = Desk::open().await;
    let answer = desk.fill_in("/login", &token("reader"), "/").await;
    let cookie = cookie_of(&answer);
    for path in ["/events/99999", "/nowhere", "/events?kind=shout"] {
        let page = desk.page_of_browser(Some(&cookie), path).await;
        assert!(page.answer.status >= 400, "{path}");
        page.says("reader").says("Sign out").says("Try again");
        assert_eq!(page.links("/health").len(), 1, "{path}");
    }
    let refused = desk
        .send_as_browser(&cookie, "/rejections/recheck", "")
        .await;
    assert_eq!(refused.answer.status, 403);
    refused.says("reader").hides("Try again");
}

#[tokio::test]
async fn a_form_of_a_browser_that_is_signed_out_leads_to_the_sign_in() {
    let desk = Desk::open().await;
    let refused = desk.send_as_browser("a=b", "/rejections/recheck", "").await;
    assert_eq!(refused.answer.status, 401);
    assert_eq!(refused.links("/login"), ["/login"]);
    refused.hides("Try again").hides("Sign out");
}

#[tokio::test]
async fn a_restricted_token_learns_no_number_of_the_spool_and_of_no_health_page() {
    let desk = Desk::open().await;
    desk.deliver(comment("17840000000000001", "9001", "how much?"))
        .await;
    let outage = Outage::begin(&desk).await;
    desk.deliver(comment("17840000000000001", "9002", "so nice"))
        .await;
    eventually("the outage is noticed", async || {
        let page = desk.page("/").await;
        let said = page.text();
        said.contains("has been unavailable since") && said.contains("1 delivery is safe")
    })
    .await;
    let page = desk.page("/").await;
    assert!(page.links("/health").len() > 2, "{:?}", page.links("/"));
    let page = desk.page_as("reader", "/events").await;
    assert_eq!(page.answer.status, 503);
    page.says("1 deliveries wait in the spool")
        .says("Postgres has been unavailable since")
        .says("1 delivery is safe in the spool.");
    for name in ["bakery", "shop"] {
        for (path, status) in [("/", 200), ("/events", 503)] {
            let page = desk.page_as(name, path).await;
            assert_eq!(page.answer.status, status, "{path} as {name}");
            page.says("Postgres has been unavailable since")
                .hides("safe in the spool")
                .hides("wait in the spool");
            assert_eq!(page.links("/health"), [""; 0], "{path} as {name}");
        }
        let answer = desk.ask_as(name, "/v1/events").await;
        let problem: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert!(problem["since"].is_string(), "{problem}");
        assert!(problem.get("spooled").is_none(), "{problem}");
    }
    outage.end().await;
}
