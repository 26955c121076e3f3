//! Pages of accounts: the list, an account, and the change of its labels.

use super::*;
use crate::{
    api::{
        scopes::{BAKERY, FLORIST, desk_with},
        tokens,
    },
    support::{eventually, message::comment},
};

const ACCOUNT: &str = "17840000000000001";

impl Desk {
    /// Waits until the counts of an account have this number of events.
    async fn be_counted(&self, account: &str, events: i64) {
        let path = format!("/v1/stats?account={account}");
        eventually("the events are counted", async || {
            self.read_as("reader", &path).await["events"] == events
        })
        .await;
    }

    /// Sends the form of an account.
    async fn send_labels(&self, name: &str, account: &str, headers: &[(&str, &str)]) -> Answer {
        let bearer = format!("Bearer {}", token(name));
        let own = [
            ("Authorization", bearer.as_str()),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ];
        let path = format!("/accounts/{account}");
        let form = "label=Caf%C3%A9+%3Ci%3E&client=lumen";
        let headers = [&own, headers].concat();
        let request = ("POST", path.as_str());
        self.server.send_admin(request, &headers, form).await
    }
}

#[tokio::test]
async fn a_list_shows_each_account_and_its_week() {
    let desk = Desk::open().await;
    desk.page("/accounts").await.says("Nothing here yet");
    for id in ["9001", "9002", "9003"] {
        desk.deliver(comment(ACCOUNT, id, "hello")).await;
    }
    desk.be_counted(ACCOUNT, 3).await;
    let list = desk.page("/accounts").await;
    list.says(ACCOUNT);
    assert!(
        list.html
            .contains("aria-label=\"3 events in a week, at most ")
    );
    assert!(list.html.contains("<path class=\"h4\""));
    let account = desk.page(&list.links("/accounts/1784")[0]).await;
    account
        .says("The last event came at")
        .says("Comment")
        .says(ACCOUNT);
    assert_eq!(account.html.matches("<h1").count(), 1);
    assert_eq!(account.links("kind=comment").len(), 1);
    let events = account.links("/events?account=")[0].clone();
    desk.page(&events).await.says("hello");
    let none = desk.page("/accounts?app=other").await;
    none.says("Nothing matches");
    let quiet = desk.page("/accounts?silent_since=1h&since=7d").await;
    quiet.says("Nothing matches");
}

#[tokio::test]
async fn an_hour_of_the_week_leads_to_its_events() {
    let desk = Desk::open().await;
    desk.deliver(comment(ACCOUNT, "9001", "hello")).await;
    desk.be_counted(ACCOUNT, 1).await;
    let page = desk.page(&format!("/accounts/{ACCOUNT}")).await;
    let busiest = page.html.split("<rect class=\"h4\"").next().unwrap();
    let link = busiest.rsplit("href=\"").next().unwrap();
    let link = link.split('"').next().unwrap().replace("&amp;", "&");
    desk.page(&link).await.says("hello");
}

#[tokio::test]
async fn an_operator_changes_label_and_client() {
    let desk = Desk::open().await;
    desk.deliver(comment(ACCOUNT, "9001", "hello")).await;
    let path = format!("/accounts/{ACCOUNT}");
    desk.page(&path)
        .await
        .hides("<form method=\"post\" action=\"/accounts");
    let form = desk.page_as("operator", &path).await;
    assert!(form.html.contains(&format!("action=\"{path}\"")));
    let answer = desk.send_labels("operator", ACCOUNT, &[]).await;
    assert_eq!(answer.status, 303);
    assert_eq!(answer.headers["location"], path.as_str());
    let page = desk.page(&path).await;
    page.says("Café <i>").says("lumen").hides("<i>");
    let row = &desk.read_as("reader", &format!("/v1{path}")).await["accounts"][0];
    assert_eq!(
        (&row["label"], &row["client"]),
        (&"Café <i>".into(), &"lumen".into())
    );
}

#[tokio::test]
async fn only_operators_of_all_clients_change_an_account() {
    let desk = desk_with(&tokens()).await;
    for (name, headers, status) in [
        ("reader", &[][..], 403),
        ("bakery", &[], 404),
        ("operator", &[("Sec-Fetch-Site", "cross-site")], 403),
    ] {
        let answer = desk.send_labels(name, BAKERY, headers).await;
        assert_eq!(answer.status, status, "{name} {headers:?}");
    }
    desk.page(&format!("/accounts/{BAKERY}"))
        .await
        .hides("lumen");
    let own = desk.page_as("bakery", &format!("/accounts/{BAKERY}")).await;
    own.says(BAKERY).hides("action=\"/accounts");
}

#[tokio::test]
async fn a_client_sees_its_own_account_only() {
    let desk = desk_with(&tokens()).await;
    let list = desk.page_as("bakery", "/accounts").await;
    list.says(BAKERY).hides(FLORIST);
    let other = desk
        .page_as("bakery", &format!("/accounts/{FLORIST}"))
        .await;
    assert_eq!(other.answer.status, 404);
}

#[tokio::test]
async fn a_viewer_sees_that_a_user_name_is_hidden() {
    let desk = Desk::open().await;
    desk.deliver(comment(ACCOUNT, "9001", "hello")).await;
    for path in ["/accounts".to_owned(), format!("/accounts/{ACCOUNT}")] {
        let page = desk.page_as("viewer", &path).await;
        page.says("Not visible with this token");
    }
}

#[tokio::test]
async fn accounts_with_one_name_are_a_choice() {
    let desk = Desk::open().await;
    let second = "17840000000000002";
    for account in [ACCOUNT, second] {
        desk.deliver(comment(account, "9001", "hello")).await;
        assert_eq!(desk.send_labels("operator", account, &[]).await.status, 303);
    }
    let page = desk.page("/accounts/Caf%C3%A9%20%3Ci%3E").await;
    page.says("Several accounts").hides("<i>");
    assert_eq!(page.links("/accounts/1784").len(), 2);
}

/// SQL for an hour of one event of a kind, so many hours ago, for each of these.
fn counted(kind: &str, hours: &str) -> String {
    format!(
        "INSERT INTO stats_hourly (hour, app, account_id, kind, source, events, repeats)
         SELECT date_trunc('hour', now(), 'UTC') - n * interval '1 hour', 'default', '{ACCOUNT}',
                '{kind}', 'live', 1, 0
         FROM generate_series({hours}) AS n;"
    )
}

/// Desk with an account with these counts.
async fn desk_of_counts(counts: &[(&str, &str)]) -> Desk {
    let desk = Desk::open().await;
    let counts = counts.iter().map(|(kind, hours)| counted(kind, hours));
    desk.run(&format!(
        "INSERT INTO accounts (app, account_id, first_seen, last_seen)
         VALUES ('default', '{ACCOUNT}', now(), now()); {}",
        counts.collect::<String>()
    ))
    .await;
    desk
}

#[tokio::test]
async fn a_silent_account_is_compared_with_its_usual_gap() {
    let steady = desk_of_counts(&[("message", "0, 1008")]).await;
    for path in ["/accounts".to_owned(), format!("/accounts/{ACCOUNT}")] {
        let page = steady.page(&path).await;
        page.says("60 min").hides("Silent for");
    }
    let halted = desk_of_counts(&[("message", "50, 1008")]).await;
    for path in ["/accounts".to_owned(), format!("/accounts/{ACCOUNT}")] {
        halted.page(&path).await.says("Silent for 2 days");
    }
    let page = halted.page(&format!("/accounts/{ACCOUNT}")).await;
    page.says("Usually one comes every 60 min at this hour of the week.");
}

#[tokio::test]
async fn a_kind_that_stopped_stays_visible_and_a_slow_or_rare_one_is_no_alarm() {
    let desk = desk_of_counts(&[
        ("message", "0, 1008"),
        ("comment", "200, 1208"),
        ("mention", "8, 1008, 3"),
        ("postback", "30, 1008, 24"),
        ("optin", "300, 300"),
    ])
    .await;
    let page = desk.page(&format!("/accounts/{ACCOUNT}")).await;
    page.says("Comment: none for 8 days. Usually one comes every 60 min at this hour of the week.")
        .says("None for 8 days")
        .says("Opt-in")
        .says("None for 12 days")
        .says("Button");
    let text = page.text();
    for calm in [
        "Message: none",
        "Button: none",
        "Opt-in: none",
        "Mention: none",
    ] {
        assert!(!text.contains(calm), "{calm}: {text}");
    }
    assert_eq!(page.html.matches("state warn").count(), 1);
    let [comments] = &page.links("kind=comment")[..] else {
        panic!("one link to the comments");
    };
    assert!(!comments.contains("since="), "{comments}");
    let halted = desk_of_counts(&[("message", "0, 1008"), ("comment", "6, 1008")]).await;
    let page = halted.page(&format!("/accounts/{ACCOUNT}")).await;
    page.says("Comment: none for").says("None for");
}

#[tokio::test]
async fn an_account_leads_to_all_its_data_and_tells_which_id_is_unknown() {
    let desk = Desk::open().await;
    desk.deliver(comment(ACCOUNT, "9001", "hello")).await;
    let page = desk
        .page_as("operator", &format!("/accounts/{ACCOUNT}"))
        .await;
    page.says("Account id").says("App-scoped idUnknown");
    let of_account = format!("account={ACCOUNT}");
    for path in [
        "/?",
        "/live?",
        "/events?",
        "/conversations?",
        "/comments?",
        "/export?",
    ] {
        let links = page.links(&of_account);
        let link = links.iter().find(|link| link.starts_with(path));
        let link = link.unwrap_or_else(|| panic!("{path} in {links:?}"));
        let there = desk.page_as("operator", link).await;
        assert_eq!(there.answer.status, 200, "{link}");
    }
}
