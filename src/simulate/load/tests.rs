//! Runs against small servers on the loopback interface, each with a script of its own.

use std::{
    io,
    num::NonZeroUsize,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use super::*;
use crate::{
    clock::Clock,
    simulate::{
        Answer, Error,
        testing::{ACK, Act, Server, server},
    },
};

fn one() -> NonZeroUsize {
    NonZeroUsize::MIN
}

fn load(count: u64) -> Load {
    Load {
        script: Script::default(),
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

fn retrying(count: u64, give_up: Duration) -> Load {
    Load {
        give_up: Some(give_up),
        ..load(count)
    }
}

async fn sent(server: &Server, load: Load) -> Summary {
    let (clock, watch) = (Clock::system(), Watch::default());
    run(&server.target, load, &clock, &watch).await.unwrap()
}

fn answered(summary: &Summary, answer: Answer) -> u64 {
    summary.answers.get(&answer).copied().unwrap_or_default()
}

/// A file that can be looked into while it is written.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl io::Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Page {
    fn lines(&self) -> Vec<serde_json::Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
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
    let (_, median) = summary.latencies[0];
    assert!(median >= Some(STALL / 4), "{summary:?}");
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
    assert_eq!(summary.kinds.values().sum::<u64>(), summary.items);
}

#[tokio::test]
async fn what_is_not_acked_is_sent_again_signed_anew_until_it_is() {
    let server = server(|seen| match seen.number {
        _ if !seen.genuine => Act::Answer(401),
        0..4 => Act::Answer(503),
        4..8 => Act::Last(""),
        _ => Act::Answer(200),
    })
    .await;
    let summary = sent(&server, retrying(12, Duration::from_mins(1))).await;
    assert_eq!((summary.acked, summary.sends), (12, 20));
    assert_eq!(answered(&summary, Answer::Status(503)), 4);
    assert_eq!(answered(&summary, Answer::Broken), 4);
    assert!(summary.is_good());
}

/// The numbers of the deliveries in the order of their acks, where the first is refused twice.
async fn order_of_acks(rate: Option<f64>) -> Vec<u64> {
    let server = server(|seen| Act::Answer(if seen.number < 2 { 503 } else { 200 })).await;
    let page = Page::default();
    let refused = Load {
        rate,
        connections: one(),
        ledger: Some(Ledger::new("default", page.clone())),
        ..retrying(4, Duration::from_mins(1))
    };
    assert!(sent(&server, refused).await.is_good());
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
    assert_eq!((summary.acked, summary.unacked()), (7, 3));
    assert_eq!(summary.sends, 10);
    assert!(!summary.is_good() && !summary.is_all(401));
}

#[tokio::test]
async fn what_is_never_acked_is_given_up() {
    let server = server(|_| Act::Answer(503)).await;
    let summary = sent(&server, retrying(3, Duration::from_millis(300))).await;
    assert_eq!((summary.acked, summary.unacked()), (0, 3));
    // At once, after 250 ms, and not any more 500 ms later.
    assert!((6..=9).contains(&summary.sends), "{summary:?}");
}

#[tokio::test]
async fn a_connection_that_the_server_closed_while_idle_is_opened_anew() {
    let server = server(|_| Act::Last(ACK)).await;
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
    let answering = |genuine, forged| {
        server(move |seen| Act::Answer(if seen.genuine { genuine } else { forged }))
    };
    let summary = sent(&answering(200, 401).await, forging()).await;
    assert!(summary.is_good() && (1..40).contains(&summary.forgeries));
    assert_eq!(summary.refused_forgeries, summary.forgeries);
    assert_eq!(summary.acked + summary.forgeries, 40);

    let summary = sent(&answering(200, 200).await, forging()).await;
    assert!(!summary.is_good());
    assert_eq!(summary.acked_forgeries, summary.forgeries);

    let summary = sent(&answering(401, 401).await, forging()).await;
    assert!(summary.is_all(401) && !summary.is_good());

    let summary = sent(&answering(200, 503).await, forging()).await;
    assert_eq!((summary.unacked(), summary.is_good()), (0, false));
    assert_eq!(summary.open_forgeries(), summary.forgeries);
}

#[tokio::test]
async fn forgeries_are_written_down_before_anybody_answers() {
    let server = server(|_| Act::Last("")).await;
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
    assert!(lines.iter().all(|line| line["app"] == "shop"));
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
    assert!(summary.repeats > 0 && summary.acked == 48);
    let lines = page.lines();
    let mut repeats = lines.iter().filter(|line| !line["repeat_of"].is_null());
    assert!(repeats.clone().count() > 0);
    assert!(repeats.all(|repeat| {
        let mut firsts = lines.iter();
        let first = firsts.find(|line| line["delivery"] == repeat["repeat_of"]);
        first.unwrap()["events"] == repeat["events"]
    }));
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
    let clock = Clock::system();
    let running = run(&server.target, endless, &clock, &watch);
    let (summary, ()) = tokio::join!(running, stopping);
    let summary = summary.unwrap();
    assert!(summary.interrupted && summary.unsent > 10, "{summary:?}");
    assert_eq!((summary.acked, answered(&summary, Answer::CutOff)), (10, 1));
    assert_eq!(summary.sends, summary.answers.values().sum::<u64>());
    let mut shares = summary.latencies.iter();
    assert!(shares.all(|(_, value)| value.is_none()), "{summary:?}");
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
    let (clock, watch) = (Clock::system(), Watch::default());
    let ended = run(&server.target, endless, &clock, &watch).await;
    assert!(matches!(ended, Err(Error::Ledger(_))), "{ended:?}");
}
