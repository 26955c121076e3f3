//! Two servers on one database, and a pooler between a server and its database.

use nix::sys::signal::Signal;

use super::{outages::desk_behind_a_proxy, *};
use crate::support::{directory::Directory, postgres::TestDatabase};

const ACCOUNT: &str = "17840000000000009";

/// Another server on this database.
fn another(database: &TestDatabase) -> Desk {
    let directory = Directory::create();
    let url = database.url();
    let settings = format!("[database]\nurl = \"{url}\"\nallow_lossy_commits = true\n");
    let lines = format!("{}{}{settings}", apps(["default", "shop"]), tokens());
    std::fs::write(directory.join("hookshelf.toml"), lines).unwrap();
    Desk {
        server: Server::start_in(directory, None),
    }
}

impl Desk {
    async fn say(&self, number: usize) {
        let text = number.to_string();
        let person = format!("70{}", number % 5);
        self.deliver(messages(&person, ACCOUNT, &[(&text, &text)]))
            .await;
    }
}

/// A list without its URLs and its end.
async fn rows(desk: &Desk, path: &str, name: &str) -> Value {
    desk.read_as("reader", path).await[name].clone()
}

#[tokio::test]
async fn two_servers_on_one_database_answer_alike_and_a_walk_may_change_between_them() {
    let one = Desk::open().await;
    let other = another(one.server.place.as_ref().unwrap());
    let servers = [&one, &other];
    let mut path = "/v1/events?after=0&limit=3".to_owned();
    let mut seen = Vec::new();
    for number in 0..40 {
        servers[number % 2].say(number).await;
        let page = servers[(number / 2) % 2].read_as("reader", &path).await;
        seen.extend(texts(&page).into_iter().map(str::to_owned));
        page["next"].as_str().unwrap().clone_into(&mut path);
    }
    let all: Vec<_> = (0..40).map(|number| number.to_string()).collect();
    assert_eq!(seen, all);
    // The same delivery at the other server is a repeat.
    one.say(7).await;
    other.say(7).await;
    one.be_listed().await;
    for desk in servers {
        eventually("each is counted once", async || {
            let stats = desk.read_as("reader", "/v1/stats").await;
            stats["events"] == 40 && stats["repeats"] == 2
        })
        .await;
    }
    for (path, name) in [
        ("/v1/events?limit=1000", "events"),
        ("/v1/deliveries?limit=1000", "deliveries"),
        ("/v1/accounts", "accounts"),
        ("/v1/conversations", "conversations"),
        ("/v1/conversations/17840000000000009/702", "lines"),
        ("/v1/stats?by=kind,account", "counts"),
    ] {
        let [here, there] = [rows(&one, path, name).await, rows(&other, path, name).await];
        assert!(!here.as_array().unwrap().is_empty(), "{path}");
        assert_eq!(here, there, "{path}");
    }
    let blocks = [
        one.stream_as("reader", "").await,
        other.stream_as("reader", "").await,
    ];
    assert_eq!(blocks[0].len(), 40);
    assert_eq!(blocks[0], blocks[1]);
}

#[tokio::test]
async fn a_server_takes_over_the_lists_of_one_that_was_killed() {
    let one = Desk::open().await;
    let other = another(one.server.place.as_ref().unwrap());
    one.say(0).await;
    other.say(1).await;
    one.be_listed().await;
    one.server.signal(Signal::SIGKILL);
    let (_, _directory, database) = one.server.wait();
    for number in 2..12 {
        other.say(number).await;
    }
    other.be_listed_in(database.as_ref().unwrap()).await;
    let list = other.read_as("reader", "/v1/conversations").await;
    assert_eq!(list["conversations"].as_array().unwrap().len(), 5);
    eventually("each is counted once", async || {
        other.read_as("reader", "/v1/stats").await["events"] == 12
    })
    .await;
}

#[tokio::test]
async fn nothing_depends_on_notifications_which_a_pooler_swallows() {
    let (desk, proxy, database) = desk_behind_a_proxy().await;
    let other = another(&database);
    let bearer = format!("Bearer {}", token("reader"));
    let headers = [("Authorization", bearer.as_str())];
    let mut stream = EventStream::open(desk.server.admin, "", &headers).await;
    assert_eq!(stream.backlog().await, []);
    for number in 0..20 {
        [&desk, &other][number % 2].say(number).await;
        let block = stream.next().await.unwrap();
        let event: Value = serde_json::from_str(&block.data.unwrap()).unwrap();
        assert_eq!(event["text"], number.to_string());
    }
    let list = desk.read_as("reader", "/v1/events").await;
    let wait = format!(
        "/v1/events?after={}&wait=30",
        list["events"][0]["position"].as_str().unwrap()
    );
    let (list, ()) = tokio::join!(desk.read_as("reader", &wait), other.say(20));
    assert_eq!(texts(&list), ["20"]);
    desk.be_listed_in(&database).await;
    eventually("all are counted", async || {
        desk.read_as("reader", "/v1/stats").await["events"] == 21
    })
    .await;
    assert_eq!(proxy.swallowed(), 0);
}
