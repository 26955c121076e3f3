//! The outside receiver: typical code with axum and sqlx.
//!
//! It has one table with a row for each item, identified by the SHA-256 of its text, and stores no
//! body. Its guarantee is the same: an item is durable before 200, and stored once.

use std::sync::Arc;

use anyhow::Context;
use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use hmac::{Hmac, KeyInit, Mac};
use hookshelf::config::{self, Sources};
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::{
    ConnectOptions, PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};

struct Receiver {
    secret: Vec<u8>,
    pool: PgPool,
}

/// Serves until killed.
pub(crate) async fn serve(sources: &Sources) -> anyhow::Result<()> {
    let config = config::load(sources).map_err(|faults| anyhow::anyhow!("{faults}"))?;
    let url = sources.var("DATABASE_URL").context("no DATABASE_URL")?;
    let options: PgConnectOptions = url.parse()?;
    let pool = PgPoolOptions::new().max_connections(20);
    let receiver = Receiver {
        secret: crate::server::SECRET.as_bytes().to_vec(),
        pool: pool
            .connect_with(options.disable_statement_logging())
            .await?,
    };
    let routes = Router::new()
        .route("/webhook", post(receive))
        .with_state(Arc::new(receiver));
    let listener = crate::server::bind(config.http.listen).await?;
    Ok(axum::serve(listener, routes).await?)
}

async fn receive(
    State(receiver): State<Arc<Receiver>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    if !is_signed(&receiver.secret, &headers, &body) {
        return StatusCode::UNAUTHORIZED;
    }
    let Ok(notification) = serde_json::from_slice(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    match keep(&receiver.pool, &notification).await {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn is_signed(secret: &[u8], headers: &HeaderMap, body: &[u8]) -> bool {
    let signature = headers.get("x-hub-signature-256");
    let signature = signature.and_then(|it| it.to_str().ok()?.strip_prefix("sha256="));
    let Some(signature) = signature.and_then(|digits| hex::decode(digits).ok()) else {
        return false;
    };
    let mac = Hmac::<Sha256>::new_from_slice(secret);
    mac.is_ok_and(|mac| mac.chain_update(body).verify_slice(&signature).is_ok())
}

async fn keep(pool: &PgPool, notification: &Value) -> sqlx::Result<()> {
    for entry in notification["entry"].as_array().into_iter().flatten() {
        for container in ["messaging", "changes", "standby"] {
            for item in entry[container].as_array().into_iter().flatten() {
                insert(pool, entry, item).await?;
            }
        }
    }
    Ok(())
}

async fn insert(pool: &PgPool, entry: &Value, item: &Value) -> sqlx::Result<()> {
    let key = Sha256::new()
        .chain_update(entry["time"].to_string())
        .chain_update(item.to_string())
        .finalize();
    sqlx::query(
        "INSERT INTO webhooks (key, account_id, item) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
    .bind(key.to_vec())
    .bind(entry["id"].as_str())
    .bind(item)
    .execute(pool)
    .await?;
    Ok(())
}
