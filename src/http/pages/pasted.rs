//! Pasted text for the search box: an address of a page, or a line with ids.

/// Maximum number of ids that are looked up.
const MOST: usize = 8;

/// Maximum number of folders before the page in an address, such as the base path of a proxy.
const FOLDERS: usize = 4;

/// Least number of digits of an id of Meta.
const DIGITS: usize = 14;

/// Least number of characters of a message id.
const MESSAGE: usize = 20;

/// Path, query and fragment of the page that an address names, of any host: a proxy may show this
/// server under another name. `None` if the text is no address of a page.
pub(super) fn address(text: &str, is_section: impl Fn(&str) -> bool) -> Option<String> {
    let text = text.trim();
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic()) && !text.contains('\\');
    let path = match text.split_once("://") {
        Some(("http" | "https", rest)) => &rest[rest.find('/')?..],
        Some(_) => return None,
        None => text,
    };
    let mut rest = path.strip_prefix('/').filter(|_| is_plain)?;
    for _ in 0..FOLDERS {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        if is_section(&rest[..end]) {
            return Some(format!("/{rest}"));
        }
        rest = rest[end..].strip_prefix('/')?;
        // The API is no folder: its ids are looked up.
        if path.contains("/v1/") {
            return None;
        }
    }
    None
}

/// Ids in a line of a log or in an address, in their order. A number is a position only behind a
/// word that says so.
pub(super) fn ids(line: &str) -> Vec<&str> {
    let mut ids = Vec::new();
    let mut word = "";
    for part in line.split(|it: char| !is_of_id(it) && it != '/') {
        let mut folder = "";
        for token in part.split('/') {
            let token = token.trim_matches('.');
            let may_be_position = folder == "events" || word.ends_with("position");
            if is_id(token, may_be_position) && !ids.contains(&token) {
                ids.push(token);
            }
            folder = token;
            word = if token.is_empty() { word } else { token };
        }
    }
    ids.truncate(MOST);
    ids
}

fn is_of_id(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '_' | '-' | '.' | '$')
}

fn is_id(token: &str, may_be_position: bool) -> bool {
    if token.bytes().all(|byte| byte.is_ascii_digit()) {
        return token.len() >= DIGITS || may_be_position && !token.is_empty();
    }
    let has = |is: fn(&u8) -> bool| token.bytes().any(|byte| is(&byte));
    let is_long = token.len() >= MESSAGE;
    is_long && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
        || ["mid.", "m_", "aWd"]
            .iter()
            .any(|start| token.starts_with(start))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page(text: &str) -> Option<String> {
        address(text, |name| matches!(name, "events" | "deliveries"))
    }

    #[test]
    fn an_address_of_any_host_names_its_page() {
        for (text, named) in [
            ("http://127.0.0.1:9090/events/42", Some("/events/42")),
            (" /events?kind=message#p4 ", Some("/events?kind=message#p4")),
            ("https://ops.example/hooks/events", Some("/events")),
            ("https://ops.example/v1/events/42", None),
            ("https://ops.example/a/b/c/d/events", None),
            ("https://www.instagram.com/p/C1/", None),
            ("https://ops.example", None),
            ("javascript://x/events/1", None),
            ("//evil.example/events/1", Some("/events/1")),
            ("/\\evil.example/events", None),
            ("events", None),
        ] {
            assert_eq!(page(text).as_deref(), named, "{text}");
        }
    }

    #[test]
    fn ids_of_a_log_line_are_found() {
        let line = "2026-11-30T14:02:03.123456Z  INFO hookshelf::http: stored \
                    delivery=0199a7c2-9b3e-7c4d-8a51-3f2e1d0c9b8a position=42 events=3 \
                    account=\"17840000000000001\" status=200";
        assert_eq!(
            ids(line),
            [
                "0199a7c2-9b3e-7c4d-8a51-3f2e1d0c9b8a",
                "42",
                "17840000000000001"
            ]
        );
        assert_eq!(ids("GET /v1/events/42/around?n=10"), ["42"]);
        assert_eq!(
            ids("{\"mid\":\"aWdfZAG1faXRlbToxOkl_ZDZD\"}, mid.bakery."),
            ["aWdfZAG1faXRlbToxOkl_ZDZD", "mid.bakery"]
        );
        assert!(ids("nothing of interest, 200 ms, 3.14").is_empty());
    }

    proptest! {
        #[test]
        fn an_address_stays_on_this_server(text in "(https?:/)?[/\\\\a-z.@?#]{0,12}(/events)?[/?#a-z]{0,6}") {
            if let Some(address) = page(&text) {
                prop_assert!(address.starts_with('/') && !address.starts_with("//"));
            }
        }

        #[test]
        fn a_line_has_few_ids(line in any::<String>()) {
            let ids = ids(&line);
            prop_assert!(ids.len() <= MOST && ids.iter().all(|id| line.contains(id)));
        }
    }
}
