//! Faults around a destination: its receiver, its name, its configuration and the server fail.
//!
//! The receiver notes in a ledger each event that it gets, and its answer. At the end of each test
//! the ledger is checked, as that of the workers of a consumer.

use std::{
    net::TcpListener,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;

use super::{ACCOUNT, KEY, number, owned};
use crate::support::{
    directory::Directory,
    eventually,
    ledger::{Leased, Ledger, Note, Summary, Verb},
    message::messages,
    moved_names::MovedNames,
    postgres::TestDatabase,
    random::Random,
    receiver::{Answer, Got, Receiver},
    server::{Server, apps},
};

/// Further keys: failures are repeated soon, and for any number of times.
const KEYS: &str = "reach = 'private'\nretry = ['1s']\ntimeout = '10s'\n";

const SETTLED: &str = "SELECT count(*) FROM consumers WHERE name = 'crm' AND heads = ''
    AND position >= (SELECT max(position) FROM events)
    AND NOT EXISTS (SELECT FROM consumer_lanes)";

/// A server with one destination, and its receiver.
struct Site {
    server: Option<Server>,
    receiver: Receiver,
    ledger: Ledger,
    said: AtomicUsize,
}

impl Site {
    /// A site whose destination has these keys besides [`KEYS`].
    async fn open(keys: &str) -> Self {
        let receiver = Receiver::start().await;
        let host = receiver.address.ip().to_string();
        let place = Some(TestDatabase::create().await);
        let directory = Directory::create();
        write(&directory, &crm(&receiver, &host, &[KEYS, keys].concat()));
        Self::with(receiver, Server::start_in(directory, place)).await
    }

    /// A site whose destination has a name.
    async fn open_named(scheme: &str, keys: &str) -> (Self, MovedNames) {
        let (receiver, directory) = (Receiver::start().await, Directory::create());
        let names = MovedNames::create(directory.path());
        let crm = crm(&receiver, "receiver.test", keys).replace("http:", scheme);
        write(&directory, &crm);
        let place = Some(TestDatabase::create().await);
        let server = Server::start_where(directory, place, &names.variables());
        (Self::with(receiver, server).await, names)
    }

    async fn with(receiver: Receiver, server: Server) -> Self {
        owned(&server, 1).await;
        let site = Self {
            server: Some(server),
            receiver,
            ledger: Ledger::default(),
            said: AtomicUsize::new(0),
        };
        site.answer(|| Answer::Status(200));
        site
    }

    fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    /// Answers like this from now on, and notes it.
    fn answer(&self, mut answers: impl FnMut() -> Answer + Send + 'static) {
        let ledger = self.ledger.clone();
        self.receiver.answer(move |got| {
            let answer = answers();
            note(&ledger, got, &answer);
            answer
        });
    }

    /// A person sends messages in one delivery.
    async fn say(&self, person: &str, count: usize) {
        let first = self.said.fetch_add(count, Ordering::Relaxed);
        let mids: Vec<_> = (first..first + count)
            .map(|it| format!("mid.{it}"))
            .collect();
        let said: Vec<_> = mids.iter().map(|mid| (mid.as_str(), "hi")).collect();
        let body = messages(person, ACCOUNT, &said);
        assert_eq!(self.server().deliver("/webhook", body).await.status, 200);
    }

    /// Several persons send some messages each.
    async fn talk(&self, random: &mut Random) {
        for _ in 0..25 {
            let person = (7001 + random.below(15)).to_string();
            self.say(&person, 1 + usize::try_from(random.below(4)).unwrap())
                .await;
        }
    }

    /// Waits until there is an attempt with this outcome.
    async fn attempted(&self, outcome: &str) {
        let mut database = self.server().database().await;
        eventually(outcome, async || {
            let sql = "SELECT EXISTS (SELECT FROM attempts WHERE outcome = $1)";
            let found = sqlx::query_scalar(sql).bind(outcome);
            found.fetch_one(&mut database).await.unwrap()
        })
        .await;
    }

    /// Waits until the log has this text.
    async fn logs(&self, text: &str) {
        eventually(text, async || self.server().log().contains(text)).await;
    }

    /// Kills the server, and starts it again.
    fn restart(&mut self) {
        let server = self.server.take().unwrap();
        server.signal(Signal::SIGKILL);
        let (_, directory, place) = server.wait();
        self.ledger.note(Note::LeasesLost);
        self.server = Some(Server::start_in(directory, place));
    }

    fn reload(&self, configuration: &str) {
        write(&self.server().directory, configuration);
        let output = self.server().run(&["reload"]);
        assert!(output.status.success(), "{output:?}");
    }

    /// Waits until all is settled, and checks the ledger: all events of the log arrived, but those
    /// of these persons.
    async fn closes(&self, skipped: &[&str]) -> Summary {
        eventually("all is settled", async || {
            number(self.server(), SETTLED).await == 1
        })
        .await;
        assert_eq!(
            number(self.server(), "SELECT count(*) FROM dead_letters").await,
            0
        );
        let events = "SELECT position, account_id || '/' || person_id FROM events";
        let mut database = self.server().database().await;
        let events: Vec<(i64, String)> = sqlx::query_as(events)
            .fetch_all(&mut database)
            .await
            .unwrap();
        let is_skipped = |lane: &str| skipped.iter().any(|person| lane.ends_with(person));
        let events: Vec<_> = events
            .into_iter()
            .filter(|(_, lane)| !is_skipped(lane))
            .collect();
        self.ledger.check(&events)
    }
}

/// Configuration with the destination `crm`.
fn crm(receiver: &Receiver, host: &str, keys: &str) -> String {
    let port = receiver.address.port();
    let app = apps(["default"]);
    format!(
        "{app}[destinations.crm]\nurl = 'http://{host}:{port}/'\nformat = 'event'\n\
         secret = '{KEY}'\n{keys}"
    )
}

fn write(directory: &Directory, configuration: &str) {
    std::fs::write(directory.join("hookshelf.toml"), configuration).unwrap();
}

/// Notes an event and its answer. Without a whole answer the sender may give up at any time.
fn note(ledger: &Ledger, got: &Got, answer: &Answer) {
    let leased = leased(got);
    let (lease, event) = (leased.lease.clone(), leased.key());
    let far = Instant::now() + Duration::from_hours(1);
    ledger.note(Note::HandedOut(leased, far));
    let verb = match answer {
        Answer::Status(200) | Answer::Last => Verb::Ack,
        _ => Verb::Nack,
    };
    if verb == Verb::Ack {
        ledger.note(Note::Effect(event));
    }
    ledger.note(Note::Settles(lease, verb));
}

/// The event of a request, as a lease of its own.
fn leased(got: &Got) -> Leased {
    static LEASES: AtomicUsize = AtomicUsize::new(0);
    let body: serde_json::Value = serde_json::from_slice(&got.body).unwrap();
    let text = |key: &str| body["data"][key].as_str().unwrap().to_owned();
    Leased {
        lease: LEASES.fetch_add(1, Ordering::Relaxed).to_string(),
        position: text("position").parse().unwrap(),
        lane: format!("{}/{}", text("account_id"), text("person_id")),
        attempt: 1,
        redelivered: true,
        replay: 0,
    }
}

#[tokio::test]
async fn an_event_is_sent_again_after_half_an_answer_and_after_one_that_takes_too_long() {
    let site = Site::open("").await;
    let mut random = Random::seeded();
    let mut numbers = random.fork();
    let mut first = vec![Answer::Hang, Answer::Drip, Answer::Half];
    site.answer(move || {
        first.pop().unwrap_or_else(|| match numbers.below(20) {
            0 => Answer::Half,
            1 => Answer::Status(500),
            2 => Answer::Redirect("http://127.0.0.1/".to_owned()),
            _ => Answer::Status(200),
        })
    });
    site.talk(&mut random).await;
    site.talk(&mut random).await;
    site.attempted("incomplete").await;
    site.attempted("timeout").await;
    let summary = site.closes(&[]).await;
    assert_eq!(summary.double_effects, 0);
}

#[tokio::test]
async fn without_a_name_server_the_destination_is_down_and_nothing_is_lost() {
    let (site, names) = Site::open_named("http:", KEYS).await;
    site.talk(&mut Random::seeded()).await;
    site.attempted("dns").await;
    site.logs("destination is down").await;
    assert_eq!(site.receiver.got().len(), 0);
    names.move_to("127.0.0.1");
    let summary = site.closes(&[]).await;
    assert_eq!(summary.repeats, 0);
    site.logs("destination is up again").await;
}

#[tokio::test]
async fn a_name_that_moves_to_a_forbidden_address_gets_its_events_after_it_moved_back() {
    let (site, names) = Site::open_named("http:", KEYS).await;
    names.move_to("127.0.0.1");
    site.answer(|| Answer::Last);
    site.say("7001", 1).await;
    eventually("the event arrives", async || site.receiver.got().len() == 1).await;
    names.move_to("169.254.169.254");
    site.say("7001", 1).await;
    site.attempted("forbidden_address").await;
    names.move_to("127.0.0.1");
    let summary = site.closes(&[]).await;
    assert_eq!((summary.hand_outs, summary.repeats), (2, 0));
}

#[tokio::test]
async fn a_public_name_that_leads_into_the_own_network_gets_no_connection() {
    let (site, names) = Site::open_named("https:", "retry = ['1s']\n").await;
    let inside = TcpListener::bind("127.0.0.1:0").unwrap();
    inside.set_nonblocking(true).unwrap();
    let (there, here) = (site.receiver.address, inside.local_addr().unwrap());
    let file = site.server().directory.join("hookshelf.toml");
    let text = std::fs::read_to_string(file).unwrap();
    site.reload(&text.replace(&there.port().to_string(), &here.port().to_string()));
    names.move_to("127.0.0.1");
    site.say("7001", 1).await;
    site.attempted("forbidden_address").await;
    let refused = inside.accept().unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_reload_that_narrows_drops_the_waiting_events_and_one_that_widens_brings_none_back() {
    let site = Site::open("").await;
    let host = site.receiver.address.ip().to_string();
    let keys = |more: &str| crm(&site.receiver, &host, &[KEYS, more].concat());
    site.answer(|| Answer::Status(500));
    site.say("7001", 2).await;
    site.say("7002", 1).await;
    let lanes = "SELECT count(*) FROM consumer_lanes";
    let waiting = async || number(site.server(), lanes).await;
    eventually("both lanes wait", async || waiting().await == 2).await;
    site.reload(&keys("accounts = ['17840000000000002']\n"));
    eventually("no lane waits", async || waiting().await == 0).await;
    site.answer(|| Answer::Status(200));
    site.say("7003", 1).await;
    let settled = async || number(site.server(), SETTLED).await == 1;
    eventually("the event is skipped", async || settled().await).await;
    site.reload(&keys(""));
    site.say("7001", 1).await;
    site.say("7004", 1).await;
    eventually("all is settled", async || settled().await).await;
    assert_eq!(site.ledger.effects(), 2);
}

#[tokio::test]
async fn a_renamed_destination_starts_anew_and_the_old_name_goes_on_where_it_was() {
    let (site, other) = (Site::open("").await, Receiver::start().await);
    let host = site.receiver.address.ip().to_string();
    let [crm, robot] = [&site.receiver, &other].map(|it| crm(it, &host, KEYS));
    site.say("7001", 1).await;
    eventually("the event arrives", async || site.ledger.effects() == 1).await;
    site.reload(&robot.replace("destinations.crm", "destinations.robot"));
    owned(site.server(), 1).await;
    let robot = "SELECT count(*) FROM consumers WHERE name = 'robot' AND owner IS NOT NULL";
    eventually("the new name is owned", async || {
        number(site.server(), robot).await == 1
    })
    .await;
    site.say("7001", 1).await;
    eventually("the new name is served", async || other.got().len() == 1).await;
    assert_eq!(site.ledger.effects(), 1);
    site.reload(&crm);
    let summary = site.closes(&[]).await;
    assert_eq!((summary.hand_outs, summary.repeats), (2, 0));
}

// The receiver answers while the server starts.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_while_it_sends_loses_and_reorders_nothing() {
    let mut random = Random::seeded();
    let mut site = Site::open("").await;
    let mut numbers = random.fork();
    site.answer(move || match numbers.below(20) {
        0 => Answer::Half,
        1 => Answer::Status(503),
        _ => Answer::Status(200),
    });
    for _ in 0..5 {
        let before = site.ledger.effects();
        site.talk(&mut random).await;
        let moment = before + 1 + usize::try_from(random.below(20)).unwrap();
        eventually("some events arrive", async || {
            site.ledger.effects() >= moment
        })
        .await;
        site.restart();
    }
    site.closes(&[]).await;
}

// The receiver answers while the server stops.
#[tokio::test(flavor = "multi_thread")]
async fn the_attempts_shortly_before_a_stop_are_stored() {
    let mut site = Site::open("").await;
    site.answer(|| Answer::Status(500));
    site.say("7001", 1).await;
    site.say("7002", 1).await;
    let arrived = async || site.receiver.got().len() >= 2;
    eventually("both events arrive", arrived).await;
    let (status, _directory, place) = site.server.take().unwrap().stop();
    assert!(status.success(), "{status}");
    let place = place.unwrap();
    let mut database = place.connect().await;
    let stored = sqlx::query_scalar("SELECT count(*) FROM attempts");
    let stored: i64 = stored.fetch_one(&mut database).await.unwrap();
    assert_eq!(usize::try_from(stored).unwrap(), site.receiver.got().len());
}

// The receiver answers while the server stops.
#[tokio::test(flavor = "multi_thread")]
async fn an_event_leased_ahead_is_sent_at_once_after_a_stop() {
    let mut site = Site::open("concurrency = 1\nrate = 'off'\n").await;
    site.say("7001", 1).await;
    eventually("an event arrives", async || site.ledger.effects() == 1).await;
    site.answer(|| Answer::Hang);
    site.say("7002", 1).await;
    site.say("7003", 1).await;
    eventually("one is sent and one leased ahead", async || {
        let metrics = site.server().ask_admin("/metrics").await.body;
        let metrics = String::from_utf8_lossy(&metrics).into_owned();
        metrics.contains("hookshelf_consumer_in_flight{consumer=\"crm\"} 2")
    })
    .await;
    let (status, directory, place) = site.server.take().unwrap().stop();
    assert!(status.success(), "{status}");
    assert_eq!(site.receiver.with("7003"), 0);
    site.answer(|| Answer::Status(200));
    site.server = Some(Server::start_in(directory, place));
    eventually("the event leased ahead arrives", async || {
        site.receiver.with("7003") == 1
    })
    .await;
    assert_eq!(site.receiver.with("7002"), 1, "its request was out");
}
