//! A signature counts where a plain reading of RFC 2104 says so, and nowhere else.

use bytes::Bytes;
use secrecy::SecretString;
use sha2::{Digest, Sha256};

use crate::meta::signature::{Fault, Secrets, sign, sign_checked, sign_simulated};

const OTHER: &str = "another secret";

/// Reads `data` as three lines: the header, a secret, and all that is left is the body.
pub fn check(data: &[u8]) {
    let mut parts = data.splitn(3, |byte| *byte == b'\n');
    let mut next = || parts.next().unwrap_or_default();
    let (header, secret, body) = (next(), String::from_utf8_lossy(next()), next());
    check_header(header, &secret, body);
    // What was signed, with one byte of the signature as the header says.
    let mut signed = sign(&SecretString::from(&*secret), body).into_bytes();
    check_header(&signed, &secret, body);
    if let [at, byte, ..] = header {
        let at = usize::from(*at) % signed.len();
        signed[at] = *byte;
        check_header(&signed, &secret, body);
        signed.truncate(at);
        check_header(&signed, &secret, body);
    }
    check_marks(header, &secret, body);
}

fn check_header(header: &[u8], secret: &str, body: &[u8]) {
    let (other, own) = (SecretString::from(OTHER), SecretString::from(secret));
    let secrets = Secrets::new([("instagram", &other), ("app", &own)]);
    let found = secrets.verify(Some(header), Bytes::copy_from_slice(body));
    let expected = match header.strip_prefix(b"sha256=").and_then(digest) {
        None => Err(Fault::Malformed),
        Some(it) if it == hmac(OTHER, &[body]) => Ok("instagram"),
        Some(it) if it == hmac(secret, &[body]) => Ok("app"),
        Some(_) => Err(Fault::Mismatch),
    };
    let name = found.as_ref().map(|it| &**it.secret()).map_err(|it| *it);
    assert_eq!(name, expected);
    assert!(found.is_err() || found.is_ok_and(|it| it.bytes() == body));
    let none = secrets.verify(None, Bytes::copy_from_slice(body));
    assert_eq!(none.err(), Some(Fault::Missing));
}

/// The marks of our own requests, which are digests without a prefix.
fn check_marks(header: &[u8], secret: &str, body: &[u8]) {
    let own = SecretString::from(secret);
    let secrets = Secrets::new([("app", &own)]);
    let query = String::from_utf8_lossy(body);
    let simulated = hmac(secret, &[b"simulated.", body]);
    let checked = hmac(secret, &[b"checked.", query.as_bytes()]);
    let mark = digest(header);
    let is_mark = secrets.marks_simulated(header, body);
    assert_eq!(is_mark, mark == Some(simulated));
    assert_eq!(secrets.marks_checked(header, &query), mark == Some(checked));
    assert!(secrets.marks_simulated(sign_simulated(&own, body).as_bytes(), body));
    assert!(secrets.marks_checked(sign_checked(&own, &query).as_bytes(), &query));
}

/// Exactly 64 hexadecimal digits of either case.
fn digest(text: &[u8]) -> Option<[u8; 32]> {
    let digits: Option<Vec<_>> = text.iter().map(|it| char::from(*it).to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() == 64)?;
    let bytes = digits.chunks(2).map(|it| (it[0] * 16 + it[1]) as u8);
    bytes.collect::<Vec<_>>().try_into().ok()
}

/// HMAC-SHA256 as RFC 2104, section 2, says it.
pub(crate) fn hmac(secret: &str, parts: &[&[u8]]) -> [u8; 32] {
    let mut key = [0; 64];
    let secret = secret.as_bytes();
    if secret.len() > key.len() {
        key[..32].copy_from_slice(&Sha256::digest(secret));
    } else {
        key[..secret.len()].copy_from_slice(secret);
    }
    let inner = Sha256::digest([&key.map(|it| it ^ 0x36), &*parts.concat()].concat());
    Sha256::digest([&key.map(|it| it ^ 0x5c)[..], &inner[..]].concat()).into()
}
