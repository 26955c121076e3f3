//! Headers that a destination gets besides those of Hookshelf.

use hyper::header::{HeaderMap, HeaderName, HeaderValue, USER_AGENT};

use super::super::{
    fault::quoted,
    print::{Printer, REDACTED},
    reader::Reader,
    tree::Value,
};

/// Headers of Hookshelf and of the connection, which the configuration cannot set.
const RESERVED: [&str; 18] = [
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-hub-signature",
    "x-hub-signature-256",
];

/// Beginnings of further names of Hookshelf.
const RESERVED_PREFIXES: [&str; 2] = ["webhook-", "x-hookshelf-"];

const MOST: usize = 32;
const LONGEST: usize = 4096;

const VALUE: &str = "1 to 4096 printable ASCII characters";

/// Reads `headers` and `user_agent`. The values may be secrets.
pub(super) fn read(reader: &mut Reader<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let agent = reader.optional("user_agent", VALUE, value);
    headers.extend(agent.map(|agent| (USER_AGENT, agent)));
    let Some(found) = reader.take("headers") else {
        return headers;
    };
    let Value::Table(table) = &found else {
        reader.refuse_type("headers", &found, "a table of names and values");
        return headers;
    };
    if table.len() > MOST {
        let problem = format!("has {} headers", table.len());
        reader.refuse("headers", &found, problem, "at most 32 headers");
    }
    for (key, text) in table {
        let name = name(reader, key);
        let text = match text {
            Value::Text { text, .. } => value(text),
            _ => None,
        };
        if text.is_none() {
            let problem = format!("the value of {} is not allowed (not shown)", quoted(key));
            reader.refuse("headers", &found, problem, VALUE);
        }
        headers.extend(name.zip(text));
    }
    headers
}

/// The name of a header; notes a name that is not allowed.
fn name(reader: &mut Reader<'_>, key: &str) -> Option<HeaderName> {
    let Ok(name) = HeaderName::from_bytes(key.as_bytes()) else {
        let problem = format!("{} is not the name of a header", quoted(key));
        let fault = reader.fault("headers", problem);
        reader.note(fault.allowed("letters, digits and hyphens, such as X-Team"));
        return None;
    };
    let is_prefixed = |prefix: &&str| name.as_str().starts_with(prefix);
    let (problem, allowed) = if name == USER_AGENT {
        ("has a key of its own", "the key user_agent")
    } else if RESERVED.contains(&name.as_str()) || RESERVED_PREFIXES.iter().any(is_prefixed) {
        ("is set by Hookshelf", "other headers")
    } else {
        return Some(name);
    };
    let fault = reader.fault("headers", format!("{name} {problem}"));
    reader.note(fault.allowed(allowed));
    None
}

/// The value of a header, which is not shown in logs.
fn value(text: &str) -> Option<HeaderValue> {
    let fits = (1..=LONGEST).contains(&text.len());
    let is_printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    (fits && is_printable && text.trim() == text).then_some(value)
}

pub(super) fn print(headers: &HeaderMap, out: &mut Printer) {
    let agent = headers.get(USER_AGENT);
    let agent = agent.and_then(|agent| agent.to_str().ok());
    out.optional("user_agent", agent);
    let others = headers.keys().filter(|name| **name != USER_AGENT);
    let others = others.map(|name| (name.to_string(), REDACTED.into()));
    let others: toml::Table = others.collect();
    if !others.is_empty() {
        out.plain("headers", toml::Value::Table(others));
    }
}
