//! Sign-in by the form, and pages below a base path.

use super::*;
use crate::{api::tokens, support::message::comment};

impl Desk {
    /// Opens a page as a browser with this cookie.
    async fn page_of_browser(&self, cookie: Option<&str>, path: &str) -> Page {
        let mut headers = vec![("Accept", "text/html,*/*;q=0.8")];
        headers.extend(cookie.map(|cookie| ("Cookie", cookie)));
        let answer = self.server.ask_admin_with(("GET", path), &headers).await;
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
}
