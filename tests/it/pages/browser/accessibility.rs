//! axe-core on each page and in each state, at a desk and on a phone, in both schemes.
//!
//! `HOOKSHELF_AXE` names `axe.min.js` of the npm package `axe-core`, which `.ci/run` fetches. It is
//! injected by the driver, because the policy of the pages allows no foreign script.

use super::*;
use crate::{
    api::{
        outage::Outage,
        rejections::{correct, desk_with_wrong_secrets},
    },
    pages::comments::said,
    support::message::messages,
};

const ACCOUNT: &str = "17840000000000001";

/// Rules of WCAG 2.2, A and AA. Only contrast depends on the scheme.
const ALL_RULES: &str =
    "{type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']}";
const RULES_OF_COLOR: &str = "{type: 'rule', values: ['color-contrast', 'link-in-text-block']}";

impl Browser {
    /// Findings on the open page, each with its rule and its elements.
    async fn findings(&self, axe: &str, rules: &str) -> Vec<String> {
        let script = format!(
            "{axe};
             return axe.run(document, {{runOnly: {rules}, resultTypes: ['violations']}}).then(
                 ({{violations}}) => violations.flatMap(({{id, nodes}}) => nodes.map(
                     ({{html, any}}) => `${{id}}: ${{html}} ${{any.map((it) => it.message)}}`)));"
        );
        let found = self.value(&script).await;
        let found = found.as_array().unwrap().iter();
        found.map(|it| it.as_str().unwrap().to_owned()).collect()
    }

    /// Expects no finding on these pages, in every scheme and size.
    async fn expect_no_finding(&mut self, paths: &[String]) {
        let axe = std::env::var_os("HOOKSHELF_AXE");
        let axe = axe.expect("HOOKSHELF_AXE names axe.min.js of the npm package axe-core");
        let axe = std::fs::read_to_string(axe).unwrap();
        let mut findings = Vec::new();
        for look in [Look::USUAL, Look::PHONE] {
            self.wear(look).await;
            for path in paths {
                self.prefer("light").await;
                self.visit(path).await;
                self.see("#main").await;
                for (scheme, rules) in [("light", ALL_RULES), ("dark", RULES_OF_COLOR)] {
                    self.prefer(scheme).await;
                    let found = self.findings(&axe, rules).await;
                    let place = format!("{path}, {} px, {scheme}", look.size.0);
                    findings.extend(found.iter().map(|it| format!("{place}: {it}")));
                }
            }
        }
        assert!(findings.is_empty(), "{}", findings.join("\n"));
    }

    /// Path below the base path of the first link that a selector finds on a page.
    async fn link(&self, path: &str, selector: &str) -> String {
        self.visit(path).await;
        let link = self.see(selector).await;
        let address = self
            .tab
            .get(&format!("{link}/property/href"))
            .await
            .unwrap();
        let address = address.as_str().unwrap().strip_prefix(&*self.front.url);
        address.expect("a link of the pages").to_owned()
    }
}

/// Paths as owned texts.
fn paths(paths: &str) -> Vec<String> {
    paths.split_whitespace().map(str::to_owned).collect()
}

/// Pages that list something.
const LISTS: &str = "/ /live /events /conversations /comments /deliveries /rejections /accounts \
                     /health /find";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn pages_without_data_have_no_finding() {
    let mut browser = Browser::open(Server::start().await).await;
    let mut all = paths(LISTS);
    all.extend(paths(
        "/login /nowhere /find?id=none /events?kind=message /live?kind=message \
         /conversations?waiting=true /comments?unanswered=true /deliveries?app=none \
         /rejections?app=none /accounts?app=none",
    ));
    browser.expect_no_finding(&all).await;
    browser.expect_on_console(&["status of 404"]).await;
    browser.close().await;
}

/// A browser on a server with simulated deliveries, with a conversation and a thread.
async fn with_data() -> Browser {
    let desk = Desk {
        server: Server::start().await,
    };
    let sent = desk.server.run(&["simulate", "--count", "200"]);
    assert!(sent.status.success(), "{sent:?}");
    for body in [
        said("7001", "9001", "How much is it?", None),
        said(ACCOUNT, "9002", "Three euros", Some("9001")),
        said("7002", "9003", "Lovely rolls", None),
        messages("7001", ACCOUNT, &[("mid.1", "hello"), ("mid.2", "hello?")]),
    ] {
        desk.deliver(body).await;
    }
    desk.be_listed().await;
    Browser::open(desk.server).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn lists_with_data_have_no_finding() {
    let mut browser = with_data().await;
    let mut all = paths(LISTS);
    all.push("/events?text=hello".to_owned());
    browser.expect_no_finding(&all).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn objects_and_open_panes_have_no_finding() {
    let mut browser = with_data().await;
    let open = browser.link("/events", ".list a.row").await;
    let position = open.split("open=").nth(1).unwrap().to_owned();
    let delivery = browser.link("/deliveries", ".list a.row").await;
    let mut all = vec![
        format!("/events/{position}"),
        format!("/live?open={position}"),
        format!("{delivery}?bytes=hex"),
        format!("{delivery}?with={}", delivery.rsplit('/').next().unwrap()),
        format!("/conversations/{ACCOUNT}/7001"),
        "/comments/8100".to_owned(),
        format!("/accounts/{ACCOUNT}"),
        "/find?id=7001".to_owned(),
    ];
    all.extend([open, delivery]);
    browser.expect_no_finding(&all).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn rejections_of_an_operator_and_masks_of_a_viewer_have_no_finding() {
    let desk = desk_with_wrong_secrets().await;
    correct(&desk.server);
    desk.deliver(messages("7001", ACCOUNT, &[("mid.1", "hello")]))
        .await;
    desk.be_listed().await;
    let mut browser = Browser::open(desk.server).await;
    for (name, pages) in [
        ("operator", "/rejections"),
        (
            "viewer",
            "/rejections /events /live /conversations /deliveries",
        ),
    ] {
        browser.wear(Look::USUAL).await;
        browser.visit("/login").await;
        browser.sign_in(name).await;
        browser.expect_no_finding(&paths(pages)).await;
        browser.forget().await;
    }
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn pages_without_postgres_have_no_finding() {
    let mut browser = Browser::open(Server::start().await).await;
    browser.deliver(&["before"]).await;
    let outage = Outage::of(&browser.server).await;
    browser.deliver(&["during"]).await;
    eventually("the outage is noticed", async || {
        browser.visit("/").await;
        browser.tab.find("#alert:not([hidden])").await.is_some()
    })
    .await;
    browser.expect_no_finding(&paths("/ /health /events")).await;
    outage.end().await;
    browser.expect_on_console(&["status of 503"]).await;
    browser.close().await;
}
