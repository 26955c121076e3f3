//! Tests of dedupe keys: first the rules for equal occurrences, then the irrelevant differences.

use std::collections::HashSet;

use bytes::Bytes;
use uuid::Uuid;

use crate::meta::{
    event::{Event, Kind},
    split::{Context, split},
};

mod properties;

fn events_of(app: &str, body: &str) -> Vec<Event> {
    let context = Context {
        app,
        received_at: jiff::Timestamp::from_second(1_795_176_000).unwrap(),
    };
    let found = split(&Bytes::copy_from_slice(body.as_bytes()), context);
    assert_eq!(found.unreadable, None, "{body}");
    found.events
}

/// The single event of an entry of account 1 with `rest`, sent at `time`.
fn sent(time: i64, rest: &str) -> Event {
    let body = format!(r#"{{"object":"instagram","entry":[{{"id":"1","time":{time},{rest}}}]}}"#);
    let mut events = events_of("default", &body);
    assert_eq!(events.len(), 1, "{body}");
    events.remove(0)
}

fn messaging(item: &str) -> Event {
    sent(1_795_170_000_000, &format!(r#""messaging":[{item}]"#))
}

/// Dedupe key of a messaging item from person 7, with this time and `rest`.
fn at(milliseconds: i64, rest: &str) -> Uuid {
    let item = format!(
        r#"{{"sender":{{"id":"7"}},"recipient":{{"id":"1"}},"timestamp":{milliseconds},{rest}}}"#
    );
    messaging(&item).dedupe_key
}

fn item(rest: &str) -> Uuid {
    at(1_795_169_999_000, rest)
}

fn change(field: &str, value: &str) -> Uuid {
    let item = format!(r#""changes":[{{"value":{value},"field":"{field}"}}]"#);
    sent(1_795_170_000, &item).dedupe_key
}

fn distinct<const N: usize>(keys: [Uuid; N]) {
    let different: HashSet<_> = keys.iter().collect();
    assert_eq!(different.len(), N, "{keys:?}");
}

#[test]
fn a_repeat_has_the_key_of_what_it_repeats_whenever_it_is_sent() {
    for rest in [
        r#""messaging":[{"sender":{"id":"7"},"timestamp":1795169999000,"message":{"mid":"m"}}]"#,
        r#""messaging":[{"timestamp":1795169999000,"message":{"text":"ok"}}]"#,
        r#""changes":[{"field":"comments","value":{"id":"5"}}]"#,
        r#""changes":[{"field":"follow","value":{"who":"7","timestamp":1795169999}}]"#,
    ] {
        let (first, again) = (sent(1_795_170_000, rest), sent(1_795_170_885, rest));
        assert_eq!(first.dedupe_key, again.dedupe_key, "{rest}");
    }
}

#[test]
fn an_item_with_neither_id_nor_time_is_another_one_each_time_it_is_sent() {
    for rest in [
        r#""changed_fields":["comments"]"#,
        r#""changes":[{"field":"follow","value":{"who":"7"}}]"#,
        r#""field":"follow","value":{"who":"7"}"#,
        r#""changes":[{"field":"comments","value":{"text":"ok"}}]"#,
        r#""changes":[{"field":"mentions","value":{"x":"7"}}]"#,
        r#""changes":[{"field":"story_insights","value":{"reach":7}}]"#,
        r#""messaging":[{"message":{"text":"ok"}}]"#,
        r#""messaging":[{"message":{"is_deleted":true}}]"#,
        r#""messaging":[{"message_edit":{"mid":"m","text":"t"}}]"#,
        r#""messaging":[{"reaction":{"mid":"m","action":"react"}}]"#,
        r#""messaging":[{"timestamp":0,"reaction":{"mid":"m","action":"react"}}]"#,
        r#""messaging":[{"timestamp":"soon","reaction":{"mid":"m","action":"react"}}]"#,
        r#""messaging":[{"postback":{"payload":"p"}}]"#,
        r#""messaging":[{"read":{"mid":"m"}}]"#,
        r#""messaging":[{"referral":{"ref":"r"}}]"#,
        r#""messaging":[{"optin":{"type":"t"}}]"#,
        r#""messaging":[{"take_thread_control":{"metadata":"m"}}]"#,
        r#""messaging":[{"policy-enforcement":{"action":"block"}}]"#,
        r#""messaging":[{"response_feedback":{"mid":"m","feedback":"Good"}}]"#,
        r#""messaging":[{"new_key":1}]"#,
        r#""messaging":[null]"#,
    ] {
        let first = sent(1_795_170_000, rest);
        // The same time in milliseconds.
        assert_eq!(first.dedupe_key, sent(1_795_170_000_000, rest).dedupe_key);
        assert_ne!(
            first.dedupe_key,
            sent(1_795_170_060, rest).dedupe_key,
            "{rest}"
        );
    }
}

#[test]
fn an_id_of_its_own_names_an_item_whatever_its_time_says() {
    for rest in [
        r#""message":{"mid":"m"}"#,
        r#""message":{"mid":"m","is_echo":true}"#,
        r#""message":{"mid":"m","is_deleted":true}"#,
        r#""postback":{"mid":"m"}"#,
    ] {
        let times = [1_795_169_999_999, 1_795_170_000_001, 1_795_259_999_000, 0];
        let keys: HashSet<_> = times.iter().map(|time| at(*time, rest)).collect();
        assert_eq!(keys.len(), 1, "{rest}");
    }
}

#[test]
fn equal_items_of_a_body_without_an_id_are_each_an_event_and_repeat_with_it() {
    let keys = |items: &str| -> Vec<Uuid> {
        let body = format!(r#"{{"entry":[{{"id":"1","time":5,"messaging":[{items}]}}]}}"#);
        let events = events_of("default", &body);
        events.iter().map(|event| event.dedupe_key).collect()
    };
    let tap = r#"{"sender":{"id":"7"},"timestamp":1795169999000,"message":{"text":"ok"}}"#;
    let other = tap.replace("ok", "no");
    let two = keys(&format!("{tap},{tap}"));
    distinct([two[0], two[1]]);
    assert_eq!(two, keys(&format!("{tap},{tap}")));
    assert_eq!(two[..1], keys(tap));
    let three = keys(&format!("{tap},{other},{tap}"));
    assert_eq!([three[0], three[2]], [two[0], two[1]]);
    let named = r#"{"message":{"mid":"m","text":"ok"}}"#;
    let repeated = keys(&format!("{named},{named}"));
    assert_eq!(repeated[0], repeated[1]);
}

#[test]
fn the_place_in_a_list_does_not_matter() {
    let entry = r#"{"id":"1","messaging":[{"message":{"mid":"a"}},{"message":{"mid":"b"}}]}"#;
    let other = r#"{"id":"1","messaging":[{"message":{"mid":"b"}}]},{"id":"2"},
        {"id":"1","messaging":[{"message":{"mid":"a"}}]}"#;
    let keys = |entries: &str| -> HashSet<Uuid> {
        let body = format!(r#"{{"object":"instagram","entry":[{entries}]}}"#);
        let events = events_of("default", &body);
        events.iter().map(|event| event.dedupe_key).collect()
    };
    assert_eq!(keys(entry).len(), 2);
    assert_eq!(keys(entry), keys(other));
}

#[test]
fn app_and_account_are_part_of_every_key() {
    let key = |app: &str, account: &str, item: &str| {
        let body = format!(r#"{{"entry":[{{{account}"messaging":[{item}]}}]}}"#);
        events_of(app, &body).remove(0).dedupe_key
    };
    for item in [r#"{"message":{"mid":"m"}}"#, r#"{"x":1}"#] {
        distinct([
            key("default", r#""id":"1","#, item),
            key("default", r#""id":"2","#, item),
            key("default", "", item),
            key("other", r#""id":"1","#, item),
        ]);
    }
    // Parts are delimited, and over-long ids are distinguished.
    let message = r#"{"message":{"mid":"m"}}"#;
    distinct([
        key("ab", r#""id":"c","#, message),
        key("a", r#""id":"bc","#, message),
    ]);
    let long = |last: &str| format!(r#""id":"{}{last}","#, "7".repeat(600));
    distinct([
        key("default", &long("1"), message),
        key("default", &long("2"), message),
    ]);
}

#[test]
fn the_pair_for_an_ad_and_its_post_is_one_comment() {
    let change = |media: &str| {
        let value = format!(r#"{{"id":"5","text":"t","from":{{"id":"7"}},"media":{media}}}"#);
        sent(
            1_795_170_000,
            &format!(r#""changes":[{{"field":"comments","value":{value}}}]"#),
        )
    };
    let post = change(r#"{"id":"900","media_product_type":"FEED"}"#);
    let ad = change(r#"{"id":"901","media_product_type":"AD","ad_id":"3","ad_title":"Sale"}"#);
    assert_eq!(post.dedupe_key, ad.dedupe_key);
    assert_ne!(post.data, ad.data);
}

#[test]
fn a_comment_is_named_by_its_id_and_field() {
    let comment = r#"{"id":"5","text":"t"}"#;
    let same = [
        change("comments", comment),
        change("comments", r#"{"id":5,"text":"another"}"#),
        change("comments", r#"{"comment_id":"5","timestamp":1795160000}"#),
        sent(1, &format!(r#""field":"comments","value":{comment}"#)).dedupe_key,
    ];
    assert_eq!(same.iter().collect::<HashSet<_>>().len(), 1);
    distinct([
        same[0],
        change("comments", r#"{"id":"6","text":"t"}"#),
        change("live_comments", comment),
    ]);
}

#[test]
fn a_comment_its_edit_and_its_removal_are_three_events() {
    let verb = |verb: &str| change("live_comments", &format!(r#"{{"id":"5","verb":{verb}}}"#));
    let added = change("live_comments", r#"{"id":"5"}"#);
    distinct([added, verb("\"edited\""), verb("\"remove\"")]);
    for same in ["\"add\"", "\"added\"", "\"\"", "null"] {
        assert_eq!(added, verb(same), "{same}");
    }
    let beside = r#""changes":[{"field":"live_comments","verb":"remove","value":{"id":"5"}}]"#;
    assert_eq!(sent(1, beside).dedupe_key, verb("\"remove\""));
}

#[test]
fn a_mention_is_named_by_its_media_and_comment_or_caption() {
    let mention = |value: &str| change("mentions", value);
    distinct([
        mention(r#"{"media_id":"m"}"#),
        mention(r#"{"media_id":"n"}"#),
        mention(r#"{"media_id":"m","comment_id":"c"}"#),
        mention(r#"{"media_id":"m","comment_id":"d"}"#),
    ]);
    assert_eq!(
        mention(r#"{"media_id":"m","x":1}"#),
        mention(r#"{"media_id":"m"}"#)
    );
    assert_ne!(
        mention(r#"{"comment_id":"c"}"#),
        mention(r#"{"comment_id":"d"}"#)
    );
}

#[test]
fn a_story_is_named_by_its_numbers() {
    let story = |value: &str| change("story_insights", value);
    let first = story(r#"{"media_id":"m","impressions":9,"reach":-1,"exits":0}"#);
    assert_eq!(
        first,
        story(r#"{"exits":"0","reach":-1,"impressions":9,"media_id":"m"}"#)
    );
    distinct([
        first,
        story(r#"{"media_id":"m","impressions":9,"reach":5,"exits":0}"#),
        story(r#"{"media_id":"n","impressions":9,"reach":-1,"exits":0}"#),
        story(r#"{"media_id":"m","impressions":9,"reach":-1,"replies":0}"#),
        story(r#"{"media_id":"m","impressions":9,"reach":-1,"exits":0,"views":5}"#),
        story(r#"{"media_id":"m","impressions":9,"reach":-1,"exits":0,"views":6}"#),
        story(r#"{"media_id":"m","impressions":9,"reach":-1,"exits":0,"views":-1}"#),
        story(r#"{"media_id":"m","impressions":9,"reach":-1,"exits":0,"views":1.5}"#),
        story(r#"{"media_id":"m","impressions":9,"reach":-1,"exits":1.5}"#),
    ]);
}

#[test]
fn a_message_is_one_whichever_way_it_comes() {
    let message = r#"{"sender":{"id":"7"},"timestamp":1795169999000,"message":{"mid":"m","x":1}}"#;
    let with = |item: &str, rest: &str| sent(1_795_170_000, &rest.replace('#', item)).dedupe_key;
    let expected = with(message, r#""messaging":[#]"#);
    assert_eq!(expected, with(message, r#""standby":[#]"#));
    let as_change = r#""changes":[{"field":"messages","value":#}]"#;
    assert_eq!(expected, with(message, as_change));
    // The other product writes the time in seconds, and adds fields.
    let other = r#"{"message":{"text":"t","mid":"m"},"timestamp":"1795169999"}"#;
    assert_eq!(expected, with(other, r#""messaging":[#]"#));
    assert_ne!(
        expected,
        with(&message.replace("\"m\"", "\"n\""), r#""messaging":[#]"#)
    );
}

#[test]
fn the_end_of_a_message_has_a_key_of_its_own_before_and_after_it() {
    let original = item(r#""message":{"mid":"m","text":"t"}"#);
    let unsent = item(r#""message":{"mid":"m","is_deleted":true}"#);
    let later = at(
        1_795_169_999_900,
        r#""message":{"mid":"m","is_deleted":true}"#,
    );
    distinct([original, unsent]);
    assert_eq!(unsent, later);
    let both = |first: &str, second: &str| {
        let body = format!(r#"{{"entry":[{{"id":"1","messaging":[{first},{second}]}}]}}"#);
        let events = events_of("default", &body);
        (events[0].dedupe_key, events[1].dedupe_key)
    };
    let message = r#"{"message":{"mid":"m"}}"#;
    let end = r#"{"message":{"mid":"m","is_deleted":true}}"#;
    let (after, before) = (both(message, end), both(end, message));
    assert_eq!(after, (before.1, before.0));
    assert_ne!(after.0, after.1);
}

#[test]
fn edits_are_told_apart_by_count_and_time() {
    let edit = |time: i64, count: &str| {
        let rest = format!(r#""message_edit":{{"mid":"m","text":"t","num_edit":{count}}}"#);
        at(time, &rest)
    };
    distinct([
        edit(1_795_169_999_000, "0"),
        edit(1_795_169_999_001, "0"),
        edit(1_795_169_999_000, "1"),
        item(r#""message_edit":{"mid":"n","text":"t","num_edit":0}"#),
    ]);
    assert_eq!(
        edit(1_795_169_999_000, "0"),
        edit(1_795_169_999_000, "\"0\"")
    );
}

#[test]
fn a_reaction_its_end_and_another_one_are_three() {
    let react = r#""reaction":{"mid":"m","action":"react","reaction":"love","emoji":"❤"}"#;
    let unreact = r#""reaction":{"mid":"m","action":"unreact"}"#;
    distinct([
        at(1_795_169_990_000, react),
        at(1_795_169_990_400, unreact),
        at(1_795_169_990_800, react),
        at(1_795_169_990_000, &react.replace('❤', "😂")),
        at(1_795_169_990_000, &react.replace("react\"", "unreact\"")),
    ]);
    let of_another = r#"{"sender":{"id":"8"},"timestamp":1795169990000,"#;
    let of_another = messaging(&format!("{of_another}{react}}}")).dedupe_key;
    assert_ne!(of_another, at(1_795_169_990_000, react));
}

#[test]
fn one_mid_names_a_message_its_reaction_tap_and_reading_apart() {
    distinct([
        item(r#""message":{"mid":"m"}"#),
        item(r#""message":{"mid":"m","is_deleted":true}"#),
        item(r#""message_edit":{"mid":"m"}"#),
        item(r#""reaction":{"mid":"m"}"#),
        item(r#""postback":{"mid":"m"}"#),
        item(r#""read":{"mid":"m"}"#),
        item(r#""response_feedback":{"mid":"m"}"#),
    ]);
}

#[test]
fn a_tap_without_a_mid_is_named_by_who_when_and_what() {
    assert_eq!(
        item(r#""postback":{"mid":"m","title":"t"}"#),
        item(r#""postback":{"mid":"m","payload":"p"}"#)
    );
    let tap = r#""postback":{"title":"t","payload":"p"}"#;
    assert_eq!(item(tap), item(&tap.replace('}', r#","x":1}"#)));
    distinct([
        item(tap),
        at(1_795_169_999_001, tap),
        item(r#""postback":{"title":"t","payload":"q"}"#),
        item(r#""postback":{"title":"u","payload":"p"}"#),
        item(r#""postback":{"title":"t"}"#),
    ]);
}

#[test]
fn reading_is_named_by_message_and_time_or_by_watermark() {
    distinct([
        item(r#""read":{"mid":"m"}"#),
        at(1_795_169_999_001, r#""read":{"mid":"m"}"#),
        item(r#""read":{"mid":"n"}"#),
        item(r#""read":{"watermark":1795169999000}"#),
        item(r#""read":{"watermark":1795169999001}"#),
    ]);
    assert_eq!(
        item(r#""read":{"watermark":"5","seq":1}"#),
        item(r#""read":{"watermark":5,"seq":2}"#)
    );
}

/// Pairs of items with the same time and different content.
const MOMENTS: [(&str, &str); 16] = [
    (r#""referral":{"ref":"a"}"#, r#""referral":{"ref":"b"}"#),
    (r#""referral":{"ad_id":"1"}"#, r#""referral":{"ad_id":"2"}"#),
    (
        r#""referral":{"source":"ADS"}"#,
        r#""referral":{"source":"SHORTLINK"}"#,
    ),
    (
        r#""optin":{"type":"notification_messages","notification_messages_token":"t"}"#,
        r#""optin":{"type":"notification_messages","notification_messages_token":"u"}"#,
    ),
    (r#""optin":{"type":"a"}"#, r#""optin":{"type":"b"}"#),
    (
        r#""optin":{"notification_messages_status":"STOP NOTIFICATIONS"}"#,
        r#""optin":{"notification_messages_status":"RESUME NOTIFICATIONS"}"#,
    ),
    (r#""optin":{"ref":"a"}"#, r#""optin":{"ref":"b"}"#),
    (
        r#""take_thread_control":{"previous_owner_app_id":"1"}"#,
        r#""take_thread_control":{"previous_owner_app_id":"2"}"#,
    ),
    (
        r#""pass_thread_control":{"metadata":"a"}"#,
        r#""pass_thread_control":{"metadata":"b"}"#,
    ),
    (
        r#""pass_thread_metadata":{"caller_app_id":"1","metadata":"a"}"#,
        r#""pass_thread_metadata":{"caller_app_id":"2","metadata":"a"}"#,
    ),
    (
        r#""pass_thread_control":{"new_owner_app_id":"1"}"#,
        r#""pass_thread_control":{"new_owner_app_id":"2"}"#,
    ),
    (
        r#""pass_thread_control":{"new_owner_app_id":"1"}"#,
        r#""take_thread_control":{"new_owner_app_id":"1"}"#,
    ),
    (
        r#""app_roles":{"1":["primary_receiver"]}"#,
        r#""app_roles":{"2":["primary_receiver"]}"#,
    ),
    (
        r#""request_thread_control":{"requested_owner_app_id":1}"#,
        r#""request_thread_control":{"requested_owner_app_id":2}"#,
    ),
    (
        r#""policy-enforcement":{"action":"block"}"#,
        r#""policy-enforcement":{"action":"unblock"}"#,
    ),
    (
        r#""response_feedback":{"mid":"m","feedback":"Good"}"#,
        r#""response_feedback":{"mid":"m","feedback":"Bad"}"#,
    ),
];

#[test]
fn referrals_optins_and_handovers_are_named_by_who_when_and_what() {
    for (first, other) in MOMENTS {
        assert_ne!(item(first), item(other), "{first}");
        assert_ne!(item(first), at(1_795_169_999_001, first), "{first}");
        if first.contains("app_roles") {
            continue; // Its whole content names it.
        }
        // Fields outside the key may differ.
        let (inner, _) = first.rsplit_once('}').unwrap();
        let more = format!(r#"{inner},"new_key":1}},"folder":"inbox""#);
        assert_eq!(item(first), item(&more), "{first}");
    }
}

#[test]
fn a_moment_is_told_apart_by_both_parties() {
    let between = |sender: &str, recipient: &str, rest: &str| {
        let parties = format!(r#""sender":{{"id":"{sender}"}},"recipient":{{"id":"{recipient}"}}"#);
        messaging(&format!(
            r#"{{{parties},"timestamp":1795169999000,{rest}}}"#
        ))
        .dedupe_key
    };
    for rest in [
        r#""referral":{"ref":"r"}"#,
        r#""optin":{"type":"t"}"#,
        r#""take_thread_control":{}"#,
        r#""app_roles":{"1":["primary_receiver"]}"#,
        r#""policy-enforcement":{"action":"block"}"#,
        r#""postback":{"payload":"p"}"#,
        r#""reaction":{"action":"react"}"#,
        r#""read":{"watermark":1795169999000}"#,
        r#""response_feedback":{"feedback":"Good"}"#,
    ] {
        distinct([
            between("1", "7", rest),
            between("1", "8", rest),
            between("7", "1", rest),
        ]);
    }
}

#[test]
fn an_item_without_a_name_is_named_by_its_whole_content() {
    for (first, same, other) in [
        (r#"{"x":[1,2]}"#, r#"{ "x" : [1, 2] }"#, r#"{"x":[2,1]}"#),
        (
            r#"{"message":{"text":"a","b":1}}"#,
            r#"{"message":{"b":1,"text":"\u0061"}}"#,
            r#"{"message":{"text":"b","b":1}}"#,
        ),
        (
            r#"{"referral":{"ref":"r"}}"#,
            r#"{"referral": {"ref":"r"}}"#,
            r#"{"referral":{"ref":"s"}}"#,
        ),
        ("null", "null", "7"),
        (r#""7""#, r#""\u0037""#, "7"),
        ("[]", "[ ]", "{}"),
        (r#"[["a"],"b"]"#, r#"[["a"] ,"b"]"#, r#"[["a","b"]]"#),
        (r#"{"a":1,"a":2}"#, r#"{"a":2}"#, r#"{"a":1}"#),
        (r#"{"a":2,"a":1}"#, r#"{"a":1}"#, r#"{"a":2}"#),
    ] {
        let key = |item: &str| messaging(item).dedupe_key;
        assert_eq!(key(first), key(same), "{first}");
        assert_ne!(key(first), key(other), "{first}");
    }
    // Fields without a kind, and the time of sending.
    let follow = |value: &str| change("follow", value);
    assert_ne!(follow(r#"{"id":"1"}"#), follow(r#"{"id":"2"}"#));
    assert_ne!(
        follow(r#"{"id":"1"}"#),
        change("share_to_story", r#"{"id":"1"}"#)
    );
    // Too deep to parse, and still the same key each time.
    let deep = format!("{}{}", "[".repeat(70), "]".repeat(70));
    assert_eq!(messaging(&deep).dedupe_key, messaging(&deep).dedupe_key);
    assert_ne!(
        messaging(&deep).dedupe_key,
        messaging(&format!("[{deep}]")).dedupe_key
    );
}

#[test]
fn a_key_begins_with_a_second_if_its_natural_key_has_one() {
    let begins = |key: Uuid| u32::from_be_bytes(key.as_bytes()[..4].try_into().unwrap());
    let seconds = 1_795_100_000;
    let mid = {
        let item = (u128::from(seconds) * 1_000_000) << 64;
        let name = format!("ig_dm_item:1:IGMessageID:1:2:{item}");
        let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, name);
        base64.replace('Z', "ZA").replace('=', "ZD")
    };
    for rest in [
        r#""message":{"mid":"MID"}"#,
        r#""message":{"mid":"MID","is_deleted":true}"#,
        r#""postback":{"mid":"MID"}"#,
    ] {
        let key = item(&rest.replace("MID", &mid));
        assert_eq!(u64::from(begins(key)), seconds, "{rest}");
    }
    assert_eq!(begins(item(r#""reaction":{"mid":"m"}"#)), 1_795_169_999);
    assert_eq!(begins(item(r#""x":1"#)), 1_795_169_999);
    let timed = r#"{"id":"5","timestamp":1795160000}"#;
    assert_eq!(begins(change("follow", timed)), 1_795_160_000);
    assert_eq!(begins(change("follow", "{}")), 1_795_170_000);
    for named in [
        item(r#""message":{"mid":"m"}"#),
        change("comments", timed),
        item(r#""read":{"watermark":5}"#),
    ] {
        assert!(![1_795_169_999, 1_795_160_000, 1_795_170_000].contains(&begins(named)));
    }
}

#[test]
fn the_key_of_a_happening_never_changes() {
    // Keys are stored: a different algorithm would store every repeat again. These keys were
    // computed by another program.
    let unknown = r#"{"x":{"b":[1,"a",null],"a":{}}}"#;
    let twice = format!(
        r#"{{"entry":[{{"id":"1","time":1795170000,"messaging":[{unknown},{unknown}]}}]}}"#
    );
    let twice = events_of("default", &twice);
    let known = [
        (
            item(r#""message":{"mid":"m"}"#),
            "5187e7fe-776b-8fb6-d439-62a278926072",
        ),
        (
            change("comments", r#"{"id":"5"}"#),
            "beb9796e-19cc-5a25-e4f3-22b3d9e5a782",
        ),
        (
            item(r#""reaction":{"mid":"m","action":"react","reaction":"love"}"#),
            "6b001ecf-5bba-e834-3d88-41a6cc5866e5",
        ),
        (twice[0].dedupe_key, "6b001ed0-c385-914b-cc8b-c2714204bf79"),
        (twice[1].dedupe_key, "6b001ed0-9492-e599-924c-4ce15d46fdec"),
    ];
    for (key, expected) in known {
        assert_eq!(key.to_string(), expected);
    }
}

/// Kind and key of an event, so that a failure shows the kind.
fn named(event: &Event) -> (Kind, Uuid) {
    (event.kind, event.dedupe_key)
}
