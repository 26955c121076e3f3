//! Bodies to measure: realistic bodies of Meta, and hostile bodies.
//!
//! Their shapes are those of the webhook references; every id and text is invented.

use bytes::Bytes;

/// Account id in all bodies.
pub(crate) const ACCOUNT: &str = "17841400000000001";

/// A named body.
#[derive(Clone)]
pub(crate) struct Body {
    /// Name of the measurement.
    pub name: &'static str,
    /// Bytes of the body.
    pub bytes: Bytes,
    /// Number of items.
    pub items: u64,
}

/// Realistic bodies, smallest first.
pub(crate) fn usual() -> Vec<Body> {
    let hundred: Vec<_> = (0..100).map(|number| message(number, "Hello")).collect();
    vec![
        body(
            "message",
            1,
            &messaging(&message(1, "Is it still in stock?")),
        ),
        body("message with escapes", 1, &messaging(&message(1, ESCAPES))),
        body("comment", 1, &comment()),
        body("100 messages", 100, &messaging(&hundred.join(","))),
        body(
            "64 KiB text",
            1,
            &messaging(&message(1, &"words ".repeat(10_900))),
        ),
    ]
}

/// Hostile bodies, which only somebody with the secret could send: maximum work per byte. Two sizes
/// of one shape show that the work is linear in the size.
pub(crate) fn hostile() -> Vec<Body> {
    let small: Vec<_> = (0..5_000).map(|number| message(number, "Hi")).collect();
    let deep = format!("{}{}", "[".repeat(58), "]".repeat(58));
    vec![
        body("5,000 messages", 5_000, &messaging(&small.join(","))),
        body(
            "5,000 empty items",
            5_000,
            &messaging(&vec!["{}"; 5_000].join(",")),
        ),
        body(
            "64 levels",
            1,
            &messaging(&inside(&format!("\"x\":{deep}"))),
        ),
        body("64 KiB of brackets", 1, &messaging(&brackets(64))),
        body("1 MiB of brackets", 1, &messaging(&brackets(1_024))),
        body("64 KiB of numbers", 1, &messaging(&inside(&numbers(64)))),
        body("1 MiB of numbers", 1, &messaging(&inside(&numbers(1_024)))),
        body("64 KiB of keys", 1, &messaging(&inside(&keys(64)))),
        body("1 MiB of keys", 1, &messaging(&inside(&keys(1_024)))),
        body(
            "64 KiB of escapes",
            1,
            &messaging(&message(1, &escapes(64))),
        ),
        body(
            "1 MiB of escapes",
            1,
            &messaging(&message(1, &escapes(1_024))),
        ),
    ]
}

/// An umlaut, an emoji as a surrogate pair and a slash, all escaped as Meta does.
const ESCAPES: &str = r"Sch\u00f6n \ud83d\ude0d https:\/\/example.com";

fn body(name: &'static str, items: u64, text: &str) -> Body {
    Body {
        name,
        bytes: Bytes::copy_from_slice(text.as_bytes()),
        items,
    }
}

fn messaging(items: &str) -> String {
    entry(&format!(r#""messaging":[{items}]"#))
}

fn entry(rest: &str) -> String {
    format!(
        r#"{{"object":"instagram","entry":[{{"time":1795170000123,"id":"{ACCOUNT}",{rest}}}]}}"#
    )
}

/// A message with an id as long as Meta's.
fn message(number: u32, text: &str) -> String {
    let mid = format!(
        "{}{number:08}",
        "aWdfZAG1faXRlbToxOklHTWVzc2FnZAUlE".repeat(4)
    );
    format!(
        r#"{{"sender":{{"id":"1234567890{number:06}"}},"recipient":{{"id":"{ACCOUNT}"}},
            "timestamp":1795170000123,"message":{{"mid":"{mid}","text":"{text}"}}}}"#
    )
}

fn comment() -> String {
    entry(
        r#""changes":[{"field":"comments","value":{"from":{"id":"1234567890123456",
           "username":"ada.example"},"media":{"id":"17900000000000001",
           "media_product_type":"REELS"},"id":"17900000000000002",
           "parent_id":"17900000000000003","text":"What a lovely colour!"}}]"#,
    )
}

/// A message with `content` beside its id.
fn inside(content: &str) -> String {
    format!(r#"{{"message":{{"mid":"m",{content}}}}}"#)
}

fn brackets(kib: usize) -> String {
    format!("{}{}", "[".repeat(512 * kib), "]".repeat(512 * kib))
}

fn numbers(kib: usize) -> String {
    format!("\"x\":[{}1]", "1,".repeat(512 * kib))
}

fn keys(kib: usize) -> String {
    format!("{}\"x\":1", r#""":1,"#.repeat(205 * kib))
}

fn escapes(kib: usize) -> String {
    r"\u00f6".repeat(171 * kib)
}
