//! The network to Postgres stalls, loses answers, or cuts all connections.

use crate::support::{cluster::Cluster, proxy::Proxy, server::Server};

use super::stage::{Flow, serve, until_missing, url_of};

/// A Postgres behind a network that a test controls.
struct Far {
    postgres: Cluster,
    network: Proxy,
    server: Server,
    flow: Flow,
}

impl Far {
    async fn at_work() -> Self {
        let postgres = Cluster::start_with(&[]).await;
        let network = Proxy::to(postgres.options()).await;
        let url = url_of(&network.options());
        let server = serve(&url, "allow_lossy_commits = true");
        let flow = Flow::to(&server);
        flow.goes_on().await;
        Self {
            postgres,
            network,
            server,
            flow,
        }
    }

    async fn ends_well(self) {
        self.flow.goes_on().await;
        until_missing(&self.server, &[]).await;
        let mut database = self.postgres.connect().await;
        self.flow.ends_well(&mut database).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_falls_silent_is_given_up_in_time() {
    let far = Far::at_work().await;
    for _ in 0..2 {
        far.network.freeze();
        far.flow.is_put_off().await;
        // New connections stall, too.
        far.flow.is_put_off().await;
        far.network.mend();
        far.flow.goes_on().await;
    }
    far.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_committed_while_answers_were_lost_is_stored_once() {
    let far = Far::at_work().await;
    for _ in 0..3 {
        far.network.hold_answers();
        far.network.until_holding().await;
        far.flow.is_put_off().await;
        far.network.cut();
        far.network.mend();
        far.flow.goes_on().await;
    }
    far.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_end_all_at_once_put_nobody_off() {
    let far = Far::at_work().await;
    for _ in 0..5 {
        far.network.cut();
        far.flow.goes_on().await;
    }
    assert_eq!(far.flow.put_off(), 0);
    far.ends_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_where_nobody_answers_is_told_and_asked_again() {
    let far = Far::at_work().await;
    far.network.go_away();
    far.flow.is_put_off().await;
    until_missing(&far.server, &["database"]).await;
    far.network.mend();
    far.ends_well().await;
}
