//! More clients than allowed connections, and clients that use all their limits.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::sync::Mutex;

use super::stage::{Limits, Stage};
use crate::support::{
    eventually,
    wire::{Wire, head, post},
};

const TEN_THOUSAND: usize = 10_000;

/// Held by each crowd: two of ten thousand would exceed the limits of this process.
static CROWD: Mutex<()> = Mutex::const_new(());

/// Raises the limit of open files; returns the number of connections that this process may open, at
/// most ten thousand.
fn as_many_as_allowed() -> usize {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
    // Reserve for other tests of this process and for other files of a server.
    let others = 1000;
    usize::try_from(most).map_or(TEN_THOUSAND, |most| TEN_THOUSAND.min(most - others))
}

#[tokio::test]
async fn ten_thousand_idle_connections_keep_nobody_out() {
    let _alone = CROWD.lock().await;
    as_many_as_allowed();
    let stage = Stage::open().await;
    stage
        .endures_many(TEN_THOUSAND, |wire| async {
            assert_eq!(wire.closed().await, "");
        })
        .await;
    let ended = "hookshelf_connections_closed_total";
    let of = async |reason: &str| {
        let labels = format!(r#"{{listener="public",reason="{reason}"}}"#);
        stage.metric(&format!("{ended}{labels}")).await
    };
    eventually("each is counted", async || {
        let crowded_out = of("crowded_out").await;
        assert!(crowded_out > 0);
        crowded_out + of("silent").await == TEN_THOUSAND
    })
    .await;
    let refused = r#"hookshelf_connections_refused_total{listener="public"}"#;
    assert_eq!(stage.metric(refused).await, 0);
    stage.close().await;
}

#[tokio::test]
async fn strangers_leave_files_for_postgres_where_only_few_may_be_open() {
    let _alone = CROWD.lock().await;
    as_many_as_allowed();
    let stage = Stage::with(Limits {
        files: Some(300),
        ..Limits::default()
    })
    .await;
    stage
        .endures_many(500, |wire| async {
            assert_eq!(wire.closed().await, "");
        })
        .await;
    let log = stage.server.log();
    assert!(log.contains("open file limit is too low"), "{log}");
    assert!(!log.contains("failed to accept a connection"), "{log}");
    stage.close().await;
}

#[tokio::test]
async fn ten_thousand_idle_connections_at_a_time_cost_little() {
    let _alone = CROWD.lock().await;
    let count = as_many_as_allowed();
    let stage = Stage::with(Limits {
        connections: count as u64 + 100,
        header_timeout: 120,
        ..Limits::default()
    })
    .await;
    let open = r#"hookshelf_connections{listener="public"}"#;
    let idle = async {
        let mut idle = Vec::new();
        for _ in 0..count {
            idle.push(stage.wire().await);
        }
        eventually("all are open", async || stage.metric(open).await >= count).await;
        let each = (stage.server.memory().now - stage.memory_at_first()) / count as u64;
        println!("{count} idle connections of {each} bytes each");
        assert!(each < 16 << 10, "{each} bytes");
    };
    stage.endures(idle).await;
    stage.close().await;
}

#[tokio::test]
async fn seats_that_hold_as_much_as_they_may_stay_within_the_bound() {
    let _alone = CROWD.lock().await;
    let stage = Stage::open().await;
    let long = |mut wire: Wire| async move {
        wire.send(format!("GET / HTTP/1.1\r\nlong: {}", "x".repeat(15 << 10)))
            .await;
        wire.closed().await;
    };
    stage.endures_many(900, long).await;
    stage.closed("head_timeout", 900).await;
    // Nine times the body budget.
    let large = |mut wire: Wire| async move {
        wire.send(head("/webhook", &[], "content-length: 200000"))
            .await;
        wire.send(vec![b'x'; 80 << 10]).await;
        let status = wire.answer().await.bare();
        assert!([408, 503].contains(&status), "{status}");
        wire.closed().await;
    };
    stage.endures_many(900, large).await;
    stage.closed("body_refused", 900).await;
    stage.close().await;
}

#[tokio::test]
async fn a_flood_of_bad_signatures_is_counted_and_drowns_nobody() {
    let _alone = CROWD.lock().await;
    let stage = Stage::open().await;
    let forge = |mut wire: Wire| async move {
        let wrong = format!("sha256={}", "0".repeat(64));
        let forged = post("/webhook", &[("x-hub-signature-256", &wrong)], b"{}");
        for _ in 0..100 {
            assert_eq!(wire.ask(&forged).await.bare(), 401);
        }
    };
    stage.endures_many(50, forge).await;
    stage.rejected("signature_mismatch", 5000).await;
    stage.close().await;
}
