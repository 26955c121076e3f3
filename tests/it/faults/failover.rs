//! Postgres becomes read-only, or another server takes over.

use sqlx::{Executor, PgConnection};

use crate::support::{cluster::Cluster, eventually, proxy::Proxy, server::Server};

use super::stage::{Flow, Stage, serve, until_missing, url_of};

const READ_ONLY: &str = "ALTER DATABASE hookshelf SET default_transaction_read_only = on;
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = 'hookshelf writer'";

/// A primary, a synchronous standby, and a proxy as their common address.
struct Pair {
    primary: Cluster,
    standby: Cluster,
    address: Proxy,
    server: Server,
}

impl Pair {
    async fn start() -> Self {
        let settings = ["synchronous_commit=on", "hot_standby=on"];
        let primary = Cluster::start_with(&settings).await;
        let standby = primary.standby().await;
        let mut operator = primary.connect().await;
        reconfigure(&mut operator, "synchronous_standby_names = '*'").await;
        eventually("the standby takes part in commits", async || {
            let sql = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
            let count: i64 = sqlx::query_scalar(sql)
                .fetch_one(&mut operator)
                .await
                .unwrap();
            count == 1
        })
        .await;
        let address = Proxy::to(primary.options()).await;
        let server = serve(&url_of(&address.options()), "allow_lossy_commits = true");
        Self {
            primary,
            standby,
            address,
            server,
        }
    }

    /// Promotes the standby.
    async fn promote(&self) {
        let mut operator = self.standby.connect().await;
        let promoted = operator.execute("SELECT pg_promote()").await;
        promoted.unwrap();
    }

    async fn ends_well(self, flow: Flow) {
        flow.goes_on().await;
        until_missing(&self.server, &[]).await;
        flow.ends_well(&mut self.standby.connect().await).await;
    }
}

/// Changes a setting of the whole server, including open sessions.
async fn reconfigure(operator: &mut PgConnection, setting: &'static str) {
    let sql = sqlx::AssertSqlSafe(format!("ALTER SYSTEM SET {setting}"));
    operator.execute(sql).await.unwrap();
    operator.execute("SELECT pg_reload_conf()").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_database_puts_off_until_it_takes_writes() {
    let (stage, flow) = Stage::at_work(&[]).await;
    let mut operator = stage.postgres.connect().await;
    for sql in READ_ONLY.split(';') {
        operator.execute(sql).await.unwrap();
    }
    flow.is_put_off().await;
    until_missing(&stage.server, &["database"]).await;
    assert!(stage.server.log().contains("read_only"));
    operator
        .execute("SET default_transaction_read_only = off")
        .await
        .unwrap();
    operator
        .execute("ALTER DATABASE hookshelf RESET default_transaction_read_only")
        .await
        .unwrap();
    stage.ends_well(flow).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_that_takes_the_place_of_a_killed_primary_takes_over_what_was_acked() {
    let mut pair = Pair::start().await;
    let flow = Flow::to(&pair.server);
    flow.goes_on().await;
    pair.primary.kill();
    // Switches the address to the standby while it is still read-only.
    pair.address.lead_to(&pair.standby.options());
    flow.is_put_off().await;
    until_missing(&pair.server, &["database"]).await;
    eventually(
        "the log tells of a session that may not write",
        async || pair.server.log().contains("read_only") || pair.server.log().contains("stopping"),
    )
    .await;
    pair.promote().await;
    pair.ends_well(flow).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_with_the_old_primary_is_left_for_the_new_one() {
    let pair = Pair::start().await;
    let flow = Flow::to(&pair.server);
    flow.goes_on().await;
    // The old primary keeps running but becomes read-only.
    let mut operator = pair.primary.connect().await;
    reconfigure(&mut operator, "default_transaction_read_only = on").await;
    flow.is_put_off().await;
    pair.promote().await;
    pair.address.lead_to(&pair.standby.options());
    pair.ends_well(flow).await;
}
