//! Findings of `doctor` on requests that were not stored.

use super::{DoctorReport, good};
use crate::support::{eventually, server::Server};

#[tokio::test(flavor = "multi_thread")]
async fn a_callback_url_with_a_slip_in_it_is_a_warning_if_meta_used_it() {
    let configuration = format!("{}[http]\ntrusted_proxies = [\"127.0.0.1/32\"]\n", good());
    let server = Server::start_with(&configuration).await;
    let counted = async |rows: i64| {
        let mut database = server.database().await;
        eventually("it is written down", async || {
            let count = sqlx::query_scalar("SELECT count(*) FROM rejections");
            let count: i64 = count.fetch_one(&mut database).await.unwrap();
            count == rows
        })
        .await;
    };
    let from = |address| [("X-Forwarded-For", address)];
    let answer = server.post("/webhooks", &from("198.51.100.7"), "{}").await;
    assert_eq!(answer.status, 404);
    counted(1).await;
    let said = DoctorReport::of(&server, &[]).said("rejections").join("\n");
    assert!(!said.contains("404"), "{said}");

    let answer = server.post("/webhooks", &from("157.240.1.9"), "{}").await;
    assert_eq!(answer.status, 404);
    counted(2).await;
    let report = DoctorReport::of(&server, &[]);
    let said = "got 404, because their path names no app that is configured: 1";
    report.says("rejections", "warning", said);
}
