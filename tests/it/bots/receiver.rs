//! Receiver of webhooks in Meta's form: verifies each, over kills of receiver and server.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::support::server::{SECRET, TOKEN as VERIFY_TOKEN};

/// Destination without the items that have no list of their own in Meta's form.
const DESTINATION: &str = "reach = 'private'\nretry = ['1s']\nstart = 'beginning'\n\
                           channels = ['messaging', 'standby', 'changes']\n";

const SETTLED: &str = "SELECT position >= (SELECT max(position) FROM events) AND heads = ''
    AND dead = 0 AND NOT EXISTS (SELECT FROM consumer_lanes) FROM consumers";

/// Copy of the receiver with its packages.
struct Receiver(PathBuf);

impl Receiver {
    fn install(directory: &Directory) -> Self {
        let place = directory.join("receiver");
        fs::create_dir(&place).unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/receiver-express");
        for file in ["package.json", "receiver.js"] {
            fs::copy(source.join(file), place.join(file)).unwrap();
        }
        npm(&place, &["install"]);
        Self(place)
    }

    /// Starts the receiver at a port; at a free one for 0.
    fn start(&self, port: &str) -> Running {
        let mut command = guarded(&["sh", "-c", "exec node receiver.js >>received"]);
        command.current_dir(&self.0).env("PORT", port);
        command.env("APP_SECRET", SECRET);
        command.env("VERIFY_TOKEN", VERIFY_TOKEN);
        Running::run(command, self.0.join("said"))
    }

    /// Lines of the receiver: a URL at each start, and the items.
    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(self.0.join("received")).unwrap_or_default();
        text.lines().map(ToOwned::to_owned).collect()
    }

    /// URL of the first start.
    async fn url(&self) -> String {
        eventually("the receiver listens", async || !self.lines().is_empty()).await;
        self.lines().remove(0)
    }

    /// Waits until the receiver has got more items.
    async fn goes_on(&self) {
        let before = self.lines().len();
        eventually("the receiver gets items", async || {
            self.lines().len() >= before + 20
        })
        .await;
    }

    /// Distinct items, in a common form. A killed receiver may leave half a line.
    fn items(&self) -> BTreeSet<String> {
        let lines = self.lines();
        let items = lines.iter().filter_map(|it| serde_json::from_str(it).ok());
        items.map(|it: Value| it.to_string()).collect()
    }
}

/// Distinct items of the stored events that the destination gets.
async fn expected(server: &Server) -> BTreeSet<String> {
    let answer = server.ask_admin("/v1/events?format=ndjson").await;
    assert_eq!(answer.status, 200);
    let text = std::str::from_utf8(&answer.body).unwrap();
    let events = text
        .lines()
        .map(|it| serde_json::from_str::<Value>(it).unwrap());
    events
        .filter(|it| it["channel"] != "entry")
        .map(|it| it["payload"].to_string())
        .collect()
}

#[tokio::test]
#[ignore = "needs Node 22.13 or newer, npm and its registry"]
async fn the_receiver_verifies_each_notification_while_server_and_receiver_are_killed() {
    NODE.require();
    let directory = Directory::create();
    let receiver = Receiver::install(&directory);
    let mut process = receiver.start("0");
    let url = receiver.url().await;
    let port = url.rsplit([':', '/']).nth(1).unwrap();
    let destination = format!("[destinations.receiver]\nurl = '{url}'\n{DESTINATION}");
    let configuration = apps(["default"]) + destination.as_str();
    fs::write(directory.join("hookshelf.toml"), configuration).unwrap();
    let sockets = [socket(), socket()];
    let database = Some(TestDatabase::create().await);
    let mut server = serve(directory, database, &sockets);
    let senders = Senders::start(&server, &["--retry", "--rate=50"]);
    for _ in 0..2 {
        receiver.goes_on().await;
        process.kill();
        process = receiver.start(port);
        receiver.goes_on().await;
        server.signal(Signal::SIGKILL);
        let (_, directory, database) = server.wait();
        server = serve(directory, database, &sockets);
    }
    receiver.goes_on().await;
    senders.stop();
    becomes_true(&server, SETTLED).await;
    assert_eq!(receiver.items(), expected(&server).await);
    let said = fs::read_to_string(&process.said).unwrap();
    assert!(!said.contains("invalid"), "{said}");
}
