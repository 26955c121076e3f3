//! `[consumers.<name>]`: presets, defaults and faults.

use std::time::Duration;

use super::super::{Consumer, EventChoice, Lane, Preset, Start};
use super::*;
use crate::vocabulary::{Channel, Kind, Source};

const APPS: &str = "[apps.default]\napp_secret = 's'\n[apps.shop]\napp_secret = 't'\n";

fn setting(keys: &str) -> Setting {
    Setting::new().file(&format!("{APPS}[consumers.bot]\n{keys}"))
}

fn consumer(keys: &str) -> Consumer {
    setting(keys).load().consumers["bot"].clone()
}

fn faults(keys: &str) -> String {
    setting(keys).faults()
}

fn plain() -> Consumer {
    Consumer {
        preset: None,
        filter: EventChoice::default(),
        max_age: None,
        once_per_account: false,
        lease: Duration::from_mins(1),
        max_attempts: 5,
        backoff: Duration::from_secs(1)..=Duration::from_mins(15),
        max_in_flight: 256,
        start: Start::Now,
        lane: Lane::Person,
    }
}

#[test]
fn a_consumer_without_keys_gets_every_event() {
    assert_eq!(consumer(""), plain());
}

#[test]
fn the_preset_bot_gets_what_people_wait_to_be_answered() {
    let filter = EventChoice {
        kinds: vec![
            Kind::Comment,
            Kind::LiveComment,
            Kind::Mention,
            Kind::Message,
            Kind::Postback,
            Kind::Referral,
            Kind::Optin,
        ],
        channels: vec![Channel::Changes, Channel::Messaging, Channel::Entry],
        sources: vec![Source::Live],
        echo: Some(false),
        own: Some(false),
        ..EventChoice::default()
    };
    let bot = Consumer {
        preset: Some(Preset::Bot),
        filter,
        max_age: Some(Duration::from_mins(10)),
        once_per_account: true,
        ..plain()
    };
    assert_eq!(consumer("preset = 'bot'"), bot);
}

#[test]
fn keys_go_before_the_preset() {
    let own = consumer("preset = 'bot'\nmax_age = 'off'\nkinds = ['message']\nonce_per = 'event'");
    assert_eq!((own.max_age, own.once_per_account), (None, false));
    assert_eq!(own.filter.kinds, [Kind::Message]);
    assert_eq!(own.filter.sources, [Source::Live]);
}

#[test]
fn every_key_is_read() {
    let own = consumer(
        "kinds = ['seen', 'unknown']\napps = ['shop']\naccounts = ['17']\nclients = ['acme']\n\
         channels = ['standby']\nsources = ['simulated']\nmax_age = '90s'\nonce_per = 'account'\n\
         lease = '1h'\nmax_attempts = 1\nbackoff = '2s..2s'\nmax_in_flight = 10000\nstart = 42\n\
         lane = 'none'",
    );
    let filter = EventChoice {
        kinds: vec![Kind::Seen, Kind::Unknown],
        apps: vec!["shop".parse().unwrap()],
        accounts: vec!["17".to_owned()],
        clients: vec!["acme".to_owned()],
        channels: vec![Channel::Standby],
        sources: vec![Source::Simulated],
        echo: None,
        own: None,
    };
    let expected = Consumer {
        preset: None,
        filter,
        max_age: Some(Duration::from_secs(90)),
        once_per_account: true,
        lease: Duration::from_hours(1),
        max_attempts: 1,
        backoff: Duration::from_secs(2)..=Duration::from_secs(2),
        max_in_flight: 10_000,
        start: Start::After(42),
        lane: Lane::None,
    };
    assert_eq!(own, expected);
    assert_eq!(consumer("start = 'beginning'").start, Start::Beginning);
    assert_eq!(consumer("lane = 'account'").lane, Lane::Account);
}

#[test]
fn the_environment_sets_keys_of_a_consumer() {
    let setting = setting("kinds = ['seen']")
        .env("HOOKSHELF__CONSUMERS__BOT__KINDS", "message, comment")
        .env("HOOKSHELF__CONSUMERS__BOT__START", "7")
        .env("HOOKSHELF__CONSUMERS__MY__BOT__MAX_AGE", "1h")
        .env("HOOKSHELF__CONSUMERS__BOT__LEASE", "");
    let consumers = setting.load().consumers;
    let bot = &consumers["bot"];
    assert_eq!(bot.filter.kinds, [Kind::Message, Kind::Comment]);
    assert_eq!(
        (bot.start, bot.lease),
        (Start::After(7), Duration::from_mins(1))
    );
    assert_eq!(consumers["my__bot"].max_age, Some(Duration::from_hours(1)));
}

#[test]
fn an_unknown_name_is_told_with_the_nearest_known_one() {
    let keys = "preset = 'bto'\nkinds = ['mesage', 'sandwich']\napps = ['shpo']\n\
                channels = ['standy']\nsources = ['lives']\nmax_agee = '1s'";
    insta::assert_snapshot!(faults(keys), @r#"
    consumers.bot.preset: "bto" is unknown; did you mean bot?
    consumers.bot.kinds: "mesage" is unknown; did you mean message?
    consumers.bot.kinds: "sandwich" is unknown; allowed: comment, live_comment, mention, story_insights, message, message_deleted, postback, message_edit, reaction, seen, referral, optin, handover, policy_enforcement, response_feedback, unknown
    consumers.bot.apps: "shpo" is unknown; did you mean shop?
    consumers.bot.channels: "standy" is unknown; did you mean standby?
    consumers.bot.sources: "lives" is unknown; did you mean live?
    consumers.bot.max_agee: unknown key; did you mean consumers.bot.max_age?
    "#);
    let generated = Setting::new().file("[consumers.bot]\napps = ['defualt']");
    insta::assert_snapshot!(generated.faults(), @r#"
    consumers.bot.apps: "defualt" is unknown; did you mean default?
    "#);
    let variable = setting("").env("HOOKSHELF__CONSUMERS__BOT__KINDS", "message,sen");
    insta::assert_snapshot!(variable.faults(), @r#"
    consumers.bot.kinds: "sen" is unknown; did you mean seen? (set by HOOKSHELF__CONSUMERS__BOT__KINDS)
    "#);
}

#[test]
fn a_value_that_is_not_allowed() {
    let keys = "kinds = []\naccounts = ['', 'bakery']\nclients = 'acme'\nmax_age = '0s'\nonce_per = 1\n\
                lease = '2h'\nmax_attempts = 0\nbackoff = '15min..1s'\nmax_in_flight = 10001\n\
                start = -1\nlane = 'account_id'";
    insta::assert_snapshot!(faults(keys), @r#"
    consumers.bot.kinds: is an empty list; allowed: at least one item, or no such key
    consumers.bot.accounts: "" is not allowed; allowed: ids of professional accounts: digits
    consumers.bot.accounts: "bakery" is not allowed; allowed: ids of professional accounts: digits
    consumers.bot.clients: found a text; allowed: a list of texts
    consumers.bot.max_age: "0s" is not allowed; allowed: off, or 1s to 8784h, with a unit: s, min, h or days
    consumers.bot.once_per: found a number; allowed: event, account
    consumers.bot.lease: "2h" is not allowed; allowed: 1s to 1h, with a unit: s, min, h or days
    consumers.bot.max_attempts: 0 is too small; allowed: 1 to 1000
    consumers.bot.backoff: "15min..1s" is not allowed; allowed: two durations such as 1s..15m, each 1s to 24h, with a unit: s, min, h or days
    consumers.bot.max_in_flight: 10001 is too large; allowed: 1 to 10000
    consumers.bot.start: found a number; allowed: now, beginning, or a position from 0
    consumers.bot.lane: "account_id" is unknown; did you mean account?
    "#);
    for backoff in ["1s", "1s..", "..1s", "1s..25h", "1s...2s"] {
        let faults = faults(&format!("backoff = '{backoff}'"));
        assert!(
            faults.contains("two durations such as"),
            "{backoff}: {faults}"
        );
    }
    insta::assert_snapshot!(faults("start = 'soon'"), @r#"
    consumers.bot.start: "soon" is not allowed; allowed: now, beginning, or a position from 0
    "#);
}

#[test]
fn a_consumer_has_a_name_of_its_own() {
    let named = "[consumers.Bot]\n[consumers]\nn8n = 7";
    insta::assert_snapshot!(Setting::new().file(named).faults(), @r#"
    consumers: "Bot" is not a valid name of a consumer; allowed: 1 to 32 of a-z, 0-9 and _
    consumers.n8n: found a number; allowed: a table of keys
    "#);
    let both = "[consumers.bot]\n[destinations.bot]\nurl = 'https://a.example'";
    insta::assert_snapshot!(Setting::new().file(both).faults(), @r#"
    destinations.bot: is also the name of a consumer; allowed: a name of its own
    "#);
}
