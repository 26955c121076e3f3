//! axe-core on each page and in each state, at a desk and on a phone, in both schemes; on pages
//! beside the usual ones, at a desk in one scheme.
//!
//! `HOOKSHELF_AXE` names `axe.min.js` of the npm package `axe-core`, which `.ci/run` fetches. It is
//! injected by the driver, because the policy of the pages allows no foreign script.

use std::collections::BTreeSet;

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
        let schemes = [("light", ALL_RULES), ("dark", RULES_OF_COLOR)];
        self.look_at(paths, &[Look::USUAL, Look::PHONE], &schemes)
            .await;
    }

    /// Expects no finding on each page except some, at a desk and in one scheme: the colors of the
    /// other scheme have a test of their own. `values` are the parameters of the paths.
    async fn expect_no_finding_elsewhere(&mut self, values: &[(&str, &str)], except: &[String]) {
        let mut paths = each_page(values);
        paths.retain(|path| !except.contains(path));
        self.look_at(&paths, &[Look::USUAL], &[("light", ALL_RULES)])
            .await;
    }

    async fn look_at(&mut self, paths: &[String], looks: &[Look], schemes: &[(&str, &str)]) {
        let axe = std::env::var_os("HOOKSHELF_AXE");
        let axe = axe.expect("HOOKSHELF_AXE names axe.min.js of the npm package axe-core");
        let axe = std::fs::read_to_string(axe).unwrap();
        let mut findings = Vec::new();
        for look in looks {
            self.wear(*look).await;
            for path in paths {
                self.prefer("light").await;
                self.visit(path).await;
                self.see("#main").await;
                for (scheme, rules) in schemes {
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

/// Paths of forms, and of pieces without a page around them.
const NO_PAGES: [&str; 5] = [
    "/events/newer",
    "/find/offers",
    "/health/drain",
    "/rejections/recheck",
    "/views/{slug}/delete",
];

/// Values of the parameters of paths. Without data, nothing has these ids.
const NOTHING: [(&str, &str); 6] = [
    ("position", "1000000"),
    ("id", "0199a7c2-9b3e-7c4d-8a51-3f2e1d0c9b8a"),
    ("account", ACCOUNT),
    ("person", "7001"),
    ("media", "8100"),
    ("slug", "ads"),
];

/// Path of each page in the program, with the values of its parameters.
fn each_page(values: &[(&str, &str)]) -> Vec<String> {
    let mut paths = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/http/pages")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let code = std::fs::read_to_string(path).unwrap();
            let pages = code.split("Page = Page {\n    path: \"").skip(1);
            paths.extend(pages.filter_map(|page| Some(page.split_once('"')?.0.to_owned())));
        }
    }
    paths.retain(|path| !NO_PAGES.contains(&path.as_str()));
    assert!(paths.len() > 20, "{paths:?}");
    let fill = |path: String| {
        let values = values.iter();
        values.fold(path, |path, (name, value)| {
            path.replace(&format!("{{{name}}}"), value)
        })
    };
    paths.into_iter().map(fill).collect()
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
    browser.expect_no_finding_elsewhere(&NOTHING, &all).await;
    browser.expect_on_console(&["status of 40"]).await;
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
    let id = delivery.trim_start_matches("/deliveries/").to_owned();
    all.extend([open, delivery]);
    browser.expect_no_finding(&all).await;
    all.extend(paths(LISTS));
    let stored = [("position", position.as_str()), ("id", id.as_str())];
    let values = [&stored[..], &NOTHING[2..]].concat();
    browser.expect_no_finding_elsewhere(&values, &all).await;
    browser.expect_on_console(&["status of 40"]).await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs chromium and chromium-driver"]
async fn rejections_of_an_operator_and_masks_of_a_viewer_have_no_finding() {
    let desk = desk_with_wrong_secrets().await;
    correct(&desk.server);
    desk.deliver(said("7001", "9001", "How much is it?", None))
        .await;
    desk.deliver(messages("7001", ACCOUNT, &[("mid.1", "hello")]))
        .await;
    desk.be_listed().await;
    let newest = desk.read_as("reader", "/v1/events?limit=1").await;
    let [position, id] =
        ["position", "delivery_id"].map(|name| newest["events"][0][name].as_str().unwrap());
    let values = [&[("position", position), ("id", id)][..], &NOTHING[2..]].concat();
    let mut browser = Browser::open(desk.server).await;
    for (name, pages) in [
        ("operator", "/rejections"),
        (
            "viewer",
            "/rejections /events /live /conversations /deliveries",
        ),
    ] {
        let pages = paths(pages);
        browser.wear(Look::USUAL).await;
        browser.visit("/login").await;
        browser.sign_in(name).await;
        browser.expect_no_finding(&pages).await;
        if name == "viewer" {
            browser.expect_no_finding_elsewhere(&values, &pages).await;
        }
        browser.forget().await;
    }
    browser.expect_on_console(&["status of 40"]).await;
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
    let all = paths("/ /health /events");
    browser.expect_no_finding(&all).await;
    browser.expect_no_finding_elsewhere(&NOTHING, &all).await;
    outage.end().await;
    browser
        .expect_on_console(&["status of 503", "status of 403"])
        .await;
    browser.close().await;
}
