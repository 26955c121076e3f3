//! A signed request opens where a plain reading of Meta's description says so, and says the same.

use jiff::Timestamp;
use secrecy::SecretString;

use crate::{
    challenge::decoded,
    meta::{
        signature::Secrets,
        signed_request::{Fault, SignedRequest, in_form},
        time,
    },
    plain_json::{Pairs, is_json},
    signature::hmac,
};

const OTHER: &str = "another secret";
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// When each of them came, and a day: 2026-11-21 and 2010-01-01 in seconds.
const RECEIVED: i64 = 1_795_219_200;
const DAY: i64 = 86_400;
const START: i64 = 1_262_304_000;

/// Reads `data` as three lines: a secret, a prefix of what stands before the dot, and all that is
/// left is a request, a form, or a document to be signed.
pub fn check(data: &[u8]) {
    let mut parts = data.splitn(3, |byte| *byte == b'\n');
    let mut next = || parts.next().unwrap_or_default();
    let (secret, before, rest) = (String::from_utf8_lossy(next()), next(), next());
    check_form(rest);
    check_value(rest, &secret);
    // What was signed, as a text that is base64 and as it is; then with other bytes around it.
    for document in [
        encode(rest),
        [&*encode(rest), b"=="].concat(),
        rest.to_vec(),
    ] {
        let signed = [encode(&hmac(&secret, &[&document])), document].join(&b'.');
        check_value(&signed, &secret);
        check_value(&[before, &signed[..]].concat(), &secret);
        check_value(&[&signed[..], before].concat(), &secret);
        if let [at, byte, ..] = before {
            let mut changed = signed;
            let at = usize::from(*at) % changed.len();
            changed[at] = *byte;
            check_value(&changed, &secret);
        }
    }
}

/// What is to be said of a request: secret, person, when it was issued and when a token expires.
type Said = (String, Option<String>, Option<Timestamp>, Option<Timestamp>);

fn check_value(value: &[u8], secret: &str) {
    let (other, own) = (SecretString::from(OTHER), SecretString::from(secret));
    let secrets = Secrets::new([("instagram", &other), ("app", &own)]);
    let received_at = Timestamp::from_second(RECEIVED).unwrap();
    let found = SignedRequest::verify(value, &secrets, received_at);
    let said = found.as_ref().map(|it| {
        let user_id = it.user_id().map(ToOwned::to_owned);
        (
            it.secret().to_owned(),
            user_id,
            it.issued_at(),
            it.expires(),
        )
    });
    assert_eq!(said.map_err(|it| *it), expected(value, secret));
    if let Ok(request) = &found
        && let Some(id) = request.user_id().filter(|it| it.len() > 20)
    {
        assert!(!format!("{request:?}").contains(id));
    }
}

fn expected(value: &[u8], secret: &str) -> Result<Said, Fault> {
    if value.len() > 16 * 1024 {
        return Err(Fault::TooLong);
    }
    let mut parts = value.splitn(2, |byte| *byte == b'.');
    let signature = parts.next().and_then(decode).ok_or(Fault::Malformed)?;
    let document = parts.next().ok_or(Fault::Malformed)?;
    let bytes = decode(document).ok_or(Fault::Malformed)?;
    let secret = match signature {
        it if it.len() != 32 => return Err(Fault::Malformed),
        it if it == hmac(OTHER, &[document]) => "instagram",
        it if it == hmac(secret, &[document]) => "app",
        _ => return Err(Fault::Mismatch),
    };
    let text = std::str::from_utf8(&bytes).map_err(|_| Fault::Unreadable)?;
    // Keys read as bytes may hold what no JSON does.
    let fields = Pairs::of(text).filter(|_| is_json(text));
    let fields = fields.ok_or(Fault::Unreadable)?;
    let string = |key| serde_json::from_str::<String>(fields.get(key)?).ok();
    // The long s has a capital among the letters of ASCII, and is none of them.
    let named = |it: String| it.is_ascii() && it.to_uppercase() == "HMAC-SHA256";
    if !string("algorithm").is_some_and(named) {
        return Err(Fault::Algorithm);
    }
    let is_number = |it: &str| it.starts_with(|first: char| "-0123456789".contains(first));
    let number = |key| {
        fields
            .get(key)
            .filter(|it| is_number(it))
            .map(str::to_owned)
    };
    let id = |key| {
        number(key)
            .or_else(|| string(key))
            .filter(|it| !it.is_empty())
    };
    let moment = |key| time::read(&id(key)?);
    let from_to = |from: i64, to: i64| {
        move |it: &Timestamp| {
            let nanoseconds = |seconds| i128::from(seconds) * 1_000_000_000;
            (nanoseconds(from)..=nanoseconds(to)).contains(&it.as_nanosecond())
        }
    };
    Ok((
        secret.to_owned(),
        id("user_id").filter(|it| it.len() <= 512),
        moment("issued_at").filter(from_to(START, RECEIVED + DAY)),
        moment("expires").filter(from_to(START, i64::MAX)),
    ))
}

/// The first field of that name, as a form is read.
fn check_form(form: &[u8]) {
    let mut expected = None;
    for pair in form.split(|byte| *byte == b'&').filter(|it| !it.is_empty()) {
        let mut halves = pair.splitn(2, |byte| *byte == b'=');
        let mut next = || decoded(halves.next().unwrap_or_default());
        let (name, value) = (next(), next());
        if name == "signed_request" {
            expected.get_or_insert(value);
        }
    }
    assert_eq!(in_form(form).map(|it| it.into_owned()), expected);
}

/// RFC 4648, section 5, without padding.
fn encode(bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    for chunk in bytes.chunks(3) {
        let group = [0, 1, 2].map(|at| u32::from(chunk.get(at).copied().unwrap_or_default()));
        let group = group[0] << 16 | group[1] << 8 | group[2];
        let digits = (0..=chunk.len()).map(|at| ALPHABET[(group >> (18 - 6 * at) & 63) as usize]);
        text.extend(digits);
    }
    text
}

/// RFC 4648, section 5: the one spelling of these bytes, with whatever padding.
fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let end = text
        .iter()
        .rposition(|byte| *byte != b'=')
        .map_or(0, |at| at + 1);
    let (mut group, mut bits, mut bytes) = (0_u32, 0, Vec::new());
    for digit in &text[..end] {
        let value = ALPHABET.iter().position(|it| it == digit)?;
        group = (group << 6 | value as u32) & 0xFF_FFFF;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((group >> bits) as u8);
        }
    }
    (encode(&bytes) == text[..end]).then_some(bytes)
}
