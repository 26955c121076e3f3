//! Runs against small servers on the loopback interface, each with a script of its own.

use std::{
    io,
    num::NonZeroUsize,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};

use super::{
    super::{Answer, Script, Target},
    lock::lock,
    *,
};
use crate::{clock::Clock, meta::signature::Secrets, simulate::Error};

const SECRET: &str = "a secret of this test";

/// What a scripted server does with a delivery.
enum Act {
    Answer(u16),
    /// Answers 200 and ends the connection.
    Last,
    /// Ends the connection without an answer.
    HangUp,
    Stall(Duration),
    Never,
}

/// A delivery as it arrived: its number, whether its signature is right, and its body.
struct Seen {
    number: usize,
    genuine: bool,
    body: Vec<u8>,
}

/// Serves each connection by a script until the test is over.
struct Server {
    target: Target,
    seen: Arc<AtomicUsize>,
    task: tokio::task::AbortHandle,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn server(script: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let seen = Arc::new(AtomicUsize::new(0));
    let (count, script) = (Arc::clone(&seen), Arc::new(script));
    let accepting = tokio::spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(serve(stream, Arc::clone(&script), Arc::clone(&count)));
        }
    });
    Server {
        target: Target {
            host: address.clone(),
            address,
            path: "/webhook".into(),
            app_secret: SECRET.into(),
            marked: true,
        },
        seen,
        task: accepting.abort_handle(),
    }
}

async fn serve(mut stream: TcpStream, script: Arc<impl Fn(&Seen) -> Act>, count: Arc<AtomicUsize>) {
    while let Some((signature, body)) = read_request(&mut stream).await {
        let secrets = Secrets::new([("app", &SECRET.into())]);
        let seen = Seen {
            number: count.fetch_add(1, Ordering::SeqCst),
            genuine: secrets
                .verify(Some(signature.as_bytes()), body.clone().into())
                .is_ok(),
            body,
        };
        let (status, goes_on) = match script(&seen) {
            Act::Answer(status) => (status, true),
            Act::Last => (200, false),
            Act::HangUp => return,
            Act::Stall(time) => {
                sleep(time).await;
                (200, true)
            }
            Act::Never => std::future::pending().await,
        };
        let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
        if !goes_on {
            return;
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let mut body = bytes.split_off(end);
    let head = String::from_utf8(bytes).unwrap();
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|it| it.0.eq_ignore_ascii_case(name))
            .map(|it| it.1)
    };
    let length: usize = header("Content-Length")?.parse().unwrap();
    let read = body.len();
    body.resize(length, 0);
    stream.read_exact(&mut body[read..]).await.ok()?;
    Some((header("X-Hub-Signature-256")?.to_owned(), body))
}

fn one() -> NonZeroUsize {
    NonZeroUsize::MIN
}

fn load(count: u64) -> Load {
    Load {
        script: Script {
            seed: 7,
            accounts: one(),
            people: one(),
            kinds: Vec::new(),
            batch: one(),
        },
        length: Length {
            deliveries: Some(count),
            time: None,
        },
        rate: None,
        connections: NonZeroUsize::new(4).unwrap(),
        duplicates: 0.0,
        forgeries: 0.0,
        give_up: None,
        ledger: None,
        forged: None,
    }
}

async fn sent(server: &Server, load: Load) -> Summary {
    let target = server.target.clone();
    run(target, load, &Clock::system(), &Watch::default())
        .await
        .unwrap()
}

fn answered(summary: &Summary, answer: Answer) -> u64 {
    summary.answers.get(&answer).copied().unwrap_or_default()
}

/// A file that can be looked into while it is written.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl io::Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Page {
    fn lines(&self) -> Vec<serde_json::Value> {
        let text = String::from_utf8(lock(&self.0).clone()).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

#[tokio::test]
async fn as_many_deliveries_as_were_asked_for_arrive_each_once() {
    let server = server(|seen| Act::Answer(if seen.genuine { 200 } else { 401 })).await;
    let summary = sent(&server, load(50)).await;
    assert_eq!((summary.deliveries, summary.acked), (50, 50));
    assert_eq!(server.seen.load(Ordering::SeqCst), 50);
    assert_eq!(answered(&summary, Answer::Status(200)), 50);
    assert!(summary.is_good() && summary.items >= summary.events);
    assert_eq!(summary.kinds.values().sum::<u64>(), summary.items);
}

#[tokio::test]
async fn a_stall_shows_in_all_that_were_due_meanwhile() {
    const STALL: Duration = Duration::from_millis(400);
    // While the fifth delivery stalls, 80 fall due, and there is one connection.
    let server = server(|seen| match seen.number {
        4 => Act::Stall(STALL),
        _ => Act::Answer(200),
    })
    .await;
    let paced = Load {
        rate: Some(200.0),
        connections: one(),
        ..load(100)
    };
    let summary = sent(&server, paced).await;
    assert_eq!(summary.acked, 100);
    // A count from when each was sent would find a single slow one.
    assert!(summary.late >= 40, "{summary:?}");
    let [median, ..] = summary.latencies.shares;
    assert!(median.1 >= Some(STALL / 4), "{summary:?}");
}

#[tokio::test]
async fn what_was_due_in_the_time_is_sent_and_no_more() {
    let server = server(|_| Act::Answer(200)).await;
    let paced = Load {
        length: Length {
            deliveries: None,
            time: Some(Duration::from_millis(100)),
        },
        rate: Some(300.0),
        ..load(1)
    };
    let summary = sent(&server, paced).await;
    assert_eq!((summary.deliveries, summary.acked), (30, 30));
    assert!(summary.is_good());
}

#[tokio::test]
async fn without_a_rate_the_time_ends_the_run() {
    let server = server(|_| Act::Answer(200)).await;
    let timed = Load {
        length: Length {
            deliveries: None,
            time: Some(Duration::from_millis(50)),
        },
        ..load(1)
    };
    let summary = sent(&server, timed).await;
    assert!(summary.is_good() && summary.acked > 0, "{summary:?}");
    assert_eq!((summary.late, summary.unsent), (0, 0));
}

#[tokio::test]
async fn what_is_not_acked_is_sent_again_until_it_is() {
    let bodies = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&bodies);
    let server = server(move |seen| {
        lock(&kept).push((seen.genuine, seen.body.clone()));
        match seen.number {
            0..4 => Act::Answer(503),
            4..8 => Act::HangUp,
            _ => Act::Answer(200),
        }
    })
    .await;
    let retrying = Load {
        give_up: Some(Duration::from_mins(1)),
        ..load(12)
    };
    let summary = sent(&server, retrying).await;
    assert_eq!((summary.acked, summary.sends), (12, 20));
    assert_eq!(answered(&summary, Answer::Status(503)), 4);
    assert_eq!(answered(&summary, Answer::Broken), 4);
    assert!(summary.is_good());
    assert!(lock(&bodies).iter().all(|(genuine, _)| *genuine));
}

/// The numbers of the deliveries in the order of their acks, where the first is refused twice.
async fn order_of_acks(rate: Option<f64>) -> Vec<u64> {
    let server = server(|seen| Act::Answer(if seen.number < 2 { 503 } else { 200 })).await;
    let page = Page::default();
    let retrying = Load {
        rate,
        connections: one(),
        give_up: Some(Duration::from_mins(1)),
        ledger: Some(Ledger::new("default", page.clone())),
        ..load(4)
    };
    assert!(sent(&server, retrying).await.is_good());
    let lines = page.lines().into_iter();
    lines
        .map(|line| line["delivery"].as_u64().unwrap())
        .collect()
}

#[tokio::test]
async fn at_a_rate_a_waiting_delivery_lets_the_others_pass() {
    assert_ne!(order_of_acks(Some(500.0)).await[0], 0);
    assert_eq!(order_of_acks(None).await, [0, 1, 2, 3]);
}

#[tokio::test]
async fn without_retry_each_is_sent_once() {
    let server = server(|seen| Act::Answer(if seen.number < 3 { 500 } else { 200 })).await;
    let summary = sent(&server, load(10)).await;
    assert_eq!(
        (summary.acked, summary.unacked(), summary.sends),
        (7, 3, 10)
    );
    assert!(!summary.is_good() && !summary.is_all(401));
}

#[tokio::test]
async fn what_is_never_acked_is_given_up() {
    let server = server(|_| Act::Answer(503)).await;
    let retrying = Load {
        give_up: Some(Duration::from_millis(300)),
        ..load(3)
    };
    let summary = sent(&server, retrying).await;
    assert_eq!((summary.acked, summary.unacked()), (0, 3));
    // At once, after 250 ms, and not any more 500 ms later.
    assert!((6..=9).contains(&summary.sends), "{summary:?}");
}

#[tokio::test]
async fn a_server_that_goes_away_does_not_end_the_run() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stand_in = server(|_| Act::Answer(200)).await;
    let mut target = stand_in.target.clone();
    target.address = listener.local_addr().unwrap().to_string();
    let gone = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await.unwrap();
    });
    let single = Load {
        connections: one(),
        ..load(3)
    };
    let (clock, watch) = (Clock::system(), Watch::default());
    let summary = run(target, single, &clock, &watch).await.unwrap();
    gone.await.unwrap();
    assert_eq!(answered(&summary, Answer::Broken), 1);
    assert_eq!(answered(&summary, Answer::NoConnection), 2);
    assert_eq!((summary.acked, summary.unacked()), (0, 3));
}

#[tokio::test]
async fn a_connection_that_the_server_closed_while_idle_is_opened_anew() {
    let server = server(|_| Act::Last).await;
    let paced = Load {
        rate: Some(20.0),
        connections: one(),
        ..load(4)
    };
    // Between two deliveries there is time to learn that the connection is closed.
    let summary = sent(&server, paced).await;
    assert_eq!(answered(&summary, Answer::Status(200)), 4, "{summary:?}");
}

#[tokio::test]
async fn forgeries_have_to_be_refused_and_an_acked_one_is_an_alarm() {
    let forging = || Load {
        forgeries: 0.5,
        ..load(40)
    };
    let checks = server(|seen| Act::Answer(if seen.genuine { 200 } else { 401 })).await;
    let summary = sent(&checks, forging()).await;
    assert!(summary.is_good() && (1..40).contains(&summary.forgeries));
    assert_eq!(summary.refused_forgeries, summary.forgeries);
    assert_eq!(summary.acked + summary.forgeries, 40);

    let believes = server(|_| Act::Answer(200)).await;
    let summary = sent(&believes, forging()).await;
    assert!(!summary.is_good());
    assert_eq!(summary.acked_forgeries, summary.forgeries);

    let refuses = server(|_| Act::Answer(401)).await;
    let summary = sent(&refuses, forging()).await;
    assert!(summary.is_all(401) && !summary.is_good());

    let ails = server(|seen| Act::Answer(if seen.genuine { 200 } else { 503 })).await;
    let summary = sent(&ails, forging()).await;
    assert_eq!((summary.unacked(), summary.is_good()), (0, false));
    assert_eq!(summary.open_forgeries(), summary.forgeries);
}

#[tokio::test]
async fn forgeries_are_written_down_before_anybody_answers() {
    let server = server(|_| Act::HangUp).await;
    let page = Page::default();
    let forging = Load {
        forgeries: 1.0,
        forged: Some(Ledger::new("shop", page.clone())),
        ..load(9)
    };
    let summary = sent(&server, forging).await;
    assert_eq!((summary.forgeries, summary.refused_forgeries), (9, 0));
    let lines = page.lines();
    assert_eq!(lines.len(), 9);
    for line in lines {
        assert_eq!(line["app"], "shop");
        assert!(line["events"][0]["dedupe_key"].is_string(), "{line}");
    }
}

#[tokio::test]
async fn repeats_are_of_acked_deliveries_and_the_ledger_names_them() {
    let server = server(|seen| Act::Answer(if seen.number % 5 == 0 { 503 } else { 200 })).await;
    let page = Page::default();
    let repeating = Load {
        duplicates: 0.4,
        ledger: Some(Ledger::new("shop", page.clone())),
        ..load(60)
    };
    let summary = sent(&server, repeating).await;
    let lines = page.lines();
    assert_eq!(lines.len() as u64, summary.acked);
    assert!(summary.repeats > 0 && summary.acked == 48);
    let keys = |line: &serde_json::Value| line["events"].clone();
    let mut repeats = 0;
    for line in &lines {
        assert_eq!((&line["app"], &line["sends"]), (&"shop".into(), &1.into()));
        if line["repeat_of"].is_null() {
            continue;
        }
        let first = lines.iter().find(|it| it["delivery"] == line["repeat_of"]);
        assert_eq!(keys(first.unwrap()), keys(line));
        repeats += 1;
    }
    assert!(repeats > 0);
    let new = lines.iter().filter(|line| line["repeat_of"].is_null());
    let mut distinct: Vec<_> = new
        .flat_map(|line| line["events"].as_array().unwrap())
        .map(|event| event["dedupe_key"].as_str().unwrap())
        .collect();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len() as u64, summary.events);
}

#[tokio::test]
async fn a_stopped_run_ends_with_what_it_has() {
    let server = server(|seen| match seen.number {
        0..10 => Act::Answer(200),
        _ => Act::Never,
    })
    .await;
    let (page, watch) = (Page::default(), Watch::default());
    let endless = Load {
        length: Length::default(),
        ledger: Some(Ledger::new("default", page.clone())),
        ..load(1)
    };
    let stopping = async {
        while watch.settled() < 10 {
            tokio::task::yield_now().await;
        }
        watch.stop();
    };
    let target = server.target.clone();
    let clock = Clock::system();
    let (summary, ()) = tokio::join!(run(target, endless, &clock, &watch), stopping);
    let summary = summary.unwrap();
    assert!(summary.interrupted && !summary.is_good());
    assert_eq!((summary.acked, page.lines().len()), (10, 10));
    let cut_off = answered(&summary, Answer::CutOff);
    assert!(cut_off > 0 && summary.unacked() == cut_off, "{summary:?}");
    assert_eq!(summary.sends, summary.answers.values().sum::<u64>());
}

#[tokio::test]
async fn a_server_that_answers_no_more_is_not_a_quick_one() {
    let server = server(|seen| match seen.number {
        0..10 => Act::Answer(200),
        _ => Act::Never,
    })
    .await;
    let watch = Watch::default();
    let endless = Load {
        length: Length::default(),
        rate: Some(1000.0),
        connections: one(),
        ..load(1)
    };
    let begun = Instant::now();
    // Twenty at the least are due by then, and ten are acked.
    let stopping = async {
        while watch.settled() < 10 || begun.elapsed() < Duration::from_millis(40) {
            tokio::task::yield_now().await;
        }
        watch.stop();
    };
    let target = server.target.clone();
    let clock = Clock::system();
    let (summary, ()) = tokio::join!(run(target, endless, &clock, &watch), stopping);
    let summary = summary.unwrap();
    assert!(summary.unsent > 10, "{summary:?}");
    let shares = summary.latencies.shares;
    assert!(
        shares.iter().all(|(_, value)| value.is_none()),
        "{summary:?}"
    );
}

#[tokio::test]
async fn a_ledger_that_cannot_be_written_ends_the_run() {
    struct Full;
    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let server = server(|_| Act::Answer(200)).await;
    let endless = Load {
        length: Length::default(),
        ledger: Some(Ledger::new("default", Full)),
        ..load(1)
    };
    let target = server.target.clone();
    let ended = run(target, endless, &Clock::system(), &Watch::default()).await;
    assert!(matches!(ended, Err(Error::Ledger(_))), "{ended:?}");
}
