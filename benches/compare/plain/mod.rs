//! The plain receiver: careful code with axum and sqlx.
//!
//! It verifies and parses with this library, and stores the columns of Hookshelf's views in tables
//! with the same indexes. It answers 200 after the commit: one transaction per delivery, a pool of
//! 20 connections, prepared statements, no logging. It is a correct receiver; only batched commits
//! are missing.

mod store;

use std::{net::SocketAddr, sync::Arc};

use anyhow::Context;
use axum::{
    Router,
    body::Bytes,
    extract::{ConnectInfo, State},
    http::{HeaderMap, HeaderValue, StatusCode},
    routing::post,
};
use hookshelf::{
    clock::Clock,
    config::{self, Sources},
    envelope::Envelope,
    http::AppKeys,
    ingest::parse,
};
use serde_json::{Map, Value};
use uuid::Uuid;

use store::Store;

/// Headers to store, the same as in Hookshelf.
const KEPT: [&str; 6] = [
    "accept",
    "content-length",
    "content-type",
    "user-agent",
    "x-hub-signature",
    "x-hub-signature-256",
];

/// State of the handler.
struct Receiver {
    keys: AppKeys,
    store: Store,
    clock: Clock,
}

/// Serves until killed.
pub(crate) async fn serve(sources: &Sources) -> anyhow::Result<()> {
    let config = config::load(sources).map_err(|faults| anyhow::anyhow!("{faults}"))?;
    let url = sources.var("DATABASE_URL").context("no DATABASE_URL")?;
    let receiver = Receiver {
        keys: AppKeys::from(config.apps.values().next().context("no app")?),
        store: Store::open(url).await?,
        clock: Clock::system(),
    };
    let routes = Router::new()
        .route("/webhook", post(receive))
        .with_state(Arc::new(receiver));
    let listener = crate::server::bind(config.http.listen).await?;
    let service = routes.into_make_service_with_connect_info::<SocketAddr>();
    Ok(axum::serve(listener, service).await?)
}

async fn receive(
    State(receiver): State<Arc<Receiver>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let signature = headers.get("x-hub-signature-256");
    let signature = signature.map(HeaderValue::as_bytes);
    let Ok(body) = receiver.keys.secrets.verify(signature, body) else {
        return StatusCode::UNAUTHORIZED;
    };
    let envelope = Envelope {
        id: Uuid::now_v7(),
        received_at: receiver.clock.now(),
        app: Arc::clone(&receiver.keys.name),
        headers: kept(&headers),
        remote_addr: Some(peer.ip()),
    };
    let delivery = parse(envelope, &body, false);
    match receiver.store.keep(&delivery).await {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Headers to store, as JSON.
fn kept(headers: &HeaderMap) -> String {
    let kept = KEPT.iter().filter_map(|name| {
        let text = headers.get(*name)?.to_str().ok()?;
        Some(((*name).to_owned(), Value::from(text)))
    });
    Value::Object(kept.collect::<Map<_, _>>()).to_string()
}
