//! Senders against a receiver on the loopback interface and a consumer that the test plays.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Sender, Senders, WORKER};
use crate::{
    clock::Clock,
    config::{self, Sources},
    forward::{
        consumer::{Call, Calls, HandedOut, Handle, Settled, Settlement, Verb, Want},
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
    settings: watch::Sender<Arc<Settings>>,
    log: AttemptLog,
    stop: CancellationToken,
    sender: JoinHandle<()>,
}

/// Status of the answer to a request with this body.
type Answers = Arc<dyn Fn(&str) -> u16 + Send + Sync>;

impl World {
    async fn start(answers: impl Fn(&str) -> u16 + Send + Sync + 'static) -> Self {
        let requests = Arc::new(Mutex::new(Vec::new()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(receive(listener, Arc::new(answers), Arc::clone(&requests)));
        let (handle, calls) = Handle::new();
        let (events, coming) = mpsc::unbounded_channel();
        let (settled, settlements) = mpsc::unbounded_channel();
        tokio::spawn(consume(calls, coming, settled));
        let (settings, current) = watch::channel(Arc::new(settings(&url)));
        let stop = CancellationToken::new();
        let options = store::options("postgres://127.0.0.1:1/none").unwrap();
        let senders = Senders::new(&options, Clock::system());
        let log = senders.attempts().log;
        let sender = Sender::new("hook".into(), handle, current, senders);
        Self {
            requests,
            settlements,
            events,
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

fn settings(url: &str) -> Settings {
    let text = format!(
        r#"[destinations.hook]
        url = "{url}"
        reach = "private"
        format = "event"
        secret = "whsec_ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7"
        headers = {{ X-Team = "support" }}"#
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
async fn consume(
    mut calls: Calls,
    mut coming: mpsc::UnboundedReceiver<HandedOut>,
    settled: mpsc::UnboundedSender<Settlement>,
) {
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
                        let _ = settled.send(it);
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
            event = coming.recv() => match event {
                Some(event) => events.push_back(event),
                None => return,
            },
        }
        if !events.is_empty()
            && let Some((want, reply)) = waiting.take()
        {
            hand_out(&want, reply, &mut events);
        }
    }
}

fn hand_out(
    want: &Want,
    reply: tokio::sync::oneshot::Sender<Result<Vec<HandedOut>, crate::forward::consumer::Refusal>>,
    events: &mut VecDeque<HandedOut>,
) {
    let count = want.max.min(events.len());
    let out: Vec<_> = events.drain(..count).collect();
    // A caller that went away gives its events back.
    if let Err(Ok(out)) = reply.send(Ok(out)) {
        for event in out.into_iter().rev() {
            events.push_front(event);
        }
    }
}

async fn receive(listener: TcpListener, answers: Answers, requests: Arc<Mutex<Vec<String>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (answers, requests) = (Arc::clone(&answers), Arc::clone(&requests));
        tokio::spawn(async move { answer(stream, &answers, &requests).await });
    }
}

/// Answers one request.
async fn answer(mut stream: TcpStream, answers: &Answers, requests: &Mutex<Vec<String>>) {
    let mut request = Vec::new();
    while !request.ends_with(b"}}") {
        if stream.read_buf(&mut request).await.unwrap_or_default() == 0 {
            return;
        }
    }
    let request = String::from_utf8(request).unwrap();
    let status = answers(&request);
    requests.lock().unwrap().push(request);
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
