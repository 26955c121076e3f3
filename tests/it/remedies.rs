//! Causes and remedies of `rejections list`: each case is produced by a request.

use hookshelf::meta::signature::sign;
use secrecy::SecretString;
use serde_json::Value;

use crate::support::{
    eventually,
    message::message,
    server::{SECRET, Server},
    wire::{Wire, head},
};

const SIGNATURE: &str = "X-Hub-Signature-256";

/// An address of Meta, another address, and the address of a local proxy.
const META: &str = "173.252.95.16";
const STRANGER: &str = "198.51.100.7";
const LOCAL: &str = "10.1.2.3";

/// Secret of the other product.
const OTHER: &str = "the secret of the other product";

/// Configuration behind a trusted proxy; `app` has the keys of the app `default`.
fn behind_a_proxy(app: &str) -> String {
    format!(
        "[http]\ntrusted_proxies = [\"127.0.0.1/32\"]\nbody_timeout_seconds = 1\n\
         max_body_bytes = 4096\n[apps.default]\n{app}"
    )
}

async fn start() -> Server {
    let app = format!("app_secret = \"{SECRET}\"\n");
    Server::start_with(&behind_a_proxy(&app)).await
}

fn signature(secret: &str, body: &str) -> String {
    sign(&SecretString::from(secret), body.as_bytes())
}

/// Sends a request from an address, and returns its status.
async fn send(
    server: &Server,
    from: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> u16 {
    let headers = [&[("X-Forwarded-For", from)], headers].concat();
    server.post(path, &headers, body.to_owned()).await.status
}

/// Sends a delivery with a signature of this secret.
async fn deliver(server: &Server, from: &str, secret: &str) -> u16 {
    let body = message("mid.remedies", "Two loaves");
    let signature = signature(secret, &body);
    send(server, from, "/webhook", &[(SIGNATURE, &signature)], &body).await
}

/// The only row with this reason, as soon as it is counted.
async fn row(server: &Server, reason: &str, prefix: &str) -> Value {
    let mut found = None;
    eventually(reason, async || {
        let output = server.run(&["rejections", "list", "--json"]);
        let lines = String::from_utf8(output.stdout).unwrap();
        let mut rows = lines
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        found = rows.find(|row| row["reason"] == reason && row["prefix"] == prefix);
        found.is_some()
    })
    .await;
    found.unwrap()
}

/// Asserts owner, and parts of cause and remedy, of the rejection from this network.
async fn explains(server: &Server, reason: &str, from: &str, [owner, cause, remedy]: [&str; 3]) {
    let prefix = match from.rsplit_once('.') {
        Some((net, _)) => format!("{net}.0/24"),
        None => "0.0.0.0/0".to_owned(),
    };
    let row = row(server, reason, &prefix).await;
    let text = |key: &str| row[key].as_str().unwrap().to_owned();
    assert_eq!(text("owner"), owner, "{row}");
    assert!(text("cause").contains(cause), "{row}");
    assert!(text("remedy").contains(remedy), "{row}");
}

#[tokio::test]
async fn a_wrong_secret_names_its_key_and_its_place_at_meta() {
    let server = start().await;
    assert_eq!(deliver(&server, META, OTHER).await, 401);
    let said = [
        "meta",
        "the secret is wrong: app_secret",
        "copy app_secret from App settings > Basic > App secret; then run `hookshelf reload`, and \
         `hookshelf rejections recheck --yes` to store what was refused",
    ];
    explains(&server, "signature_mismatch", META, said).await;
}

#[tokio::test]
async fn the_secret_of_the_other_product_is_named_if_the_configured_one_verifies() {
    for (key, missing) in [
        ("app_secret", "instagram_app_secret"),
        ("instagram_app_secret", "app_secret"),
    ] {
        let app = format!("{key} = \"{SECRET}\"\n");
        let server = Server::start_with(&behind_a_proxy(&app)).await;
        assert_eq!(deliver(&server, META, SECRET).await, 200);
        assert_eq!(deliver(&server, META, OTHER).await, 401);
        eventually("the verified delivery is noted", async || {
            let row = row(&server, "signature_mismatch", "173.252.95.0/24").await;
            row["cause"].as_str().unwrap().contains("the other product")
        })
        .await;
        let (cause, remedy) = (
            format!("signed with {missing}, which is not set"),
            format!("set {missing} under [apps.default]"),
        );
        explains(
            &server,
            "signature_mismatch",
            META,
            ["meta", &cause, &remedy],
        )
        .await;
    }
}

#[tokio::test]
async fn the_unproven_one_of_two_secrets_is_wrong() {
    let app = format!("app_secret = \"{SECRET}\"\ninstagram_app_secret = \"an outdated secret\"\n");
    let server = Server::start_with(&behind_a_proxy(&app)).await;
    assert_eq!(deliver(&server, META, SECRET).await, 200);
    assert_eq!(deliver(&server, META, OTHER).await, 401);
    eventually("the verified delivery is noted", async || {
        let row = row(&server, "signature_mismatch", "173.252.95.0/24").await;
        row["cause"].as_str().unwrap() == "the secret is wrong: instagram_app_secret"
    })
    .await;
}

#[tokio::test]
async fn a_mismatch_from_elsewhere_is_probing_or_a_hidden_proxy() {
    let server = start().await;
    for from in [STRANGER, LOCAL] {
        assert_eq!(deliver(&server, from, OTHER).await, 401);
    }
    let said = [
        "other",
        "probing with forged deliveries, or a proxy",
        "trusted_proxies",
    ];
    explains(&server, "signature_mismatch", STRANGER, said).await;
    let said = [
        "private",
        "a proxy hides the address",
        "add the proxy to http.trusted_proxies",
    ];
    explains(&server, "signature_mismatch", LOCAL, said).await;
}

#[tokio::test]
async fn a_missing_or_changed_header_of_metas_is_dropped_by_a_proxy() {
    let server = start().await;
    let via = ("Via", "1.1 cache.example");
    for (reason, header, cause) in [
        (
            "signature_missing",
            ("Accept", "*/*"),
            "a proxy drops the header X-Hub-Signature-256",
        ),
        (
            "signature_sha1_only",
            ("X-Hub-Signature", "sha1=00"),
            "only the SHA-1 signature arrived",
        ),
        (
            "signature_malformed",
            (SIGNATURE, "sha256=00"),
            "a proxy changes or doubles the header",
        ),
    ] {
        for from in [META, STRANGER] {
            let headers = [header, via];
            assert_eq!(send(&server, from, "/webhook", &headers, "{}").await, 401);
        }
        explains(&server, reason, META, ["meta", cause, "unchanged"]).await;
        let of_others = ["other", "the sender is not Meta", "none needed"];
        explains(&server, reason, STRANGER, of_others).await;
        let row = row(&server, reason, "173.252.95.0/24").await;
        assert_eq!(row["proxy_header"], "via");
        assert!(
            row["cause"]
                .as_str()
                .unwrap()
                .ends_with("(the header via reveals a proxy)")
        );
    }
}

#[tokio::test]
async fn a_body_that_verifies_in_metas_spelling_was_encoded_by_a_proxy() {
    let server = start().await;
    let sent =
        r#"{"object":"instagram","entry":[{"id":"1","time":1,"note":"Br\u00f6tchen 5\u0025"}]}"#;
    let arrived =
        r#"{"object": "instagram", "entry": [{"id": "1", "time": 1, "note": "Brötchen 5%"}]}"#;
    let signature = signature(SECRET, sent);
    let headers = [(SIGNATURE, &*signature), ("CF-Ray", "8a1")];
    for from in [META, STRANGER] {
        assert_eq!(
            send(&server, from, "/webhook", &headers, arrived).await,
            401
        );
    }
    let said = [
        "meta",
        "a proxy re-encodes the body",
        "forward bodies unchanged",
    ];
    explains(&server, "body_reencoded", META, said).await;
    let row = row(&server, "body_reencoded", "173.252.95.0/24").await;
    assert!(
        row["cause"]
            .as_str()
            .unwrap()
            .ends_with("(the header cf-ray reveals a proxy)")
    );
    // Of strangers, no other spelling is tried: each costs a signature.
    let said = ["other", "probing", "none needed"];
    explains(&server, "signature_mismatch", STRANGER, said).await;
}

/// Sends a head that announces a body, and a part of the body.
async fn begin(server: &Server, length: usize) -> Wire {
    let mut wire = Wire::to(server.public).await;
    let headers = [("x-forwarded-for", META)];
    wire.send(head(
        "/webhook",
        &headers,
        &format!("content-length: {length}"),
    ))
    .await;
    wire.send("{").await;
    wire
}

#[tokio::test]
async fn a_body_that_is_too_large_cut_off_slow_or_malformed_says_which() {
    let server = start().await;
    assert_eq!(
        send(&server, META, "/webhook", &[], &"x".repeat(5000)).await,
        413
    );
    assert_eq!(begin(&server, 100).await.answer().await.bare(), 408);
    let mut cut_off = begin(&server, 100).await;
    cut_off.finish().await;
    assert_eq!(cut_off.answer().await.bare(), 400);
    let mut chunks = Wire::to(server.public).await;
    let headers = [("x-forwarded-for", META)];
    chunks
        .send(head("/webhook", &headers, "transfer-encoding: chunked"))
        .await;
    chunks.send("no length\r\n").await;
    assert_eq!(chunks.answer().await.bare(), 400);
    for (reason, cause, remedy) in [
        (
            "body_too_large",
            "larger than http.max_body_bytes",
            "raise http.max_body_bytes",
        ),
        ("body_timeout", "the body was slow", "body_timeout_seconds"),
        (
            "body_incomplete",
            "the body was cut off",
            "limits of size and time in the proxy",
        ),
        ("body_malformed", "chunks", "replace the proxy"),
    ] {
        explains(&server, reason, META, ["meta", cause, remedy]).await;
    }
}

#[tokio::test]
async fn a_callback_url_without_an_app_is_explained_for_meta() {
    let server = start().await;
    assert_eq!(send(&server, META, "/webhook/shop", &[], "{}").await, 404);
    assert_eq!(
        send(&server, STRANGER, "/webhook/shop", &[], "{}").await,
        404
    );
    let said = [
        "meta",
        "an app that is not configured",
        "correct the callback URL",
    ];
    explains(&server, "unknown_app", META, said).await;
    explains(
        &server,
        "unknown_app",
        "",
        ["unknown", "somebody scans", "none needed"],
    )
    .await;
}

#[tokio::test]
async fn an_app_that_was_removed_is_not_configured_any_more() {
    let apps = format!("app_secret = \"{SECRET}\"\n[apps.gone]\napp_secret = \"{SECRET}\"\n");
    let server = Server::start_with(&behind_a_proxy(&apps)).await;
    assert_eq!(send(&server, META, "/webhook/gone", &[], "{}").await, 401);
    row(&server, "signature_missing", "173.252.95.0/24").await;
    let file = server.directory.join("hookshelf.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let (kept, _) = text.split_once("[apps.gone]").unwrap();
    std::fs::write(&file, kept).unwrap();
    let said = [
        "meta",
        "the app gone is not configured any more",
        "add [apps.gone] again",
    ];
    explains(&server, "signature_missing", META, said).await;
}

#[tokio::test]
async fn the_secret_of_a_first_start_is_unknown_to_meta() {
    let text = "[http]\ntrusted_proxies = [\"127.0.0.1/32\"]\n";
    let server = Server::start_with(text).await;
    assert_eq!(deliver(&server, META, OTHER).await, 401);
    let said = [
        "meta",
        "still the one of the first start",
        "instagram_app_secret",
    ];
    explains(&server, "signature_mismatch", META, said).await;
}

#[tokio::test]
async fn the_table_ends_with_each_cause_and_remedy_once() {
    let server = start().await;
    for _ in 0..3 {
        assert_eq!(send(&server, META, "/webhook", &[], "{}").await, 401);
    }
    row(&server, "signature_missing", "173.252.95.0/24").await;
    let output = server.run(&["rejections", "list"]);
    let table = String::from_utf8(output.stdout).unwrap();
    let end = "\nsignature_missing (default, from Meta's networks)\n  cause   a proxy drops the header \
        X-Hub-Signature-256, which Meta always sends (the header x-forwarded-for reveals a proxy)\n  \
        remedy  let the proxy forward the header X-Hub-Signature-256 unchanged\n";
    assert!(table.ends_with(end), "{table}");
    assert_eq!(table.matches("  cause  ").count(), 1, "{table}");
}
