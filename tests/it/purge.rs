//! `hookshelf events purge --simulated` as an operator runs it, beside the server.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::support::{eventually, server::Server};

const TABLES: [&str; 5] = ["deliveries", "events", "repeats", "dedupe", "accounts"];

async fn sizes(database: &mut PgConnection) -> Vec<i64> {
    let mut sizes = Vec::new();
    for table in TABLES {
        let count = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        sizes.push(
            sqlx::query_scalar(count)
                .fetch_one(&mut *database)
                .await
                .unwrap(),
        );
    }
    sizes
}

/// Kinds of requests recorded at the callback URL.
async fn came(database: &mut PgConnection) -> Vec<String> {
    let what = sqlx::query_scalar("SELECT what FROM callbacks ORDER BY what");
    what.fetch_all(database).await.unwrap()
}

fn say(server: &Server, arguments: &[&str]) -> String {
    let output = server.run(arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn what_was_simulated_goes_and_what_was_delivered_stays() {
    let server = Server::start().await;
    let comment = r#"{"object":"instagram","entry":[{"id":"17840000000000009","time":1795000000,
        "changes":[{"field":"comments","value":{"id":"18000000000000001","text":"real",
        "from":{"id":"9001","username":"somebody"},"media":{"id":"18000000000000002"}}}]}]}"#;
    assert_eq!(server.deliver("/webhook", comment).await.status, 200);
    let mut database = server.database().await;
    let before = sizes(&mut database).await;
    let simulate = ["simulate", "--seed", "5"];
    say(&server, &simulate);
    let with_simulated = sizes(&mut database).await;
    eventually(
        "it is written down that simulated deliveries came",
        async || came(&mut database).await == ["delivery", "simulated"],
    )
    .await;

    let plan = say(&server, &["events", "purge", "--simulated"]);
    for part in ["deliveries", "total", "nothing was changed", "--yes"] {
        assert!(plan.contains(part), "{part} in {plan}");
    }
    assert_eq!(sizes(&mut database).await, with_simulated);

    let done = say(&server, &["events", "purge", "--simulated", "--yes"]);
    assert!(done.contains("all simulated data is deleted"), "{done}");
    assert_eq!(sizes(&mut database).await, before);
    assert_eq!(came(&mut database).await, ["delivery"]);
    let nothing = say(&server, &["events", "purge", "--simulated", "--yes"]);
    assert_eq!(nothing, "nothing simulated is stored\n");

    // State after a purge that was interrupted at its end.
    let left = "INSERT INTO callbacks VALUES ('default', 'simulated', 'app', '', now())";
    sqlx::raw_sql(left).execute(&mut database).await.unwrap();
    say(&server, &["events", "purge", "--simulated", "--yes"]);
    assert_eq!(came(&mut database).await, ["delivery"]);

    // The data to purge must be named.
    assert_eq!(
        server.run(&["events", "purge", "--yes"]).status.code(),
        Some(2)
    );
}
