//! Texts for the rejections that do not depend on the secrets of an app.

use super::{Explanation, Owner};

/// Remedy for requests of strangers.
const NONE: &str = "none needed; if a proxy of yours has this address, add it to \
    http.trusted_proxies";

/// Remedy if the address of the sender is that of a proxy.
const TRUST: &str = "add the proxy to http.trusted_proxies, so that the network of the sender is \
    known";

/// True if the path of the request named no app.
pub(super) fn is_unknown(reason: &str) -> bool {
    matches!(reason, "unknown_app" | "unknown_path")
}

/// Explains a delivery to an app that was configured once.
pub(super) fn unconfigured(app: &str) -> Explanation {
    explanation(
        &format!("the app {app} is not configured any more"),
        &format!(
            "add [apps.{app}] again, or remove its callback URL from the App Dashboard; then run \
             `hookshelf reload`"
        ),
    )
}

/// Explains a rejection by its reason and the owner of the network.
pub(super) fn of(reason: &str, owner: Owner) -> Explanation {
    let (cause, remedy) = match reason {
        "signature_mismatch" => mismatch(owner),
        "signature_missing" => header(
            owner,
            "a proxy drops the header X-Hub-Signature-256, which Meta always sends",
        ),
        "signature_sha1_only" => header(
            owner,
            "only the SHA-1 signature arrived: a proxy drops the header X-Hub-Signature-256, which \
             Meta sends beside it",
        ),
        "signature_malformed" => header(
            owner,
            "a proxy changes or doubles the header X-Hub-Signature-256",
        ),
        "body_reencoded" => (
            "a proxy re-encodes the body: the signature fits the body as Meta escapes it",
            "switch off inspection and rewriting of JSON in the proxy: it must forward bodies \
             unchanged",
        ),
        "unknown_app" | "unknown_path" => unknown(owner),
        _ => body(reason).unwrap_or_else(|| failure(reason)),
    };
    explanation(cause, remedy)
}

fn explanation(cause: &str, remedy: &str) -> Explanation {
    Explanation {
        cause: cause.to_owned(),
        remedy: remedy.to_owned(),
    }
}

fn mismatch(owner: Owner) -> (&'static str, &'static str) {
    match owner {
        Owner::Private => (
            "a proxy hides the address of the sender, so a wrong secret and a forgery look alike",
            TRUST,
        ),
        Owner::Meta | Owner::Other | Owner::Unknown => (
            "somebody is probing with forged deliveries, or a proxy hides Meta's address",
            NONE,
        ),
    }
}

/// A header that Meta always sends is missing or changed.
fn header(owner: Owner, of_metas: &'static str) -> (&'static str, &'static str) {
    match owner {
        Owner::Meta => (
            of_metas,
            "let the proxy forward the header X-Hub-Signature-256 unchanged",
        ),
        Owner::Private => (of_metas, TRUST),
        Owner::Other | Owner::Unknown => (
            "the sender is not Meta, which signs every delivery with SHA-256",
            NONE,
        ),
    }
}

fn unknown(owner: Owner) -> (&'static str, &'static str) {
    match owner {
        Owner::Meta => (
            "a callback URL in the App Dashboard names an app that is not configured",
            "correct the callback URL in the App Dashboard, or add the app to the configuration \
             and run `hookshelf reload`",
        ),
        Owner::Private | Owner::Other | Owner::Unknown => {
            ("somebody scans for paths that do not exist", "none needed")
        }
    }
}

/// The body did not arrive whole, or in time.
fn body(reason: &str) -> Option<(&'static str, &'static str)> {
    Some(match reason {
        "body_too_large" => (
            "the body is larger than http.max_body_bytes",
            "if the sender is Meta, raise http.max_body_bytes and restart the server",
        ),
        "body_timeout" => (
            "the body was slow: it did not arrive within http.body_timeout_seconds",
            "if the sender is Meta, let the proxy buffer requests, or raise \
             http.body_timeout_seconds",
        ),
        "body_incomplete" => (
            "the body was cut off: the connection ended before its last byte",
            "if the sender is Meta, look for limits of size and time in the proxy; Meta sends the \
             delivery again",
        ),
        "body_malformed" => (
            "the chunks of the body have no valid length",
            "if the sender is Meta, update or replace the proxy",
        ),
        _ => return None,
    })
}

/// The server could not store the delivery.
fn failure(reason: &str) -> (&'static str, &'static str) {
    match reason {
        "store_unavailable" => (
            "neither Postgres nor the spool took the delivery in time",
            "run `hookshelf doctor`; Meta sends the delivery again",
        ),
        "queue_full" => (
            "more deliveries arrived than Postgres commits",
            "look for slow disks and locks with `hookshelf doctor`; Meta sends the delivery again",
        ),
        "body_budget" => (
            "the bodies in flight reached http.body_budget_bytes",
            "raise http.body_budget_bytes; Meta sends the delivery again",
        ),
        "stopping" => (
            "the server stopped before the delivery was stored",
            "none needed; Meta sends the delivery again",
        ),
        _ => (
            "a bug in Hookshelf",
            "report it with the log of this time; Meta sends the delivery again",
        ),
    }
}
