//! Detection of a body that a proxy decoded and encoded again.
//!
//! Meta signs the body as it sends it: non-ASCII characters escaped, and in messages also `/` and
//! `%`. A proxy that writes the same JSON with other escapes or spaces breaks the signature. The
//! spellings of both of Meta's senders are tried, so that the operator learns of the proxy.

use std::fmt::Write as _;

use super::signature::Secrets;

/// Maximum length of an examined body: each spelling costs a signature.
const MAX_BODY: usize = 64 << 10;

/// Spaces between the tokens of JSON.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spacing {
    Kept,
    None,
    /// A space behind each comma and colon.
    Python,
}

const SPACINGS: [Spacing; 3] = [Spacing::Kept, Spacing::None, Spacing::Python];

/// ASCII characters that Meta's senders escape in strings, beside those that JSON requires.
const ESCAPED: [&str; 3] = ["", "/%", "/%<@"];

/// True if `signature` fits another spelling of `body` that Meta uses.
pub fn is_reencoded(secrets: &Secrets, signature: &[u8], body: &[u8]) -> bool {
    let text = std::str::from_utf8(body).ok();
    let text = text.filter(|text| text.len() <= MAX_BODY);
    text.is_some_and(|text| {
        let mut all = spellings(text).filter(|spelling| spelling != text);
        all.any(|spelling| secrets.verify(Some(signature), spelling.into()).is_ok())
    })
}

fn spellings(text: &str) -> impl Iterator<Item = String> {
    let each = |spacing| ESCAPED.map(|escaped| spelled(text, spacing, escaped));
    SPACINGS.into_iter().flat_map(each)
}

/// The JSON `text` with this spacing, and with non-ASCII and `escaped` characters as escapes.
/// Escapes in `text` stay.
fn spelled(text: &str, spacing: Spacing, escaped: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let (mut is_string, mut is_escape) = (false, false);
    for char in text.chars() {
        if !is_string {
            push_outside(&mut out, char, spacing);
            is_string = char == '"';
        } else if is_escape {
            out.push(char);
            is_escape = false;
        } else {
            push_inside(&mut out, char, escaped);
            is_string = char != '"';
            is_escape = char == '\\';
        }
    }
    out
}

fn push_outside(out: &mut String, char: char, spacing: Spacing) {
    if spacing == Spacing::Kept || !char.is_ascii_whitespace() {
        out.push(char);
    }
    if spacing == Spacing::Python && matches!(char, ',' | ':') {
        out.push(' ');
    }
}

fn push_inside(out: &mut String, char: char, escaped: &str) {
    match char {
        '/' if escaped.contains('/') => out.push_str("\\/"),
        '<' if escaped.contains('<') => out.push_str("\\u003C"),
        char if !char.is_ascii() || escaped.contains(char) => {
            for unit in char.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
        char => out.push(char),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;
    use crate::meta::signature::sign;

    /// True if a body that Meta sent as `sent` is recognised as `arrived`.
    fn is_found(sent: &str, arrived: &str) -> bool {
        let secret = SecretString::from("a secret");
        let signature = sign(&secret, sent.as_bytes());
        let secrets = Secrets::new([("app", &secret)]);
        is_reencoded(&secrets, signature.as_bytes(), arrived.as_bytes())
    }

    #[test]
    fn the_spellings_of_both_senders_are_recognised() {
        let message =
            r#"{"text":"50\u0025 auf \u00e4 \ud83d\ude0d \"x\"","url":"https:\/\/a.example"}"#;
        let decoded = r#"{ "text": "50% auf ä 😍 \"x\"", "url": "https://a.example" }"#;
        assert!(is_found(message, decoded));
        let change = r#"{"a": [1, {"text": "S\u00e3o @ana"}], "b": "x/y"}"#;
        assert!(is_found(
            change,
            r#"{"a":[1,{"text":"São @ana"}],"b":"x/y"}"#
        ));
        let older = r#"{"text":"\u003C\u0040\u00e4"}"#;
        assert!(is_found(older, r#"{"text":"<@ä"}"#));
    }

    #[test]
    fn another_body_is_not_recognised() {
        let sent = r#"{"text":"\u00e4"}"#;
        assert!(is_found(sent, r#"{"text":"ä"}"#));
        assert!(!is_found(sent, r#"{"text":"ö"}"#));
        // The signature of the body itself is none of another spelling.
        assert!(!is_found("{}", "{}"));
        assert!(!is_found(sent, "\u{0}\"\\"));
    }
}
