//! Postgres goes away in the middle of a page, a stream or an export.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::support::{directory::Directory, postgres::TestDatabase, proxy::Proxy};

const ACCOUNT: &str = "17840000000000007";

/// A desk whose server reaches Postgres through a proxy.
pub(super) async fn desk_behind_a_proxy() -> (Desk, Proxy, TestDatabase) {
    let (directory, database) = (Directory::create(), TestDatabase::create().await);
    let proxy = Proxy::to(database.options()).await;
    let url = proxy.url();
    let settings = format!("[database]\nurl = \"{url}\"\nallow_lossy_commits = true\n");
    let lines = format!("{}{}{settings}", apps(["default", "shop"]), tokens());
    std::fs::write(directory.join("hookshelf.toml"), lines).unwrap();
    let desk = Desk {
        server: Server::start_in(directory, None),
    };
    (desk, proxy, database)
}

impl Desk {
    /// Delivers messages with these numbers as their texts, 500 at a time.
    async fn deliver_numbers(&self, numbers: std::ops::Range<u32>) {
        let numbers: Vec<_> = numbers.collect();
        for numbers in numbers.chunks(500) {
            let texts: Vec<_> = numbers.iter().map(ToString::to_string).collect();
            let said: Vec<_> = texts.iter().map(|text| (&**text, &**text)).collect();
            self.deliver(messages("7007", ACCOUNT, &said)).await;
        }
    }
}

/// Waits until so many events are stored: the spool may have taken some.
async fn are_stored(database: &TestDatabase, count: i64) {
    let mut session = database.connect().await;
    eventually("all are stored", async || {
        let stored = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM events");
        stored.fetch_one(&mut session).await.unwrap() == count
    })
    .await;
}

fn numbers(list: &Value) -> Vec<u32> {
    texts(list)
        .iter()
        .map(|text| text.parse().unwrap())
        .collect()
}

#[tokio::test]
async fn a_page_is_refused_with_the_time_to_come_again_and_the_walk_goes_on_where_it_was() {
    let (desk, proxy, database) = desk_behind_a_proxy().await;
    desk.deliver_numbers(0..50).await;
    are_stored(&database, 50).await;
    let mut path = "/v1/events?after=0&limit=20".to_owned();
    let mut seen = Vec::new();
    let mut outages = 0;
    while seen.len() < 50 {
        // The page is asked for, and the connections end before Postgres answers.
        proxy.hold_answers();
        let cutting = async {
            proxy.until_holding().await;
            proxy.go_away();
        };
        let (answer, ()) = tokio::join!(desk.ask_as("reader", &path), cutting);
        proxy.mend();
        let told = problem(&path, &answer);
        let expected = (503, &"/problems/database".into());
        assert_eq!((answer.status, &told["type"]), expected, "{told}");
        assert!(answer.headers.contains_key("retry-after"), "{told}");
        outages += 1;
        eventually("the page comes", async || {
            let answer = desk.ask_as("reader", &path).await;
            let page: Value = serde_json::from_slice(&answer.body).unwrap();
            if answer.status == 200 {
                seen.extend(numbers(&page));
                page["next"].as_str().unwrap().clone_into(&mut path);
            }
            answer.status == 200
        })
        .await;
    }
    assert_eq!(seen, (0..50).collect::<Vec<_>>());
    assert_eq!(outages, 3);
}

#[tokio::test]
async fn a_stream_goes_on_behind_an_outage_without_a_gap_or_a_repeat() {
    let (desk, proxy, database) = desk_behind_a_proxy().await;
    desk.deliver_numbers(0..700).await;
    are_stored(&database, 700).await;
    let bearer = format!("Bearer {}", token("reader"));
    let headers = [("Authorization", bearer.as_str())];
    let mut stream = EventStream::open(desk.server.admin, "?after=0", &headers).await;
    let mut seen = Vec::new();
    let mut take = async |seen: &mut Vec<u32>, count: usize| {
        while seen.len() < count {
            let block = stream.next().await.expect("the stream goes on");
            if let (None, Some(data)) = (&block.event, &block.data) {
                let event: Value = serde_json::from_str(data).unwrap();
                seen.push(event["text"].as_str().unwrap().parse().unwrap());
            }
        }
    };
    // In the backlog, which is read by pages of 100.
    take(&mut seen, 150).await;
    proxy.go_away();
    proxy.mend();
    take(&mut seen, 700).await;
    // While new events are awaited; the spool takes them.
    for round in 1..=2 {
        proxy.go_away();
        desk.deliver_numbers(round * 1000..round * 1000 + 10).await;
        proxy.mend();
    }
    take(&mut seen, 720).await;
    let stored: Vec<String> = sqlx::query_scalar("SELECT text FROM events ORDER BY position")
        .fetch_all(&mut database.connect().await)
        .await
        .unwrap();
    let seen: Vec<_> = seen.iter().map(ToString::to_string).collect();
    assert_eq!(seen, stored);
}

#[tokio::test]
async fn an_export_that_breaks_off_has_no_last_chunk() {
    let (desk, proxy, database) = desk_behind_a_proxy().await;
    // More than the buffers of both sockets hold, and several pages.
    let long = "x".repeat(2_000);
    for batch in 0..8 {
        let mids: Vec<_> = (0..500).map(|number| format!("{batch}-{number}")).collect();
        let said: Vec<_> = mids.iter().map(|mid| (&**mid, &*long)).collect();
        desk.deliver(messages("7007", ACCOUNT, &said)).await;
    }
    are_stored(&database, 4_000).await;
    for format in ["csv", "ndjson"] {
        let whole = exported(&desk, format, || {}).await;
        assert!(
            whole.ends_with("\r\n0\r\n\r\n"),
            "a whole export has a last chunk"
        );
        let broken = exported(&desk, format, || proxy.go_away()).await;
        assert!(broken.starts_with("HTTP/1.1 200"), "it began well");
        assert!(!broken.ends_with("\r\n0\r\n\r\n"), "no last chunk");
        assert!(broken.len() < whole.len());
        proxy.mend();
        eventually("Postgres is back", async || {
            desk.ask_as("operator", "/v1/events?limit=1").await.status == 200
        })
        .await;
    }
}

/// Bytes of an answer with an export. Once it has begun, `then` is called.
async fn exported(desk: &Desk, format: &str, then: impl FnOnce()) -> String {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4 << 10).unwrap();
    let mut stream = socket.connect(desk.server.admin).await.unwrap();
    let request = format!(
        "GET /v1/events?format={format} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Authorization: Bearer {}\r\n\r\n",
        token("operator")
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = vec![0; 64 << 10];
    stream.read_exact(&mut answer).await.unwrap();
    then();
    // A cut connection may be reset.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}
