//! `config/default.toml` and `config/example.toml` say what the code does.

use std::collections::BTreeSet;

use super::super::{EventChoice, apps, consumers, destinations, layers, read};
use super::*;

const EXAMPLE: &str = include_str!("../../../config/example.toml");

#[test]
fn default_toml_has_every_key_that_is_read_and_no_other() {
    let setting = Setting::new().file(
        "[apps.default]\napp_secret = 's'\n[consumers.bot]\n\
         [destinations.chatwoot]\nurl = 'https://a.example'",
    );
    let (_, notes) = read(&setting.sources).unwrap();
    let read_keys: BTreeSet<_> = notes.known.into_iter().collect();
    let mut documented = keys(&uncommented(layers::DEFAULTS));
    documented.retain(|key| !key.contains(".headers."));
    assert_eq!(documented, read_keys);
}

#[test]
fn default_toml_sets_every_key_that_has_a_fixed_default() {
    let set = keys(layers::DEFAULTS);
    let absent: Vec<_> = keys(&uncommented(layers::DEFAULTS))
        .difference(&set)
        .cloned()
        .collect();
    let named = ["apps.", "consumers.", "destinations."];
    let is_named = |key: &&String| named.iter().any(|section| key.starts_with(section));
    let unnamed = absent.iter().filter(|key| !is_named(key));
    assert_eq!(
        unnamed.collect::<Vec<_>>(),
        [
            "admin.advertise",
            "admin.groups_header",
            "admin.tokens",
            "admin.user_header",
            "admin.users",
            "data_dir",
            "database.bin_dir",
            "database.run_as",
            "database.url",
            "database.url_file",
            "http.public_url",
            "spool.dir"
        ]
    );
}

#[test]
fn the_environment_knows_every_key_of_a_named_table() {
    let keys = keys(&uncommented(layers::DEFAULTS));
    let of = |table: &str| -> BTreeSet<_> {
        let within = keys.iter().filter_map(|key| key.strip_prefix(table));
        within.filter(|key| !key.contains('.')).collect()
    };
    let choice = EventChoice::KEYS;
    let known = |own: &[&'static str], choice: &[&'static str]| -> BTreeSet<_> {
        own.iter().chain(choice).copied().collect()
    };
    assert_eq!(of("apps.default."), known(&apps::KEYS, &[]));
    assert_eq!(of("consumers.bot."), known(&consumers::KEYS, &choice));
    let of_destination = known(&destinations::KEYS, &choice);
    assert_eq!(of("destinations.chatwoot."), of_destination);
}

#[test]
fn the_defaults_of_named_tables_are_those_of_default_toml() {
    let documented: toml::Table = uncommented(layers::DEFAULTS).parse().unwrap();
    for (section, name, defaults) in [
        ("consumers", "bot", consumers::DEFAULTS),
        ("destinations", "chatwoot", destinations::DEFAULTS),
    ] {
        let defaults: toml::Table = defaults.parse().unwrap();
        for (key, value) in &defaults {
            assert_eq!(documented[section][name][key], *value, "{section}.{key}");
        }
    }
}

#[test]
fn values_in_the_comments_of_default_toml_are_good() {
    let text = uncommented(layers::DEFAULTS);
    // Twins, and keys that go with another value of a key before them.
    let apart = [
        "_file = ",
        "until = ",
        "\"whsec_...",
        "consumers = ",
        "group = ",
    ];
    let together = |line: &&str| !apart.iter().any(|part| line.contains(part));
    let text: Vec<_> = text.lines().filter(together).collect();
    let config = Setting::new()
        .file(&text.join("\n"))
        .env("HOOKSHELF__HTTP__TRUSTED_PROXIES", "10.0.0.1")
        .load();
    assert!(config.http.public_url.is_some() && config.database.run_as.is_some());
}

#[test]
fn what_is_printed_loads_again() {
    let printed = Setting::new().file(&uncommented(EXAMPLE)).load().print();
    let again = Setting::new().file(&printed).load();
    assert_eq!(again.print(), printed);
}

#[test]
fn the_values_in_effect_are_printed() {
    let config = Setting::new()
        .file(&uncommented(EXAMPLE))
        .env("HOOKSHELF__DATABASE__URL", "postgres://hooks:hush@db/hooks")
        .env("HOOKSHELF__APPS__SHOP__PREVIOUS_SECRETS", "old,older")
        .load();
    let print = config.print();
    let (print, _) = print.split_once("\n[consumers.").unwrap();
    insta::assert_snapshot!(print, @r#"
    data_dir = "/var/lib/hookshelf"

    [http]
    listen = "127.0.0.1:8080"
    public_url = "https://hooks.example.org"
    trusted_proxies = ["127.0.0.1/32"]
    max_body_bytes = 4194304
    body_budget_bytes = 67108864
    max_connections = 1024
    header_timeout_seconds = 30
    body_timeout_seconds = 10

    [admin]
    listen = "127.0.0.1:9090"
    names = []
    base_path = ""
    # advertise is not set
    max_streams = 500
    # user_header is not set
    # groups_header is not set

    [database]
    url = "postgres://hooks:[redacted]@db/hooks"
    # bin_dir is not set
    # run_as is not set
    min_free = "256MiB"
    allow_lossy_commits = false

    [spool]
    # dir is not set
    max_bytes = "1GiB"
    reserve = "64MiB"

    [dedupe]
    window_days = 7

    [rejections]
    max_rows = 10000
    hold = "64MiB"
    hold_for = "48h"

    [log]
    format = "json"
    level = "info"
    deliveries = true

    [apps.default]
    app_id = "1234567890123456"
    app_secret = "[redacted]"
    instagram_app_secret = "[redacted]"
    previous_secrets = []
    verify_token = "[redacted]"

    [apps.shop]
    app_id = "6543210987654321"
    # app_secret is not set
    instagram_app_secret = "[redacted]"
    previous_secrets = ["[redacted]", "[redacted]"]
    verify_token = "[redacted]"
    "#);
}

#[test]
fn the_values_of_consumers_and_destinations_are_printed() {
    let print = Setting::new().file(&uncommented(EXAMPLE)).load().print();
    let (_, print) = print
        .split_once("verify_token = \"[redacted]\"\n\n[consumers")
        .unwrap();
    insta::assert_snapshot!(format!("[consumers{print}"), @r#"
    [consumers.bot]
    preset = "bot"
    kinds = ["comment", "live_comment", "mention", "message", "postback", "referral", "optin"]
    channels = ["changes", "messaging", "entry"]
    sources = ["live"]
    max_age = "10min"
    once_per = "account"
    lease = "1min"
    max_attempts = 5
    backoff = "1s..15min"
    max_in_flight = 256
    start = "now"
    lane = "person"

    [destinations.chatwoot]
    type = "http"
    url = "http://chatwoot:3000/[redacted]"
    reach = "private"
    format = "meta"
    secret = "instagram"
    max_age = "off"
    start = "now"
    lane = "person"
    mask = ["text"]
    concurrency = 8
    rate = "50/s"
    timeout = "15s"
    retry = ["5s", "1min", "10min", "1h", "6h"]
    give_up_after = "72h"
    # user_agent is not set
    headers = { x-team = "[redacted]" }
    attempts = "failures"
    "#);
}

/// Lines such as `# key = value` and `# [section]` count as if they were not comments.
fn uncommented(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let Some(rest) = line.strip_prefix("# ") else {
            return line;
        };
        let name = rest.split(" = ").next().unwrap_or_default();
        let is_key = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let key = rest.contains(" = ") && name.chars().all(is_key);
        let section = rest.starts_with('[') && rest.ends_with(']');
        if key || section { rest } else { line }
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The paths of all keys and sections.
fn keys(text: &str) -> BTreeSet<String> {
    fn collect(table: &toml::Table, path: &str, keys: &mut BTreeSet<String>) {
        for (key, value) in table {
            let path = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            if let toml::Value::Table(inner) = value {
                collect(inner, &path, keys);
            }
            keys.insert(path);
        }
    }
    let mut keys = BTreeSet::new();
    collect(&text.parse().unwrap(), "", &mut keys);
    keys
}
