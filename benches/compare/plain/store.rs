//! Store of the plain receiver: row by row, with a transaction for each delivery.

use std::collections::{BTreeSet, HashSet};

use hookshelf::{
    meta::event::{Event, Problem},
    store::Delivery,
};
use jiff_sqlx::ToSqlx;
use sqlx::{
    ConnectOptions, PgConnection, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use uuid::Uuid;

/// Number of connections to Postgres.
const CONNECTIONS: u32 = 20;

/// The connection pool.
pub(super) struct Store {
    pool: PgPool,
    /// Current partition of the dedupe keys; it changes once a week.
    epoch: i32,
}

impl Store {
    /// Connects to the database at `url`, with the default settings of the pool.
    pub(super) async fn open(url: &str) -> sqlx::Result<Self> {
        let options: PgConnectOptions = url.parse()?;
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .connect_with(options.disable_statement_logging())
            .await?;
        let epoch = sqlx::query_scalar("SELECT epoch FROM commit_fence");
        Ok(Self {
            epoch: epoch.fetch_one(&pool).await?,
            pool,
        })
    }

    /// Stores `delivery` and its new events; durable when this returns.
    pub(super) async fn keep(&self, delivery: &Delivery) -> sqlx::Result<()> {
        let mut transaction = self.pool.begin().await?;
        insert_delivery(&mut transaction, delivery).await?;
        let mut fresh = self.claim(&mut transaction, delivery).await?;
        for event in &delivery.events {
            if fresh.remove(&event.dedupe_key) {
                insert_event(&mut transaction, delivery, event).await?;
            }
        }
        transaction.commit().await
    }

    /// Inserts the dedupe keys of `delivery` and returns the new keys. Keys are sorted, since two
    /// transactions that insert the same keys in different order would deadlock.
    async fn claim(
        &self,
        connection: &mut PgConnection,
        delivery: &Delivery,
    ) -> sqlx::Result<HashSet<Uuid>> {
        let keys: BTreeSet<Uuid> = delivery.events.iter().map(|it| it.dedupe_key).collect();
        let mut fresh = HashSet::with_capacity(keys.len());
        for key in keys {
            if self.is_new(connection, key).await? {
                fresh.insert(key);
            }
        }
        Ok(fresh)
    }

    async fn is_new(&self, connection: &mut PgConnection, key: Uuid) -> sqlx::Result<bool> {
        let inserted = sqlx::query(
            "INSERT INTO dedupe (epoch, key, position) VALUES ($1, $2, 0) ON CONFLICT DO NOTHING RETURNING key",
        )
        .bind(self.epoch)
        .bind(key)
        .fetch_optional(connection)
        .await?;
        Ok(inserted.is_some())
    }
}

async fn insert_delivery(connection: &mut PgConnection, delivery: &Delivery) -> sqlx::Result<()> {
    let address = delivery
        .envelope
        .remote_addr
        .map(|address| address.to_string());
    sqlx::query(
        "INSERT INTO plain_deliveries (id, received_at, app, object, body, headers, remote_addr, secret,
                                 problem, event_count, source)
         VALUES ($1, $2, $3, $4, $5, $6::json, $7::inet, $8, $9, $10, $11)",
    )
    .bind(delivery.envelope.id)
    .bind(delivery.envelope.received_at.to_sqlx())
    .bind(&*delivery.envelope.app)
    .bind(delivery.object.as_deref())
    .bind(&*delivery.body)
    .bind(&delivery.envelope.headers)
    .bind(address)
    .bind(&*delivery.secret)
    .bind(delivery.problem.map(Problem::as_str))
    .bind(i32::try_from(delivery.event_count).unwrap_or(i32::MAX))
    .bind(delivery.source.as_str())
    .execute(connection)
    .await?;
    Ok(())
}

async fn insert_event(
    connection: &mut PgConnection,
    delivery: &Delivery,
    event: &Event,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO plain_events (delivery_id, received_at, occurred_at, occurred_at_source, app,
                             object, field, kind, channel, account_id, person_id, sender_id,
                             recipient_id, username, message_id, comment_id, media_id, parent_id,
                             text, is_echo, is_self, payload, problem, source, dedupe_key)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
                 $19, $20, $21, $22::json, $23, $24, $25)",
    )
    .bind(delivery.envelope.id)
    .bind(delivery.envelope.received_at.to_sqlx())
    .bind(event.occurred_at.map(ToSqlx::to_sqlx))
    .bind(event.occurred_at_source.as_str())
    .bind(&*delivery.envelope.app)
    .bind(delivery.object.as_deref())
    .bind(event.field.as_deref())
    .bind(event.kind.as_str())
    .bind(event.channel.as_str())
    .bind(event.account_id.as_deref())
    .bind(event.person_id.as_deref())
    .bind(event.sender_id.as_deref())
    .bind(event.recipient_id.as_deref())
    .bind(event.username.as_deref())
    .bind(event.ids.message_id.as_deref())
    .bind(event.ids.comment_id.as_deref())
    .bind(event.ids.media_id.as_deref())
    .bind(event.ids.parent_id.as_deref())
    .bind(event.text.as_deref())
    .bind(event.is_echo)
    .bind(event.is_self)
    .bind(std::str::from_utf8(event.item(&delivery.body)).ok())
    .bind(event.problem.map(Problem::as_str))
    .bind(delivery.source.as_str())
    .bind(event.dedupe_key)
    .execute(connection)
    .await?;
    Ok(())
}
