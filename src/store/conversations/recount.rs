//! Recount of conversations and media whose events a purge deletes or moves.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::{AssertSqlSafe, PgConnection};

use super::{
    Error, NAME,
    comments::{IS_COMMENT, POST, comments_of_media},
    messages::{IN_CONVERSATION, Keys, counts, find_waiting},
};
use crate::store::follow;

/// Conversations and media of the events at these positions.
fn touched() -> String {
    format!(
        "SELECT DISTINCT 'person', e.app, e.account_id, e.person_id
     FROM stored_events AS e
     WHERE e.position = ANY ($1) AND e.received_at >= $2 AND e.received_at < $3 AND {IN_CONVERSATION}
     UNION ALL
     SELECT DISTINCT 'media', e.app, e.account_id, {POST} FROM stored_events AS e
     WHERE e.position = ANY ($1) AND e.received_at >= $2 AND e.received_at < $3 AND {IS_COMMENT}"
    )
}

/// Counts conversations again without some events, and deletes those that have no other event.
fn count_messages() -> String {
    let counts = counts();
    format!(
        "WITH counted AS MATERIALIZED (
         SELECT key.app, key.account_id, key.person_id, e.*
         FROM unnest($1, $2, $3) AS key (app, account_id, person_id)
         CROSS JOIN LATERAL (
             SELECT {counts} FROM stored_events AS e
             WHERE e.person_id = key.person_id AND e.account_id = key.account_id
               AND e.app = key.app AND e.position <= $4 AND e.position <> ALL ($5)
               AND {IN_CONVERSATION}) AS e
     ), gone AS (
         DELETE FROM conversations AS c USING counted
         WHERE c.app = counted.app AND c.account_id = counted.account_id
           AND c.person_id = counted.person_id AND counted.first_position IS NULL
     )
     UPDATE conversations AS c
     SET received = counted.received, sent = counted.sent,
         first_position = counted.first_position, last_position = counted.last_position,
         last_at = counted.last_at, last_received_at = counted.last_received_at,
         last_sent_at = counted.last_sent_at, last_unsent_at = counted.last_unsent_at
     FROM counted
     WHERE c.app = counted.app AND c.account_id = counted.account_id
       AND c.person_id = counted.person_id AND counted.first_position IS NOT NULL"
    )
}

/// Counts media again without some events, and deletes those that have no other comment.
fn count_comments() -> String {
    let comments = comments_of_media();
    format!(
        "WITH key AS MATERIALIZED (
         SELECT m.app, m.account_id, m.media_id, m.ad_media_ids
         FROM unnest($1, $2, $3) AS key (app, account_id, media_id)
         JOIN media_threads AS m USING (app, account_id, media_id)
     ), judged AS (
         SELECT m.app, m.account_id, m.media_id, e.*,
                max(e.at) FILTER (WHERE e.is_self) OVER (
                    PARTITION BY m.app, m.account_id, m.media_id, e.root) AS answered_at
         FROM key AS m {comments}
           AND e.position <= $4 AND e.position <> ALL ($5) OFFSET 0) AS e
     ), counted AS MATERIALIZED (
         SELECT app, account_id, media_id,
                coalesce(array_agg(DISTINCT ad) FILTER (WHERE ad IS NOT NULL), '{{}}') AS ads,
                count(*) FILTER (WHERE NOT is_self) AS comments,
                count(*) FILTER (WHERE is_self) AS own_comments,
                count(*) FILTER (WHERE NOT is_self AND at > coalesce(answered_at, '-infinity'))
                    AS unanswered,
                min(position) AS first_position, max(position) AS last_position,
                max(at) AS last_at, max(at) FILTER (WHERE is_self) AS last_answer_at
         FROM judged GROUP BY 1, 2, 3
     ), gone AS (
         DELETE FROM media_threads AS m USING key
         WHERE m.app = key.app AND m.account_id = key.account_id AND m.media_id = key.media_id
           AND NOT EXISTS (SELECT FROM counted AS c WHERE c.app = key.app
                           AND c.account_id = key.account_id AND c.media_id = key.media_id)
     )
     UPDATE media_threads AS m
     SET ad_media_ids = counted.ads, comments = counted.comments,
         own_comments = counted.own_comments, unanswered = counted.unanswered,
         first_position = counted.first_position, last_position = counted.last_position,
         last_at = counted.last_at, last_answer_at = counted.last_answer_at
     FROM counted
     WHERE m.app = counted.app AND m.account_id = counted.account_id
       AND m.media_id = counted.media_id"
    )
}

/// Locks the follower for this transaction, and counts conversations and media again as if the events
/// at `positions`, received from `from` until before `to`, were deleted. Call before the events are
/// deleted, and before the fence is taken: a long conversation takes its time.
pub(in crate::store) async fn count_without(
    tx: &mut PgConnection,
    positions: &[i64],
    (from, to): (Timestamp, Timestamp),
) -> Result<(), Error> {
    let through = follow::lock(tx, NAME).await?.unwrap_or(0);
    let (people, media) = keys(tx, positions, (from, to)).await?;
    let counts = [(count_messages(), &people), (count_comments(), &media)];
    for (statement, keys) in counts.into_iter().filter(|(_, keys)| !keys.ids.is_empty()) {
        sqlx::query(AssertSqlSafe(statement))
            .bind(&keys.apps)
            .bind(&keys.accounts)
            .bind(&keys.ids)
            .bind(through)
            .bind(positions)
            .execute(&mut *tx)
            .await?;
    }
    if people.ids.is_empty() {
        return Ok(());
    }
    let range = (Timestamp::UNIX_EPOCH, through);
    find_waiting(tx, &people, range, positions).await
}

/// Conversations and media of events.
async fn keys(
    tx: &mut PgConnection,
    positions: &[i64],
    (from, to): (Timestamp, Timestamp),
) -> Result<(Keys, Keys), Error> {
    let touched: Vec<(String, String, String, String)> = sqlx::query_as(AssertSqlSafe(touched()))
        .bind(positions)
        .bind(from.to_sqlx())
        .bind(to.to_sqlx())
        .fetch_all(tx)
        .await?;
    let (mut people, mut media) = (Keys::default(), Keys::default());
    for (table, app, account, id) in touched {
        let keys = match table.as_str() {
            "media" => &mut media,
            _ => &mut people,
        };
        keys.push(app, account, id);
    }
    Ok((people, media))
}
