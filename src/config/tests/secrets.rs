//! Secrets: where they come from, what is wrong with them, and that they are shown nowhere.

use super::*;
use crate::config::{Role, Token};

#[test]
fn every_secret_may_be_in_a_file() {
    let setting = Setting::new();
    let path = |name: &str, text: &str| setting.write(name, text).display().to_string();
    let file = format!(
        "[apps.default]\napp_secret_file = '{}'\ninstagram_app_secret_file = '{}'\n\
         previous_secrets_file = '{}'\nverify_token_file = '{}'",
        path("a", "alpha\n"),
        path("b", "beta\r\n"),
        path("c", "gamma\n\ndelta\n"),
        path("d", "epsilon"),
    );
    let config = setting.file(&file).load();
    assert_eq!(
        secrets(&config, "default").join(" "),
        "app=alpha instagram=beta previous-1=gamma previous-2=delta"
    );
    assert_eq!(verify_token(&config, "default"), Some("epsilon"));
}

#[test]
fn a_key_and_its_twin_are_not_both_set() {
    for key in ["app_secret", "instagram_app_secret", "verify_token"] {
        let file = format!("[apps.a]\n{key} = 'hush'\n{key}_file = '/run/a'");
        let faults = Setting::new().file(&file).faults();
        let expected =
            format!("apps.a.{key} and apps.a.{key}_file: both are set; allowed: one of the two");
        assert_eq!(faults, expected);
    }
    let previous = "[apps.a]\nprevious_secrets = ['hush']\nprevious_secrets_file = '/run/a'";
    insta::assert_snapshot!(Setting::new().file(previous).faults(), @r#"
    apps.a.previous_secrets and apps.a.previous_secrets_file: both are set; allowed: one of the two
    "#);
    let database = Setting::new()
        .file("[database]\nurl = 'postgres://a:hush@db/a'\nurl_file = '/run/a'")
        .env("DATABASE_URL", "postgres://shared/a");
    insta::assert_snapshot!(database.faults(), @r#"
    database.url and database.url_file: both are set; allowed: one of the two
    "#);
}

#[test]
fn an_empty_secret_is_no_secret() {
    let empty = Setting::new().env("HOOKSHELF__APPS__A__APP_SECRET", "");
    insta::assert_snapshot!(empty.faults(), @r#"
    apps.a.app_secret: is empty; allowed: the secret itself, or no such key (set by HOOKSHELF__APPS__A__APP_SECRET)
    "#);
    let setting = Setting::new();
    let file = setting.write("empty", "\n").display().to_string();
    let setting = setting.env("HOOKSHELF__APPS__A__VERIFY_TOKEN_FILE", &file);
    let setting = setting.env("HOOKSHELF__APPS__A__PREVIOUS_SECRETS", "a,,b");
    insta::assert_snapshot!(setting.faults(), @r#"
    apps.a.previous_secrets: is empty; allowed: the secret itself, or no such key (set by HOOKSHELF__APPS__A__PREVIOUS_SECRETS)
    apps.a.verify_token: is empty; allowed: the secret itself, or no such key
    "#);
}

#[test]
fn white_space_around_a_secret_is_a_mistake() {
    let pasted = Setting::new().file("[apps.a]\napp_secret = 'hush '");
    insta::assert_snapshot!(pasted.faults(), @r#"
    apps.a.app_secret: begins or ends with white space; allowed: the secret itself, or no such key
    "#);
}

#[test]
fn an_app_without_a_secret_is_refused() {
    let token_only = Setting::new().file("[apps.a]\nverify_token = 'hush'");
    insta::assert_snapshot!(token_only.faults(), @r#"
    apps.a: has no secret, so no signature can be verified; allowed: app_secret, instagram_app_secret or previous_secrets, in place or through its _file twin
    "#);
    let rotated_out = Setting::new().file("[apps.a]\nprevious_secrets = ['hush']");
    assert_eq!(secrets(&rotated_out.load(), "a").len(), 1);
}

/// Every place that takes a secret gets one with the word `hush`.
const SECRETS: &str = "[database]\nurl = 'postgres://a:hush1@db/a?password=hush2'\n[apps.a]\n\
    app_secret = 'hush3'\ninstagram_app_secret = 'hush4'\nprevious_secrets = ['hush5', 'hush6']\n\
    verify_token = 'hush7'\n";

#[test]
fn no_secret_is_printed() {
    let setting = Setting::new()
        .file(SECRETS)
        .env("HOOKSHELF__APPS__B__APP_SECRET", "hush8");
    let config = setting.load();
    for text in [
        config.print(),
        format!("{config:?}"),
        format!("{:?}", setting.sources),
    ] {
        assert!(!text.contains("hush"), "{text}");
    }
}

#[test]
fn no_fault_shows_a_secret() {
    let broken = [
        SECRETS.replace("hush", " hush"),
        SECRETS.replace('\'', "\"").replace("\"hush3\"", "\"hush3"),
        SECRETS.replace("postgres:", "postgres"),
        SECRETS.replace("['hush5', 'hush6']", "'hush5'"),
        SECRETS.replace("['hush5', 'hush6']", "['hush5', 6]"),
        SECRETS.replace("app_secret", "app_sekret"),
        SECRETS
            .replace("'hush7'", "{ hush7 = 'hush7' }")
            .replace("{ hush7", "{ it"),
        format!("{SECRETS}app_secret_file = '/run/a'"),
        format!("{SECRETS}[http]\npublic_url = 'https://a:hush@a.example'"),
    ];
    for file in broken {
        let setting = Setting::new().file(&file);
        let faults = setting.try_load().expect_err(&file);
        for text in [faults.to_string(), format!("{faults:?}")] {
            assert!(!text.contains("hush"), "{file}\n\n{text}");
        }
    }
}

const DIGEST: &str = "6f1ed002ab5595859014ebf0951522d9b3b8a4f8f4c1b1d5c2b1f0a9d8e7c6b5";

#[test]
fn a_token_has_a_role_and_a_scope_and_is_never_shown() {
    let file = format!(
        "[[admin.tokens]]\nname = 'acme'\ntoken = '{}'\nrole = 'viewer'\nclients = ['acme']\n\
         [[admin.tokens]]\nname = 'night-shift'\ntoken_sha256 = '{DIGEST}'\nrole = 'operator'",
        "t".repeat(32)
    );
    let config = Setting::new().file(&file).load();
    let [acme, operator] = &config.admin.tokens[..] else {
        panic!("two tokens are configured");
    };
    assert_eq!((acme.role, acme.content), (Role::Viewer, false));
    assert_eq!(acme.clients.as_deref(), Some(&["acme".to_owned()][..]));
    assert_eq!((operator.role, operator.content), (Role::Operator, true));
    assert_eq!(acme.sha256, Token::digest("t".repeat(32).as_bytes()));
    let shown = format!("{config:?}{}", config.print());
    assert!(!shown.contains("tttt") && !shown.contains(DIGEST));
}

#[test]
fn each_fault_of_a_token_names_its_table() {
    let faults = |lines: &str| {
        let file = format!("[[admin.tokens]]\n{lines}");
        Setting::new().file(&file).faults()
    };
    insta::assert_snapshot!(faults(""), @r"
    admin.tokens[1].name: is missing; allowed: 1 to 32 of a-z, 0-9, - and _
    admin.tokens[1].token_sha256: is missing; allowed: one of token, token_file and token_sha256
    admin.tokens[1].role: is missing; allowed: metrics, viewer, operator, privacy or consumer
    ");
    insta::assert_snapshot!(faults("name = 'a'\nrole = 'viewer'\ntoken = 'short'"), @r"
    admin.tokens[1].token: is shorter than 32 characters; allowed: a token of `hookshelf token new`
    ");
    insta::assert_snapshot!(faults("name = 'A b'\nrole = 'root'\ntoken_sha256 = 'x'\napps = []"), @r#"
    admin.tokens[1].name: "A b" is not allowed; allowed: 1 to 32 of a-z, 0-9, - and _
    admin.tokens[1].token_sha256: "x" is not allowed; allowed: 64 hexadecimal digits
    admin.tokens[1].role: "root" is not allowed; allowed: metrics, viewer, operator, privacy or consumer
    admin.tokens[1].apps: is an empty list; allowed: at least one item, or no such key
    "#);
    insta::assert_snapshot!(
        faults(&format!("name = 'a'\nrole = 'metrics'\ntoken_sha256 = '{DIGEST}'\nclients = ['b']")),
        @r"
        admin.tokens[1].role: a metrics token reads no events; allowed: another role, or no content, apps and clients
        "
    );
    let twice = format!("name = 'a'\nrole = 'viewer'\ntoken_sha256 = '{DIGEST}'\n");
    insta::assert_snapshot!(faults(&format!("{twice}colour = 'red'\n[[admin.tokens]]\n{twice}")), @r"
    admin.tokens: two tokens have the name a; allowed: a name of its own for each
    admin.tokens[1].colour: unknown key; allowed: apps, clients, consumers, content, name, role, token, token_file, token_sha256
    ");
    insta::assert_snapshot!(faults(&format!("{}token_sha256 = '{DIGEST}'\ntoken = '{}'",
        "name = 'a'\nrole = 'viewer'\n", "t".repeat(40))), @r"
        admin.tokens[1].token: token and token_sha256 are both set; allowed: one of token, token_file and token_sha256
        ");
}

#[test]
fn a_consumer_token_names_its_consumers() {
    let file = |lines: &str| {
        let token = format!("[[admin.tokens]]\nname = 'a'\ntoken_sha256 = '{DIGEST}'\n");
        Setting::new().file(&format!("{token}{lines}\n[consumers.bot]\n"))
    };
    let config = file("role = 'consumer'\nconsumers = ['bot']").load();
    let token = &config.admin.tokens[0];
    assert_eq!(token.consumers, ["bot".parse().unwrap()]);
    assert!(token.content);
    assert!(config.print().contains("\nconsumers = [\"bot\"]\n"));
    let faults = |lines: &str| file(lines).faults();
    insta::assert_snapshot!(faults("role = 'consumer'"), @r#"
    admin.tokens[1].consumers: is missing; allowed: names of consumers
    "#);
    insta::assert_snapshot!(faults("role = 'consumer'\nconsumers = ['bto', 'slack']"), @r#"
    admin.tokens[1].consumers: "bto" is unknown; did you mean bot?
    admin.tokens[1].consumers: "slack" is unknown; allowed: bot
    "#);
    insta::assert_snapshot!(faults("role = 'consumer'\nconsumers = ['bot']\napps = ['a']"), @r#"
    admin.tokens[1].role: a consumer token gets the events of its consumers; allowed: another role, or no apps and clients
    "#);
    insta::assert_snapshot!(faults("role = 'viewer'\nconsumers = ['bot']"), @r#"
    admin.tokens[1].consumers: only a consumer token has consumers; allowed: role = "consumer", or no such key
    "#);
}

#[test]
fn roles_cover_each_other_in_order_except_that_of_consumers() {
    let covered = |role: Role| -> String {
        let covered = Role::ALL.into_iter().filter(|needed| role.covers(*needed));
        covered.map(|it| &it.as_str()[..1]).collect()
    };
    let all = Role::ALL.map(covered);
    assert_eq!(all, ["m", "mv", "mvoc", "mvopc", "c"]);
}
