//! Messages for the operator: a test for each kind of fault.

use super::*;

/// The faults of a file alone.
fn faults(file: &str) -> String {
    Setting::new().file(file).faults()
}

#[test]
fn all_faults_are_told_at_once() {
    let text = Setting::new()
        .file(
            "[http]\nlisten = 'localhost'\nmax_body_bytes = 0\n[log]\nformat = 'xml'\n\
             [apps.Shop]\n[apps.empty]\n[colour]\nred = 1",
        )
        .env("HOOKSHELF__DEDUPE__WINDOW_DAYS", "lots")
        .faults();
    insta::assert_snapshot!(text, @r#"
    http.listen: "localhost" is not allowed; allowed: an address and a port, such as 127.0.0.1:8080 or [::]:8080
    http.max_body_bytes: 0 is too small; allowed: 1024 to 67108864
    dedupe.window_days: found the text "lots"; allowed: 2 to 366 (set by HOOKSHELF__DEDUPE__WINDOW_DAYS)
    log.format: "xml" is not allowed; allowed: human or json
    apps: "Shop" is not a valid app name; allowed: 1 to 32 of a-z, 0-9 and _
    apps.empty: has no secret, so no signature can be verified; allowed: app_secret, instagram_app_secret or previous_secrets, in place or through its _file twin
    colour: unknown key; allowed: admin, apps, consumers, data_dir, database, dedupe, destinations, http, log, rejections, spool
    "#);
}

#[test]
fn a_number_out_of_range() {
    insta::assert_snapshot!(faults("[http]\nmax_connections = -1"), @r#"
    http.max_connections: -1 is too small; allowed: 1 to 65536
    "#);
    insta::assert_snapshot!(faults("[dedupe]\nwindow_days = 367"), @r#"
    dedupe.window_days: 367 is too large; allowed: 2 to 366
    "#);
}

#[test]
fn a_wrong_type() {
    insta::assert_snapshot!(faults("[http]\nmax_connections = '7'"), @r#"
    http.max_connections: found the text "7"; allowed: 1 to 65536
    "#);
    insta::assert_snapshot!(faults("[http]\nmax_connections = 1.5"), @r#"
    http.max_connections: found a number with a fraction; allowed: 1 to 65536
    "#);
    insta::assert_snapshot!(faults("[http]\nlisten = 8080"), @r#"
    http.listen: found a number; allowed: an address and a port, such as 127.0.0.1:8080 or [::]:8080
    "#);
    insta::assert_snapshot!(faults("[http]\ntrusted_proxies = '10.0.0.1'"), @r#"
    http.trusted_proxies: found a text; allowed: a list of texts
    "#);
    insta::assert_snapshot!(faults("[http]\ntrusted_proxies = [1]"), @r#"
    http.trusted_proxies: found a number in the list; allowed: a list of texts
    "#);
    insta::assert_snapshot!(faults("http = 8080"), @r#"
    http: found a number; allowed: a table of keys
    "#);
    insta::assert_snapshot!(faults("[apps.default]\nverify_token = true\napp_secret = 's'"), @r#"
    apps.default.verify_token: found a boolean; allowed: a text in quotes
    "#);
    insta::assert_snapshot!(faults("[apps]\ndefault = 's'"), @r#"
    apps.default: found a text; allowed: a table of keys
    "#);
}

#[test]
fn a_text_of_the_wrong_form() {
    insta::assert_snapshot!(faults("data_dir = '~/data'"), @r#"
    data_dir: "~/data" is not allowed; allowed: a path (a leading ~ is not expanded)
    "#);
    insta::assert_snapshot!(faults("[http]\npublic_url = 'http://a.example'"), @r#"
    http.public_url: "http://a.example" is not allowed; allowed: https:// and a host, without a user, path or query
    "#);
    insta::assert_snapshot!(faults("[http]\npublic_url = 'https://a:hush@a.example'"), @r#"
    http.public_url: a text that may hold a password (not shown) is not allowed; allowed: https:// and a host, without a user, path or query
    "#);
    insta::assert_snapshot!(faults("[http]\ntrusted_proxies = ['10.0.0.0/8', 'a']"), @r#"
    http.trusted_proxies: "a" is not allowed; allowed: addresses and networks, such as 10.0.0.1 or 10.0.0.0/8
    "#);
    insta::assert_snapshot!(faults("[log]\nlevel = 'inof'"), @r#"
    log.level: "inof" is not allowed; allowed: off, error, warn, info, debug or trace, and target=level, separated by commas
    "#);
    insta::assert_snapshot!(faults("[database]\nurl = 'mysql://a:hush@db/a'"), @r#"
    database.url: is not the URL of a Postgres server; allowed: postgres://user:password@host:port/database, with / ? # @ in the password written as %2F %3F %23 %40
    "#);
    insta::assert_snapshot!(faults("[database]\nrun_as = ''"), @r#"
    database.run_as: "" is not allowed; allowed: a text that is not empty
    "#);
}

#[test]
fn values_that_contradict_each_other() {
    insta::assert_snapshot!(faults("[http]\nbody_budget_bytes = 2048"), @r#"
    http.body_budget_bytes: is less than http.max_body_bytes, so a large body never fits; allowed: at least http.max_body_bytes
    "#);
    insta::assert_snapshot!(faults("[admin]\nlisten = '127.0.0.1:8080'"), @r#"
    admin.listen: 127.0.0.1:8080 is also the address of http.listen; allowed: an address or port of its own
    "#);
    let free = "[http]\nlisten = '127.0.0.1:0'\n[admin]\nlisten = '127.0.0.1:0'";
    Setting::new().file(free).load();
}

#[test]
fn an_unknown_key() {
    insta::assert_snapshot!(faults("[http]\nlisen = 'a'"), @r#"
    http.lisen: unknown key; did you mean http.listen?
    "#);
    insta::assert_snapshot!(faults("[htpp]\nlisten = 'a'"), @r#"
    htpp: unknown key; did you mean http?
    "#);
    insta::assert_snapshot!(faults("run_as = 'a'"), @r#"
    run_as: unknown key; did you mean database.run_as?
    "#);
    insta::assert_snapshot!(faults("[apps.a]\napp_secret = 's'\nverify_tokn = 'hush'"), @r#"
    apps.a.verify_tokn: unknown key; did you mean apps.a.verify_token?
    "#);
    insta::assert_snapshot!(faults("[http]\ncolour = 1"), @r#"
    http.colour: unknown key; allowed: body_budget_bytes, body_timeout_seconds, header_timeout_seconds, listen, max_body_bytes, max_connections, public_url, trusted_proxies
    "#);
    let variable = Setting::new().env("HOOKSHELF__HTTP__LISEN", "a").faults();
    insta::assert_snapshot!(variable, @r#"
    http.lisen: unknown key; did you mean http.listen? (set by HOOKSHELF__HTTP__LISEN)
    "#);
    let section = Setting::new().env("HOOKSHELF__HTPP__LISTEN", "a").faults();
    insta::assert_snapshot!(section, @r#"
    htpp: unknown key; did you mean http? (set by HOOKSHELF__HTPP__LISTEN)
    "#);
}

#[test]
fn a_variable_that_would_be_passed_over() {
    let single = Setting::new().env("HOOKSHELF_HTTP__LISTEN", "a").faults();
    insta::assert_snapshot!(single, @r#"
    HOOKSHELF_HTTP__LISTEN: unknown variable; did you mean HOOKSHELF__HTTP__LISTEN?
    "#);
    let mut setting = Setting::new();
    setting.sources.not_utf8 = vec!["HOOKSHELF__DATA_DIR".to_owned()];
    insta::assert_snapshot!(setting.faults(), @"HOOKSHELF__DATA_DIR: the value is not UTF-8");
    // Kubernetes sets variables like these for a service of our name.
    Setting::new()
        .env("HOOKSHELF_PORT_8080_TCP", "tcp://10.0.0.1:8080")
        .load();
}

#[test]
fn toml_that_is_broken() {
    let broken = "[http]\nlisten = '127.0.0.1:1'\n[apps.a]\napp_secret = \"hush\n";
    insta::assert_snapshot!(faults(broken), @r#"
    DIR/hookshelf.toml:4:19: invalid TOML: invalid basic string, expected `"`
    "#);
    insta::assert_snapshot!(faults("[http]\nlisten = 'a'\nlisten = 'b'"), @r#"
    DIR/hookshelf.toml:3:1: invalid TOML: duplicate key
    "#);
    insta::assert_snapshot!(faults("[http]\nmax_connections = 99999999999999999999"), @r#"
    DIR/hookshelf.toml:2:19: a number that is too large
    "#);
}

#[test]
fn a_file_that_cannot_be_read() {
    let mut setting = Setting::new();
    setting.sources.file = Some(setting.dir.path().join("absent.toml"));
    insta::assert_snapshot!(setting.faults(), @r#"
    DIR/absent.toml: failed to read the configuration file: No such file or directory (os error 2)
    "#);
    setting.sources.file = Some(setting.dir.path().to_owned());
    insta::assert_snapshot!(setting.faults(), @r#"
    DIR: failed to read the configuration file: Is a directory (os error 21)
    "#);
    let latin = setting.dir.path().join("latin.toml");
    std::fs::write(&latin, b"# caf\xe9").unwrap();
    setting.sources.file = Some(latin);
    insta::assert_snapshot!(setting.faults(), @r#"
    DIR/latin.toml: failed to read the configuration file: it is not UTF-8
    "#);
    let large = setting.write("large.toml", &"#\n".repeat(1024 * 1024));
    setting.sources.file = Some(large);
    insta::assert_snapshot!(setting.faults(), @r#"
    DIR/large.toml: failed to read the configuration file: it is larger than 1048576 bytes
    "#);
}

#[test]
fn a_fault_stays_on_its_line_whatever_a_key_or_path_holds() {
    let file =
        "\"a\\nb\" = 1\n[http]\n\"\\u001b[2J\" = 1\n[apps.a]\napp_secret_file = \"/no\\nfile\"";
    let setting = Setting::new().file(file).env("HOOKSHELF__LOG__A\nB", "1");
    insta::assert_snapshot!(setting.faults(), @r#"
    apps.a.app_secret_file: failed to read /no\nfile: No such file or directory (os error 2)
    http.\u{1b}[2J: unknown key; allowed: body_budget_bytes, body_timeout_seconds, header_timeout_seconds, listen, max_body_bytes, max_connections, public_url, trusted_proxies
    log.a\nb: unknown key; allowed: deliveries, format, level (set by HOOKSHELF__LOG__A\nB)
    a\nb: unknown key; allowed: admin, apps, consumers, data_dir, database, dedupe, destinations, http, log, rejections, spool
    "#);
}

#[test]
fn a_spool_that_does_not_add_up() {
    insta::assert_snapshot!(faults("[spool]\nmax_bytes = '32MiB'"), @r#"
    spool.reserve: 64MiB is not less than spool.max_bytes, which is 32MiB; allowed: less than spool.max_bytes, or 0 for none
    "#);
    insta::assert_snapshot!(faults("[spool]\nmax_bytes = '1GB'\nreserve = '1M'"), @r#"
    spool.max_bytes: "1GB" is not allowed; allowed: 0, or 1MiB to 16TiB, such as 64MiB; units are KiB, MiB, GiB and TiB
    spool.reserve: "1M" is not allowed; allowed: 0 to 16TiB, such as 64MiB; units are KiB, MiB, GiB and TiB
    "#);
    insta::assert_snapshot!(faults("[spool]\nmax_bytes = '64KiB'\ndir = '~/spool'"), @r#"
    spool.dir: "~/spool" is not allowed; allowed: a path (a leading ~ is not expanded)
    spool.max_bytes: 64KiB is too small; allowed: 0, or 1MiB to 16TiB, such as 64MiB; units are KiB, MiB, GiB and TiB
    "#);
}

#[test]
fn what_is_held_is_not_held_for_longer_than_repeats_are_known() {
    let file = "[dedupe]\nwindow_days = 2\n[rejections]\nhold_for = '49h'";
    let faults = Setting::new().file(file).faults();
    let told = "rejections.hold_for: 49h is longer than dedupe.window_days; allowed: at most 48h";
    assert!(faults.contains(told), "{faults}");
}
