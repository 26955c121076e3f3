//! Defaults, file and environment, each over the one before.

use std::{path::Path, time::Duration};

use super::super::LogFormat;
use super::*;

#[test]
fn the_environment_goes_before_the_file_and_the_file_before_the_defaults() {
    let file = "[http]\nmax_connections = 7\nbody_timeout_seconds = 8\n[log]\nformat = 'json'";
    let setting = Setting::new()
        .file(file)
        .env("HOOKSHELF__HTTP__MAX_CONNECTIONS", "9");
    let config = setting.load();
    assert_eq!(config.http.max_connections, 9);
    assert_eq!(config.http.body_timeout, Duration::from_secs(8));
    assert_eq!(config.http.header_timeout, Duration::from_secs(30));
    assert_eq!(config.log.format, LogFormat::Json);
}

#[test]
fn the_variable_names_the_file_unless_the_command_line_does() {
    let mut setting = Setting::new();
    let one = setting.write("one.toml", "[dedupe]\nwindow_days = 3");
    let other = setting.write("other.toml", "[dedupe]\nwindow_days = 4");
    setting = setting.env("HOOKSHELF_CONFIG", one.to_str().unwrap());
    let days = |setting: &Setting| setting.load().dedupe.window.as_secs() / 86_400;
    assert_eq!(days(&setting), 3);
    setting.sources.file = Some(other);
    assert_eq!(days(&setting), 4);
}

#[test]
fn a_secret_and_its_twin_are_one_setting_to_the_layers() {
    let file = "[apps.a]\napp_secret = 'below'\nverify_token_file = '/run/absent'";
    let mut setting = Setting::new().file(file);
    let secret = setting.write("secret", "above\n");
    setting = setting
        .env(
            "HOOKSHELF__APPS__A__APP_SECRET_FILE",
            secret.to_str().unwrap(),
        )
        .env("HOOKSHELF__APPS__A__VERIFY_TOKEN", "loaf");
    let config = setting.load();
    assert_eq!(secrets(&config, "a"), ["app=above"]);
    assert_eq!(verify_token(&config, "a"), Some("loaf"));

    let both = setting.env("HOOKSHELF__APPS__A__APP_SECRET", "hush");
    insta::assert_snapshot!(both.faults(), @"apps.a.app_secret and apps.a.app_secret_file: both are set; allowed: one of the two");
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let config = Setting::new()
        .file("[http]\nmax_connections = 7\n[database]\nurl = ''")
        .env("HOOKSHELF_CONFIG", "")
        .env("HOOKSHELF__HTTP__MAX_CONNECTIONS", "")
        .env("HOOKSHELF__HTTP__PUBLIC_URL", "")
        .env("DATABASE_URL", "")
        .load();
    assert_eq!(config.http.max_connections, 7);
    assert!(config.http.public_url.is_none());
    assert!(config.database.url.is_none());
}

#[test]
fn what_looks_like_a_number_or_a_boolean_stays_text() {
    let config = Setting::new()
        .env("HOOKSHELF__APPS__DEFAULT__APP_ID", "012345678901234567890")
        .env("HOOKSHELF__APPS__DEFAULT__APP_SECRET", "00123")
        .env("HOOKSHELF__APPS__DEFAULT__PREVIOUS_SECRETS", "1,true,1e5")
        .env("HOOKSHELF__APPS__DEFAULT__VERIFY_TOKEN", "true")
        .load();
    assert_eq!(
        config.apps["default"].app_id.as_deref(),
        Some("012345678901234567890")
    );
    assert_eq!(verify_token(&config, "default"), Some("true"));
    assert_eq!(
        secrets(&config, "default").join(" "),
        "app=00123 previous-1=1 previous-2=true previous-3=1e5"
    );
}

#[test]
fn lists_from_the_environment_are_separated_by_commas() {
    let config = Setting::new()
        .env(
            "HOOKSHELF__HTTP__TRUSTED_PROXIES",
            "10.0.0.0/8, 127.0.0.1,::1",
        )
        .load();
    let networks = config.http.trusted_proxies.iter();
    let networks: Vec<_> = networks.map(ToString::to_string).collect();
    assert_eq!(networks, ["10.0.0.0/8", "127.0.0.1/32", "::1/128"]);
}

#[test]
fn a_list_from_the_environment_replaces_the_one_of_the_file() {
    let file = "[apps.default]\napp_secret = 's'\nprevious_secrets = ['a', 'b']";
    let setting = Setting::new().file(file);
    assert_eq!(secrets(&setting.load(), "default").len(), 3);
    let setting = setting.env("HOOKSHELF__APPS__DEFAULT__PREVIOUS_SECRETS", "");
    assert_eq!(secrets(&setting.load(), "default").len(), 1);
}

#[test]
fn the_environment_reaches_apps_whose_names_hold_underscores() {
    for name in ["shop", "my_shop", "my__shop", "_", "shop_", "_shop"] {
        let variable = |key: &str| format!("HOOKSHELF__APPS__{}__{key}", name.to_uppercase());
        let config = Setting::new()
            .env(&variable("APP_SECRET"), "a")
            .env(&variable("INSTAGRAM_APP_SECRET"), "b")
            .load();
        assert_eq!(secrets(&config, name).len(), 2, "{name}");
    }
}

#[test]
fn database_url_is_honoured_when_the_key_is_not_set() {
    let url = |setting: &Setting| setting.load().database.url.unwrap().expose().to_owned();
    let setting = Setting::new().env("DATABASE_URL", "postgres://shared/a");
    assert_eq!(url(&setting), "postgres://shared/a");
    let file = setting.write("url", "postgres://file/a\n");
    let set_file = format!("[database]\nurl_file = '{}'", file.display());
    let setting = setting.file(&set_file);
    assert_eq!(url(&setting), "postgres://file/a");
    let setting = setting.file("[database]\nurl = 'postgres://key/a'");
    assert_eq!(url(&setting), "postgres://key/a");
}

#[test]
fn names_are_taken_as_they_are() {
    let setting = Setting::new().file("'http.listen' = 'a'\n'a[99999999999]' = 1");
    let faults = setting.env("HOOKSHELF__B[99999999999]", "1").faults();
    let keys = faults.lines().filter_map(|line| line.split(": ").next());
    assert_eq!(
        keys.collect::<Vec<_>>(),
        ["a[99999999999]", "b[99999999999]", "http.listen"]
    );
}

#[test]
fn a_relative_directory_starts_at_the_working_directory() {
    let config = Setting::new().env("HOOKSHELF__DATA_DIR", "data").load();
    assert_eq!(
        config.data_dir,
        std::env::current_dir().unwrap().join("data")
    );
}

#[test]
fn a_reload_takes_the_apps_and_tells_whether_they_changed() {
    let setting = Setting::new().file("[apps.a]\napp_secret = 's'\nverify_token = 't'");
    let before = setting.load().apps;
    assert_eq!(setting.load().apps, before);
    let again = |rest: &str| {
        setting.write("hookshelf.toml", &format!("[apps.a]\n{rest}"));
        setting.try_load().map(|config| config.apps)
    };
    let token_changed = again("app_secret = 's'\nverify_token = 'u'");
    assert_ne!(token_changed.unwrap(), before);
    let secret_changed = again("app_secret = 'r'\nverify_token = 't'");
    assert_ne!(secret_changed.unwrap(), before);
    assert!(again("app_secret = 's'\n[http]\nlisten = 'nowhere'").is_err());
}

#[test]
fn the_spool_is_in_data_dir_unless_it_is_elsewhere_and_off_at_nothing() {
    let own = Path::new("/data");
    let spool = Setting::new().load().spool;
    assert_eq!(spool.directory(own), Path::new("/data/spool"));
    assert!(spool.is_on());
    assert_eq!((spool.max_bytes, spool.reserve), (1 << 30, 64 << 20));
    let setting = Setting::new().env("HOOKSHELF__SPOOL__DIR", "/other");
    let spool = setting.env("HOOKSHELF__SPOOL__MAX_BYTES", "0").load().spool;
    assert_eq!(spool.directory(own), Path::new("/other"));
    assert!(!spool.is_on());
}

#[test]
fn what_a_spool_that_is_off_or_elsewhere_may_have_left_is_looked_for() {
    let others = |settings: &[(&str, &str)]| {
        let set = |setting: Setting, (key, value): &(&str, &str)| setting.env(key, value);
        let setting = settings.iter().fold(Setting::new(), set);
        setting.load().spool.others(Path::new("/data"))
    };
    let (dir, off) = (
        ("HOOKSHELF__SPOOL__DIR", "/other"),
        ("HOOKSHELF__SPOOL__MAX_BYTES", "0"),
    );
    let [within, other] = ["/data/spool", "/other"].map(PathBuf::from);
    assert!(others(&[]).is_empty());
    assert_eq!(others(&[dir]), [within.as_path()]);
    assert_eq!(others(&[off]), [within.as_path()]);
    assert_eq!(others(&[dir, off]), [other, within]);
}
