//! Look-up of ids: the items of a delivery, accounts by name, and the rows that an id names.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx as _;
use uuid::Uuid;

use super::{
    Between, Conditions, Error, EventFilter, Items, Order, Reader, RepeatRow, answer,
    events::EventRow,
};

/// Time after an event in which its repeats are searched.
const REPEATED_WITHIN: SignedDuration = SignedDuration::from_hours(72);

/// Maximum number of repeats of an event in an answer.
const REPEATS: u32 = 50;

/// Maximum number of accounts with one label or user name.
const NAMESAKES: u32 = 100;

/// Tolerance for times in ids, which have milliseconds.
const ROUNDED: SignedDuration = SignedDuration::from_secs(2);

impl Reader {
    /// Finds the items of a delivery; `None` if the delivery is not stored or not visible, or if it
    /// has no items.
    pub async fn items_of(&mut self, delivery: Uuid) -> Result<Option<Items>, Error> {
        for [since, until] in received(delivery) {
            let select = "SELECT received_at, first_position, event_count FROM deliveries AS d
                          WHERE first_position IS NOT NULL AND";
            let mut query = Conditions::after(select);
            query
                .visible_delivery(&self.visible)
                .and("id = ", Some(delivery))
                .received(since, until);
            let mut query = query.limit("", 1);
            let found = query.build_query_as().fetch_optional(&mut *self.conn);
            let found: Option<(jiff_sqlx::Timestamp, i64, i32)> = answer(found).await?;
            if let Some((received_at, first, count)) = found {
                let received_at = received_at.to_jiff();
                return Ok(Some(Items {
                    id: delivery,
                    received_at,
                    first,
                    count,
                }));
            }
        }
        Ok(None)
    }

    /// Finds the ids of accounts with this id or label, or, with `usernames`, with this user name.
    pub async fn account_ids(&mut self, name: &str, usernames: bool) -> Result<Vec<String>, Error> {
        let mut query = Conditions::after("SELECT DISTINCT account_id FROM accounts WHERE");
        query.visible(&self.visible);
        query
            .0
            .push(" AND (account_id = ")
            .push_bind(name.to_owned());
        query.0.push(" OR label = ").push_bind(name.to_owned());
        if usernames {
            let username = name.trim_start_matches('@').to_ascii_lowercase();
            query.0.push(" OR lower(username) = ").push_bind(username);
        }
        query.0.push(")");
        let mut query = query.limit("", NAMESAKES);
        answer(query.build_query_scalar().fetch_all(&mut *self.conn)).await
    }

    /// Reads the label of each known account with one of these ids, if it has one; with `usernames`,
    /// the user name of an account without a label.
    pub async fn account_names(
        &mut self,
        ids: &[String],
        usernames: bool,
    ) -> Result<Vec<(String, Option<String>)>, Error> {
        let name = if usernames {
            "coalesce(max(label), '@' || max(username))"
        } else {
            "max(label)"
        };
        let mut query = Conditions::after(&format!(
            "SELECT account_id, {name} AS name FROM accounts WHERE"
        ));
        query.visible(&self.visible);
        query
            .0
            .push(" AND account_id = ANY(")
            .push_bind(ids.to_vec())
            .push(") GROUP BY account_id");
        answer(query.0.build_query_as().fetch_all(&mut *self.conn)).await
    }

    /// Reads the repeats of an event that were received within three days, oldest first.
    pub async fn repeats_of(&mut self, event: &EventRow) -> Result<Vec<RepeatRow>, Error> {
        let until = event.received_at.checked_add(REPEATED_WITHIN);
        let until = until.unwrap_or(Timestamp::MAX);
        self.repeats(
            |query| {
                query.0.push(
                    " AND position > coalesce(
                         (SELECT min(moved_from) FROM moved_events WHERE position = ",
                );
                query.0.push_bind(event.position).push("), ");
                query.0.push_bind(event.position).push(")");
                query.and("dedupe_key = ", Some(event.dedupe_key)).received(
                    Some(event.received_at - SignedDuration::from_hours(24)),
                    Some(until),
                );
            },
            REPEATS,
        )
        .await
    }

    /// Reads the repeats among the items of a delivery.
    pub async fn repeats_in(&mut self, items: Items) -> Result<Vec<RepeatRow>, Error> {
        let most = items.count.unsigned_abs();
        self.repeats(
            |query| {
                query
                    .and("received_at = ", Some(items.received_at.to_sqlx()))
                    .and("position >= ", Some(items.first))
                    .and("position < ", Some(items.first + i64::from(items.count)));
            },
            most,
        )
        .await
    }

    /// Position of the newest event that meets `filter`.
    pub async fn newest_event(&mut self, filter: &EventFilter) -> Result<Option<i64>, Error> {
        let (all, page) = (Between::default(), (Order::Newest, 1));
        let list = self.list(filter).await?;
        let query = list.select("", "position", all, page);
        let newest: Vec<(i64,)> = self.rows_in(list.begin_kept(), query).await?;
        Ok(newest.first().map(|newest| newest.0))
    }
}

/// Times of receipt to look for a delivery, one after the other: around the time in its id, which is
/// a UUID v7 of `received_at`, so that one partition is read; then all.
pub(super) fn received(delivery: Uuid) -> impl Iterator<Item = [Option<Timestamp>; 2]> {
    let time = delivery.get_timestamp().and_then(|time| {
        let (seconds, _) = time.to_unix();
        Timestamp::from_second(i64::try_from(seconds).ok()?).ok()
    });
    let around = time.map(|time| {
        [
            time.checked_sub(ROUNDED).ok(),
            time.checked_add(ROUNDED).ok(),
        ]
    });
    around.into_iter().chain([[None, None]])
}
