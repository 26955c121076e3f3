//! Counts of deliveries that got 503 wait until Postgres is available.

use serde_json::Value;

use super::stage::serve;
use crate::support::{cluster::Cluster, eventually, message::message, server::deliver_to};

#[tokio::test]
async fn a_delivery_that_postgres_did_not_take_is_counted_when_postgres_is_back() {
    let mut postgres = Cluster::start_with(&[]).await;
    let server = serve(&postgres.url(), "allow_lossy_commits = true");
    let deliver = async |mid: &str| {
        let answer = deliver_to(server.public, "/webhook", message(mid, "x")).await;
        answer.unwrap().status
    };
    assert_eq!(deliver("mid.0").await, 200);
    postgres.stop();
    for mid in ["mid.1", "mid.2"] {
        assert_eq!(deliver(mid).await, 503);
    }
    postgres.start().await;
    eventually("the counts are written down", async || {
        let output = server.run(&["rejections", "list", "--json"]);
        let said = String::from_utf8(output.stdout).unwrap();
        let rows = said.lines().map(|line| serde_json::from_str(line).unwrap());
        let counts = rows.map(|row: Value| {
            assert_eq!(
                [&row["app"], &row["reason"]],
                ["default", "store_unavailable"]
            );
            row["count"].as_u64().unwrap()
        });
        counts.sum::<u64>() == 2
    })
    .await;
}
