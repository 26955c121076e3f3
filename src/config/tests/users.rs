//! Users whom a proxy signs in.

use super::super::{Role, Who};
use super::*;

/// A file with these entries of users, whose proxy is trusted.
fn setting(users: &str) -> Setting {
    let file = format!(
        "[http]\ntrusted_proxies = ['10.0.0.1']\n[admin]\nuser_header = 'X-Forwarded-User'\n\
         groups_header = 'X-Forwarded-Groups'\n{users}"
    );
    Setting::new().file(&file)
}

#[test]
fn a_user_has_a_role_and_a_scope() {
    let config = setting(
        "[[admin.users]]\nname = 'anna@example.org'\nrole = 'privacy'\n\
         [[admin.users]]\ngroup = 'Night shift'\nrole = 'viewer'\napps = ['shop']\nclients = ['acme']",
    )
    .load();
    let admin = &config.admin;
    assert_eq!(admin.user_header.as_deref(), Some("x-forwarded-user"));
    let groups_header = admin.groups_header.as_deref();
    assert_eq!(groups_header, Some("x-forwarded-groups"));
    let [anna, night] = &admin.users[..] else {
        panic!("two users are configured");
    };
    assert_eq!(anna.who, Who::Name("anna@example.org".to_owned()));
    assert_eq!((anna.role, anna.content), (Role::Privacy, true));
    assert_eq!(night.who, Who::Group("Night shift".to_owned()));
    assert_eq!((night.role, night.content), (Role::Viewer, false));
    assert_eq!(night.clients.as_deref(), Some(&["acme".to_owned()][..]));
    let printed = config.print();
    let again = Setting::new().file(&printed).load();
    assert_eq!(again.admin, config.admin, "{printed}");
    assert!(!admin.is_open());
}

#[test]
fn each_fault_of_a_user_names_its_table() {
    let faults = |lines: &str| setting(&format!("[[admin.users]]\n{lines}")).faults();
    insta::assert_snapshot!(faults(""), @r#"
    admin.users[1].name: is missing; allowed: one of name and group
    admin.users[1].role: is missing; allowed: viewer, operator or privacy
    "#);
    insta::assert_snapshot!(faults("name = 'a'\ngroup = 'b'\nrole = 'viewer'"), @r#"
    admin.users[1].name: name and group are both set; allowed: one of name and group
    "#);
    insta::assert_snapshot!(faults("name = ' a'\nrole = 'consumer'\nclients = []"), @r#"
    admin.users[1].name: " a" is not allowed; allowed: 1 to 128 bytes without control characters, and without spaces at the ends
    admin.users[1].role: "consumer" is not allowed; allowed: viewer, operator or privacy
    admin.users[1].clients: is an empty list; allowed: at least one item, or no such key
    "#);
    insta::assert_snapshot!(faults("grop = 'a'\nrole = 'viewer'\nname = 'b'"), @r#"
    admin.users[1].grop: unknown key; did you mean admin.users[1].group?
    "#);
    let twice = "name = 'a'\nrole = 'viewer'\n[[admin.users]]\nname = 'a'\nrole = 'operator'";
    insta::assert_snapshot!(faults(twice), @r#"
    admin.users: two entries have the name a; allowed: one entry for each
    "#);
    let token = "[[admin.tokens]]\nname = 'bot'\ntoken = '0123456789abcdef0123456789abcdef'\n";
    let named = format!("name = 'bot'\nrole = 'viewer'\n{token}role = 'viewer'");
    insta::assert_snapshot!(faults(&named), @r#"
    admin.users[1].name: bot is also the name of a token or of local access; allowed: a name that the audit tells from others
    "#);
    insta::assert_snapshot!(faults("name = 'local'\nrole = 'viewer'"), @r#"
    admin.users[1].name: local is also the name of a token or of local access; allowed: a name that the audit tells from others
    "#);
}

#[test]
fn a_header_needs_users_and_a_trusted_proxy_and_users_need_a_header() {
    let faults = |text: &str| Setting::new().file(text).faults();
    insta::assert_snapshot!(faults("[admin]\nuser_header = 'X-Forwarded-User'"), @r#"
    admin.user_header: lets nobody in without admin.users; allowed: an entry of admin.users for each user or group
    admin.user_header: is trusted from no proxy; allowed: the address of the proxy in http.trusted_proxies
    "#);
    insta::assert_snapshot!(faults("[admin]\nuser_header = 'X-User: a'"), @r#"
    admin.user_header: "X-User: a" is not allowed; allowed: the name of a header, such as X-Forwarded-User
    "#);
    let user = "[[admin.users]]\nname = 'a'\nrole = 'viewer'";
    insta::assert_snapshot!(faults(user), @r#"
    admin.users: has no effect without admin.user_header; allowed: the name of the proxy's header in user_header
    "#);
    insta::assert_snapshot!(faults("[admin]\ngroups_header = 'X-Forwarded-Groups'"), @r#"
    admin.groups_header: has no effect without admin.user_header; allowed: the name of the proxy's header in user_header
    "#);
    insta::assert_snapshot!(faults(&format!("[admin]\nuser_headr = 'X-User'\n{user}")), @r#"
    admin.users: has no effect without admin.user_header; allowed: the name of the proxy's header in user_header
    admin.user_headr: unknown key; did you mean admin.user_header?
    "#);
}

#[test]
fn a_group_needs_the_header_with_the_groups() {
    let file = "[http]\ntrusted_proxies = ['10.0.0.1']\n[admin]\nuser_header = 'X-Forwarded-User'\n\
                [[admin.users]]\nname = 'a'\nrole = 'viewer'\n\
                [[admin.users]]\ngroup = 'staff'\nrole = 'operator'";
    insta::assert_snapshot!(Setting::new().file(file).faults(), @r#"
    admin.users[2].group: has no effect without admin.groups_header; allowed: a header that the proxy sets or removes in admin.groups_header, such as X-Forwarded-Groups
    "#);
}
