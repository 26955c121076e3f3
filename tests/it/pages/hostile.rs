//! The worst text that anybody can send, in every field of every kind, on every page: it stays text.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use bytes::Bytes;
use form_urlencoded::byte_serialize;
use hookshelf::meta::{event::Kind, signature::sign, split};
use secrecy::SecretString;
use serde_json::Value;

use super::*;
use crate::support::{
    samples::{fill, samples},
    server::SECRET,
};

/// Markup, schemes, templates, attributes of htmx, turned text, floods of marks, characters without
/// a width, and an emoji of several.
const WORST: &str = "\"><script>alert(1)</script><img src=//evil.example/x onerror=alert(1)>' \
    javascript:alert(1) {{7*7}} ${7} hx-get=/x \u{202e}\u{2066}\u{200f}rtl e\u{301}\u{301}\u{301}\
    \u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{200d}\u{301}\u{fe0f}\u{301}\u{200d}\u{301}\
    \u{301} \u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b}\u{200b} \
    👩\u{200d}👩\u{200d}👧 שלום\u{feff}\u{ad} \u{2028}";

/// A URL that a page links.
const LINK: &str = "https://evil.example/\"><script>?q='\u{202e}&hx-get=/x";

/// The same in the bytes of a header.
const HEADER: &str = "\"><script>alert(1)</script> javascript:alert(1) {{7*7}} hx-get=/x '";

/// Attributes of htmx that the pages have.
const OF_HTMX: [&str; 19] = [
    "hx-boost",
    "hx-boost:inherited",
    "hx-get",
    "hx-push-url",
    "hx-push-url:inherited",
    "hx-replace-url",
    "hx-replace-url:inherited",
    "hx-select",
    "hx-target",
    "hx-trigger",
    "hx-morph-skip",
    "hx-sync",
    "hx-sync:inherited",
    "hx-status:4xx",
    "hx-status:5xx",
    "hx-swap",
    "hx-swap:inherited",
    "hx-swap-oob",
    "hx-target:inherited",
];

/// Elements that load something or run something.
const LOADING: [&str; 8] = [
    "img", "iframe", "object", "embed", "base", "video", "audio", "style",
];

/// Maximum number of characters without a width between two others.
const MOST_WIDTHLESS: usize = 8;

/// Maximum number of pages that differ only in their ids.
const SAME: usize = 3;

fn worst(text: &str) -> String {
    match text.strip_prefix("https://") {
        Some(rest) => format!("{LINK}{rest}"),
        None => format!("{WORST}{text}"),
    }
}

/// Kinds of the events of a body.
fn kinds(body: &Value) -> Vec<Kind> {
    let context = split::Context {
        app: "default",
        received_at: "2026-11-20T12:00:00Z".parse().unwrap(),
    };
    let events = split::split(&Bytes::from(body.to_string()), context).events;
    events.iter().map(|event| event.kind).collect()
}

/// The string with this number in a value.
fn string<'v>(value: &'v mut Value, left: &mut usize) -> Option<&'v mut String> {
    match value {
        Value::String(text) => match left.checked_sub(1) {
            Some(less) => {
                *left = less;
                None
            }
            None => Some(text),
        },
        Value::Array(list) => list.iter_mut().find_map(|value| string(value, left)),
        Value::Object(map) => map.values_mut().find_map(|value| string(value, left)),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// A body with the worst text in each string that does not tell the kind.
fn hostile(body: &str) -> String {
    let mut hostile: Value = serde_json::from_str(body).unwrap();
    let kinds_before = kinds(&hostile);
    for number in 0.. {
        let (mut changed, mut left) = (hostile.clone(), number);
        let Some(text) = string(&mut changed, &mut left) else {
            break;
        };
        if text != "instagram" {
            *text = worst(text);
        }
        if kinds(&changed) == kinds_before {
            hostile = changed;
        }
    }
    hostile.to_string()
}

/// A desk with hostile events of all kinds, headers, labels and names.
async fn desk() -> Desk {
    let desk = Desk::open().await;
    for (_, sample) in samples() {
        let body = hostile(&fill(sample, |_| None));
        let signature = sign(&SecretString::from(SECRET), body.as_bytes());
        let headers = [
            ("X-Hub-Signature-256", signature.as_str()),
            ("User-Agent", HEADER),
            ("Content-Type", HEADER),
            ("Accept", HEADER),
            ("Facebook-Api-Version", HEADER),
        ];
        let answer = desk.server.post("/webhook", &headers, body).await;
        assert_eq!(answer.status, 200);
    }
    let word = "W".repeat(512);
    let body = serde_json::json!({"object": "instagram", "entry": [{"id": "17840000000000001",
        "time": 1_795_000_000, "changes": [{"field": "comments", "value": {"id": "9001", "text": word,
        "media": {"id": word}, "from": {"id": word, "username": word}}}]}]});
    desk.deliver(body.to_string()).await;
    desk.server
        .post("/webhook", &[("User-Agent", HEADER)], "{}")
        .await;
    desk.run(&format!(
        "UPDATE accounts SET label = $label${WORST}$label$, client = $label${WORST}$label$,
             username = $label${WORST}$label$"
    ))
    .await;
    desk.be_listed().await;
    desk
}

/// Element with its attributes, or a text.
enum Piece {
    Element(String, BTreeMap<String, String>),
    Text(String),
}

/// Reads HTML as a browser does, as far as the pages use it. Values of attributes are decoded.
fn pieces(html: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        pieces.push(Piece::Text(rest[..at].to_owned()));
        rest = &rest[at + 1..];
        let end = rest
            .find(|it: char| it.is_whitespace() || it == '>')
            .unwrap();
        let name = rest[..end].to_ascii_lowercase();
        let is_name = |it: char| it.is_ascii_alphanumeric() || "/!".contains(it);
        assert!(name.chars().all(is_name), "<{name}");
        rest = &rest[end..];
        let mut attributes = BTreeMap::new();
        loop {
            rest = rest.trim_start().trim_start_matches('/');
            if let Some(behind) = rest.strip_prefix('>') {
                rest = behind;
                break;
            }
            let end = rest
                .find(|it: char| it.is_whitespace() || "=>/".contains(it))
                .unwrap();
            let attribute = rest[..end].to_owned();
            rest = &rest[end..];
            let mut value = "";
            if let Some(behind) = rest.strip_prefix('=') {
                let quote = behind.chars().next().unwrap();
                assert!("\"'".contains(quote), "{attribute} of {name} is not quoted");
                (value, rest) = behind[1..].split_once(quote).unwrap();
            }
            let twice = attributes.insert(attribute, decoded(value));
            assert_eq!(twice, None, "an attribute of {name} is there twice");
        }
        pieces.push(Piece::Element(name, attributes));
    }
    pieces.push(Piece::Text(rest.to_owned()));
    pieces
}

fn is_turning(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{ad}' | '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Expects that nothing of the text does anything. Returns the pages that the page links.
fn judge(path: &str, html: &str) -> Vec<String> {
    assert!(!html.contains(is_turning), "{path} has controls");
    let mut links = Vec::new();
    let mut is_title = false;
    for piece in pieces(html) {
        match piece {
            Piece::Text(text) if !is_title => {
                assert!(!text.contains("&#x"), "{path} has controls in: {text}");
                let parts = text.split(|it: char| {
                    !matches!(it, '\u{300}'..='\u{36f}' | '\u{200d}' | '\u{fe0f}')
                });
                let most = parts.map(|part| part.chars().count()).max();
                assert!(
                    most <= Some(MOST_WIDTHLESS),
                    "{path} has a flood in: {text}"
                );
            }
            Piece::Text(_) => {}
            Piece::Element(name, attributes) => {
                is_title = name == "title";
                is_harmless(path, &name, &attributes);
                let link = attributes.get("href").filter(|_| name == "a");
                links.extend(link.filter(|link| link.starts_with('/')).cloned());
            }
        }
    }
    links
}

fn is_harmless(path: &str, name: &str, attributes: &BTreeMap<String, String>) {
    assert!(!LOADING.contains(&name), "{path} has {name}");
    for (attribute, value) in attributes {
        let is_known = OF_HTMX.contains(&attribute.as_str()) || !attribute.starts_with("hx-");
        let is_quiet = !attribute.starts_with("on") && attribute != "style";
        assert!(is_known && is_quiet, "{path}: {attribute} of {name}");
        let is_address = ["src", "href", "action", "formaction"].contains(&attribute.as_str());
        let is_own = value.starts_with(['#', '?'])
            || value.starts_with("../")
            || value.starts_with('/') && !value.starts_with("//");
        if is_address && !is_own {
            let rel = attributes.get("rel").map_or("", String::as_str);
            let is_link = name == "a" && value.starts_with("https://evil.example/");
            assert!(
                is_link && rel.contains("noreferrer"),
                "{path}: {name} to {value}"
            );
        }
        if name == "script" && attribute == "src" {
            assert!(value.starts_with("/assets/"), "{path}: {value}");
        }
    }
    assert!(
        name != "script" || attributes.contains_key("src"),
        "{path} has a script"
    );
}

/// Path without ids, values and times.
fn shape(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut parts = path.split('/').skip(1);
    let first = parts.next().unwrap_or_default();
    let keys = query.split('&').map(|pair| match pair.split_once('=') {
        Some(("bytes", _)) => pair,
        Some((key, _)) => key,
        None => "",
    });
    let keys = keys.filter(|key| !["since", "until"].contains(key));
    format!(
        "{first} {} {}",
        parts.count(),
        keys.collect::<Vec<_>>().join(" ")
    )
}

/// Pages to begin with: each section, searches for the worst text, and an event of each kind.
async fn first_pages(desk: &Desk) -> VecDeque<String> {
    let encoded: String = byte_serialize(WORST.as_bytes()).collect();
    let sections = [
        "live",
        "events",
        "conversations",
        "comments",
        "deliveries",
        "rejections",
    ];
    let others = ["", "accounts", "health"];
    let mut pages: VecDeque<_> = sections
        .iter()
        .chain(&others)
        .map(|it| format!("/{it}"))
        .collect();
    for search in [
        "find?id",
        "events?person",
        "comments?account",
        "conversations?person",
        "deliveries?app",
    ] {
        pages.push_back(format!("/{search}={encoded}"));
    }
    for kind in Kind::ALL {
        let of_kind = format!("/events?kind={}", kind.as_str());
        let list = desk.read_as("reader", &format!("/v1{of_kind}")).await;
        let position = list["events"][0]["position"].as_str().unwrap();
        pages.push_back(format!("/events/{position}"));
        pages.push_back(format!("{of_kind}&open={position}"));
    }
    pages
}

/// Expects that a page is there and harmless. Returns the pages that it links.
async fn visit(desk: &Desk, path: &str) -> Vec<String> {
    let page = desk.page_as("operator", path).await;
    let status = page.answer.status;
    // An unknown account may be misspelt, so a filter refuses it.
    let is_refused = status == 400 && path.contains("account=");
    assert!(
        [200, 303].contains(&status) || is_refused,
        "{path}: {status}"
    );
    let size = page.html.len();
    assert!(size < 4 << 20, "{path}: {size} bytes");
    if !page.header("content-type").starts_with("text/html") {
        return Vec::new();
    }
    let links = judge(path, &page.html).into_iter();
    let links = links.map(|link| link.split('#').next().unwrap_or_default().to_owned());
    let others = ["/v1/", "/assets/", "/docs"];
    let is_page = |link: &String| !others.iter().any(|it| link.starts_with(it));
    links.filter(is_page).collect()
}

#[tokio::test]
async fn the_worst_text_in_every_field_stays_text_on_every_page() {
    let desk = desk().await;
    let mut pages = first_pages(&desk).await;
    let mut known: BTreeSet<_> = pages.iter().cloned().collect();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    while let Some(path) = pages.pop_front() {
        for link in visit(&desk, &path).await {
            let same = seen.entry(shape(&link)).or_default();
            if *same < SAME && known.insert(link.clone()) {
                *same += 1;
                pages.push_back(link);
            }
        }
    }
    for object in [
        "accounts 1 ",
        "comments 1 ",
        "conversations 2 ",
        "deliveries 1 ",
    ] {
        assert!(seen.contains_key(object), "{object}: {seen:?}");
    }
}
