//! The message that tests deliver, as Meta writes it.

/// A notification of nothing.
pub(crate) const EMPTY: &str = r#"{"object":"instagram","entry":[]}"#;

/// The notification of one message to the account of the tests.
pub(crate) fn message(mid: &str, text: &str) -> String {
    messages("7001", "17840000000000001", &[(mid, text)])
}

/// One notification of messages from a person to an account, each with its mid and text.
pub(crate) fn messages(person: &str, account: &str, said: &[(&str, &str)]) -> String {
    let item = |(mid, text): &(&str, &str)| {
        format!(
            r#"{{"sender":{{"id":"{person}"}},"recipient":{{"id":"{account}"}},
            "timestamp":1795000000123,"message":{{"mid":"{mid}","text":"{text}"}}}}"#
        )
    };
    let items: Vec<_> = said.iter().map(item).collect();
    let items = items.join(",");
    format!(
        r#"{{"object":"instagram","entry":[{{"time":1795000000456,"id":"{account}","messaging":[{items}]}}]}}"#
    )
}
