//! Tests of the split: each rule, then random input.

mod promises;
mod reference;

use bytes::Bytes;
use bytestring::ByteString;

use super::{Context, MAX_ITEMS, Notification, split};
use crate::meta::event::{
    Channel::{self, Changes, Messaging, Standby},
    Event,
    Kind::{self, *},
    OccurredAtSource::{self, Item, Sent},
    Problem,
};

mod properties;

/// Account id used in the tests.
const ACCOUNT: &str = "17841400000000001";

/// Receive time of all bodies: 2026-11-20T12:00:00Z.
const RECEIVED: i64 = 1_795_176_000;

fn read(body: impl AsRef<[u8]>) -> Notification {
    let context = Context {
        app: "default",
        received_at: jiff::Timestamp::from_second(RECEIVED).unwrap(),
    };
    split(&Bytes::copy_from_slice(body.as_ref()), context)
}

/// The single event of an entry with `rest` beside its id and time.
fn entry(rest: &str) -> Event {
    let mut found = read(entry_body(rest));
    assert_eq!((found.events.len(), found.unreadable), (1, None), "{rest}");
    found.events.remove(0)
}

fn entry_body(rest: &str) -> String {
    format!(r#"{{"object":"instagram","entry":[{{"id":"{ACCOUNT}","time":1795170000,{rest}}}]}}"#)
}

/// Text of that event's item in the body.
fn payload(rest: &str) -> String {
    item(&entry_body(rest), &entry(rest)).to_owned()
}

/// Text of an event's item in `body`.
fn item<'b>(body: &'b str, event: &Event) -> &'b str {
    std::str::from_utf8(event.item(body.as_bytes())).unwrap()
}

fn messaging(item: &str) -> Event {
    entry(&format!(r#""messaging":[{item}]"#))
}

fn change(field: &str, value: &str) -> Event {
    let item = format!(r#"{{"field":"{field}","value":{value}}}"#);
    entry(&format!(r#""changes":[{item}]"#))
}

fn kinds(found: &Notification) -> Vec<(Channel, Kind)> {
    found
        .events
        .iter()
        .map(|event| (event.channel, event.kind))
        .collect()
}

/// Text of a column.
#[expect(clippy::ref_option, reason = "so they stand in an event")]
fn text(column: &Option<ByteString>) -> &str {
    column.as_deref().unwrap_or("none")
}

// Number of events in a body.

#[test]
fn each_change_messaging_item_and_standby_item_is_one_event() {
    let found = read(
        r#"{"object":"instagram","entry":[
            {"id":"1","standby":[{"message":{}}],"messaging":[{"read":{}},{"postback":{}}],
             "changes":[{"field":"comments"}],"field":"mentions","value":{},
             "changed_fields":["story_insights"]},
            {"id":"2"},
            {"id":"3","messaging":[{"message":{}}]}]}"#,
    );
    let expected = [
        (Changes, Comment),
        (Messaging, Seen),
        (Messaging, Postback),
        (Standby, Message),
        (Channel::Entry, Mention),
        (Channel::Entry, Unknown),
        (Messaging, Message),
    ];
    assert_eq!(kinds(&found), expected);
    assert_eq!(text(&found.events[6].account_id), "3");
    assert_eq!(found.problem(), None);
}

#[test]
fn a_list_of_notifications_is_read_like_one_after_the_other() {
    let found = read(
        r#"[{"object":"instagram","entry":[{"id":"1","messaging":[{"message":{}}]}]},
            {"object":"page","entry":[{"id":"2","changes":[{"field":"feed"}]}]}]"#,
    );
    assert_eq!(kinds(&found), [(Messaging, Message), (Changes, Unknown)]);
    assert_eq!(text(&found.object), "instagram");
    assert_eq!(found.problem(), None);
}

#[test]
fn an_entry_without_items_has_no_event() {
    for entries in [
        r"[]",
        r#"[{"id":"1","time":1}]"#,
        r"[{}]",
        r#"[{"changes":[],"messaging":null,"changed_fields":[]}]"#,
    ] {
        let found = read(format!(r#"{{"object":"instagram","entry":{entries}}}"#));
        assert_eq!(
            (found.events.len(), found.problem()),
            (0, None),
            "{entries}"
        );
    }
}

#[test]
fn a_null_or_nonsensical_item_is_one_unknown_event() {
    for container in ["messaging", "standby", "changes"] {
        for item in ["null", "7", "\"text\"", "[]", "[[{}]]", "{}", "true"] {
            let rest = format!(r#""{container}":[{item}]"#);
            let event = entry(&rest);
            assert_eq!(event.kind, Unknown, "{container} {item}");
            assert_eq!(payload(&rest), item);
            assert_eq!(event.field, None);
        }
    }
}

#[test]
fn each_name_in_changed_fields_is_an_unknown_event_of_that_field() {
    let body = r#"{"entry":[{"id":"1","changed_fields":["comments","name","",null]}]}"#;
    let found = read(body);
    let fields: Vec<_> = found.events.iter().map(|it| it.field.as_deref()).collect();
    assert_eq!(fields, [Some("comments"), Some("name"), None, None]);
    assert!(
        found
            .events
            .iter()
            .all(|it| it.kind == Unknown && it.channel == Channel::Entry)
    );
    assert_eq!(item(body, &found.events[0]), "\"comments\"");
}

#[test]
fn the_flat_form_reads_as_the_change_it_would_have_been() {
    let rest = r#""field":"comments","value":{"id":"5","text":"hi"}"#;
    let flat = entry(rest);
    assert_eq!((flat.kind, flat.channel), (Comment, Channel::Entry));
    assert_eq!(
        (
            text(&flat.ids.comment_id),
            text(&flat.text),
            text(&flat.field)
        ),
        ("5", "hi", "comments")
    );
    assert_eq!(payload(rest), r#"{"id":"5","text":"hi"}"#);
    let rest = r#""field":"messages","verb":"add""#;
    assert_eq!(payload(rest), "\"messages\"");
    assert_eq!(entry(rest).kind, Message);
}

#[test]
fn the_payload_is_the_items_own_text() {
    let message = r#"{ "message" : {"mid":"m","text":"\u00e4\/ä"},  "new": [1.50, 1e400] }"#;
    assert_eq!(payload(&format!(r#""messaging":[{message}]"#)), message);
    let change = r#"{"value": {"id":1},"field":"comments" ,"x":{}}"#;
    assert_eq!(payload(&format!(r#""changes":[{change}]"#)), change);
    let marked = format!(
        "\u{feff}{}",
        entry_body(&format!(r#""standby":[{message}]"#))
    );
    let found = read(&marked);
    assert_eq!(item(&marked, &found.events[0]), message);
}

// Kinds of events.

/// All keys that determine a kind, with kind and field.
fn keys() -> Vec<(&'static str, Kind, &'static str)> {
    let field = |kind: Kind| kind.field().unwrap();
    Kind::keys()
        .map(|(key, kind)| (key, kind, field(kind)))
        .collect()
}

#[test]
fn the_key_of_a_messaging_item_decides() {
    for (container, channel) in [("messaging", Messaging), ("standby", Standby)] {
        for (key, kind, field) in keys() {
            let event = entry(&format!(r#""{container}":[{{"{key}":{{"mid":"m"}}}}]"#));
            assert_eq!((event.kind, event.channel), (kind, channel), "{key}");
            assert_eq!(text(&event.field), field);
        }
    }
    for item in [
        r#"{"delivery":{"watermark":1}}"#,
        r#"{"account_linking":{}}"#,
        r#"{"message":null}"#,
    ] {
        let event = messaging(item);
        assert_eq!((event.kind, event.field), (Unknown, None), "{item}");
    }
}

#[test]
fn between_keys_the_first_of_the_order_decides() {
    for (at, (key, kind, _)) in keys().into_iter().enumerate() {
        for (later, _, _) in &keys()[at..] {
            let event = messaging(&format!(r#"{{"{later}":{{}},"{key}":{{}}}}"#));
            assert_eq!(event.kind, kind, "{key} and {later}");
        }
    }
    assert_eq!(
        messaging(r#"{"message":null,"postback":{}}"#).kind,
        Postback
    );
}

#[test]
fn inside_a_message_deleted_comes_before_echo() {
    let kind_and_echo = |message: &str| {
        let event = messaging(&format!(r#"{{"message":{message}}}"#));
        (event.kind, event.is_echo)
    };
    let deleted = r#"{"is_deleted":true,"is_echo":true,"is_unsupported":true}"#;
    assert_eq!(kind_and_echo(deleted), (MessageDeleted, true));
    assert_eq!(
        kind_and_echo(r#"{"is_echo":true,"is_unsupported":true}"#),
        (Message, true)
    );
    assert_eq!(
        kind_and_echo(r#"{"is_deleted":false,"is_echo":"no"}"#),
        (Message, false)
    );
    assert_eq!(kind_and_echo(r#""a text""#), (Message, false));
}

#[test]
fn the_field_of_a_change_decides() {
    for (field, kind) in [
        ("comments", Comment),
        ("live_comments", LiveComment),
        ("mentions", Mention),
        ("story_insights", StoryInsights),
        // Instagram fields whose values Meta does not document.
        ("agent_messages", Unknown),
        ("comment_poll_response", Unknown),
        ("creator_marketplace_invited_creator_onboarding", Unknown),
        ("creator_marketplace_projects", Unknown),
        ("delta", Unknown),
        ("follow", Unknown),
        ("onboarding_welcome_message_series", Unknown),
        ("share_to_story", Unknown),
        ("story_poll_response", Unknown),
        ("story_reactions", Unknown),
        ("story_share", Unknown),
        ("Comments", Unknown),
    ] {
        let event = change(field, r#"{"message":{"mid":"m"}}"#);
        assert_eq!((event.kind, text(&event.field)), (kind, field));
        assert_eq!(event.channel, Changes);
    }
    assert_eq!(change("", "{}").field, None);
}

#[test]
fn a_change_of_a_messaging_field_takes_the_kind_of_its_key() {
    for field in ["messages", "message_echoes", "messaging_seen", "standby"] {
        for (key, kind, spelled) in keys() {
            let event = change(field, &format!(r#"{{"{key}":{{"mid":"m"}}}}"#));
            assert_eq!((event.kind, text(&event.field)), (kind, spelled));
        }
    }
    let deleted = change("messages", r#"{"message":{"mid":"m","is_deleted":true}}"#);
    assert_eq!(deleted.kind, MessageDeleted);
}

#[test]
fn a_change_of_a_messaging_field_without_a_key_takes_the_kind_of_the_field() {
    for (field, kind, spelled) in [
        ("messages", Message, "messages"),
        ("message_echoes", Message, "messages"),
        ("message_edit", MessageEdit, "message_edit"),
        ("message_edits", MessageEdit, "message_edit"),
        ("message_reactions", Reaction, "message_reactions"),
        ("messaging_postbacks", Postback, "messaging_postbacks"),
        ("messaging_seen", Seen, "messaging_seen"),
        ("message_reads", Seen, "messaging_seen"),
        ("messaging_referral", Referral, "messaging_referral"),
        ("messaging_referrals", Referral, "messaging_referral"),
        ("messaging_optins", Optin, "messaging_optins"),
        ("messaging_handover", Handover, "messaging_handover"),
        ("messaging_handovers", Handover, "messaging_handover"),
        (
            "messaging_policy_enforcement",
            PolicyEnforcement,
            "messaging_policy_enforcement",
        ),
        ("response_feedback", ResponseFeedback, "response_feedback"),
        ("standby", Unknown, "standby"),
    ] {
        let event = change(field, r#"{"mid":"m1"}"#);
        assert_eq!((event.kind, text(&event.field)), (kind, spelled));
        let flat = entry(&format!(r#""field":"{field}","value":"none""#));
        assert_eq!(flat.kind, kind);
    }
    let message = change("messages", r#"{"mid":"m1","text":"t"}"#);
    assert_eq!(
        (text(&message.ids.message_id), text(&message.text)),
        ("m1", "t")
    );
    // An unsend must be detected in any container, since its message has to be erased.
    let unsent = change("messages", r#"{"mid":"m1","is_deleted":true}"#);
    assert_eq!(unsent.kind, MessageDeleted);
}

#[test]
fn changes_are_typed_for_instagram_or_no_object_and_those_of_messaging_for_pages() {
    let kinds_of = |object: &str| {
        let found = read(format!(
            r#"{{{object}"entry":[{{"field":"comments","changes":[{{"field":"messages"}}],
                "messaging":[{{"message":{{}}}}],"standby":[{{"read":{{}}}}]}}]}}"#
        ));
        kinds(&found)
            .into_iter()
            .map(|(_, kind)| kind)
            .collect::<Vec<_>>()
    };
    let typed = [Message, Message, Seen, Comment];
    let of_pages = [Message, Message, Seen, Unknown];
    let untyped = [Unknown, Message, Seen, Unknown];
    for object in ["", r#""object":null,"#, r#""object":"instagram","#] {
        assert_eq!(kinds_of(object), typed, "{object}");
    }
    assert_eq!(kinds_of(r#""object":"page","#), of_pages);
    for object in ["user", "whatsapp_business_account", "threads"] {
        assert_eq!(kinds_of(&format!(r#""object":"{object}","#)), untyped);
    }
}

#[test]
fn a_change_without_a_field_takes_the_kind_of_its_key() {
    let value = r#"{"sender":{"id":"7"},"message":{"mid":"m"}}"#;
    for object in ["instagram", "page"] {
        let found = read(format!(
            r#"{{"object":"{object}","entry":[{{"changes":[{{"value":{value}}}]}}]}}"#
        ));
        assert_eq!(kinds(&found), [(Changes, Message)], "{object}");
        assert_eq!(text(&found.events[0].ids.message_id), "m");
        assert_eq!(text(&found.events[0].field), "messages");
    }
}

#[test]
fn a_value_that_is_a_list_is_an_item_for_each_member() {
    let listed = |container: &str| read(entry_body(container));
    let members = r#"[{"id":"5","text":"a"},{"id":"6","text":"b"},null]"#;
    for container in [
        format!(r#""changes":[{{"field":"comments","verb":"add","value":{members}}}]"#),
        format!(r#""field":"comments","verb":"add","value":{members}"#),
    ] {
        let found = listed(&container);
        let comments: Vec<_> = found
            .events
            .iter()
            .map(|it| text(&it.ids.comment_id))
            .collect();
        assert_eq!(comments, ["5", "6", "none"], "{container}");
        assert!(found.events.iter().all(|event| event.kind == Comment));
        let body = entry_body(&container);
        assert_eq!(item(&body, &found.events[1]), r#"{"id":"6","text":"b"}"#);
        assert_eq!(found.problem(), None);
    }
    let alone = listed(r#""changes":[{"field":"comments","value":{"id":"5"}}]"#);
    let member = listed(r#""changes":[{"field":"comments","value":[{"id":"5"}]}]"#);
    assert_eq!(alone.events[0].dedupe_key, member.events[0].dedupe_key);
    let message = r#"{"message":{"mid":"m"}}"#;
    let messages = listed(&format!(
        r#""changes":[{{"field":"messages","value":[{message},{message}]}}]"#
    ));
    assert_eq!(kinds(&messages), [(Changes, Message), (Changes, Message)]);
    let empty = r#"{"field":"comments","value":[]}"#;
    assert_eq!(payload(&format!(r#""changes":[{empty}]"#)), empty);
}

#[test]
fn a_long_field_is_no_column_of_the_members_of_a_list() {
    for field in ["f".repeat(600), "\\u0066".repeat(600)] {
        let body = format!(r#"{{"entry":[{{"changes":[{{"field":"{field}","value":[1,2]}}]}}]}}"#);
        let found = read(&body);
        let items: Vec<_> = found.events.iter().map(|it| item(&body, it)).collect();
        assert_eq!(items, ["1", "2"]);
        assert!(found.events.iter().all(|event| event.field.is_none()));
        assert_eq!(found.problem(), Some(Problem::IdTooLong));
    }
}

#[test]
fn an_envelope_of_threads_is_an_unknown_event_for_each_value() {
    let envelope = |topic: &str, target: &str, values: &str| {
        read(format!(
            r#"{{"app_id":"4","topic":{topic},"target_id":"{target}","time":1795170000,
                "values":{values}}}"#
        ))
    };
    let value = |id: &str| {
        let value = format!(r#"{{"id":"{id}","timestamp":"2026-11-20T08:00:00+0000"}}"#);
        format!(r#"{{"value":{value},"field":"mentions"}}"#)
    };
    let one = envelope("\"moderate\"", "9", &value("5"));
    assert_eq!(one.events[0].item_length as usize, value("5").len());
    assert_eq!(kinds(&one), [(Channel::Entry, Unknown)]);
    assert_eq!(text(&one.events[0].field), "mentions");
    assert_eq!(text(&one.events[0].account_id), "none");
    assert_eq!(
        occurred(&one.events[0]),
        ("2026-11-20T08:00:00Z".into(), Item)
    );
    assert!(one.problem().is_none() && !one.is_test);
    let list = format!("[{},{}]", value("5"), value("6"));
    let two = envelope("\"moderate\"", "9", &list);
    assert_eq!(two.events.len(), 2);
    assert_eq!(two.events[0].dedupe_key, one.events[0].dedupe_key);
    let of_another = envelope("\"moderate\"", "8", &value("5"));
    assert_ne!(of_another.events[0].dedupe_key, one.events[0].dedupe_key);
    // The topic replaces a missing field.
    let bare = envelope("\"interaction\"", "9", r#"{"value":{"id":"5"}}"#);
    assert_eq!(text(&bare.events[0].field), "interaction");
    assert_eq!(
        occurred(&bare.events[0]),
        ("2026-11-20T10:20:00Z".into(), Sent)
    );
    let without_topic = envelope("null", "9", &list);
    assert_eq!(without_topic.problem(), Some(Problem::UnknownShape));
}

#[test]
fn a_byte_order_mark_before_the_document_is_skipped() {
    let body = r#"{"entry":[{"messaging":[{"message":{"mid":"m"}}]}]}"#;
    let marked = format!("\u{feff}{body}");
    let (found, bare) = (read(&marked), read(body));
    assert_eq!(found.events[0].dedupe_key, bare.events[0].dedupe_key);
    assert_eq!(item(&marked, &found.events[0]), item(body, &bare.events[0]));
    assert_eq!(found.problem(), None);
}

#[test]
fn a_flag_is_true_for_true_and_one_and_texts_of_them() {
    let is_echo = |flag: &str| {
        let message = format!(r#"{{"message":{{"mid":"m","is_echo":{flag}}}}}"#);
        messaging(&message).is_echo
    };
    for flag in ["true", "\"true\"", "1", "\"1\"", r#""\u0074rue""#] {
        assert!(is_echo(flag), "{flag}");
    }
    for flag in [
        "false", "null", "0", "2", "1.0", "\"True\"", "\"yes\"", "\"\"", "\" 1\"", "[true]", "{}",
    ] {
        assert!(!is_echo(flag), "{flag}");
    }
    let unsent = messaging(r#"{"message":{"mid":"m","is_deleted":"1","is_echo":"true"}}"#);
    assert_eq!((unsent.kind, unsent.is_echo), (MessageDeleted, true));
}

#[test]
fn a_comment_takes_media_and_user_name_also_beside_its_text() {
    let comment = |value: &str| {
        let entry = format!(r#"{{"changes":[{{"field":"comments","value":{value}}}]}}"#);
        read(format!(r#"{{"entry":[{entry}]}}"#)).events.remove(0)
    };
    let beside = comment(r#"{"id":"5","media_id":"9","username":"mira"}"#);
    assert_eq!(
        (text(&beside.ids.media_id), text(&beside.username)),
        ("9", "mira")
    );
    let inside = comment(
        r#"{"id":"5","media":{"id":"8"},"media_id":"9","from":{"username":"leo"},"username":"x"}"#,
    );
    assert_eq!(
        (text(&inside.ids.media_id), text(&inside.username)),
        ("8", "leo")
    );
}

#[test]
fn what_has_no_type_keeps_its_field() {
    let found =
        read(r#"{"object":"page","entry":[{"id":"9","changes":[{"field":"feed","value":{}}]}]}"#);
    assert_eq!(text(&found.events[0].field), "feed");
}

#[test]
fn the_test_button_is_known_by_its_entry() {
    let of = |id: &str| read(format!(r#"{{"entry":[{{"id":{id},"changes":[]}}]}}"#)).is_test;
    assert!(of("\"0\"") && of("0"));
    assert!(!of("\"00\"") && !of("null") && !of("\"17\""));
    let mixed = read(r#"{"entry":[{"id":"0","messaging":[1]},{"id":"7","messaging":[2]}]}"#);
    let tests: Vec<_> = mixed.events.iter().map(|event| event.is_test).collect();
    assert_eq!((mixed.is_test, tests), (false, vec![true, false]));
    let found = read(
        r#"{"object":"instagram","entry":[{"id":"0","time":1795170000,"changes":[{"field":"messages",
            "value":{"sender":{"id":"12334"},"recipient":{"id":"23245"},"timestamp":"1527459824",
            "message":{"mid":"random_mid","text":"random_text"}}}]}]}"#,
    );
    let event = &found.events[0];
    assert_eq!(
        (text(&event.person_id), text(&event.ids.message_id)),
        ("12334", "random_mid")
    );
    assert_eq!(occurred(event), ("2018-05-27T22:23:44Z".into(), Item));
}

// Parties, columns and times.

#[test]
fn the_person_is_the_other_party() {
    let person = |item: String| text(&messaging(&item).person_id).to_owned();
    let between = |from: &str, to: &str, rest: &str| {
        format!(r#"{{"sender":{{"id":"{from}"}},"recipient":{{"id":"{to}"}},{rest}}}"#)
    };
    assert_eq!(person(between("7", ACCOUNT, r#""message":{}"#)), "7");
    // The person is the recipient of an echo, even if the sender is another id of the account.
    let echo = r#""message":{"is_echo":true}"#;
    assert_eq!(person(between(ACCOUNT, "7", echo)), "7");
    assert_eq!(person(between("1790001", "7", echo)), "7");
    let unsent_echo = r#""message":{"is_echo":true,"is_deleted":true}"#;
    assert_eq!(person(between("1790001", "7", unsent_echo)), "7");
    // Some messages of the account lack the echo flag.
    assert_eq!(person(between(ACCOUNT, "7", r#""message":{}"#)), "7");
    assert_eq!(person(between(ACCOUNT, "7", r#""reaction":{}"#)), "7");
    assert_eq!(person(between(ACCOUNT, ACCOUNT, echo)), ACCOUNT);
    assert_eq!(person(r#"{"message":{}}"#.into()), "none");
    assert_eq!(person(between("", ACCOUNT, r#""read":{}"#)), "none");
    let event = messaging(&between("7", ACCOUNT, r#""message":{}"#));
    assert_eq!(
        (text(&event.sender_id), text(&event.recipient_id)),
        ("7", ACCOUNT)
    );
}

#[test]
fn who_commented_is_the_person_also_where_it_is_the_account() {
    let comment = |from: &str| change("comments", &format!(r#"{{"id":"5","from":{from}}}"#));
    let event = comment(r#"{"id":"7","username":"ada"}"#);
    assert_eq!(
        (
            text(&event.person_id),
            text(&event.sender_id),
            text(&event.username)
        ),
        ("7", "7", "ada")
    );
    assert!(!event.is_self);
    let own = comment(&format!(r#"{{"id":"{ACCOUNT}"}}"#));
    assert_eq!((text(&own.person_id), own.is_self), (ACCOUNT, true));
    let to = format!(r#"{{"id":"{ACCOUNT}"}},"recipient":{{"id":"9"}}"#);
    assert_eq!(text(&comment(&to).person_id), ACCOUNT);
    let own = comment(r#"{"id":"8","self_ig_scoped_id":"8"}"#);
    assert_eq!((text(&own.person_id), own.is_self), ("8", true));
    let nameless = comment(r#"{"username":"ada"}"#);
    assert_eq!(
        (
            text(&nameless.person_id),
            text(&nameless.username),
            nameless.is_self
        ),
        ("none", "ada", false)
    );
}

#[test]
fn the_flag_of_talking_to_oneself_stands_in_the_message_or_beside() {
    assert!(messaging(r#"{"message":{"is_self":true}}"#).is_self);
    assert!(messaging(r#"{"postback":{},"is_self":true}"#).is_self);
    assert!(messaging(r#"{"reaction":{},"is_self":true}"#).is_self);
    assert!(!messaging(r#"{"message":{"is_self":false}}"#).is_self);
}

#[test]
fn every_kind_fills_its_columns() {
    let of = |event: &Event| {
        [
            &event.ids.message_id,
            &event.ids.comment_id,
            &event.ids.media_id,
            &event.ids.parent_id,
            &event.text,
        ]
        .map(|column| text(column).to_owned())
    };
    let comment = r#"{"comment_id":"c","text":"t","media":{"id":"m"},"parent_id":"p"}"#;
    for field in ["comments", "live_comments"] {
        assert_eq!(of(&change(field, comment)), ["none", "c", "m", "p", "t"]);
    }
    let mention = change("mentions", r#"{"media_id":"m","comment_id":"c"}"#);
    assert_eq!(of(&mention), ["none", "c", "m", "none", "none"]);
    let story = change("story_insights", r#"{"media_id":"m","reach":-1}"#);
    assert_eq!(of(&story), ["none", "none", "m", "none", "none"]);
    for (item, expected) in [
        (
            r#"{"message":{"mid":"m","text":"t","reply_to":{"mid":"p"}}}"#,
            ["m", "p", "t"],
        ),
        (
            r#"{"message":{"mid":"m","is_deleted":true,"text":"t"}}"#,
            ["m", "none", "none"],
        ),
        (
            r#"{"message_edit":{"mid":"m","text":"t","num_edit":0}}"#,
            ["m", "none", "t"],
        ),
        (r#"{"reaction":{"mid":"m"}}"#, ["m", "none", "none"]),
        (
            r#"{"postback":{"mid":"m","title":"t","payload":"x"}}"#,
            ["m", "none", "t"],
        ),
        (r#"{"read":{"mid":"m"}}"#, ["m", "none", "none"]),
        (
            r#"{"response_feedback":{"mid":"m"}}"#,
            ["m", "none", "none"],
        ),
        (r#"{"feedback":"Good","mid":"m"}"#, ["m", "none", "none"]),
        (r#"{"referral":{"ref":"r"}}"#, ["none", "none", "none"]),
    ] {
        let [message, _, _, parent, written] = of(&messaging(item));
        assert_eq!([&*message, &*parent, &*written], expected, "{item}");
    }
}

fn occurred(event: &Event) -> (String, OccurredAtSource) {
    let at = event.occurred_at.map(|at| at.to_string());
    (at.unwrap_or_default(), event.occurred_at_source)
}

#[test]
fn it_happened_at_the_items_own_time() {
    let at = |timestamp: &str| {
        occurred(&messaging(&format!(
            r#"{{"message":{{}},"timestamp":{timestamp}}}"#
        )))
    };
    let expected = ("2026-11-20T10:20:00.5Z".to_owned(), Item);
    assert_eq!(at("1795170000500"), expected);
    assert_eq!(at("\"1795170000500\""), expected);
    assert_eq!(at("1795170000"), ("2026-11-20T10:20:00Z".into(), Item));
    assert_eq!(
        at("\"2026-11-20T10:20:00+0000\""),
        ("2026-11-20T10:20:00Z".into(), Item)
    );
    let comment = change("comments", r#"{"id":"1","timestamp":1795160000}"#);
    assert_eq!(occurred(&comment), ("2026-11-20T07:33:20Z".into(), Item));
}

#[test]
fn the_time_of_sending_stands_in_for_changes_and_the_flat_form_only() {
    let sent = ("2026-11-20T10:20:00Z".to_owned(), Sent);
    assert_eq!(occurred(&change("comments", "{}")), sent);
    assert_eq!(occurred(&change("messages", r#"{"message":{}}"#)), sent);
    assert_eq!(
        occurred(&entry(r#""field":"comments","value":{"id":"5"}"#)),
        sent
    );
    let none = (String::new(), OccurredAtSource::None);
    assert_eq!(occurred(&messaging(r#"{"message":{}}"#)), none);
    assert_eq!(occurred(&entry(r#""standby":[{"message":{}}]"#)), none);
}

#[test]
fn a_time_that_cannot_be_is_none() {
    let at = |seconds: i64| {
        let event = messaging(&format!(r#"{{"read":{{}},"timestamp":{seconds}}}"#));
        occurred(&event).1
    };
    let (start, day) = (1_262_304_000, 86_400);
    assert_eq!((at(start), at(RECEIVED + day)), (Item, Item));
    assert_eq!(at(start - 1), OccurredAtSource::None);
    assert_eq!(at(RECEIVED + day + 1), OccurredAtSource::None);
    for odd in ["null", "{}", "\"soon\"", "-1", "1.5", "9e99", "true"] {
        let event = messaging(&format!(r#"{{"read":{{}},"timestamp":{odd}}}"#));
        assert_eq!(occurred(&event), (String::new(), OccurredAtSource::None));
    }
    // The time of sending has the same limits.
    let found = read(r#"{"entry":[{"id":"1","time":12341,"changes":[{"field":"comments"}]}]}"#);
    assert_eq!(found.events[0].occurred_at_source, OccurredAtSource::None);
}

// Unusual input that is kept all the same.

#[test]
fn what_is_no_notification_says_why() {
    for (body, problem) in [
        (&b""[..], Problem::Empty),
        (b" \r\n\t", Problem::Empty),
        (b"\xff\xfe", Problem::NotUtf8),
        (b"{\"object\":\"instagram\xff\"}", Problem::NotUtf8),
        (b"not JSON", Problem::NotJson),
        (b"{\"entry\":", Problem::NotJson),
        (b"{} {}", Problem::NotJson),
        (b"{\"entry\":[]}\0", Problem::NotJson),
        (b"\xef\xbb\xbf", Problem::Empty),
        (b"\xef\xbb\xbf\xef\xbb\xbf{}", Problem::NotJson),
        (b" \xef\xbb\xbf{}", Problem::NotJson),
        (b"\xef\xbb\xbf{}", Problem::UnknownShape),
        (b"null", Problem::UnknownShape),
        (b"7", Problem::UnknownShape),
        (b"\"text\"", Problem::UnknownShape),
        (b"{}", Problem::UnknownShape),
        (b"[]", Problem::UnknownShape),
        (b"[[]]", Problem::UnknownShape),
        (
            b"{\"object\":\"instagram\",\"entry\":{}}",
            Problem::UnknownShape,
        ),
        (b"{\"entry\":[null]}", Problem::UnknownShape),
        (
            b"{\"entry\":[{\"messaging\":{\"message\":{}}}]}",
            Problem::UnknownShape,
        ),
        (
            b"{\"entry\":[{\"changes\":\"comments\"}]}",
            Problem::UnknownShape,
        ),
    ] {
        let found = read(body);
        let shown = String::from_utf8_lossy(body);
        assert_eq!(found.problem(), Some(problem), "{shown}");
        assert!(found.events.is_empty(), "{shown}");
    }
}

#[test]
fn what_can_be_read_beside_something_strange_is_read() {
    let found = read(r#"[7,{"entry":[null,{"changes":{},"messaging":[{"message":{}}]}]}]"#);
    assert_eq!(kinds(&found), [(Messaging, Message)]);
    assert_eq!(found.problem(), Some(Problem::UnknownShape));
}

#[test]
fn text_that_postgres_refuses_is_replaced_in_its_item_only() {
    let found = read(
        r#"{"entry":[{"id":"1","messaging":[{"message":{"mid":"a","text":"x\u0000y"}},
            {"message":{"mid":"b","text":"\ud83d"}},{"message":{"mid":"c","text":"\ud83d\ude0d"}}],
            "field":"comments","value":{"text":"plain"}}]}"#,
    );
    let texts: Vec<_> = found
        .events
        .iter()
        .map(|event| (text(&event.text), event.problem))
        .collect();
    let touched = Some(Problem::UnsafeText);
    assert_eq!(
        texts,
        [
            ("x\u{fffd}y", touched),
            ("\u{fffd}", touched),
            ("😍", None),
            ("plain", None)
        ]
    );
    assert_eq!(found.problem(), touched);
}

#[test]
fn replaced_text_is_seen_wherever_a_column_takes_it_from() {
    for body in [
        r#"{"entry":[{"id":"1\u0000","messaging":[{"read":{}}]}]}"#,
        r#"{"entry":[{"id":"1","field":"new\u0000","value":{}}]}"#,
        r#"{"entry":[{"id":"1","field":"comments","value":{"text":"\udead"}}]}"#,
        r#"{"entry":[{"id":"1","field":"comments","verb":"\u0000"}]}"#,
        r#"{"entry":[{"id":"1","changed_fields":["\u0000"]}]}"#,
        r#"{"entry":[{"id":"1","changes":[{"\u0000":1}]}]}"#,
    ] {
        let found = read(body);
        assert_eq!(found.events[0].problem, Some(Problem::UnsafeText), "{body}");
    }
}

#[test]
fn more_than_64_levels_are_kept_in_the_body_only() {
    let nested = |levels: usize| {
        let inside = levels - 2;
        let value = format!("{}{}", "[".repeat(inside), "]".repeat(inside));
        messaging(&format!(
            r#"{{"sender":{{"id":"7"}},"message":{{"mid":"m","x":{value}}}}}"#
        ))
    };
    let deepest = nested(64);
    assert_eq!((deepest.kind, deepest.problem), (Message, None));
    let too_deep = nested(65);
    assert_eq!(
        (too_deep.kind, too_deep.problem),
        (Unknown, Some(Problem::TooDeep))
    );
    assert_eq!((&too_deep.data, text(&too_deep.sender_id)), (&None, "7"));
    let brackets = format!("{}{}", "[".repeat(60_000), "]".repeat(60_000));
    assert_eq!(read(&brackets).problem(), Some(Problem::TooDeep));
    let found = read(format!(r#"{{"entry":[{{"changes":[{brackets},null]}}]}}"#));
    assert_eq!(found.events[0].problem, Some(Problem::TooDeep));
    assert_eq!(found.events[1].problem, None);
}

#[test]
fn ids_are_opaque_text_also_where_they_are_numbers() {
    let event = messaging(
        r#"{"sender":{"id":12345678901234567890123},"recipient":{"id":17841400000000001},
            "message":{"mid":90071992547409931,"text":"t"}}"#,
    );
    assert_eq!(text(&event.person_id), "12345678901234567890123");
    assert_eq!(text(&event.recipient_id), ACCOUNT);
    assert_eq!(text(&event.ids.message_id), "90071992547409931");
    let found = read(r#"{"entry":[{"id":12345678901234567890123,"messaging":[null]}]}"#);
    assert_eq!(text(&found.events[0].account_id), "12345678901234567890123");
}

#[test]
fn an_empty_id_is_none() {
    let event =
        messaging(r#"{"sender":{"id":""},"recipient":{"id":null},"message":{"mid":"","text":""}}"#);
    let ids = [&event.sender_id, &event.recipient_id, &event.ids.message_id];
    assert_eq!(ids, [&None, &None, &None]);
    assert_eq!(event.text.as_deref(), Some(""));
}

#[test]
fn an_id_longer_than_its_column_stays_null() {
    let long = "7".repeat(8_192);
    let event = messaging(&format!(
        r#"{{"sender":{{"id":"{long}"}},"message":{{"mid":"m"}}}}"#
    ));
    assert_eq!((&event.sender_id, &event.person_id), (&None, &None));
    assert_eq!(event.problem, Some(Problem::IdTooLong));
    assert_eq!(text(&event.ids.message_id), "m");
    let fits = messaging(&format!(r#"{{"message":{{"mid":"{}"}}}}"#, "m".repeat(512)));
    assert_eq!(
        (text(&fits.ids.message_id).len(), fits.problem),
        (512, None)
    );
    let field = change(&"f".repeat(513), "{}");
    assert_eq!(
        (field.field, field.problem),
        (None, Some(Problem::IdTooLong))
    );
    let account = read(format!(
        r#"{{"entry":[{{"id":"{long}","changes":[{{}}]}}]}}"#
    ));
    assert_eq!(account.events[0].account_id, None);
    assert_eq!(account.problem(), Some(Problem::IdTooLong));
}

#[test]
fn the_last_of_a_repeated_key_counts() {
    let found = read(
        r#"{"object":"page","object":"instagram","entry":[],"entry":[{"id":"1","id":"2",
            "messaging":[{"read":{}}],"messaging":[{"message":{"mid":"a","mid":"b"}}]}]}"#,
    );
    assert_eq!(text(&found.object), "instagram");
    assert_eq!(kinds(&found), [(Messaging, Message)]);
    let event = &found.events[0];
    assert_eq!(
        (text(&event.account_id), text(&event.ids.message_id)),
        ("2", "b")
    );
}

#[test]
fn of_too_many_items_the_body_alone_is_kept() {
    let body = |items: usize| {
        let items = vec!["0"; items].join(",");
        format!(r#"{{"object":"instagram","entry":[{{"messaging":[{items}]}}]}}"#)
    };
    let found = read(body(MAX_ITEMS));
    assert_eq!((found.events.len(), found.problem()), (MAX_ITEMS, None));
    let found = read(body(MAX_ITEMS + 1));
    assert_eq!(
        (found.events.len(), found.problem()),
        (0, Some(Problem::TooManyItems))
    );
    assert_eq!(text(&found.object), "instagram");
}

#[test]
fn what_entries_share_is_read_once_however_long_it_is() {
    // Reading the id again for each of 5,000 items would process gigabytes.
    let long = "7".repeat(1 << 20);
    let items = vec!["0"; MAX_ITEMS].join(",");
    let found = read(format!(
        r#"{{"entry":[{{"id":"{long}","time":"\u0037{long}","changes":[{items}]}}]}}"#
    ));
    assert_eq!(found.events.len(), MAX_ITEMS);
    let keys = "\"\":0,".repeat(1 << 18);
    let found = read(format!(
        r#"{{"entry":[{{{keys}"id":"1","messaging":[{items}]}}]}}"#
    ));
    assert_eq!(found.events.len(), MAX_ITEMS);
}
