//! Tests of the index and its queries, and a comparison of the index with `serde_json` on random
//! text.

use proptest::{collection::vec, prelude::*};
use serde_json::value::RawValue;

use super::*;

/// Runs `question` on the object `text`.
fn ask<'a, T>(text: &'a str, question: impl FnOnce(Object<'_, 'a>) -> T) -> T {
    let index = Index::of(text).unwrap();
    question(index.root(text).object().unwrap())
}

#[test]
fn every_question_has_an_answer() {
    let text =
        r#"{"s":"a\u00e4","n":12345678901234567890123,"b":true,"o":{"id":7},"z":null,"e":""}"#;
    ask(text, |object| {
        assert_eq!(object.text("s").unwrap(), "aä");
        assert_eq!(object.text("n"), None);
        assert_eq!(object.id("n").unwrap(), "12345678901234567890123");
        assert_eq!(
            (object.id("e"), object.id("b"), object.id("o")),
            (None, None, None)
        );
        assert_eq!(object.id_of("o").unwrap(), "7");
        assert!(object.flag("b") && !object.flag("s") && !object.flag("missing"));
        assert_eq!((object.raw("z"), object.integer("n")), (None, None));
    });
}

#[test]
fn numbers_come_as_numbers_or_strings() {
    ask(r#"{"a":7,"b":"-1","c":1.5,"d":"x"}"#, |object| {
        assert_eq!(
            (object.integer("a"), object.integer("b")),
            (Some(7), Some(-1))
        );
        assert_eq!((object.integer("c"), object.integer("d")), (None, None));
    });
}

#[test]
fn the_last_of_a_repeated_key_counts() {
    let id = |text| ask(text, |object| object.id("id"));
    assert_eq!(id(r#"{"id":"1","x":0,"id":"2"}"#).unwrap(), "2");
    assert_eq!(id(r#"{"id":"1","\u0069d":"2"}"#).unwrap(), "2");
    assert_eq!(id(r#"{"id":"1","id":null}"#), None);
}

#[test]
fn a_key_is_what_it_spells() {
    let text = r#"{"a\/b":1,"\\u0061":2,"\u0061":3,"ab":4}"#;
    let keys = ["a/b", "\\u0061", "a", "ab", "", "a\\/b"];
    let found = keys.map(|key| ask(text, |object| object.raw(key)));
    assert_eq!(
        found,
        [Some("1"), Some("2"), Some("3"), Some("4"), None, None]
    );
}

#[test]
fn the_pairs_of_an_object_are_given_in_order() {
    let text = r#"{"id":"1","new_key":{"a":[1]},"\u0069d":2}"#;
    let expected = [("id", "\"1\""), ("new_key", r#"{"a":[1]}"#), ("id", "2")];
    let expected = expected.map(|(name, value)| (name.into(), value));
    assert_eq!(pairs(text).unwrap(), expected);
}

#[test]
fn other_types_are_not_objects_or_lists() {
    for text in ["", "[]", "null", "\"{}\"", "{", "{} {}", "7"] {
        assert!(pairs(text).is_none(), "{text}");
    }
    let text = "[1, {\"a\":[]} ,[[],2], \"\"]";
    let index = Index::of(text).unwrap();
    let list: Vec<_> = index.root(text).list().unwrap().map(Value::raw).collect();
    assert_eq!(list, ["1", "{\"a\":[]}", "[[],2]", "\"\""]);
    assert!(index.root("{}").list().is_none());
}

#[test]
fn a_text_of_another_layout_is_answered_too() {
    let index = Index::of(r#"{"id":"ä"}"#).unwrap();
    for text in ["", "{}", "{\"ää\"::::::::", "{\"id\":\"äääääääää"] {
        let root = index.root(text);
        let object = root.object().unwrap_or_default();
        assert_eq!((object.id("id"), root.string()), (None, None), "{text}");
    }
}

#[test]
fn brackets_inside_strings_are_not_depth() {
    let (open, close) = ("[\"\\\"\",".repeat(60_000), "]".repeat(60_000));
    for (text, depth) in [
        (format!("\"{}\"", "[".repeat(100)), 0),
        (format!("[{}]", vec!["[]"; 100].join(",")), 2),
        (format!("{}{}", "[".repeat(64), "]".repeat(64)), 64),
        (format!("{}{}", "[".repeat(65), "]".repeat(65)), 65),
        (format!("{open}1{close}"), 60_000),
    ] {
        let index = Index::of(&text).unwrap();
        assert_eq!((index.depth(), index.root(&text).depth()), (depth, depth));
    }
}

/// Texts that are valid or nearly valid JSON.
fn nearly() -> impl Strategy<Value = String> {
    let parts = &[
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\",
        "\\\"",
        "\\u00e4",
        "\\u00E",
        "\\x",
        " ",
        "\n",
        "\t",
        "\u{b}",
        "\u{0}",
        "\u{1f}",
        "ä",
        "😍",
        "0",
        "-",
        "1",
        "12",
        ".",
        "e",
        "E+",
        "true",
        "false",
        "null",
        "nul",
        "\"key\"",
        "\"a\":",
        "\"long enough for eight\"",
        "{}",
        "[]",
    ][..];
    vec(prop::sample::select(parts), 0..12).prop_map(|parts| parts.concat())
}

/// JSON of every shape, with white space.
fn whole() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
        "\"([a-zä😍 ]|\\\\[\"\\\\/bfnrt]|\\\\u[0-9a-fA-F]{4}){0,20}\"",
        prop::sample::select(&["true", "false", "null", "[]", "{}", "[ ]", "{\n}"][..])
            .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(5, 60, 6, |inner| {
        let pair = ("\"[a-c]{0,2}\"", inner.clone());
        let pair = pair.prop_map(|(key, value)| format!("{key}\t:{value}"));
        prop_oneof![
            vec(inner, 0..6).prop_map(|list| format!("[{} ]", list.join(" ,"))),
            vec(pair, 0..6).prop_map(|pairs| format!("{{ {}}}", pairs.join(", "))),
        ]
    })
}

/// Compares a value and all nested values with the result of `serde_json`.
fn same(value: Value<'_, '_>, text: &str) -> Result<(), TestCaseError> {
    prop_assert_eq!(value.raw(), text);
    prop_assert_eq!(
        value.string(),
        serde_json::from_str(text).ok().map(Cow::<str>::Owned)
    );
    let list: Option<Vec<&RawValue>> = serde_json::from_str(text).ok();
    prop_assert_eq!(value.list().is_some(), list.is_some());
    let own: Vec<_> = value.list().unwrap_or_default().collect();
    let list = list.unwrap_or_default();
    prop_assert_eq!(own.len(), list.len());
    for (own, text) in own.into_iter().zip(list) {
        same(own, text.get())?;
    }
    let object: Option<std::collections::HashMap<String, &RawValue>> =
        serde_json::from_str(text).ok();
    for (key, text) in object.unwrap_or_default() {
        let own = value.object().and_then(|object| object.get(&key));
        prop_assert_eq!(own.is_none(), text.get() == "null");
        own.map_or(Ok(()), |own| same(own, text.get()))?;
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn what_is_json_is_json_for_serde_too(text in prop_oneof![nearly(), any::<String>()]) {
        let serde = serde_json::from_str::<&RawValue>(&text);
        prop_assert_eq!(Index::of(&text).is_some(), serde.is_ok(), "{}", text);
    }

    #[test]
    fn each_value_is_where_serde_finds_it(text in whole()) {
        let index = Index::of(&text).unwrap();
        same(index.root(&text), text.trim())?;
    }

    #[test]
    fn a_string_spells_what_serde_reads(
        inside in "([a-cä😍]|\\\\[\"\\\\/bfnrt]|\\\\u(00(6[0-9a-f]|e4|00)|[dD][89a-fA-F][0-9a-f]{2})){0,4}",
        other in "[a-c`ä😍]{0,2}",
    ) {
        let text = format!("\"{inside}\"");
        let own: Option<String> = serde_json::from_str(&text).ok();
        prop_assert_eq!(own.as_ref() == Some(&other), spelled::is(&inside, &other));
        prop_assert!(own.is_none_or(|own| spelled::is(&inside, &own)));
    }

    #[test]
    fn damage_is_seen_where_serde_sees_it(text in whole(), at: prop::sample::Index, byte: u8) {
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let text = String::from_utf8_lossy(&bytes);
        let serde = serde_json::from_str::<&RawValue>(&text);
        prop_assert_eq!(Index::of(&text).is_some(), serde.is_ok(), "{}", text);
    }
}
