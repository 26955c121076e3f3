//! Scope in the frame: the accounts to choose, the choice on the way, and numbers of things to act
//! on.

use serde_json::json;

use super::*;
use crate::{
    api::{
        outage::Outage,
        scopes::{BAKERY, FLORIST, desk_with},
        tokens,
    },
    support::{
        eventually,
        message::{comment, message},
        server::Server,
    },
};

/// Pages of the frame that list rows of accounts.
const LISTS: [&str; 6] = [
    "/",
    "/live",
    "/events",
    "/conversations",
    "/comments",
    "/accounts",
];

/// Pages of the frame about whole apps.
const WHOLE: [&str; 3] = ["/deliveries", "/rejections", "/health"];

/// Marks of events of the florist, besides its id, which the chooser shows.
const OF_FLORIST: [&str; 4] = [
    "72027202",
    "mid.florist",
    "92029202",
    "accounts/17840000000000202",
];

impl Desk {
    /// Waits until this number of rejected deliveries is stored.
    async fn have_rejected(&self, number: i64) {
        eventually("the rejections are counted", async || {
            let list = self.read_as("reader", "/v1/rejections").await;
            list["totals"][0]["count"] == number
        })
        .await;
    }

    async fn send_unsigned(&self) {
        let body = message("mid.unsigned", "x");
        let answer = self.server.post("/webhook", &[], body).await;
        assert_eq!(answer.status, 401);
    }
}

impl Page {
    /// Links of the chooser of the scope.
    fn choices(&self) -> Vec<String> {
        let menu = self.html.split("id=\"scope-menu\"").nth(1);
        let menu = menu.and_then(|rest| rest.split("</details>").next());
        let links = menu.unwrap_or_default().split("href=\"").skip(1);
        let links = links.filter_map(|rest| rest.split('"').next());
        let pages = links.filter(|link| !link.contains("/assets/"));
        pages.map(|link| link.replace("&#38;", "&")).collect()
    }

    /// Numbers in the navigation, with their words.
    fn todos(&self) -> Vec<String> {
        let navigation = self.html.split("</nav>").next().unwrap();
        let numbers = navigation.split("class=\"todo\">").skip(1);
        let numbers = numbers.filter_map(|rest| rest.split("</span></span>").next());
        let words = numbers.map(|it| it.replace("<span class=\"hide\">", ""));
        words.collect()
    }
}

#[tokio::test]
async fn the_chosen_scope_narrows_every_list_and_stays_on_the_way() {
    let desk = desk_with(&tokens()).await;
    let page = desk.page("/events?kind=message&before=9999").await;
    page.says("All accounts").says("72027202");
    for chosen in ["client=bakery".to_owned(), format!("account={BAKERY}")] {
        let choice = format!("/events?kind=message&{chosen}");
        assert!(page.choices().contains(&choice), "{:?}", page.choices());
        for path in LISTS {
            let list = desk.page(&format!("{path}?{chosen}")).await;
            // Live has the names of all accounts, for lines to come.
            let marks = OF_FLORIST
                .iter()
                .filter(|it| path != "/live" || !it.contains('/'));
            for mark in marks {
                list.hides(mark);
            }
            list.hides("No account of the chosen scope");
            let others = list.links(&format!("/events?account={FLORIST}"));
            assert!(others.is_empty() || path != "/", "{others:?}");
            assert_eq!(list.choices()[0], path, "the first choice is all accounts");
            for other in LISTS.iter().chain(&WHOLE) {
                let link = format!("{other}?{chosen}");
                assert!(list.links(&link).contains(&link), "{link} on {path}");
            }
        }
        for path in WHOLE {
            let whole = desk.page(&format!("{path}?{chosen}&since=24h")).await;
            whole.says("This page shows all accounts");
            let link = format!("/events?{chosen}&since=24h");
            assert!(whole.links("/events?").contains(&link), "{link} on {path}");
            assert!(!whole.html.contains("id=\"scope-menu\""), "{path}");
        }
    }
    let deliveries = desk.page("/deliveries?client=bakery").await;
    assert!(deliveries.html.contains("GET /v1/deliveries</code>"));
}

#[tokio::test]
async fn the_api_narrows_its_lists_to_a_client() {
    let desk = desk_with(&tokens()).await;
    for (path, rows) in [
        ("/v1/conversations", "conversations"),
        ("/v1/media", "media"),
        ("/v1/accounts", "accounts"),
    ] {
        for chosen in ["client=bakery", "client=bakery&account=17840000000000101"] {
            let list = desk.read_as("reader", &format!("{path}?{chosen}")).await;
            let rows = list[rows].as_array().unwrap();
            assert!(!rows.is_empty(), "{path}?{chosen}");
            assert!(rows.iter().all(|row| row["account_id"] == BAKERY), "{path}");
        }
        let other = format!("{path}?client=bakery&account={FLORIST}");
        assert_eq!(desk.read_as("reader", &other).await[rows], json!([]));
    }
    let file = "/v1/conversations?client=bakery&format=ndjson";
    let file = desk.ask_as("reader", file).await;
    let file = String::from_utf8(file.body.to_vec()).unwrap();
    assert!(file.contains(BAKERY) && !file.contains(FLORIST), "{file}");
}

#[tokio::test]
async fn a_scope_without_accounts_says_so_and_leads_to_all_accounts() {
    let desk = desk_with(&tokens()).await;
    let unknown = "No account of the chosen scope is known here.";
    let of_florist = format!("/events?kind=message&account={FLORIST}");
    for (name, path) in [
        ("reader", "/events?account=17840000000009999"),
        ("reader", "/accounts?account=17840000000009999"),
        ("reader", "/conversations?client=nobody"),
        ("reader", "/comments?client=nobody"),
        ("bakery", &of_florist),
        ("bakery", "/?client=florist"),
    ] {
        let page = desk.page_as(name, path).await;
        assert_eq!(page.answer.status, 200, "{path}");
        page.says(unknown)
            .says("Show all accounts")
            .hides("72027202");
    }
    let misspelt = desk.page_as("reader", "/events?account=nonsense").await;
    assert_eq!(misspelt.answer.status, 400);
    misspelt.says("no account has this label or user name");
    let others = misspelt.links("/conversations");
    assert!(
        others.iter().all(|link| link == "/conversations"),
        "{others:?}"
    );
    // An account whose first event came after the frame was read is known.
    let new = "17840000000000303";
    desk.deliver(comment(new, "9301", "hello")).await;
    let page = desk.page(&format!("/events?account={new}")).await;
    page.says("hello").hides(unknown);
}

#[tokio::test]
async fn a_reader_chooses_among_the_accounts_that_the_token_sees() {
    let desk = desk_with(&tokens()).await;
    desk.deliver(comment("17840000000000303", "9301", "hello"))
        .await;
    let client = "UPDATE accounts SET client = 'bakery', label = '<i>Rolls</i>'
                  WHERE account_id = '17840000000000303'";
    desk.run(client).await;
    let page = desk.page_as("bakery", "/events").await;
    page.says("<i>Rolls</i>").hides("<i>Rolls").hides(FLORIST);
    let all = ["/events", "/events?client=bakery"].map(str::to_owned);
    let newest = ["17840000000000303", BAKERY].map(|id| format!("/events?account={id}"));
    assert_eq!(page.choices(), [all, newest].concat());
    let one = desk.page_as("florist", "/events").await;
    assert!(
        !one.html.contains("id=\"scope-menu\""),
        "one account is no choice"
    );
}

#[tokio::test]
async fn the_chooser_has_at_most_fifty_accounts() {
    let desk = Desk::open().await;
    let entry = |number: u64| {
        let value = json!({"id": format!("c{number}"), "text": "x", "from": {"id": "7001"}});
        let change = json!({"field": "comments", "value": value});
        let id = (17_840_000_000_001_000 + number).to_string();
        json!({"id": id, "time": 1_793_000_000, "changes": [change]})
    };
    let entries: Vec<_> = (0..55).map(entry).collect();
    let body = json!({"object": "instagram", "entry": entries});
    desk.deliver(body.to_string()).await;
    let page = desk.page("/events?since=7d").await;
    let choices = page.choices();
    assert_eq!(choices.len(), 1 + 50 + 1, "{choices:?}");
    assert_eq!(choices[51], "/accounts?since=7d");
}

#[tokio::test]
async fn the_navigation_has_the_number_of_rejections_while_postgres_answers() {
    let desk = Desk::open().await;
    desk.deliver(message("mid.a", "rolls")).await;
    desk.send_unsigned().await;
    desk.have_rejected(1).await;
    let page = desk.page("/events").await;
    assert_eq!(page.todos(), ["1 in the last hour"]);
    let restricted = desk.page_as("shop", "/events").await;
    assert!(restricted.todos().is_empty(), "{:?}", restricted.todos());

    let outage = Outage::begin(&desk).await;
    eventually("the outage is noticed", async || {
        desk.page("/health").await.text().contains("Degraded.")
    })
    .await;
    let away = desk.page("/health").await;
    assert!(away.todos().is_empty(), "{:?}", away.todos());
    outage.end().await;
}

#[tokio::test]
async fn the_navigation_has_the_number_of_silent_accounts_of_the_reader() {
    let desk = desk_with(&tokens()).await;
    let silent = "
        INSERT INTO accounts (app, account_id, client, first_seen, last_seen)
        VALUES ('default', '1784', 'bakery', now(), now());
        INSERT INTO stats_hourly (hour, app, account_id, kind, source, events, repeats)
        SELECT date_trunc('hour', now(), 'UTC') - n * interval '1 hour', 'default', '1784',
               'comment', 'live', 60, 0
        FROM generate_series(2, 1008) AS n;";
    desk.run(silent).await;
    for name in ["reader", "bakery"] {
        let page = desk.page_as(name, "/events").await;
        assert_eq!(page.todos(), ["1 silent"], "{name}");
    }
    assert!(desk.page_as("florist", "/events").await.todos().is_empty());
}

#[tokio::test]
async fn the_navigation_has_the_number_of_files_that_the_spool_set_aside() {
    let desk = Desk::open().await;
    let (_, directory, place) = desk.server.stop();
    let file = "data/spool/spool-0000000004.segment.corrupt-20261121T101112Z";
    std::fs::write(directory.join(file), "damaged").unwrap();
    let desk = Desk {
        server: Server::start_in(directory, place),
    };
    let page = desk.page("/events").await;
    assert_eq!(page.todos(), ["1 set aside from the spool"]);
    let restricted = desk.page_as("shop", "/events").await;
    assert!(restricted.todos().is_empty(), "{:?}", restricted.todos());
}
