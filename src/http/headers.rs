//! The headers of a delivery: the signature it is judged by, and what is kept of the rest.

use std::borrow::Cow;

use axum::http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{self, GetAll},
};
use bytes::Bytes;
use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::ingest::Rejection;

/// The mark of `hookshelf simulate`.
pub(super) const SIMULATED: HeaderName = HeaderName::from_static("x-hookshelf-simulated");

/// The mark of `hookshelf doctor`, on a challenge of its own.
pub(super) const CHECKED: HeaderName = HeaderName::from_static("x-hookshelf-doctor");

/// The signature.
pub(super) const SHA256: HeaderName = HeaderName::from_static("x-hub-signature-256");
const SHA1: HeaderName = HeaderName::from_static("x-hub-signature");

/// Allow-list of the headers stored with a delivery: headers that Meta sends. Headers of proxies
/// may be secrets.
///
/// The signature comes last because the store splits it off: the other headers are the same in
/// nearly all deliveries. Other headers that depend on the body are not stored: its length, the
/// SHA-1 signature, and the mark of a simulation, which is in `source`.
static KEPT: [HeaderName; 7] = [
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::CONTENT_ENCODING,
    header::CONTENT_TYPE,
    HeaderName::from_static("facebook-api-version"),
    header::USER_AGENT,
    SHA256,
];

/// Maximum stored length of a header value. Meta's are under 100 bytes.
const MAX_VALUE: usize = 512;

/// Value of `X-Hub-Signature-256`; `None` without a signature.
///
/// # Errors
/// If only the legacy header is present, or if the header is present twice.
pub(super) fn signature(headers: &HeaderMap) -> Result<Option<&[u8]>, Rejection> {
    let mut values = headers.get_all(SHA256).iter();
    match (values.next(), values.next()) {
        (Some(_), Some(_)) => Err(Rejection::SignatureMalformed),
        (Some(value), None) => Ok(Some(value.as_bytes())),
        (None, _) if headers.contains_key(SHA1) => Err(Rejection::SignatureSha1Only),
        (None, _) => Ok(None),
    }
}

/// Headers that proxies add, the telling ones first.
static PROXY: [HeaderName; 11] = [
    HeaderName::from_static("cf-ray"),
    HeaderName::from_static("x-amzn-trace-id"),
    HeaderName::from_static("x-amz-cf-id"),
    HeaderName::from_static("x-azure-ref"),
    HeaderName::from_static("x-cloud-trace-context"),
    HeaderName::from_static("fly-request-id"),
    HeaderName::from_static("x-envoy-external-address"),
    header::VIA,
    header::FORWARDED,
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("x-real-ip"),
];

/// Name of a header that reveals a proxy in front.
pub(super) fn proxy(headers: &HeaderMap) -> Option<&'static str> {
    let found = PROXY.iter().find(|name| headers.contains_key(*name));
    found.map(HeaderName::as_str)
}

/// The headers of the allow-list as a JSON object with lower-case names.
pub(super) fn kept(headers: &HeaderMap) -> String {
    serde_json::to_string(&KeptHeaders(headers)).unwrap_or_default()
}

/// Copy of a header value, independent of the connection's buffer. Empty if the header is missing;
/// truncated to the maximum stored length.
pub(super) fn copied(headers: &HeaderMap, name: &HeaderName) -> Bytes {
    let value = headers.get(name).map_or(&[][..], HeaderValue::as_bytes);
    Bytes::copy_from_slice(&value[..value.len().min(MAX_VALUE)])
}

/// Stored headers, serialized without an intermediate map.
struct KeptHeaders<'a>(&'a HeaderMap);

impl Serialize for KeptHeaders<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        for name in &KEPT {
            if let Some(text) = text(&self.0.get_all(name)) {
                map.serialize_entry(name.as_str(), &text)?;
            }
        }
        map.end()
    }
}

/// All values of a header as one text, truncated to the maximum stored length.
fn text<'a>(values: &GetAll<'a, HeaderValue>) -> Option<Cow<'a, str>> {
    let mut texts = values
        .iter()
        .map(|value| String::from_utf8_lossy(value.as_bytes()));
    let mut text = texts.next()?;
    for more in texts {
        text = Cow::Owned(text.into_owned() + ", " + &*more);
    }
    Some(cut(text))
}

fn cut(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..text.floor_char_boundary(MAX_VALUE)]),
        Cow::Owned(mut text) => {
            text.truncate(text.floor_char_boundary(MAX_VALUE));
            Cow::Owned(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn headers(pairs: &[(&'static str, &[u8])]) -> HeaderMap {
        let value = |bytes| HeaderValue::from_bytes(bytes).unwrap();
        let pairs = pairs.iter().map(|(name, bytes)| (*name, value(bytes)));
        pairs
            .map(|(name, value)| (HeaderName::from_static(name), value))
            .collect()
    }

    #[test]
    fn what_is_kept_is_bounded_listed_and_text() {
        let long = "ü".repeat(400);
        let kept = kept(&headers(&[
            ("user-agent", long.as_bytes()),
            ("content-type", b"application/json\xff"),
            ("accept", b""),
            ("cookie", b"session=1"),
            ("authorization", b"Bearer 1"),
        ]));
        let kept: Value = serde_json::from_str(&kept).unwrap();
        assert_eq!(
            kept,
            serde_json::json!({
                "accept": "",
                "content-type": "application/json\u{fffd}",
                "user-agent": "ü".repeat(256),
            })
        );
    }
}
