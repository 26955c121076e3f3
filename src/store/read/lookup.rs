//! Look-up of ids: the items of a delivery, accounts by name, and the rows that an id names.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx as _;
use uuid::Uuid;

use super::{Conditions, Error, EventFilter, Items, Reader, RepeatRow, answer, events::EventRow};

/// Time after an event in which its repeats are searched.
const REPEATED_WITHIN: SignedDuration = SignedDuration::from_hours(72);

/// Maximum number of repeats of an event in an answer.
const REPEATS: u32 = 50;

/// Maximum number of accounts with one label or user name.
const NAMESAKES: u32 = 100;

/// Maximum number of rows that one step of a search reads.
const STEP: u32 = 20_000;

/// Rows that one step of a search read and found.
#[derive(Clone, Debug, Default)]
pub struct Searched {
    /// Positions of the events found, the newest first.
    pub found: Vec<i64>,
    /// Position and receipt of the last row read; `None` if no row was left to read.
    pub last: Option<(i64, Timestamp)>,
}

impl Reader {
    /// Finds the items of a delivery; `None` if the delivery is not stored or not visible, or if it
    /// has no items.
    pub async fn items_of(&mut self, delivery: Uuid) -> Result<Option<Items>, Error> {
        let select = "SELECT received_at, first_position, event_count FROM deliveries AS d
                      WHERE first_position IS NOT NULL AND";
        let mut query = Conditions::after(select);
        query
            .visible_delivery(&self.visible)
            .and("id = ", Some(delivery));
        let mut query = query.limit("", 1);
        let found = query.build_query_as().fetch_optional(&mut *self.conn);
        let found: Option<(jiff_sqlx::Timestamp, i64, i32)> = answer(found).await?;
        Ok(found.map(|(received_at, first, count)| Items {
            received_at: received_at.to_jiff(),
            first,
            count,
        }))
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

    /// Reads the repeats of an event that were received within three days, oldest first.
    pub async fn repeats_of(&mut self, event: &EventRow) -> Result<Vec<RepeatRow>, Error> {
        let until = event.received_at.checked_add(REPEATED_WITHIN);
        let until = until.unwrap_or(Timestamp::MAX);
        self.repeats(
            |query| {
                query
                    .and("dedupe_key = ", Some(event.dedupe_key))
                    .and("position > ", Some(event.position))
                    .received(
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

    /// Reads at most 20,000 events that meet the other conditions of `filter`, backward from the
    /// position `before`, and finds those with its text and payload. `filter.since` bounds the
    /// step.
    pub async fn search(
        &mut self,
        filter: &EventFilter,
        before: Option<i64>,
    ) -> Result<Searched, Error> {
        let [text, payload] = [&filter.text, &filter.payload].map(|it| it.as_deref());
        let others = EventFilter {
            text: None,
            payload: None,
            ..filter.clone()
        };
        let columns = if payload.is_some() { ", payload" } else { "" };
        let mut query = Conditions::after(&format!(
            "WITH read AS MATERIALIZED (SELECT position, received_at, text{columns} FROM events WHERE"
        ));
        others.apply(&mut query);
        query.visible(&self.visible).and("position < ", before);
        let query = query.limit(" ORDER BY position DESC", STEP);
        let mut query = Conditions(query);
        query.0.push(
            ") SELECT coalesce((SELECT array_agg(position ORDER BY position DESC) FROM read WHERE true",
        );
        query
            .and("text ~ ", text.map(super::search::containing))
            .and("payload::text ~ ", payload.map(super::search::containing));
        query.0.push("), '{}'), last.position, last.received_at
                      FROM (SELECT position, received_at FROM read ORDER BY position LIMIT 1) AS last");
        let searched = query.0.build_query_as().fetch_optional(&mut *self.conn);
        let searched: Option<(Vec<i64>, i64, jiff_sqlx::Timestamp)> = answer(searched).await?;
        let searched = searched.map(|(found, last, at)| Searched {
            found,
            last: Some((last, at.to_jiff())),
        });
        Ok(searched.unwrap_or_default())
    }

    /// Position of the newest event that meets `filter`.
    pub async fn newest_event(&mut self, filter: &EventFilter) -> Result<Option<i64>, Error> {
        let mut query = Conditions::after("SELECT position FROM events WHERE");
        filter.apply(&mut query);
        query.visible(&self.visible);
        let mut query = query.limit(" ORDER BY position DESC", 1);
        answer(query.build_query_scalar().fetch_optional(&mut *self.conn)).await
    }
}
