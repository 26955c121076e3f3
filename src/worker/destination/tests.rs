//! Senders against a receiver on the loopback interface and a consumer that the test plays.

mod ahead;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Sender, Senders, WORKER};
use crate::{
    clock::Clock,
    config::{self, Sources},
    forward::{
        consumer::{Call, Calls, HandedOut, Handle, Refusal, Settled, Settlement, Verb, Want},
        destination::{AttemptLog, Settings},
        lanes::{Answer, Code},
    },
    store::{self, attempts::StoredAttempt, consumers::EventRow},
};

/// Maximum time of a test.
const PATIENCE: Duration = Duration::from_secs(30);

/// A sender with its receiver and its consumer.
struct World {
    requests: Arc<Mutex<Vec<String>>>,
    settlements: mpsc::UnboundedReceiver<Settlement>,
    events: mpsc::UnboundedSender<HandedOut>,
    handed_out: mpsc::UnboundedReceiver<i64>,
    /// False while the receiver holds its answers back.
    answers: watch::Sender<bool>,
    /// Reason for which the consumer refuses leases.
    refusal: watch::Sender<Option<Refusal>>,
    settings: watch::Sender<Arc<Settings>>,
    log: AttemptLog,
    stop: CancellationToken,
    sender: JoinHandle<()>,
}

/// Status of the answer to a request with this body.
type Answers = Arc<dyn Fn(&str) -> u16 + Send + Sync>;

/// Receiver of the requests.
#[derive(Clone)]
struct Receiver {
    status: Answers,
    requests: Arc<Mutex<Vec<String>>>,
    answers: watch::Receiver<bool>,
}

/// Channels of the consumer that the test plays.
struct Consumer {
    coming: mpsc::UnboundedReceiver<HandedOut>,
    handed_out: mpsc::UnboundedSender<i64>,
    settled: mpsc::UnboundedSender<Settlement>,
    refusal: watch::Receiver<Option<Refusal>>,
}

impl World {
    async fn start(status: impl Fn(&str) -> u16 + Send + Sync + 'static) -> Self {
        Self::start_with("", status).await
    }

    /// A world with further keys of the destination.
    async fn start_with(keys: &str, status: impl Fn(&str) -> u16 + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let (answers, answering) = watch::channel(true);
        let receiver = Receiver {
            status: Arc::new(status),
            requests: Arc::default(),
            answers: answering,
        };
        let requests = Arc::clone(&receiver.requests);
        tokio::spawn(receive(listener, receiver));
        let (handle, calls) = Handle::new();
        let (events, coming) = mpsc::unbounded_channel();
        let (out, handed_out) = mpsc::unbounded_channel();
        let (settled, settlements) = mpsc::unbounded_channel();
        let (refusal, refusing) = watch::channel(None);
        let consumer = Consumer {
            coming,
            handed_out: out,
            settled,
            refusal: refusing,
        };
        tokio::spawn(consume(calls, consumer));
        let (settings, current) = watch::channel(Arc::new(settings(&url, keys)));
        let stop = CancellationToken::new();
        let options = store::options("postgres://127.0.0.1:1/none").unwrap();
        let senders = Senders::new(&options, Clock::system());
        let log = senders.attempts().log;
        let sender = Sender::new("hook".into(), handle, current, senders);
        Self {
            requests,
            settlements,
            events,
            handed_out,
            answers,
            refusal,
            settings,
            log,
            sender: tokio::spawn(sender.run(stop.clone())),
            stop,
        }
    }

    fn offer(&self, event: HandedOut) {
        self.events.send(event).unwrap();
    }

    /// The next settlement: position of the lease, and action.
    async fn settled(&mut self) -> (i64, Verb) {
        let settlement = tokio::time::timeout(PATIENCE, self.settlements.recv());
        let settlement = settlement.await.unwrap().unwrap();
        (settlement.lease.parse().unwrap(), settlement.verb)
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn settings(url: &str, keys: &str) -> Settings {
    let text = format!(
        r#"[destinations.hook]
        url = "{url}"
        reach = "private"
        format = "event"
        secret = "whsec_ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7"
        headers = {{ X-Team = "support" }}
        {keys}"#
    );
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("hookshelf.toml");
    std::fs::write(&file, text).unwrap();
    let sources = Sources {
        file: Some(file),
        env: vec![("HOME".to_owned(), "/".to_owned())],
        ..Sources::default()
    };
    let config = config::load(&sources).unwrap();
    Settings::new(config.destinations["hook"].clone(), &config.apps)
}

/// An event whose lease is its position.
fn event(position: i64) -> HandedOut {
    HandedOut {
        lease: position.to_string(),
        attempt: 1,
        redelivered: false,
        replay: None,
        failed_for: None,
        code: None,
        through: position,
        json: Bytes::from(format!(r#"{{"position":"{position}"}}"#)),
        event: Arc::new(EventRow {
            position,
            kind: "message".to_owned(),
            dedupe_key: Uuid::from_u128(u128::from(position.unsigned_abs())),
            ..EventRow::default()
        }),
    }
}

/// Hands out the events that come, and passes the settlements on.
async fn consume(mut calls: Calls, mut consumer: Consumer) {
    let mut events = VecDeque::new();
    let mut waiting = None;
    loop {
        tokio::select! {
            call = calls.recv() => match call {
                Some(Call::Lease(want, reply)) => waiting = Some((want, reply)),
                Some(Call::Settle(batch, reply)) => {
                    let answer = |it: &Settlement| Settled {
                        lease: it.lease.clone(),
                        answer: Answer::Acked,
                    };
                    let answers = batch.iter().map(answer).collect();
                    for it in batch {
                        let _ = consumer.settled.send(it);
                    }
                    let _ = reply.send(Ok(answers));
                }
                Some(Call::Release(worker, reply)) => {
                    assert_eq!(&*worker, WORKER);
                    let _ = reply.send(Ok(0));
                }
                Some(Call::Status(_)) => {}
                None => return,
            },
            event = consumer.coming.recv() => match event {
                Some(event) => events.push_back(event),
                None => return,
            },
            Ok(()) = consumer.refusal.changed() => {}
        }
        let refusal = consumer.refusal.borrow().clone();
        if let Some(refusal) = refusal {
            if let Some((want, reply)) = waiting.take() {
                Call::Lease(want, reply).refuse(refusal);
            }
        } else if !events.is_empty()
            && let Some((want, reply)) = waiting.take()
        {
            hand_out(&want, reply, &mut events, &consumer.handed_out);
        }
    }
}

fn hand_out(
    want: &Want,
    reply: oneshot::Sender<Result<Vec<HandedOut>, Refusal>>,
    events: &mut VecDeque<HandedOut>,
    handed_out: &mpsc::UnboundedSender<i64>,
) {
    let count = want.max.min(events.len());
    let out: Vec<_> = events.drain(..count).collect();
    let positions: Vec<_> = out.iter().map(|event| event.event.position).collect();
    // A caller that went away gives its events back.
    if let Err(Ok(out)) = reply.send(Ok(out)) {
        for event in out.into_iter().rev() {
            events.push_front(event);
        }
    } else {
        for position in positions {
            let _ = handed_out.send(position);
        }
    }
}

async fn receive(listener: TcpListener, receiver: Receiver) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(stream, receiver.clone()));
    }
}

/// Answers one request.
async fn answer(mut stream: TcpStream, mut receiver: Receiver) {
    let mut request = Vec::new();
    while !request.ends_with(b"}}") {
        if stream.read_buf(&mut request).await.unwrap_or_default() == 0 {
            return;
        }
    }
    let request = String::from_utf8(request).unwrap();
    receiver.requests.lock().unwrap().push(request.clone());
    let _ = receiver.answers.wait_for(|answers| *answers).await;
    let status = (receiver.status)(&request);
    let answer = format!("HTTP/1.1 {status} Any\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    let _ = stream.write_all(answer.as_bytes()).await;
}

#[tokio::test]
async fn an_event_is_sent_with_the_headers_of_the_destination_and_settled() {
    let mut world = World::start(|_| 204).await;
    world.offer(event(7));
    assert_eq!(world.settled().await, (7, Verb::Ack));
    let requests = world.requests();
    let (head, body) = requests[0].split_once("\r\n\r\n").unwrap();
    let head = head.to_lowercase();
    assert!(head.starts_with("post /hook "), "{head}");
    assert!(head.contains("x-team: support"), "{head}");
    assert!(head.contains("webhook-signature: v1,"), "{head}");
    assert!(
        body.starts_with(r#"{"type":"instagram.message","#),
        "{body}"
    );
    assert!(body.ends_with(r#""data":{"position":"7"}}"#), "{body}");
    assert_eq!(world.log.take(), [], "failures only");
}

#[tokio::test]
async fn a_failed_event_waits_by_the_schedule_and_its_attempt_is_stored() {
    let mut world = World::start(|_| 400).await;
    world.offer(event(64));
    let (delay, code) = (Some(Duration::from_secs(5)), Code::new("http_400").unwrap());
    assert_eq!(world.settled().await, (64, Verb::Nack { delay, code }));
    let stored = world.log.take();
    let [stored] = stored.as_slice() else {
        panic!("{stored:?}");
    };
    let expected = StoredAttempt {
        at: stored.at,
        destination: "hook".to_owned(),
        position: 64,
        received_at: event(64).event.received_at,
        attempt: 1,
        outcome: "answered".to_owned(),
        status: Some(400),
        millis: stored.millis,
    };
    assert_eq!(*stored, expected);
}

/// Ten of twenty failures open the breaker. The probe finds the destination up again.
#[tokio::test]
async fn a_destination_that_is_down_gets_probes_and_no_attempt_counts() {
    let is_up = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let up = Arc::clone(&is_up);
    let order = std::sync::atomic::Ordering::SeqCst;
    let mut world = World::start(move |_| if up.load(order) { 200 } else { 503 }).await;
    for position in 1..=12 {
        world.offer(event(position));
    }
    let (mut nacks, mut given_back) = (0, Vec::new());
    while given_back.len() < 2 {
        match world.settled().await {
            (_, Verb::Nack { .. }) => nacks += 1,
            (position, Verb::GiveBack { .. }) => given_back.push(position),
            other => panic!("{other:?}"),
        }
    }
    assert!(nacks <= 9, "{nacks} attempts counted");
    is_up.store(true, order);
    for position in given_back.drain(..) {
        world.offer(event(position));
    }
    while let (_, verb) = world.settled().await
        && verb != Verb::Ack
    {
        assert!(matches!(verb, Verb::GiveBack { .. }), "{verb:?}");
    }
}

#[tokio::test]
async fn a_sender_ends_when_it_is_stopped_or_its_destination_is_removed() {
    let world = World::start(|_| 200).await;
    world.stop.cancel();
    world.sender.await.unwrap();
    let World {
        settings, sender, ..
    } = World::start(|_| 200).await;
    drop(settings);
    sender.await.unwrap();
}
