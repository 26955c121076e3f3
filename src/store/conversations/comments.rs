//! The table `media_threads`: comments on media of an account. A thread is a comment and its
//! replies, which have one level. Comments on an ad belong to the ad's post.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use sqlx::{AssertSqlSafe, PgConnection, QueryBuilder};

use super::{AT, Batch, Error};

/// Maximum time between the arrivals of a reply and of its comment, if the reply came first: Meta
/// sends a refused delivery again for 36 hours.
const RETRIES: SignedDuration = SignedDuration::from_hours(36);

/// Id of the post of a comment `e`. The note of its pair has the post itself as its media.
pub(super) const POST: &str = "coalesce(e.data ->> 'original_media_id', e.media_id)";

/// Id of the first comment in the thread of a comment `e`. The `parent_id` of some first comments
/// is the media. A comment without an id cannot be answered and is a thread of its own.
fn root() -> String {
    format!(
        "coalesce(CASE WHEN e.parent_id IN (e.media_id, {POST}) THEN e.comment_id ELSE coalesce(e.parent_id, e.comment_id) END,
             '#' || e.position)"
    )
}

/// Condition for a comment `e` on a media. An edit or a removal is no further comment.
pub(super) const IS_COMMENT: &str =
    "e.kind IN ('comment', 'live_comment') AND e.account_id IS NOT NULL
         AND e.media_id IS NOT NULL
         AND coalesce(e.data ->> 'verb', '') IN ('', 'add', 'added')";

/// Comments of the media `m` and of its ads; further conditions on `e` follow. OFFSET keeps the
/// scan of each media's index.
pub(in crate::store) fn comments_of_media() -> String {
    let root = root();
    format!(
        "CROSS JOIN LATERAL unnest(m.media_id || m.ad_media_ids) AS place (id)
             CROSS JOIN LATERAL (
                 SELECT e.position, {AT} AS at, e.is_self, coalesce(e.person_id, e.username) AS author,
                        {root} AS root, nullif(e.media_id, m.media_id) AS ad
                 FROM stored_events AS e
                 WHERE e.media_id = place.id AND e.account_id = m.account_id AND e.app = m.app
                   AND {POST} = m.media_id AND {IS_COMMENT}"
    )
}
/// Groups the batch by thread and ad; the conditions of the batch follow.
fn batch_by_thread() -> String {
    let root = root();
    format!(
        "WITH thread AS MATERIALIZED (
         SELECT e.app, e.account_id, {POST} AS post, {root} AS root, nullif(e.media_id, {POST}) AS ad,
                count(*) FILTER (WHERE NOT e.is_self) AS people,
                count(*) FILTER (WHERE e.is_self) AS own,
                min(e.position) AS first_position, max(e.position) AS last_position,
                max({AT}) AS last_at,
                min({AT}) FILTER (WHERE NOT e.is_self) AS first_at,
                max({AT}) FILTER (WHERE e.is_self) AS own_at
         FROM stored_events AS e WHERE {IS_COMMENT} AND"
    )
}

/// Adds the batch to the table. A comment later than every comment of the account on its media is
/// unanswered. The answer has the other threads, and those in which the account wrote.
const ADD: &str = " GROUP BY 1, 2, 3, 4, 5
    ), told AS MATERIALIZED (
        SELECT thread.*, greatest(known.last_answer_at, max(own_at) OVER media) AS answered_at
        FROM thread LEFT JOIN LATERAL (
            SELECT m.last_answer_at FROM media_threads AS m
            WHERE m.app = thread.app AND m.account_id = thread.account_id
              AND m.media_id = thread.post
            LIMIT 1
        ) AS known ON true
        WINDOW media AS (PARTITION BY thread.app, thread.account_id, thread.post)
    ), judged AS MATERIALIZED (
        SELECT told.*, bool_or(own > 0 OR coalesce(first_at <= answered_at, false)) OVER (
                   PARTITION BY app, account_id, post, root) AS is_in_doubt
        FROM told
    ), put AS (
        INSERT INTO media_threads AS known (
            app, account_id, media_id, ad_media_ids, comments, own_comments, unanswered,
            first_position, last_position, last_at, last_answer_at)
        SELECT app, account_id, post,
               coalesce(array_agg(DISTINCT ad) FILTER (WHERE ad IS NOT NULL), '{}'),
               sum(people), sum(own), coalesce(sum(people) FILTER (WHERE NOT is_in_doubt), 0),
               min(first_position), max(last_position), max(last_at), max(own_at)
        FROM judged GROUP BY 1, 2, 3
        ON CONFLICT (app, account_id, media_id) DO UPDATE SET
            ad_media_ids = CASE
                WHEN excluded.ad_media_ids <@ known.ad_media_ids THEN known.ad_media_ids
                ELSE ARRAY(SELECT DISTINCT unnest(known.ad_media_ids || excluded.ad_media_ids)
                           ORDER BY 1) END,
            comments = known.comments + excluded.comments,
            own_comments = known.own_comments + excluded.own_comments,
            unanswered = known.unanswered + excluded.unanswered,
            first_position = least(known.first_position, excluded.first_position),
            last_position = greatest(known.last_position, excluded.last_position),
            last_at = greatest(known.last_at, excluded.last_at),
            last_answer_at = greatest(known.last_answer_at, excluded.last_answer_at)
    )
    SELECT DISTINCT app, account_id, post, root FROM judged WHERE is_in_doubt";

/// First arrival of the comments that began these threads; null if one of the comments is not
/// stored.
const BEGINNING: &str = "
    SELECT CASE WHEN bool_and(e.received_at IS NOT NULL) THEN min(e.received_at) END
    FROM unnest($1, $2, $3) AS root (app, account_id, id)
    CROSS JOIN LATERAL (
        SELECT min(received_at) AS received_at FROM stored_events
        WHERE comment_id = root.id AND app = root.app AND account_id = root.account_id
          AND kind IN ('comment', 'live_comment')
    ) AS e";

/// Adds the difference that the batch made to the unanswered comments of threads.
fn change_unanswered() -> String {
    let comments = comments_of_media();
    format!(
        "WITH doubt AS MATERIALIZED (
         SELECT * FROM unnest($1, $2, $3, $4) AS doubt (app, account_id, media_id, root)
     ), said AS MATERIALIZED (
         SELECT m.app, m.account_id, m.media_id, e.root, e.position, e.at, e.is_self
         FROM (SELECT DISTINCT app, account_id, media_id FROM doubt) AS key
         JOIN media_threads AS m USING (app, account_id, media_id) {comments}
           AND e.position <= $6 AND e.received_at >= $7 OFFSET 0) AS e
     ), judged AS (
         SELECT said.*, max(at) FILTER (WHERE is_self AND position <= $5) OVER thread AS before,
                max(at) FILTER (WHERE is_self) OVER thread AS now
         FROM said
         WHERE (app, account_id, media_id, root)
               IN (SELECT app, account_id, media_id, root FROM doubt)
         WINDOW thread AS (PARTITION BY app, account_id, media_id, root)
     ), changed AS (
         SELECT app, account_id, media_id,
                count(*) FILTER (WHERE at > coalesce(now, '-infinity'))
                - count(*) FILTER (WHERE position <= $5 AND at > coalesce(before, '-infinity'))
                    AS difference
         FROM judged WHERE NOT is_self GROUP BY 1, 2, 3
     )
     UPDATE media_threads AS m SET unanswered = m.unanswered + changed.difference
     FROM changed
     WHERE m.app = changed.app AND m.account_id = changed.account_id
       AND m.media_id = changed.media_id AND changed.difference <> 0"
    )
}

/// Threads, column by column: app, account, media, first comment.
#[derive(Debug, Default)]
struct Threads {
    apps: Vec<String>,
    accounts: Vec<String>,
    media: Vec<String>,
    roots: Vec<String>,
}

/// Adds the comments of the batch.
pub(super) async fn add(conn: &mut PgConnection, batch: &Batch) -> Result<(), Error> {
    let mut query = QueryBuilder::new(batch_by_thread());
    batch.restrict(&mut query);
    query.push(ADD);
    let rows: Vec<(String, String, String, String)> =
        query.build_query_as().fetch_all(&mut *conn).await?;
    if rows.is_empty() {
        return Ok(());
    }
    let mut threads = Threads::default();
    for (app, account, media, root) in rows {
        threads.apps.push(app);
        threads.accounts.push(account);
        threads.media.push(media);
        threads.roots.push(root);
    }
    count_unanswered(conn, &threads, batch).await
}

async fn count_unanswered(
    conn: &mut PgConnection,
    threads: &Threads,
    batch: &Batch,
) -> Result<(), Error> {
    let from = beginning(conn, threads).await?;
    sqlx::query(AssertSqlSafe(change_unanswered()))
        .bind(&threads.apps)
        .bind(&threads.accounts)
        .bind(&threads.media)
        .bind(&threads.roots)
        .bind(batch.after)
        .bind(batch.through)
        .bind(from.to_sqlx())
        .execute(conn)
        .await?;
    Ok(())
}

/// Start of the days that have all comments of these threads.
async fn beginning(conn: &mut PgConnection, threads: &Threads) -> Result<Timestamp, Error> {
    let begun: Option<jiff_sqlx::Timestamp> = sqlx::query_scalar(BEGINNING)
        .bind(&threads.apps)
        .bind(&threads.accounts)
        .bind(&threads.roots)
        .fetch_one(conn)
        .await?;
    let first = begun.and_then(|begun| begun.to_jiff().checked_sub(RETRIES).ok());
    Ok(first.unwrap_or(Timestamp::UNIX_EPOCH))
}
