//! Tests of signed requests: valid requests are parsed, and all others refused.

use hmac::{Hmac, KeyInit, Mac};
use proptest::prelude::*;
use secrecy::SecretString;
use sha2::Sha256;

use super::*;

/// `{"user_id":"90210","algorithm":"HMAC-SHA256","issued_at":1793000000,"expires":1793003600}`:
///
/// ```sh
/// document=$(printf '%s' "$json" | basenc --base64url -w0 | tr -d =)
/// printf %s "$document" | openssl dgst -sha256 -hmac bakery-secret -binary | basenc --base64url
/// ```
const SIGNED: &str = "jb4Bp8CzCCJwRD6UKDrPrGeMk1upgcz4ktTctn_g6G4.\
    eyJ1c2VyX2lkIjoiOTAyMTAiLCJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsImlzc3VlZF9hdCI6MTc5MzAwMDAwMCwi\
    ZXhwaXJlcyI6MTc5MzAwMzYwMH0";

/// `{"user_id":"90210","algorithm":"HMAC-SHA256" }`, in the same way without `tr`.
const PADDED: &str = "0te2FckKnnzF0jr0-9jyJWIm9hLSfPszaR51I7FnV2A=.\
    eyJ1c2VyX2lkIjoiOTAyMTAiLCJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIgfQ==";

fn secrets() -> Secrets {
    let (first, second) = ("another", "bakery-secret");
    let (first, second) = (SecretString::from(first), SecretString::from(second));
    Secrets::new([("app", &first), ("instagram", &second)])
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn open(value: &str) -> Result<SignedRequest, Fault> {
    SignedRequest::verify(value.as_bytes(), &secrets(), at("2026-11-21T00:00:00Z"))
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A signed request as Meta would make it of `document`.
fn signed(document: &str) -> String {
    let document = encoded(document.as_bytes());
    let mut mac = Hmac::<Sha256>::new_from_slice(b"bakery-secret").unwrap();
    mac.update(document.as_bytes());
    format!("{}.{document}", encoded(&mac.finalize().into_bytes()))
}

/// The request parsed from a document with these fields.
fn said(fields: &str) -> SignedRequest {
    open(&signed(&format!(
        r#"{{"algorithm":"HMAC-SHA256",{fields}}}"#
    )))
    .unwrap()
}

#[test]
fn what_openssl_signs_is_opened_and_read() {
    let request = open(SIGNED).unwrap();
    assert_eq!(request.secret(), "instagram");
    assert_eq!(request.user_id(), Some("90210"));
    assert_eq!(request.issued_at(), Some(at("2026-10-26T07:33:20Z")));
    assert_eq!(request.expires(), Some(at("2026-10-26T08:33:20Z")));
}

#[test]
fn each_part_may_have_padding() {
    let request = open(PADDED).unwrap();
    assert_eq!(request.user_id(), Some("90210"));
    let (signature, document) = PADDED.split_once('.').unwrap();
    let bare = format!("{}.{document}", signature.trim_end_matches('='));
    assert_eq!(open(&bare), Ok(request));
    // The padding is part of the signed text.
    let stripped = PADDED.trim_end_matches('=');
    assert_eq!(open(stripped), Err(Fault::Mismatch));
    assert_eq!(open(&format!("{SIGNED}=")), Err(Fault::Mismatch));
}

#[test]
fn the_person_is_named_by_text_or_number_and_every_digit_counts() {
    for (fields, expected) in [
        (r#""user_id":"90210""#, Some("90210")),
        (
            r#""user_id":12345678901234567890"#,
            Some("12345678901234567890"),
        ),
        (r#""user_id":"a\u0062""#, Some("ab")),
        (r#""user_id":"1","user_id":"2""#, Some("2")),
        (r#""user_id":"""#, None),
        (r#""user_id":null"#, None),
        (r#""user_id":["90210"]"#, None),
        (r#""user":{"user_id":"90210"}"#, None),
    ] {
        assert_eq!(said(fields).user_id(), expected, "{fields}");
    }
    let id = |length| format!(r#""user_id":"{}""#, "7".repeat(length));
    assert!(said(&id(512)).user_id().is_some());
    assert!(said(&id(513)).user_id().is_none());
}

#[test]
fn a_moment_that_cannot_be_is_none() {
    let issued = |value: &str| said(&format!(r#""issued_at":{value}"#)).issued_at();
    assert_eq!(issued(r#""1793000000""#), Some(at("2026-10-26T07:33:20Z")));
    for nonsense in [
        "0",
        "-1",
        "1e8",
        "1262303999",
        "1795309200",
        "999999999999999999999",
        "[]",
    ] {
        assert_eq!(issued(nonsense), None, "{nonsense}");
    }
    let expires = |value: &str| said(&format!(r#""expires":{value}"#)).expires();
    assert_eq!(expires("1900000000"), Some(at("2030-03-17T17:46:40Z")));
    for nonsense in [
        "0",
        "-5",
        "1262303999",
        "999999999999999999999",
        "{}",
        "true",
    ] {
        assert_eq!(expires(nonsense), None, "{nonsense}");
    }
}

#[test]
fn what_is_no_signed_request_is_refused() {
    let (signature, document) = SIGNED.split_once('.').unwrap();
    for value in [
        "",
        ".",
        signature,
        document,
        &format!(".{document}"),
        &format!("{}.{document}", &signature[1..]),
        &format!("{signature}A.{document}"),
        &format!("{signature}.{document}."),
        &format!("{signature}.{document} "),
        &format!("{signature}.={document}"),
        &format!("{signature}.{document}+"),
        &format!("{signature}.{document}/"),
    ] {
        assert_eq!(open(value), Err(Fault::Malformed), "{value}");
    }
    // An empty document is valid base64, but not signed.
    assert_eq!(open(&format!("{signature}.")), Err(Fault::Mismatch));
}

#[test]
fn the_signature_is_over_the_text_as_it_is_spelled() {
    let document = br#"{"algorithm":"HMAC-SHA256"}"#;
    let mut mac = Hmac::<Sha256>::new_from_slice(b"bakery-secret").unwrap();
    mac.update(document);
    let over_json = encoded(&mac.finalize().into_bytes());
    let value = format!("{over_json}.{}", encoded(document));
    assert_eq!(open(&value), Err(Fault::Mismatch));
}

#[test]
fn another_algorithm_or_none_is_refused_although_it_is_signed() {
    for document in [
        r#"{"user_id":"1"}"#,
        r#"{"algorithm":"none","user_id":"1"}"#,
        r#"{"algorithm":"HMAC-SHA1"}"#,
        r#"{"algorithm":"HMAC-SHA256","algorithm":"AES-256-CBC HMAC-SHA256"}"#,
        r#"{"algorithm":256}"#,
    ] {
        assert_eq!(open(&signed(document)), Err(Fault::Algorithm), "{document}");
    }
    assert!(open(&signed(r#"{"algorithm":"hmac-sha256"}"#)).is_ok());
}

#[test]
fn what_is_signed_and_no_object_is_refused() {
    for document in [
        "",
        "[]",
        "null",
        r#""algorithm""#,
        "{algorithm: HMAC-SHA256}",
        "{}{}",
    ] {
        assert_eq!(
            open(&signed(document)),
            Err(Fault::Unreadable),
            "{document}"
        );
    }
}

#[test]
fn no_secret_never_means_no_check() {
    let none = Secrets::new([]);
    let refused = SignedRequest::verify(SIGNED.as_bytes(), &none, Timestamp::MAX);
    assert_eq!(refused, Err(Fault::Mismatch));
}

#[test]
fn a_long_one_is_refused_before_anything_is_made_of_it() {
    let document = |length| {
        let space = " ".repeat(length);
        signed(&format!(r#"{{"algorithm":"HMAC-SHA256"{space}}}"#))
    };
    assert!(open(&document(12_200)).is_ok());
    assert_eq!(open(&document(12_400)), Err(Fault::TooLong));
}

#[test]
fn the_person_is_in_no_debug_output() {
    let shown = format!("{:?}", open(SIGNED));
    assert!(
        shown.contains("instagram") && !shown.contains("90210"),
        "{shown}"
    );
}

#[test]
fn a_form_carries_it_under_its_name() {
    let in_form = |form: &str| in_form(form.as_bytes()).map(Cow::into_owned);
    assert_eq!(
        in_form("a=1&signed_request=b.c%3D&d"),
        Some("b.c=".to_owned())
    );
    assert_eq!(
        in_form("signed_request=1&signed_request=2"),
        Some("1".to_owned())
    );
    assert_eq!(in_form("signed_request"), Some(String::new()));
    assert_eq!(in_form("b.c="), None);
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(value: Vec<u8>, document: String) {
        let _ = in_form(&value);
        prop_assert!(SignedRequest::verify(&value, &secrets(), Timestamp::MAX).is_err());
        let _ = open(&signed(&document));
    }

    #[test]
    fn what_is_signed_is_opened_and_a_changed_byte_is_noticed(
        id in "[0-9]{1,30}", at: prop::sample::Index, byte: u8,
    ) {
        let value = signed(&format!(r#"{{"algorithm":"HMAC-SHA256","user_id":"{id}"}}"#));
        let opened = open(&value).unwrap();
        prop_assert_eq!(opened.user_id(), Some(&*id));
        let mut changed = value.into_bytes();
        let at = at.index(changed.len());
        prop_assume!(changed[at] != byte);
        changed[at] = byte;
        prop_assert!(SignedRequest::verify(&changed, &secrets(), Timestamp::MAX).is_err());
    }

    #[test]
    fn an_object_with_any_fields_is_opened(fields in "(,\"[a-z_]{1,10}\":(\"[a-z]*\"|-?[1-9][0-9]{0,25})){0,6}") {
        let value = signed(&format!(r#"{{"algorithm":"HMAC-SHA256"{fields}}}"#));
        let named = fields.contains("\"algorithm\"");
        prop_assert!(open(&value).is_ok() || named);
    }
}
