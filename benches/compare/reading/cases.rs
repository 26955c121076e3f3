//! Requests, with ids from the store.

use sqlx::PgConnection;

/// A request.
pub(super) struct Case {
    pub(super) name: String,
    pub(super) path: String,
}

/// Filter, or path with `{}`, and the SQL that finds an id.
const CASES: [(&str, &str, &str); 25] = [
    ("newest", "/v1/events", ONE),
    ("oldest", "/v1/events?order=oldest", ONE),
    ("account, busy", "/v1/events?account={}", BUSY),
    ("account, quiet", "/v1/events?account={}", QUIET),
    (
        "account and kind",
        "/v1/events?kind=optin&account={}",
        QUIET,
    ),
    (
        "account, deep",
        "/v1/events?before=5000000&account={}",
        BUSY,
    ),
    ("client", "/v1/events?client={}", "SELECT 'client-7'"),
    ("person", "/v1/events?person={}", TALKER),
    ("message", "/v1/events?message={}", MESSAGE),
    ("comment", "/v1/events?comment={}", COMMENT),
    ("media", "/v1/events?media={}", VIRAL),
    ("delivery", "/v1/events?delivery={}", DELIVERY),
    ("username", "/v1/events?username={}", USERNAME),
    (
        "range of days",
        "/v1/events?since=40d&until=39d&kind={}",
        "SELECT 'reaction'",
    ),
    ("event", "/v1/events/{}", POSITION),
    ("around", "/v1/events/{}/around", POSITION),
    ("deliveries", "/v1/deliveries?since=40d&until=39d", ONE),
    ("a delivery", "/v1/deliveries/{}", DELIVERY),
    ("conversations", "/v1/conversations", ONE),
    (
        "conversations waiting",
        "/v1/conversations?waiting=true",
        ONE,
    ),
    (
        "conversation of 5,000",
        "/v1/conversations/{}",
        LONG_CONVERSATION,
    ),
    ("media with comments", "/v1/media", ONE),
    ("thread of 20,000", "/v1/media/{}/comments", VIRAL),
    ("accounts", "/v1/accounts", ONE),
    ("stats of a week", "/v1/stats?by=day,kind&since=7d", ONE),
];

/// Ids for `find`.
const FOUND: [(&str, &str); 9] = [
    ("position", POSITION),
    ("delivery", DELIVERY),
    ("message", MESSAGE),
    ("comment", COMMENT),
    ("media", VIRAL),
    ("person", TALKER),
    ("account", BUSY),
    ("label", "SELECT 'Shop 7'"),
    ("username", USERNAME),
];

pub(super) const ONE: &str = "SELECT ''";
pub(super) const BUSY: &str = "SELECT min(account_id) FROM accounts";
const QUIET: &str = "SELECT max(account_id) FROM accounts";
pub(super) const LONG_CONVERSATION: &str =
    "SELECT account_id || '/' || person_id FROM conversations ORDER BY received DESC LIMIT 1";
const TALKER: &str = "SELECT person_id FROM conversations ORDER BY received DESC LIMIT 1";
pub(super) const VIRAL: &str = "SELECT media_id FROM media_threads ORDER BY comments DESC LIMIT 1";
pub(super) const POSITION: &str = "SELECT position::text FROM stored_events
    WHERE received_at > now() - interval '45 days' AND received_at < now() - interval '44 days'
    LIMIT 1";
pub(super) const DELIVERY: &str = "SELECT delivery_id::text FROM stored_events
    WHERE received_at > now() - interval '45 days' AND received_at < now() - interval '44 days'
    LIMIT 1";
const MESSAGE: &str = "SELECT message_id FROM stored_events
    WHERE received_at > now() - interval '45 days' AND received_at < now() - interval '44 days'
      AND message_id IS NOT NULL LIMIT 1";
const COMMENT: &str = "SELECT comment_id FROM stored_events
    WHERE received_at > now() - interval '45 days' AND received_at < now() - interval '44 days'
      AND comment_id IS NOT NULL LIMIT 1";
pub(super) const USERNAME: &str = "SELECT username FROM stored_events
    WHERE received_at > now() - interval '6 days' AND received_at < now() - interval '5 days'
      AND username IS NOT NULL LIMIT 1";

/// All requests.
pub(super) async fn all(conn: &mut PgConnection) -> anyhow::Result<Vec<Case>> {
    let mut cases = Vec::new();
    for (name, path, id) in CASES {
        let id: String = sqlx::query_scalar(id).fetch_one(&mut *conn).await?;
        cases.push(Case {
            name: name.to_owned(),
            path: path.replace("{}", &id.replace(' ', "%20")),
        });
    }
    for (name, id) in FOUND {
        let id: String = sqlx::query_scalar(id).fetch_one(&mut *conn).await?;
        cases.push(Case {
            name: format!("find {name}"),
            path: format!("/v1/find?id={}", id.replace(' ', "%20")),
        });
    }
    Ok(cases)
}
