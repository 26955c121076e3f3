//! Meta's deliveries (POST): from the signature to the answer.

use std::time::Duration;

use hookshelf::{
    http::Limits,
    ingest::{Durable, Failure, Rejection},
    meta::{
        event::{Problem, Source},
        signature::{sign, sign_simulated},
    },
    store::Committed,
};
use metrics_exporter_prometheus::PrometheusBuilder;

use super::{
    door::{
        Door, STORED, Setup, configured, fresh_app, here, keys, limits, metric, old_secret, secret,
        signed, signed_with,
    },
    wire::{post, request},
};
use crate::support::message::EMPTY;

const BODY: &[u8] = EMPTY.as_bytes();

#[tokio::test]
async fn a_signed_delivery_is_handed_over_and_answered() {
    let mut door = Door::open();
    let signature = sign(&secret("default"), BODY);
    let headers = [
        ("X-Hub-Signature-256", &*signature),
        ("User-Agent", "facebookexternalua"),
        ("Cookie", "of=a-proxy"),
    ];
    let (delivery, answer) = door.deliver(post("/webhook", &headers, BODY), STORED).await;
    assert_eq!(answer.bare(), 200);
    assert_eq!(delivery.body, BODY);
    assert_eq!(&*delivery.secret, "app");
    assert_eq!(&*delivery.envelope.app, "default");
    assert_eq!(delivery.envelope.remote_addr, Some([127, 0, 0, 1].into()));
    assert_eq!(delivery.source, Source::Live);
    let kept: serde_json::Value = serde_json::from_str(&delivery.envelope.headers).unwrap();
    let expected = serde_json::json!({
        "user-agent": "facebookexternalua",
        "x-hub-signature-256": signature,
    });
    assert_eq!(kept, expected);
}

#[tokio::test]
async fn a_delivery_is_named_after_the_moment_it_came() {
    let mut door = Door::open();
    door.clock.set("2026-03-04T05:06:07.891Z".parse().unwrap());
    let (one, _) = door.deliver(signed("default", BODY), STORED).await;
    let (two, _) = door.deliver(signed("default", BODY), STORED).await;
    let [one, two] = [one.envelope, two.envelope];
    assert_eq!(one.received_at.to_string(), "2026-03-04T05:06:07.891Z");
    assert_eq!(one.id.get_version_num(), 7);
    let (seconds, nanos) = one.id.get_timestamp().unwrap().to_unix();
    assert_eq!((seconds, nanos), (1_772_600_767, 891_000_000));
    assert_ne!(one.id, two.id);
}

#[tokio::test]
async fn every_outcome_has_its_status_and_no_body() {
    let mut door = Door::open();
    let unreadable = Committed {
        problem: Some(Problem::NotJson),
        ..Committed::default()
    };
    let table = [
        (STORED, 200),
        (
            Ok(Durable::Stored(Committed {
                repeated: 3,
                ..Committed::default()
            })),
            200,
        ),
        (Ok(Durable::Stored(unreadable)), 200),
        (Ok(Durable::Spooled), 200),
        (Err(Failure::StoreUnavailable), 503),
        (Err(Failure::QueueFull), 503),
        (Err(Failure::Stopping), 503),
        (Err(Failure::Internal), 500),
    ];
    for (settled, status) in table {
        let (_, answer) = door.deliver(signed("default", BODY), settled).await;
        assert_eq!(answer.bare(), status, "{settled:?}");
        assert_eq!(
            answer.header("retry-after").is_some(),
            status == 503,
            "{settled:?}"
        );
    }
}

#[tokio::test]
async fn a_delivery_without_the_right_signature_is_only_counted() {
    let app = fresh_app();
    let mut door = Door::with(Setup::with_apps(&[&app]));
    let right = sign(&secret(&app), BODY);
    let wrong = sign(&secret("somebody"), BODY);
    let (sha256, sha1) = ("x-hub-signature-256", "x-hub-signature");
    let table: [(&[(&str, &str)], Rejection); 9] = [
        (&[], Rejection::SignatureMissing),
        (&[(sha1, "sha1=da39a3ee")], Rejection::SignatureSha1Only),
        (&[(sha1, &right)], Rejection::SignatureSha1Only),
        (&[(sha256, "")], Rejection::SignatureMalformed),
        (&[(sha256, &right[7..])], Rejection::SignatureMalformed),
        (&[(sha256, &right[..70])], Rejection::SignatureMalformed),
        (
            &[(sha256, &right), (sha256, &right)],
            Rejection::SignatureMalformed,
        ),
        (&[(sha256, &wrong)], Rejection::SignatureMismatch),
        (
            &[(sha1, "sha1=da39a3ee"), (sha256, &wrong)],
            Rejection::SignatureMismatch,
        ),
    ];
    for (headers, reason) in table {
        let request = post(&format!("/webhook/{app}"), headers, BODY);
        assert_eq!(door.ask(request).await.bare(), 401, "{headers:?}");
        assert_eq!(
            door.rejection().await,
            (app.clone(), reason, here()),
            "{headers:?}"
        );
    }
    assert!(door.is_quiet());
    let refused = [&*format!("app=\"{app}\""), "reason=\"signature_malformed\""];
    assert_eq!(metric("hookshelf_deliveries_total", &refused), Some(4.0));
}

#[tokio::test]
async fn a_changed_body_is_refused_and_an_empty_one_is_a_body() {
    let mut door = Door::open();
    let mut request = signed("default", BODY);
    *request.last_mut().unwrap() ^= 1;
    assert_eq!(door.ask(request).await.bare(), 401);
    let (delivery, answer) = door.deliver(signed("default", b""), STORED).await;
    assert_eq!(answer.bare(), 200);
    assert!(delivery.body.is_empty());
}

#[tokio::test]
async fn an_old_secret_still_counts_and_one_sees_that_it_is_used() {
    let app = fresh_app();
    let mut door = Door::with(Setup::with_apps(&[&app]));
    for secret in [secret(&app), old_secret(&app), old_secret(&app)] {
        let (_, answer) = door.deliver(signed_with(&secret, &app, BODY), STORED).await;
        assert_eq!(answer.bare(), 200);
    }
    let used = |secret: &str| {
        let labels = [&*format!("app=\"{app}\""), &*format!("secret=\"{secret}\"")];
        metric("hookshelf_signatures_total", &labels)
    };
    assert_eq!((used("app"), used("previous-1")), (Some(1.0), Some(2.0)));
}

#[tokio::test]
async fn the_secret_of_one_app_does_not_open_the_path_of_another() {
    let (one, two) = (fresh_app(), fresh_app());
    let mut door = Door::with(Setup::with_apps(&[&one, &two]));
    let (delivery, answer) = door.deliver(signed(&one, BODY), STORED).await;
    assert_eq!((answer.bare(), &*delivery.envelope.app), (200, &*one));
    assert_eq!(
        door.ask(signed_with(&secret(&one), &two, BODY))
            .await
            .bare(),
        401
    );
    let reason = Rejection::SignatureMismatch;
    assert_eq!(door.rejection().await, (two, reason, here()));
}

#[tokio::test]
async fn the_configured_secrets_and_tokens_are_those_of_the_door() {
    let app = fresh_app();
    let key = |key: &str| format!("APPS__{}__{key}", app.to_uppercase());
    let config = configured(&[
        (&key("APP_SECRET"), "basic"),
        (&key("INSTAGRAM_APP_SECRET"), "product"),
        (&key("PREVIOUS_SECRETS"), "former,first"),
        (&key("VERIFY_TOKEN"), "loaf"),
        ("HTTP__MAX_BODY_BYTES", "2000"),
        ("HTTP__TRUSTED_PROXIES", "10.0.0.0/8,127.0.0.1"),
    ]);
    let mut door = Door::configured(&config);
    let secrets = [
        ("basic", "app"),
        ("product", "instagram"),
        ("former", "previous-1"),
        ("first", "previous-2"),
    ];
    for (secret, name) in secrets {
        let request = signed_with(&secret.into(), &app, BODY);
        let (delivery, _) = door.deliver(request, STORED).await;
        assert_eq!(&*delivery.secret, name);
    }
    assert_eq!(door.ask(signed(&app, &[b'x'; 2001])).await.bare(), 413);
    let query = "hub.mode=subscribe&hub.challenge=1&hub.verify_token=loaf";
    let answer = door
        .ask(request("GET", &format!("/webhook/{app}?{query}")))
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(door.ask(signed("default", BODY)).await.bare(), 404);
}

#[tokio::test]
async fn a_reload_swaps_the_apps_under_a_living_connection() {
    let (old, new) = (fresh_app(), fresh_app());
    let mut door = Door::with(Setup::with_apps(&[&old]));
    let mut wire = door.wire().await;
    wire.send(signed(&old, BODY)).await;
    let (_, decide) = door.arrival().await;
    door.state.swap_apps([keys(&new)].into_iter().collect());
    decide.send(STORED).unwrap();
    assert_eq!(
        wire.answer().await.bare(),
        200,
        "what came before it ends as it began"
    );

    assert_eq!(wire.ask(signed(&old, BODY)).await.bare(), 404);
    wire.send(signed(&new, BODY)).await;
    door.arrival().await.1.send(STORED).unwrap();
    assert_eq!(wire.answer().await.bare(), 200);
}

#[tokio::test]
async fn only_a_valid_mark_makes_a_delivery_a_simulated_one() {
    let mut door = Door::open();
    let key = secret("default");
    let signature = sign(&key, BODY);
    let table = [
        (sign_simulated(&key, BODY), true),
        (sign_simulated(&old_secret("default"), BODY), true),
        (sign_simulated(&key, b"another body"), false),
        (sign_simulated(&secret("somebody"), BODY), false),
        (signature[7..].to_owned(), false),
        ("true".to_owned(), false),
    ];
    for (mark, simulated) in table {
        let headers = [
            ("x-hub-signature-256", &*signature),
            ("x-hookshelf-simulated", &*mark),
        ];
        let (delivery, _) = door.deliver(post("/webhook", &headers, BODY), STORED).await;
        let is_simulated = delivery.source == Source::Simulated;
        assert_eq!(is_simulated, simulated, "{mark}");
    }
}

#[tokio::test]
async fn a_writer_that_hangs_is_answered_for_and_what_it_says_later_changes_nothing() {
    let app = fresh_app();
    let limits = Limits {
        answer_within: Duration::from_millis(50),
        ..limits()
    };
    let mut door = Door::with(Setup {
        limits,
        ..Setup::with_apps(&[&app])
    });
    let mut wire = door.wire().await;
    wire.send(signed(&app, BODY)).await;
    let (_, undecided) = door.arrival().await;
    let answer = wire.answer().await;
    assert_eq!(answer.bare(), 503);
    assert!(answer.header("retry-after").is_some());

    undecided.send(STORED).unwrap();
    door.state.in_flight().none_left().await;
    let of_app = format!("app=\"{app}\"");
    let count = |outcome| metric("hookshelf_deliveries_total", &[&*of_app, outcome]);
    assert_eq!(
        count("outcome=\"failed\",reason=\"store_unavailable\""),
        Some(1.0)
    );
    assert_eq!(count("outcome=\"accepted\""), Some(0.0));
}

#[tokio::test]
async fn a_defect_in_one_delivery_is_counted_and_harms_no_other() {
    // The panic counter has no app label: other tests of this process must not increase it.
    let recorder = PrometheusBuilder::new().build_recorder();
    let _on_this_thread = metrics::set_default_local_recorder(&recorder);
    let mut door = Door::open();
    let mut wire = door.wire().await;
    wire.send(signed("default", BODY)).await;
    drop(door.arrival().await); // Undecided: the task of the test panics.
    assert_eq!(wire.answer().await.bare(), 500);
    let counted = recorder.handle().render();
    for series in [
        r#"hookshelf_deliveries_total{app="default",outcome="failed",reason="internal",source="live"} 1"#,
        r#"hookshelf_panics_total{listener="public"} 1"#,
    ] {
        assert!(counted.lines().any(|line| line == series), "{counted}");
    }

    wire.send(signed("default", BODY)).await;
    door.arrival().await.1.send(STORED).unwrap();
    assert_eq!(wire.answer().await.bare(), 200);
}

#[tokio::test]
async fn a_sender_who_hangs_up_does_not_stop_a_delivery_half_way() {
    let app = fresh_app();
    let mut door = Door::with(Setup::with_apps(&[&app]));
    let mut wire = door.wire().await;
    wire.send(signed(&app, BODY)).await;
    let (_, decide) = door.arrival().await;
    drop(wire);
    door.stop.close();
    door.serving.await.unwrap().unwrap();

    assert_eq!(door.state.in_flight().count(), 1);
    decide.send(STORED).unwrap();
    door.state.in_flight().none_left().await;
    let accepted = "outcome=\"accepted\",reason=\"\",source=\"live\"";
    let labels = [&*format!("app=\"{app}\""), accepted];
    assert_eq!(metric("hookshelf_deliveries_total", &labels), Some(1.0));
}
