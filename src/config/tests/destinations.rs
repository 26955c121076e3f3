//! `[destinations.<name>]`: addresses, secrets, headers, defaults and faults.

use std::time::Duration;

use hyper::header::USER_AGENT;

use super::super::{
    Destination, EventChoice, Format, Lane, Mask, MetaSecret, Rate, Reach, Start, StoredAttempts,
};
use super::*;

const APPS: &str = "[apps.default]\napp_secret = 's'\ninstagram_app_secret = 'i'\n\
                    [apps.shop]\ninstagram_app_secret = 't'\n";
const URL: &str = "url = 'https://a.example/hooks'\n";
const KEY: &str = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
const OLD: &str = "whsec_ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7";

fn setting(keys: &str) -> Setting {
    Setting::new().file(&format!("{APPS}[destinations.a]\n{keys}"))
}

fn destination(keys: &str) -> Destination {
    setting(keys).load().destinations["a"].clone()
}

/// Faults of a destination with a URL.
fn faults(keys: &str) -> String {
    setting(&format!("{URL}secret = 'instagram'\n{keys}")).faults()
}

#[test]
fn a_destination_needs_a_url_only() {
    let file = format!("[apps.default]\napp_secret = 's'\n[destinations.a]\n{URL}");
    let found = Setting::new().file(&file).load().destinations["a"].clone();
    let seconds = [5, 60, 600, 3600, 21_600].map(Duration::from_secs);
    assert_eq!(found.url.url().as_str(), "https://a.example/hooks");
    assert_eq!(found.url.reach(), Reach::Public);
    assert_eq!(found.format, Format::Meta(MetaSecret::OfApp("app")));
    assert_eq!(found.filter, EventChoice::default());
    assert_eq!(
        (found.max_age, found.start, found.lane),
        (None, Start::Now, Lane::Person)
    );
    assert!(found.mask.is_empty() && found.headers.is_empty());
    let rate = Rate {
        count: 50,
        per: Duration::from_secs(1),
    };
    assert_eq!((found.concurrency, found.rate), (8, Some(rate)));
    assert_eq!(found.timeout, Duration::from_secs(15));
    assert_eq!(found.retry, seconds);
    assert_eq!(found.give_up_after, Duration::from_hours(72));
    assert_eq!(found.attempts, StoredAttempts::Failures);
}

#[test]
fn every_key_is_read() {
    let found = destination(
        "type = 'http'\nurl = 'http://10.0.0.7/'\nreach = 'private'\nsecret = 'instagram'\n\
         apps = ['shop']\nmax_age = '1h'\nstart = 'beginning'\nlane = 'account'\n\
         mask = ['media', 'text']\nconcurrency = 1\nrate = '30/min'\ntimeout = '5s'\n\
         retry = ['1s']\ngive_up_after = '3d'\nheaders = { X-Team = 'support' }\n\
         user_agent = 'acme'\nattempts = 'all'",
    );
    assert_eq!(found.url.url().as_str(), "http://10.0.0.7/");
    assert_eq!(found.format, Format::Meta(MetaSecret::OfApp("instagram")));
    assert_eq!(found.filter.apps, ["shop".parse().unwrap()]);
    assert_eq!(found.max_age, Some(Duration::from_hours(1)));
    assert_eq!((found.start, found.lane), (Start::Beginning, Lane::Account));
    let mask = Mask {
        text: true,
        username: false,
        media: true,
    };
    assert_eq!((found.mask, found.concurrency), (mask, 1));
    let rate = Rate {
        count: 30,
        per: Duration::from_mins(1),
    };
    assert_eq!(
        (found.rate, found.timeout),
        (Some(rate), Duration::from_secs(5))
    );
    assert_eq!(found.retry, [Duration::from_secs(1)]);
    assert_eq!(found.give_up_after, Duration::from_hours(72));
    assert_eq!(found.headers["x-team"], "support");
    assert_eq!(found.headers[USER_AGENT], "acme");
    assert_eq!(found.attempts, StoredAttempts::All);
    assert_eq!(
        destination(&format!("{URL}secret = 'instagram'\nrate = 'off'")).rate,
        None
    );
}

#[test]
fn a_secret_of_the_app_signs_notifications() {
    let config = setting(&format!("{URL}secret = 'instagram'")).load();
    let Format::Meta(secret) = &config.destinations["a"].format else {
        panic!("not in Meta's form");
    };
    let signs = |app: &str| secret.of(&config.apps[app]).unwrap().expose_secret();
    assert_eq!((signs("default"), signs("shop")), ("i", "t"));
}

#[test]
fn a_secret_of_the_destination_signs_notifications() {
    let setting = Setting::new();
    let file = setting.write("secret", "hush\n");
    let setting = setting.file(&format!(
        "{APPS}[destinations.a]\n{URL}secret_file = '{}'",
        file.display()
    ));
    let config = setting.load();
    let Format::Meta(secret) = &config.destinations["a"].format else {
        panic!("not in Meta's form");
    };
    assert_eq!(
        secret.of(&config.apps["shop"]).unwrap().expose_secret(),
        "hush"
    );
    assert!(!format!("{config:?}{}", config.print()).contains("hush"));
}

#[test]
fn old_secrets_sign_until_the_end_of_the_rotation() {
    let keys = format!(
        "{URL}format = 'event'\nsecret = '{KEY}'\nprevious_secrets = ['{OLD}']\n\
         until = 2026-12-31T00:00:00Z"
    );
    let found = destination(&keys);
    let Format::Event(secrets) = &found.format else {
        panic!("not in the form of events");
    };
    let lengths = |now: &str| -> Vec<_> {
        let valid = secrets.valid_at(now.parse().unwrap());
        valid.map(|key| key.expose().len()).collect()
    };
    assert_eq!(lengths("2026-12-30T23:59:59Z"), [32, 24]);
    assert_eq!(lengths("2026-12-31T00:00:00Z"), [32]);
    let print = setting(&keys).load().print();
    assert!(!format!("{found:?}{print}").contains("whsec"), "{print}");
    assert!(
        print.contains("until = \"2026-12-31T00:00:00Z\""),
        "{print}"
    );
}

#[test]
fn neither_the_path_of_a_url_nor_a_header_is_shown() {
    let setting = Setting::new();
    let file = setting.write("url", "https://a.example/hush?token=hush\n");
    let keys = format!(
        "secret = 'instagram'\nurl_file = '{}'\nheaders = {{ Authorization = 'Bearer hush' }}",
        file.display()
    );
    let setting = setting.file(&format!("{APPS}[destinations.a]\n{keys}"));
    let config = setting.load();
    let shown = format!("{:?}{}", config, config.print());
    assert!(
        shown.contains("url = \"https://a.example/[redacted]\""),
        "{shown}"
    );
    assert!(!shown.contains("hush"), "{shown}");
}

#[test]
fn a_url_that_cannot_be_meant() {
    let of = |keys: &str| setting(&format!("secret = 'instagram'\n{keys}")).faults();
    insta::assert_snapshot!(of(""), @r#"
    destinations.a.url: is missing; allowed: https:// or, with reach = "private", http://, a host and a path
    "#);
    insta::assert_snapshot!(of("url = 'https://a.example'\nurl_file = '/run/a'"), @r#"
    destinations.a.url and destinations.a.url_file: both are set; allowed: one of the two
    "#);
    insta::assert_snapshot!(of("url = 'a.example'"), @r#"
    destinations.a.url: not a URL; write https://, a host and a path: relative URL without a base
    "#);
    insta::assert_snapshot!(of("url = 'http://a.example'"), @r#"
    destinations.a.url: http sends events unencrypted; use https, or set reach = "private" for a receiver in your own network
    "#);
    insta::assert_snapshot!(of("url = 'https://a:hush@a.example'"), @r#"
    destinations.a.url: user name or password in the URL; remove them, and set the header in `headers`
    "#);
    insta::assert_snapshot!(of("url = 'https://10.0.0.7'"), @r#"
    destinations.a.url: forbidden address 10.0.0.7: not a public address; set reach = "private" for a receiver in your own network
    "#);
    insta::assert_snapshot!(of("url = 'http://169.254.169.254'\nreach = 'private'"), @r#"
    destinations.a.url: forbidden address 169.254.169.254: a link-local address or a metadata service, to which Hookshelf sends nothing
    "#);
}

#[test]
fn a_secret_that_cannot_be_meant() {
    let of = |keys: &str| setting(&format!("{URL}{keys}")).faults();
    insta::assert_snapshot!(of(""), @r#"
    destinations.a.secret: apps.shop has no app_secret; allowed: the name of a secret that each app of the destination has (app or instagram), or a secret of its own in the file of secret_file
    "#);
    insta::assert_snapshot!(of("secret = 'hush'"), @r#"
    destinations.a.secret: is not the name of a secret (not shown); allowed: app or instagram, or a secret of its own in the file of secret_file
    "#);
    insta::assert_snapshot!(of("secret = 'instagram'\nuntil = '2026-12-31T00:00:00Z'"), @r#"
    destinations.a.until: a request in Meta's form has one signature; allowed: no such key, or format = "event"
    "#);
    insta::assert_snapshot!(of("format = 'event'"), @r#"
    destinations.a.secret: is missing; allowed: a secret of Standard Webhooks (whsec_…), in place or through secret_file
    "#);
    insta::assert_snapshot!(of("format = 'event'\nsecret = 'hush'"), @r#"
    destinations.a.secret: the secret does not begin with whsec_; allowed: whsec_ and the base64 of 24 to 64 bytes
    "#);
    let old = format!("format = 'event'\nsecret = '{KEY}'\nprevious_secrets = ['whsec_hush']");
    insta::assert_snapshot!(of(&old), @r#"
    destinations.a.previous_secrets: the secret has 3 bytes; allowed: whsec_ and the base64 of 24 to 64 bytes
    "#);
    let until = format!("format = 'event'\nsecret = '{KEY}'\nuntil = '2026-12-31T00:00:00Z'");
    insta::assert_snapshot!(of(&until), @r#"
    destinations.a.until: there are no previous_secrets; allowed: the end of a rotation, or no such key
    "#);
}

#[test]
fn a_header_that_cannot_be_set() {
    for name in [
        "Host",
        "content-TYPE",
        "Webhook-Id",
        "X-Hookshelf-Replay",
        "X-Hub-Signature",
    ] {
        let faults = faults(&format!("headers = {{ {name} = 'a' }}"));
        let told = format!(
            "destinations.a.headers: {} is set by Hookshelf; allowed: other headers",
            name.to_lowercase()
        );
        assert_eq!(faults, told);
    }
    insta::assert_snapshot!(faults("headers = { 'X Team' = 'a', X-Key = \"hu\\u000ash\" }"), @r#"
    destinations.a.headers: "X Team" is not the name of a header; allowed: letters, digits and hyphens, such as X-Team
    destinations.a.headers: the value of "X-Key" is not allowed (not shown); allowed: 1 to 4096 printable ASCII characters
    "#);
    insta::assert_snapshot!(faults("headers = { User-Agent = 'a', X-Key = 7 }"), @r#"
    destinations.a.headers: user-agent has a key of its own; allowed: the key user_agent
    destinations.a.headers: the value of "X-Key" is not allowed (not shown); allowed: 1 to 4096 printable ASCII characters
    "#);
    insta::assert_snapshot!(faults("headers = 'X-Team: a'\nuser_agent = ''"), @r#"
    destinations.a.user_agent: "" is not allowed; allowed: 1 to 4096 printable ASCII characters
    destinations.a.headers: found a text; allowed: a table of names and values
    "#);
}

#[test]
fn a_value_that_is_not_allowed() {
    let keys = "type = 'nats'\nformat = 'metta'\nreach = 'world'\nmask = ['txt']\n\
                concurrency = 0\nrate = '0/s'\ntimeout = '6min'\nretry = []\n\
                give_up_after = '1s'\nattempts = 'failure'\nkinds = ['mesage']\ncolour = 1";
    insta::assert_snapshot!(faults(keys), @r#"
    destinations.a.type: "nats" is unknown; allowed: http
    destinations.a.reach: "world" is unknown; allowed: public, private
    destinations.a.kinds: "mesage" is unknown; did you mean message?
    destinations.a.format: "metta" is unknown; did you mean meta?
    destinations.a.mask: "txt" is unknown; did you mean text?
    destinations.a.concurrency: 0 is too small; allowed: 1 to 256
    destinations.a.rate: "0/s" is not allowed; allowed: off, or 1 to 100000 in a time, such as 50/s, 30/min or 100/h
    destinations.a.timeout: "6min" is not allowed; allowed: 1s to 5min, with a unit: s, min, h or days
    destinations.a.retry: is an empty list; allowed: at least one item, or no such key
    destinations.a.give_up_after: "1s" is not allowed; allowed: 1min to 720h, with a unit: s, min, h or days
    destinations.a.attempts: "failure" is unknown; did you mean failures?
    destinations.a.colour: unknown key; allowed: accounts, apps, attempts, channels, clients, concurrency, format, give_up_after, headers, kinds, lane, mask, max_age, previous_secrets, previous_secrets_file, rate, reach, retry, secret, secret_file, sources, start, timeout, type, until, url, url_file, user_agent
    "#);
    insta::assert_snapshot!(faults("retry = ['5s', 'soon']"), @r#"
    destinations.a.retry: "soon" is not allowed; allowed: durations of 1s to 168h, with a unit: s, min, h or days
    "#);
}

#[test]
fn the_environment_sets_keys_of_a_destination_and_an_empty_secret_is_none() {
    let named = |key: &str| format!("HOOKSHELF__DESTINATIONS__A__{key}");
    let set = setting(&format!("{URL}secret_file = '/run/absent'"))
        .env(&named("SECRET"), "instagram")
        .env(&named("RETRY"), "1s, 2s")
        .env(&named("MASK"), "text");
    let found = set.load().destinations["a"].clone();
    assert_eq!(found.format, Format::Meta(MetaSecret::OfApp("instagram")));
    assert_eq!(found.retry, [1, 2].map(Duration::from_secs));
    assert!(found.mask.text);
    let empty = setting(URL).env(&named("SECRET"), "");
    insta::assert_snapshot!(empty.faults(), @r#"
    destinations.a.secret: is empty; allowed: the secret itself, or no such key (set by HOOKSHELF__DESTINATIONS__A__SECRET)
    "#);
}
