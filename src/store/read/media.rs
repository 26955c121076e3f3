//! Media with comments: the list, and the comments of one media together with those on its ads.

use jiff::{SignedDuration, Timestamp, ToSpan};
use jiff_sqlx::ToSqlx;
use schemars::JsonSchema;
use serde::Serialize;
use sqlx::QueryBuilder;

use super::{
    Between, Conditions, Error, EventFilter, EventRow, Order, Reader, Visible, answer,
    by_account::{self, Listed, Table, table},
    extent::Extent,
    json::{Digits, text},
    list::IN_ORDER_KEPT,
    place::Place,
    row::row,
};
use crate::store::conversations::comments_of_media;

/// Maximum number of comments per statement.
const AT_ONCE: u32 = 10_000;

/// Maximum number of comments on a media, and on each of its ads, whose authors are counted.
const MOST_TIMES: usize = 1_000;

/// Maximum number of such comments on all media of a page, unless they have ads.
const MOST_OF_PAGE: usize = 50_000;

/// Maximum time between the arrivals of a reply and of its comment, if the reply came first.
const RETRIES: SignedDuration = SignedDuration::from_hours(36);

/// Filter for media: combines the set fields with AND.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MediaFilter {
    /// The configured app.
    pub app: Option<String>,
    /// Client of the accounts.
    pub client: Option<String>,
    /// The professional accounts; empty for any.
    pub account_ids: Vec<String>,
    /// The media, or an ad of the media.
    pub media_id: Option<String>,
    /// Only media with unanswered comments.
    pub unanswered: bool,
    /// With a comment at this time or later.
    pub since: Option<Timestamp>,
    /// Without a comment at this time or later.
    pub until: Option<Timestamp>,
}

row! {
    /// Media with comments; serialised as an object with a key for each column.
    #[derive(Clone, Debug, Default, Serialize, JsonSchema)]
    #[schemars(rename = "Media")]
    MediaRow {
        app: String,
        account_id: String,
        media_id: String,
        ad_media_ids: Vec<String>,
        comments: i64,
        own_comments: i64,
        unanswered: i64,
        #[serde(serialize_with = "text")]
        #[schemars(with = "Digits")]
        first_position: i64,
        #[serde(serialize_with = "text")]
        #[schemars(with = "Digits")]
        last_position: i64,
        #[serde(serialize_with = "text")]
        last_at: Timestamp,
    }
}

row! {
    /// Minute with comments on a media.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    CommentMinute {
        at: Timestamp = "date_trunc('minute', coalesce(e.occurred_at, e.received_at))",
        comments: i64 = "count(*)",
        last_position: i64 = "max(e.position)",
    }
}

/// Authors and times of the newest comments on a media and its ads.
#[derive(Clone, Debug, Default)]
pub(crate) struct CommentTimes {
    /// Number of authors, without the account.
    pub people: i64,
    /// Times in seconds since the epoch, in any order.
    pub times: Vec<i64>,
}

const ORDER: &str = " ORDER BY last_at DESC, first_position DESC";

/// Condition for comments of a media; its id, its account and its app follow.
const OF_MEDIA: &str = " kind IN ('comment', 'live_comment')
    AND coalesce(data ->> 'original_media_id', media_id) = ";

impl Reader {
    /// Reads at most `limit` media before `place`, newest comment first.
    pub async fn media(
        &mut self,
        filter: &MediaFilter,
        place: Option<Place>,
        limit: u32,
    ) -> Result<Vec<MediaRow>, Error> {
        let mut query = by_account::begin(filter, &self.visible);
        query.before_place("last_at", "first_position", place);
        let mut query = query.merged(ORDER, limit);
        answer(query.build_query_as().fetch_all(&mut *self.conn)).await
    }

    /// Reads authors and times of the newest comments on each of these media, and on each ad.
    pub(crate) async fn comment_times(
        &mut self,
        media: &[MediaRow],
    ) -> Result<Vec<CommentTimes>, Error> {
        if media.is_empty() {
            return Ok(Vec::new());
        }
        let ids = |id: fn(&MediaRow) -> &String| media.iter().map(id).cloned().collect::<Vec<_>>();
        let mut query = QueryBuilder::new(
            "SELECT key.number, count(DISTINCT e.author) FILTER (WHERE NOT e.is_self),
                    array_agg(floor(extract(epoch FROM e.at))::bigint)
             FROM unnest(",
        );
        query.push_bind(ids(|row| &row.app)).push("::text[], ");
        query
            .push_bind(ids(|row| &row.account_id))
            .push("::text[], ");
        query.push_bind(ids(|row| &row.media_id));
        query.push(
            "::text[]) WITH ORDINALITY AS key (app, account_id, media_id, number)
             JOIN media_threads AS m USING (app, account_id, media_id) ",
        );
        query.push(comments_of_media());
        query.push(" ORDER BY e.position DESC LIMIT ");
        let most = (MOST_OF_PAGE / media.len()).min(MOST_TIMES);
        query.push_bind(i64::try_from(most).unwrap_or(i64::MAX));
        query.push(") AS e GROUP BY key.number");
        let found: Vec<(i64, i64, Vec<i64>)> = self.rows_in(IN_ORDER_KEPT, query).await?;
        let mut each = vec![CommentTimes::default(); media.len()];
        for (number, people, times) in found {
            let number = usize::try_from(number - 1).unwrap_or(usize::MAX);
            if let Some(of_media) = each.get_mut(number) {
                *of_media = CommentTimes { people, times };
            }
        }
        Ok(each)
    }

    /// Counts the comments on a media and its ads, with their changes.
    pub async fn extent_of_comments(&mut self, of: &MediaRow) -> Result<Extent, Error> {
        let at = "coalesce(e.occurred_at, e.received_at)";
        let select = format!("count(*), min({at}), max({at})");
        let mut query = each_place(&select, of, &self.visible);
        query.0.push(") AS e");
        self.count(query).await
    }

    /// Counts the comments on a media and its ads by minute, the first minute first. An edit or a
    /// removal is no further comment.
    pub async fn comments_by_minute(&mut self, of: &MediaRow) -> Result<Vec<CommentMinute>, Error> {
        let mut query = each_place(&CommentMinute::columns(), of, &self.visible);
        query
            .0
            .push(" AND coalesce(data ->> 'verb', '') IN ('', 'add', 'added')) AS e")
            .push(" GROUP BY 1 ORDER BY 1");
        answer(query.0.build_query_as().fetch_all(&mut *self.conn)).await
    }

    /// Finds the post of an ad by the media of the ad.
    pub async fn post_of_ad(&mut self, ad_media_id: &str) -> Result<Option<String>, Error> {
        let mut query = Conditions::after("SELECT data ->> 'original_media_id' FROM events WHERE");
        query.0.push(" AND data ? 'original_media_id'");
        query
            .visible(&self.visible)
            .and("media_id = ", Some(ad_media_id.to_owned()));
        let mut query = query.limit("", 1);
        answer(query.build_query_scalar().fetch_optional(&mut *self.conn)).await
    }

    /// Reads at most `limit` comments on the media and its ads before `position`, newest first,
    /// without payloads, and returns the position of the last one if there may be more.
    ///
    /// Each id has its own scan in order of position. The scans read positions and times only; the
    /// rows come from the partitions of these times. A purge between the two leaves fewer rows.
    pub async fn comments_before(
        &mut self,
        of: &MediaRow,
        position: Option<i64>,
        limit: u32,
    ) -> Result<(Vec<EventRow>, Option<i64>), Error> {
        let mut query = each_place("e.position, e.received_at", of, &self.visible);
        query.and("position < ", position);
        query.0.push(" ORDER BY position DESC LIMIT ");
        query.0.push_bind(i64::from(limit)).push(") AS e");
        let query = query.limit(" ORDER BY e.position DESC", limit);
        let found: Vec<(i64, jiff_sqlx::Timestamp)> = self.rows_in(IN_ORDER_KEPT, query).await?;
        let (positions, times): (Vec<_>, Vec<_>) = found
            .into_iter()
            .map(|(position, at)| (position, at.to_jiff()))
            .unzip();
        if positions.is_empty() {
            return Ok((Vec::new(), None));
        }
        let is_full = positions.len() == limit as usize;
        let next = positions.last().copied().filter(|_| is_full);
        let newest = times.iter().max();
        let filter = EventFilter {
            positions,
            since: times.iter().min().copied(),
            until: newest.and_then(|newest| newest.checked_add(1.microsecond()).ok()),
            ..EventFilter::default()
        };
        let page = (Order::Newest, limit);
        let comments = self
            .events(&filter, Between::default(), page, false)
            .await?;
        Ok((comments, next))
    }

    /// Reads all comments in the threads that begin with these comments, in order of position,
    /// without payloads. If a thread began after `until`, all days are read.
    pub async fn comments_of_threads(
        &mut self,
        of: &MediaRow,
        roots: &[String],
        until: Option<Timestamp>,
    ) -> Result<Vec<EventRow>, Error> {
        let from = self.threads_begin(of, (roots, until)).await?;
        let mut comments: Vec<EventRow> = Vec::new();
        loop {
            let mut query = each_place("e.*", of, &self.visible);
            query
                .and("received_at >= ", from.map(ToSqlx::to_sqlx))
                .and("position > ", comments.last().map(|last| last.position));
            query.0.push(" AND (comment_id = ANY (");
            query.0.push_bind(roots.to_vec());
            query.0.push(") OR parent_id = ANY (");
            query.0.push_bind(roots.to_vec()).push("))) AS e");
            let mut query = query.limit(" ORDER BY e.position", AT_ONCE);
            let rows = answer(query.build_query_as().fetch_all(&mut *self.conn)).await?;
            let is_end = rows.len() < AT_ONCE as usize;
            comments.extend(rows);
            if is_end {
                return Ok(comments);
            }
        }
    }

    /// Start of the days that have all comments of these threads; `None` if the first comment of
    /// one of them was not received since the first comment on the media, up to `until`.
    async fn threads_begin(
        &mut self,
        of: &MediaRow,
        (roots, until): (&[String], Option<Timestamp>),
    ) -> Result<Option<Timestamp>, Error> {
        let first = |query: &mut Conditions| {
            query.and("position = ", Some(of.first_position));
        };
        let Some([since, _]) = self.times("events", first).await? else {
            return Ok(None);
        };
        let query = sqlx::query_scalar(
            "SELECT CASE WHEN bool_and(e.received_at IS NOT NULL) THEN min(e.received_at) END
             FROM unnest($1::text[]) AS root (id)
             CROSS JOIN LATERAL (
                 SELECT min(received_at) AS received_at FROM stored_events
                 WHERE comment_id = root.id AND app = $2 AND account_id = $3
                   AND kind IN ('comment', 'live_comment')
                   AND coalesce(data ->> 'verb', '') IN ('', 'add', 'added')
                   AND received_at >= $4 AND received_at <= coalesce($5::timestamptz, 'infinity')
             ) AS e",
        );
        let query = query.bind(roots).bind(&of.app).bind(&of.account_id);
        let query = query.bind(since.to_sqlx()).bind(until.map(ToSqlx::to_sqlx));
        let begun: Option<jiff_sqlx::Timestamp> = answer(query.fetch_one(&mut *self.conn)).await?;
        Ok(begun.and_then(|begun| begun.to_jiff().checked_sub(RETRIES).ok()))
    }
}

/// Selects `columns` of the comments `e` on the media and on each of its ads; conditions follow.
fn each_place(columns: &str, of: &MediaRow, visible: &Visible) -> Conditions {
    let mut places = of.ad_media_ids.clone();
    places.push(of.media_id.clone());
    let mut query = QueryBuilder::new(format!("SELECT {columns} FROM unnest("));
    query
        .push_bind(places)
        .push("::text[]) AS place (id) CROSS JOIN LATERAL (");
    query.push(super::events::events_where());
    query.push(" media_id = place.id AND").push(OF_MEDIA);
    query.push_bind(of.media_id.clone());
    let mut query = Conditions(query);
    query.of_account((&of.app, &of.account_id), visible);
    query
}

impl Listed for MediaFilter {
    type Row = MediaRow;

    const TABLE: Table = table!("media_threads", "media_id");

    fn columns() -> String {
        MediaRow::columns()
    }

    fn accounts(&self) -> (&Option<String>, &[String]) {
        (&self.app, &self.account_ids)
    }

    fn client(&self) -> Option<&String> {
        self.client.as_ref()
    }

    fn times(&self) -> [Option<Timestamp>; 2] {
        [self.since, self.until]
    }

    fn apply(&self, query: &mut Conditions) {
        query.and("media_id = ", self.media_id.clone());
        if self.unanswered {
            query.0.push(" AND unanswered > 0");
        }
    }

    fn key(row: &MediaRow) -> [&str; 3] {
        [&row.app, &row.account_id, &row.media_id]
    }
}
