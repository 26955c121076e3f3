//! The table `conversations`: messages between an account and a person.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::{AssertSqlSafe, PgConnection, QueryBuilder};

use super::{AT, Batch, Error, received_since};

/// Condition for an event `e` of a conversation. Read receipts do not count.
pub(super) const IN_CONVERSATION: &str = "e.account_id IS NOT NULL AND e.person_id IS NOT NULL
         AND e.kind IN ('message', 'message_deleted', 'message_edit', 'postback', 'reaction',
                        'referral', 'optin', 'handover', 'response_feedback')";

/// Condition for a message `e` from the account. Some lack the echo flag.
const IS_SENT: &str =
    "(e.kind = 'message' AND (e.is_echo OR coalesce(e.sender_id = e.account_id, false)))";

/// Condition for a message or postback `e` from the person.
const IS_RECEIVED: &str = "(e.kind IN ('message', 'postback') AND NOT e.is_echo AND NOT e.is_self
          AND e.sender_id IS DISTINCT FROM e.account_id)";

/// Condition for the unsending `e` of a message from the person.
const IS_UNSENDING: &str = "(e.kind = 'message_deleted' AND NOT e.is_echo)";

/// Counts, positions and times of the events `e` of a conversation.
pub(super) fn counts() -> String {
    format!(
        "count(*) FILTER (WHERE {IS_RECEIVED}) AS received,
             count(*) FILTER (WHERE {IS_SENT}) AS sent,
             min(e.position) AS first_position, max(e.position) AS last_position,
             max({AT}) AS last_at,
             max({AT}) FILTER (WHERE {IS_RECEIVED}) AS last_received_at,
             max({AT}) FILTER (WHERE {IS_SENT}) AS last_sent_at,
             max({AT}) FILTER (WHERE {IS_UNSENDING}) AS last_unsent_at"
    )
}
/// Groups the batch; the conditions of the batch follow.
fn batch_by_person() -> String {
    let counts = counts();
    format!(
        "WITH new AS MATERIALIZED (
         SELECT e.app, e.account_id, e.person_id, {counts},
                array_agg({AT}) FILTER (WHERE {IS_RECEIVED}) AS times
         FROM stored_events AS e WHERE {IN_CONVERSATION} AND"
    )
}

/// Adds the batch to the table. LIMIT keeps the lookup of known rows by their key, whatever the
/// statistics say.
///
/// Without a late event, the first unanswered message is the known one, if it is later than the
/// last answer, or the first one of the batch that is later. The answer has the conversations where
/// this does not suffice: a message was unsent or may be, or an answer is older than a message
/// that was there before.
const ADD: &str = " GROUP BY 1, 2, 3
    ), told AS MATERIALIZED (
        SELECT new.*, known.waiting_since AS waited, known.last_received_at AS before,
               greatest(known.last_sent_at, new.last_sent_at) AS answered,
               greatest(known.last_unsent_at, new.last_unsent_at) AS unsent,
               (SELECT min(time) FROM unnest(new.times) AS time) AS first_at
        FROM new LEFT JOIN LATERAL (
            SELECT c.* FROM conversations AS c
            WHERE c.app = new.app AND c.account_id = new.account_id AND c.person_id = new.person_id
            LIMIT 1
        ) AS known ON true
    ), put AS (
        INSERT INTO conversations AS known (
            app, account_id, person_id, received, sent, first_position, last_position, last_at,
            last_received_at, last_sent_at, last_unsent_at, waiting_since)
        SELECT app, account_id, person_id, received, sent, first_position, last_position, last_at,
               last_received_at, last_sent_at, last_unsent_at,
               least(CASE WHEN waited > coalesce(answered, '-infinity') THEN waited END,
                     (SELECT min(time) FROM unnest(times) AS time
                      WHERE time > coalesce(answered, '-infinity')))
        FROM told
        ON CONFLICT (app, account_id, person_id) DO UPDATE SET
            received = known.received + excluded.received,
            sent = known.sent + excluded.sent,
            first_position = least(known.first_position, excluded.first_position),
            last_position = greatest(known.last_position, excluded.last_position),
            last_at = greatest(known.last_at, excluded.last_at),
            last_received_at = greatest(known.last_received_at, excluded.last_received_at),
            last_sent_at = greatest(known.last_sent_at, excluded.last_sent_at),
            last_unsent_at = greatest(known.last_unsent_at, excluded.last_unsent_at),
            waiting_since = excluded.waiting_since
    )
    SELECT app, account_id, person_id, least(waited, first_at) AS since
    FROM told
    WHERE least(waited, first_at) IS NOT NULL
      AND (last_unsent_at IS NOT NULL OR first_at <= unsent
           OR (waited <= answered AND before > answered))";

/// Finds the first unanswered message of conversations among their events. LIMIT keeps the lookup
/// of the unsending by message id.
fn first_waiting() -> String {
    format!(
        "UPDATE conversations AS c SET waiting_since = (
         SELECT min({AT}) FROM stored_events AS e
         WHERE e.person_id = c.person_id AND e.account_id = c.account_id AND e.app = c.app
           AND e.position <= $4 AND e.received_at >= $5 AND e.position <> ALL ($6)
           AND {IS_RECEIVED} AND {AT} > coalesce(c.last_sent_at, '-infinity')
           AND (SELECT true FROM stored_events AS d
                WHERE d.message_id = e.message_id AND d.kind = 'message_deleted' AND NOT d.is_echo
                  AND d.app = c.app AND d.account_id = c.account_id
                  AND d.position <= $4 AND d.received_at >= $5 AND d.position <> ALL ($6)
                LIMIT 1) IS NULL)
     FROM unnest($1, $2, $3) AS key (app, account_id, person_id)
     WHERE c.app = key.app AND c.account_id = key.account_id AND c.person_id = key.person_id"
    )
}

/// App, account, and person or media of rows, column by column.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    pub apps: Vec<String>,
    pub accounts: Vec<String>,
    pub ids: Vec<String>,
}

impl Keys {
    pub(super) fn push(&mut self, app: String, account: String, id: String) {
        self.apps.push(app);
        self.accounts.push(account);
        self.ids.push(id);
    }
}

/// Adds the events of the batch.
pub(super) async fn add(conn: &mut PgConnection, batch: &Batch) -> Result<(), Error> {
    let mut query = QueryBuilder::new(batch_by_person());
    batch.restrict(&mut query);
    query.push(ADD);
    let late: Vec<(String, String, String, jiff_sqlx::Timestamp)> =
        query.build_query_as().fetch_all(&mut *conn).await?;
    let Some(since) = late.iter().map(|row| row.3.to_jiff()).min() else {
        return Ok(());
    };
    let mut keys = Keys::default();
    for (app, account, person, _) in late {
        keys.push(app, account, person);
    }
    let range = (received_since(since), batch.through);
    find_waiting(conn, &keys, range, &[]).await
}

/// Finds the first unanswered message of each conversation, among events received since `from`, up to
/// the position `through`, and not `without`.
pub(super) async fn find_waiting(
    conn: &mut PgConnection,
    keys: &Keys,
    (from, through): (Timestamp, i64),
    without: &[i64],
) -> Result<(), Error> {
    sqlx::query(AssertSqlSafe(first_waiting()))
        .bind(&keys.apps)
        .bind(&keys.accounts)
        .bind(&keys.ids)
        .bind(through)
        .bind(from.to_sqlx())
        .bind(without)
        .execute(conn)
        .await?;
    Ok(())
}
