//! Weights: requests and bytes of a first page, and the HTML of every page with data, as a browser
//! gets them: with gzip.

use std::{collections::BTreeMap, io::Read as _};

use flate2::read::GzDecoder;

use super::*;

/// Most bytes over the wire for a first page, with its heads.
const COLD: usize = 260_000;

/// Most requests for a first page.
const REQUESTS: usize = 10;

/// Most bytes over the wire for the HTML of any page.
const WARM: usize = 40_000;

impl Desk {
    /// A desk with simulated deliveries of every kind.
    async fn of_simulation() -> Self {
        let desk = Self::open().await;
        let sent = desk.server.run(&["simulate", "--count", "400"]);
        let said = String::from_utf8_lossy(&sent.stderr);
        assert!(sent.status.success(), "{said}");
        desk.be_listed().await;
        desk
    }

    /// Bytes of a page or a file on the wire, with their head.
    async fn weight(&self, path: &str) -> usize {
        let gzip = ("Accept-Encoding", "gzip, deflate, br");
        let answer = self.page_with("reader", path, &[gzip]).await.answer;
        let heads = answer.headers.iter();
        let heads = heads.map(|(name, value)| name.as_str().len() + value.len() + 4);
        answer.body.len() + heads.sum::<usize>()
    }

    /// Path and size of everything that a browser with an empty cache asks for.
    async fn load(&self, path: &str) -> BTreeMap<String, usize> {
        let (mut loaded, mut wanted) = (BTreeMap::new(), vec![path.to_owned()]);
        while let Some(path) = wanted.pop() {
            if loaded.contains_key(&path) {
                continue;
            }
            wanted.extend(loads(&path, &self.page(&path).await));
            let size = self.weight(&path).await;
            loaded.insert(path, size);
        }
        loaded
    }

    /// Every page, and an object of each kind.
    async fn paths(&self) -> Vec<String> {
        let lists = "/ /live /find?id=none /health /rejections /events /deliveries /conversations \
                     /comments /accounts /login";
        let mut paths: Vec<_> = lists.split_whitespace().map(str::to_owned).collect();
        for (list, part) in [
            ("/events", "open="),
            ("/live", "open="),
            ("/deliveries", "/deliveries/"),
            ("/conversations", "/conversations/"),
            ("/comments", "/comments/"),
            ("/accounts", "/accounts/"),
        ] {
            let links = self.page(list).await.links(part);
            paths.push(links[0].clone());
        }
        let open = paths.iter().find_map(|path| path.split_once("open="));
        paths.push(format!("/events/{}", open.unwrap().1));
        paths
    }
}

/// Paths that a file loads by itself: links of the head, icons, fonts, and imports of modules.
fn loads(path: &str, page: &Page) -> Vec<String> {
    let text = &page.html;
    let quoted = |start: &str| {
        let found = text.split(start).skip(1);
        let found = found.filter_map(|rest| rest.split(['"', '#']).next());
        found.map(str::to_owned).collect::<Vec<_>>()
    };
    let found = match page.header("content-type").split(';').next() {
        Some("text/html") => {
            let links = text.split("<link ").skip(1);
            let links = links.filter_map(|rest| rest.split("href=\"").nth(1)?.split('"').next());
            let links = links.map(str::to_owned).collect();
            [links, quoted(" src=\""), quoted("<use href=\"")].concat()
        }
        Some("text/css") => quoted("url(\"").into_iter().map(beside(path)).collect(),
        Some("text/javascript") => {
            let imports = text.lines().filter(|line| line.starts_with("import "));
            let imports = imports.filter_map(|line| line.split('"').nth(1));
            imports.map(str::to_owned).map(beside(path)).collect()
        }
        _ => Vec::new(),
    };
    for path in &found {
        let is_own = path.starts_with('/') && !path.starts_with("//");
        assert!(is_own, "{path} is of another host");
    }
    found
}

/// Path of a file beside another one.
fn beside(path: &str) -> impl Fn(String) -> String {
    let folder = path.rsplit_once('/').unwrap().0.to_owned();
    move |name| format!("{folder}/{}", name.trim_start_matches("./"))
}

#[tokio::test]
async fn a_first_page_is_small_and_needs_few_requests() {
    let desk = Desk::of_simulation().await;
    for path in ["/", "/events", "/login"] {
        let loaded = desk.load(path).await;
        let bytes: usize = loaded.values().sum();
        assert!(loaded.len() > 5, "{loaded:#?}");
        assert!(loaded.len() <= REQUESTS, "{} {loaded:#?}", loaded.len());
        assert!(bytes <= COLD, "{bytes} bytes: {loaded:#?}");
    }
}

#[tokio::test]
async fn the_html_of_each_page_is_small() {
    let desk = Desk::of_simulation().await;
    let mut sizes = Vec::new();
    for path in desk.paths().await {
        sizes.push((desk.weight(&path).await, path));
    }
    sizes.sort_unstable();
    println!("{sizes:#?}");
    sizes.retain(|(size, _)| *size > WARM);
    assert!(sizes.is_empty(), "over {WARM} bytes: {sizes:#?}");
}

#[tokio::test]
async fn text_is_compressed_for_those_who_take_gzip_and_not_for_another_site() {
    let desk = Desk::of_simulation().await;
    let gzip = ("Accept-Encoding", "gzip");
    let page = desk.page("/events").await;
    assert_eq!(page.header("content-encoding"), "");
    assert_eq!(page.header("vary"), "accept-encoding");
    let styles = page.links("styles.css")[0].clone();
    for path in ["/events", &styles] {
        let packed = desk.page_with("reader", path, &[gzip]).await;
        assert_eq!(packed.header("content-encoding"), "gzip");
        let length = packed.answer.body.len().to_string();
        assert_eq!(packed.header("content-length"), length);
        let mut plain = String::new();
        let mut decoder = GzDecoder::new(&*packed.answer.body);
        decoder.read_to_string(&mut plain).unwrap();
        assert!(plain.len() > 2 * packed.answer.body.len());
        assert!(plain.contains("hookshelf") || plain.contains("@layer"));
    }
    for other in [
        vec![gzip, ("Sec-Fetch-Site", "cross-site")],
        vec![("Accept-Encoding", "gzip;q=0, br")],
    ] {
        let plain = desk.page_with("reader", "/events", &other).await;
        assert_eq!(plain.header("content-encoding"), "", "{other:?}");
    }
    let font = page.links(".woff2")[0].clone();
    let font = desk.page_with("reader", &font, &[gzip]).await;
    assert_eq!(font.header("content-encoding"), "");
}
