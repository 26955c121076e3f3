//! Invalid arguments: the message says what is allowed, in words of this program.

use clap::{Command, error::ErrorKind};

/// Values that every validated argument refuses.
const REFUSED: [&str; 6] = [
    "-3",
    "0x1f",
    "1.5.2",
    "a b/c",
    "99999999999999999999999",
    "\u{fc}",
];

/// Parts of library messages, which mean nothing to the reader.
const OF_LIBRARIES: [&str; 6] = [
    "found in string",
    "is not in",
    "invalid digit",
    "invalid length",
    "relative URL",
    "target type",
];

/// Calls that give each argument of a verb and its subcommands `value`.
fn calls(verb: &Command, before: &[String], value: &str) -> Vec<Vec<String>> {
    let mut calls = Vec::new();
    let taking = verb
        .get_arguments()
        .filter(|it| it.get_action().takes_values());
    for argument in taking {
        let given = match argument.get_long() {
            Some(name) => format!("--{name}={value}"),
            None => value.to_owned(),
        };
        calls.push([before, &[given]].concat());
    }
    for below in verb.get_subcommands() {
        let before = [before, &[below.get_name().to_owned()]].concat();
        calls.extend(self::calls(below, &before, value));
    }
    calls
}

/// Error message of a call that is refused for the value in it.
fn refusal(call: &[String]) -> Option<String> {
    let refused = hookshelf::cli::command().try_get_matches_from(call).err()?;
    let for_value = matches!(
        refused.kind(),
        ErrorKind::ValueValidation | ErrorKind::InvalidValue
    );
    for_value.then(|| refused.to_string())
}

/// True if an error message names the allowed values.
fn says_what_is_allowed(refusal: &str) -> bool {
    let said = refusal.replacen("invalid value", "", 1);
    let allowed = said.contains("allowed: ") || said.contains("[possible values: ");
    allowed && !OF_LIBRARIES.iter().any(|words| said.contains(words))
}

#[test]
fn every_refused_argument_says_what_is_allowed() {
    let program = hookshelf::cli::command();
    let mut refused = 0;
    for value in REFUSED {
        for call in calls(&program, &["hookshelf".to_owned()], value) {
            let Some(refusal) = refusal(&call) else {
                continue;
            };
            assert!(says_what_is_allowed(&refusal), "{call:?}: {refusal}");
            refused += 1;
        }
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn words_of_a_library_say_nothing() {
    for poor in [
        "invalid value 'x' for '<ID>': invalid length: found 1",
        "invalid value '0' for '--limit': 0 is not in 1..=10000",
        "invalid value 'x' for '--count': allowed: invalid digit found in string",
    ] {
        assert!(!says_what_is_allowed(poor), "{poor}");
    }
    let good = "invalid value 'x' for '--limit': allowed: a whole number from 1 to 10000";
    assert!(says_what_is_allowed(good));
}

#[test]
fn an_id_and_a_position_say_where_they_are_found() {
    for (verb, option, list) in [
        ("deliveries", "show", "`hookshelf deliveries list`"),
        ("events", "show", "`hookshelf events list`"),
    ] {
        let call = ["hookshelf", verb, option, "abc"].map(ToOwned::to_owned);
        let said = refusal(&call).unwrap();
        assert!(said.contains(list), "{said}");
    }
}
