//! `conversations list` and `conversations show`: messages as a person expects them, whatever
//! arrived in whatever order.

use hookshelf::{
    clock::Clock,
    config::{Role, Token},
    query::{ConversationFilter, Part, Scope, Session},
    store::{self, conversations::Conversations, follow::Turn},
};
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use super::Shelf;

const ACCOUNT: &str = "17840000000000001";
const PERSON: &str = "9990000000000001";

/// Minutes before now at which the first item occurs.
const FIRST: i64 = 60;

/// Time of an item, `minute` minutes after the first.
fn at(minute: i64) -> Timestamp {
    let start = Clock::system().now() - SignedDuration::from_mins(FIRST);
    start + SignedDuration::from_mins(minute)
}

/// An item from the person at this minute, with `content` beside sender, recipient and time.
fn from_person(minute: i64, content: Value) -> Value {
    item(minute, [PERSON, ACCOUNT], content)
}

fn from_account(minute: i64, content: Value) -> Value {
    item(minute, [ACCOUNT, PERSON], content)
}

fn item(minute: i64, [sender, recipient]: [&str; 2], mut content: Value) -> Value {
    content["sender"] = json!({"id": sender});
    content["recipient"] = json!({"id": recipient});
    content["timestamp"] = json!(at(minute).as_millisecond());
    content
}

fn said(minute: i64, mid: &str, text: &str) -> Value {
    from_person(minute, json!({"message": {"mid": mid, "text": text}}))
}

fn answered(minute: i64, mid: &str, text: &str) -> Value {
    let message = json!({"mid": mid, "text": text, "is_echo": true, "app_id": 1217});
    from_account(minute, json!({"message": message}))
}

fn unsent(minute: i64, mid: &str) -> Value {
    from_person(minute, json!({"message": {"mid": mid, "is_deleted": true}}))
}

fn edited(minute: i64, mid: &str, text: &str, count: u32) -> Value {
    let edit = json!({"mid": mid, "text": text, "num_edit": count});
    from_person(minute, json!({"message_edit": edit}))
}

fn reacted(minute: i64, mid: &str, emoji: Option<&str>) -> Value {
    let mut reaction = json!({"mid": mid, "action": "unreact"});
    if let Some(emoji) = emoji {
        reaction = json!({"mid": mid, "action": "react", "reaction": "other", "emoji": emoji});
    }
    from_person(minute, json!({"reaction": reaction}))
}

fn seen(minute: i64, mid: &str) -> Value {
    from_person(minute, json!({"read": {"mid": mid}}))
}

impl Shelf {
    /// Receives items now, each in a delivery of its own, in this order.
    async fn receive(&self, items: impl IntoIterator<Item = Value>) {
        for item in items {
            let time = Clock::system().now().as_millisecond();
            let entry = json!({"id": ACCOUNT, "time": time, "messaging": [item]});
            let body = json!({"object": "instagram", "entry": [entry]});
            self.store("default", SignedDuration::ZERO, body.to_string())
                .await;
        }
    }

    /// Follows the log to its end, as a running server does.
    pub(super) async fn list(&self) {
        let patience = std::time::Duration::from_secs(30);
        let options = self.database.options();
        let mut session = store::connect_follower(&options, patience).await.unwrap();
        let mut follower = store::conversations::follower();
        while follower
            .turn(&mut session, &mut Conversations)
            .await
            .unwrap()
            != Turn::Idle
        {}
    }

    /// The conversation of the tests, as JSON.
    async fn conversation(&self, options: &[&str]) -> Value {
        self.list().await;
        let show = ["conversations", "show", ACCOUNT, PERSON];
        let mut shown = self.rows(&[&show, options].concat());
        assert_eq!(shown.len(), 1);
        shown.remove(0)
    }

    /// Lines of the conversation after these items arrived in this order.
    async fn lines(items: impl IntoIterator<Item = Value>) -> Vec<Value> {
        let shelf = Self::create().await;
        shelf.receive(items).await;
        lines(&shelf.conversation(&[]).await)
    }
}

fn lines(conversation: &Value) -> Vec<Value> {
    conversation["lines"].as_array().unwrap().clone()
}

/// A field of each line.
fn each(lines: &[Value], field: &str) -> Vec<String> {
    let text = |line: &Value| match &line[field] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    lines.iter().map(text).collect()
}

/// Every order of the items.
fn orders(items: &[Value]) -> Vec<Vec<Value>> {
    if items.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for first in 0..items.len() {
        let mut rest = items.to_vec();
        let item = rest.remove(first);
        for mut order in orders(&rest) {
            order.insert(0, item.clone());
            all.push(order);
        }
    }
    all
}

#[tokio::test]
async fn messages_are_shown_in_the_order_in_which_they_occurred_and_late_ones_say_so() {
    let now = FIRST;
    let lines = Shelf::lines([
        said(10, "m2", "two"),
        said(now, "m4", "four"),
        answered(20, "m3", "three"),
        said(5, "m1", "one"),
    ])
    .await;
    assert_eq!(each(&lines, "text"), ["one", "two", "three", "four"]);
    assert_eq!(each(&lines, "is_late"), ["true", "true", "true", "false"]);
    assert_eq!(
        each(&lines, "from"),
        ["person", "person", "account", "person"]
    );
    assert_eq!(lines[2]["app_id"], "1217");
}

#[tokio::test]
async fn a_message_received_twice_is_one_line() {
    let message = said(1, "m1", "one");
    let lines = Shelf::lines([message.clone(), message]).await;
    assert_eq!(each(&lines, "text"), ["one"]);
}

#[tokio::test]
async fn an_edited_message_shows_its_last_text_and_the_former_ones_in_any_order_of_arrival() {
    let items = [
        said(1, "m1", "first"),
        edited(2, "m1", "second", 1),
        edited(3, "m1", "third", 2),
    ];
    for order in orders(&items) {
        let lines = Shelf::lines(order).await;
        assert_eq!(each(&lines, "text"), ["third"]);
        let versions = lines[0]["versions"].as_array().unwrap();
        assert_eq!(each(versions, "text"), ["first", "second", "third"]);
    }
    // Meta sends an edit of this form soon after a message with media.
    let no_edit = json!({"message_edit": {"mid": "m1", "num_edit": 0}});
    let lines = Shelf::lines([said(1, "m1", "first"), from_person(2, no_edit)]).await;
    assert_eq!(each(&lines, "versions"), ["[]"]);
}

#[tokio::test]
async fn an_unsent_message_shows_no_content_in_any_order_of_arrival() {
    let reply = json!({"message": {"mid": "m2", "text": "why?", "reply_to": {"mid": "m1"}}});
    let items = [
        said(1, "m1", "secret"),
        edited(2, "m1", "another secret", 1),
        unsent(3, "m1"),
        from_person(4, reply),
    ];
    for order in orders(&items) {
        let lines = Shelf::lines(order).await;
        assert_eq!(each(&lines, "text"), ["null", "why?"]);
        assert!(lines[0]["unsent_at"].is_string(), "{lines:?}");
        assert_eq!(lines[1]["reply_to"]["is_unsent"], true);
        let all = Value::from(lines).to_string();
        assert!(!all.contains("secret"), "{all}");
    }
}

#[tokio::test]
async fn an_unsent_message_that_never_arrived_is_a_line_without_content() {
    let lines = Shelf::lines([unsent(3, "m1")]).await;
    assert_eq!(each(&lines, "kind"), ["message"]);
    assert_eq!(each(&lines, "is_missing"), ["true"]);
    assert_eq!(each(&lines, "from"), ["person"]);
    assert!(lines[0]["unsent_at"].is_string());
}

#[tokio::test]
async fn a_reaction_is_the_last_one_of_its_party_in_any_order_of_arrival() {
    let message = answered(1, "m1", "hello");
    let cases = [
        (vec![reacted(2, "m1", Some("🥨"))], vec!["🥨"]),
        (
            vec![reacted(2, "m1", Some("🥨")), reacted(3, "m1", Some("😍"))],
            vec!["😍"],
        ),
        (
            vec![reacted(2, "m1", Some("🥨")), reacted(3, "m1", None)],
            vec![],
        ),
        (
            vec![
                reacted(2, "m1", Some("🥨")),
                reacted(3, "m1", None),
                reacted(4, "m1", Some("🥨")),
            ],
            vec!["🥨"],
        ),
    ];
    for (reactions, present) in cases {
        for order in orders(&reactions) {
            let lines = Shelf::lines(order.into_iter().chain([message.clone()])).await;
            assert_eq!(each(&lines, "text"), ["hello"]);
            let shown = lines[0]["reactions"].as_array().unwrap();
            assert_eq!(each(shown, "emoji"), present);
        }
    }
}

#[tokio::test]
async fn a_message_shows_when_it_was_seen_and_what_it_answers() {
    let reply = json!({"message": {"mid": "m3", "text": "yes", "reply_to": {"mid": "m1"}}});
    let story = json!({"message": {"mid": "m4", "text": "nice",
        "reply_to": {"story": {"id": "77", "url": "https://a.example/story"}}}});
    let lines = Shelf::lines([
        said(1, "m1", "question"),
        answered(2, "m2", "answer"),
        seen(3, "m2"),
        seen(4, "m2"),
        from_person(5, reply),
        from_person(6, story),
    ])
    .await;
    assert_eq!(each(&lines, "text"), ["question", "answer", "yes", "nice"]);
    let seen_at: Timestamp = lines[1]["seen_at"].as_str().unwrap().parse().unwrap();
    assert!(seen_at.duration_since(at(3)).abs() < SignedDuration::from_mins(1));
    assert_eq!(lines[2]["reply_to"]["text"], "question");
    assert_eq!(lines[2]["reply_to"]["from"], "person");
    assert_eq!(lines[3]["reply_to"]["story_id"], "77");
}

#[tokio::test]
async fn other_events_are_lines_between_the_messages() {
    let lines = Shelf::lines([
        from_person(
            1,
            json!({"referral": {"ref": "summer", "source": "SHORTLINK",
                                           "type": "OPEN_THREAD"}}),
        ),
        from_person(
            2,
            json!({"postback": {"mid": "p1", "title": "Opening hours",
                                           "payload": "HOURS"}}),
        ),
        answered(3, "m1", "from 7"),
        from_person(
            4,
            json!({"pass_thread_control": {"previous_owner_app_id": "1",
                                                      "new_owner_app_id": "2"}}),
        ),
    ])
    .await;
    assert_eq!(
        each(&lines, "kind"),
        ["referral", "postback", "message", "handover"]
    );
    assert_eq!(
        each(&lines, "from"),
        ["person", "person", "account", "null"]
    );
    assert_eq!(lines[0]["details"]["ref"], "summer");
    assert_eq!(lines[1]["text"], "Opening hours");
    assert_eq!(lines[1]["details"]["payload"], "HOURS");
    assert_eq!(lines[3]["details"]["step"], "pass_thread_control");
    assert_eq!(lines[3]["details"]["new_owner_app_id"], "2");
}

#[tokio::test]
async fn pages_in_both_directions_repeat_and_skip_nothing() {
    let shelf = Shelf::create().await;
    let mut items = Vec::new();
    for minute in 0..20 {
        let mid = format!("m{minute}");
        items.push(said(minute, &mid, &mid));
        // Receipts and reactions are no lines: a page must not be shorter for them.
        items.push(reacted(minute, &mid, Some("🥨")));
        items.push(seen(minute, &mid));
    }
    items.reverse();
    shelf.receive(items).await;
    let whole = each(&lines(&shelf.conversation(&[]).await), "text");
    assert_eq!(whole.len(), 20);
    for limit in ["1", "3", "7", "20"] {
        let mut page = shelf.conversation(&["--limit", limit]).await;
        let mut back = each(&lines(&page), "text");
        while let Some(previous) = page["previous"].as_str().map(str::to_owned) {
            page = shelf
                .conversation(&["--limit", limit, "--before", &previous])
                .await;
            back.splice(0..0, each(&lines(&page), "text"));
        }
        assert_eq!(back, whole, "{limit} at once, backward");
        let mut forward = each(&lines(&page), "text");
        // The oldest page goes on with its last line.
        let last = |page: &Value| page["next"].as_str().map(str::to_owned);
        while let Some(next) = last(&page) {
            page = shelf
                .conversation(&["--limit", limit, "--after", &next])
                .await;
            forward.extend(each(&lines(&page), "text"));
        }
        if limit != "20" {
            assert_eq!(forward, whole, "{limit} at once, forward");
        }
    }
}

#[tokio::test]
async fn the_list_has_the_newest_first_or_the_longest_waiting_first() {
    let shelf = Shelf::create().await;
    let person = |minute, id: &str, mid: &str| {
        item(
            minute,
            [id, ACCOUNT],
            json!({"message": {"mid": mid, "text": mid}}),
        )
    };
    let echo = |minute, id: &str, mid: &str| {
        let message = json!({"mid": mid, "text": mid, "is_echo": true});
        item(minute, [ACCOUNT, id], json!({"message": message}))
    };
    shelf
        .receive([
            person(1, "1", "a"),
            person(9, "1", "b"),
            person(2, "2", "c"),
            echo(3, "2", "d"),
            person(4, "3", "e"),
        ])
        .await;
    shelf.list().await;
    let people = |options: &[&str]| {
        let rows = shelf.rows(&[&["conversations", "list"], options].concat());
        each(&rows, "person_id")
    };
    assert_eq!(people(&[]), ["1", "3", "2"]);
    assert_eq!(people(&["--waiting"]), ["1", "3"]);
    let longest = ["--order", "longest-waiting"];
    assert_eq!(people(&longest), ["1", "3"]);
    assert_eq!(people(&["--person", "2"]), ["2"]);
    assert_eq!(people(&["--account", "404"]), [""; 0]);
    // The unsent message and the answer no longer wait.
    let gone = json!({"message": {"mid": "e", "is_deleted": true}});
    shelf.receive([item(10, ["3", ACCOUNT], gone)]).await;
    shelf.list().await;
    assert_eq!(people(&longest), ["1"]);
    let rows = shelf.rows(&["conversations", "list", "--limit", "1"]);
    assert_eq!(each(&rows, "person_id"), ["3"]);
}

#[tokio::test]
async fn a_list_goes_on_behind_the_place_that_it_named() {
    let shelf = Shelf::create().await;
    for number in 0..5 {
        let id = format!("{number}");
        let message = json!({"message": {"mid": id, "text": "hello"}});
        // Equal times: the position tells the conversations apart.
        shelf.receive([item(1, [&id, ACCOUNT], message)]).await;
    }
    shelf.list().await;
    for order in ["newest", "longest-waiting"] {
        let list = ["conversations", "list", "--order", order];
        let all = each(&shelf.rows(&list), "person_id");
        assert_eq!(all.len(), 5);
        let (mut walked, mut after) = (Vec::new(), Vec::new());
        loop {
            let page: Vec<&str> = after.iter().map(String::as_str).collect();
            let page = [&list[..], &["--limit", "2"], &page].concat();
            walked.extend(each(&shelf.rows(&page), "person_id"));
            let output = shelf.command(&page).output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            let Some((_, place)) = said.split_once("--after ") else {
                break;
            };
            after = vec!["--after".to_owned(), place.trim().to_owned()];
        }
        assert_eq!(walked, all, "{order}");
    }
}

#[tokio::test]
async fn the_chat_fits_80_columns_in_any_writing_system_and_obeys_no_text() {
    let shelf = Shelf::create().await;
    let texts = [
        "パンは土曜日にもありますか、それとも日曜日だけですか。もしあれば、朝の何時から買うことができますか。",
        "هل الخبز متوفر يوم السبت أيضا أم يوم الأحد فقط من فضلك، ومتى يفتح المتجر في الصباح؟",
        "a very long text that has to be folded between its words, because a terminal has eighty columns",
        "👩\u{200d}👩\u{200d}👧👩\u{200d}👩\u{200d}👧🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨🥨",
        "clear \u{1b}[2J and turn \u{202e} around\nsecond line",
    ];
    let mut items = Vec::new();
    for (minute, text) in (0..).zip(texts) {
        items.push(said(minute, &format!("p{minute}"), text));
        items.push(answered(minute, &format!("a{minute}"), text));
    }
    items.push(unsent(9, "p2"));
    shelf.receive(items).await;
    shelf.list().await;
    let chat = shelf.says(&["conversations", "show", ACCOUNT, PERSON]);
    assert!(chat.lines().all(|line| line.width() <= 80), "{chat}");
    assert!(!chat.contains(['\u{1b}', '\u{202e}']), "{chat}");
    assert!(chat.contains("(unsent "), "{chat}");
    assert!(chat.contains("\n  second line\n"), "{chat}");
    assert!(chat.contains("by app 1217"), "{chat}");
    let bare: String = chat.split_whitespace().collect();
    let whole: String = texts[0].split_whitespace().collect();
    assert_eq!(bare.matches(&whole).count(), 2, "{chat}");
}

/// Scope of a token that sees no content.
fn scope(apps: Option<&[&str]>) -> Scope {
    let app = |name: &&str| name.parse().unwrap();
    Scope::of(&Token {
        name: "support".to_owned(),
        sha256: [0; 32],
        role: Role::Viewer,
        content: false,
        apps: apps.map(|apps| apps.iter().map(app).collect()),
        clients: None,
        consumers: Vec::new(),
    })
}

#[tokio::test]
async fn a_scope_without_content_sees_neither_texts_nor_names() {
    let shelf = Shelf::create().await;
    let attached = json!({"message": {"mid": "m3", "attachments": [
        {"type": "image", "payload": {"url": "https://secret.example/a.jpg"}}]}});
    let mut named = said(1, "m1", "secret text");
    named["sender"]["username"] = json!("secret_name");
    let reply = json!({"message": {"mid": "m4", "reply_to": {"mid": "m1"}}});
    shelf
        .receive([
            named,
            edited(2, "m1", "secret edit", 1),
            reacted(3, "m1", Some("🥨")),
            from_person(4, attached),
            from_person(
                5,
                json!({"postback": {"title": "secret title", "payload": "SECRET"}}),
            ),
            from_person(
                6,
                json!({"pass_thread_control": {"new_owner_app_id": "2",
                                                          "metadata": "secret metadata"}}),
            ),
            from_account(7, reply),
        ])
        .await;
    shelf.list().await;
    let options = shelf.database.options();
    let part = Part {
        before: None,
        after: None,
        limit: 100,
    };
    let read = async |scope: &Scope| {
        let mut session = Session::open(&options, scope).await.unwrap();
        let filter = ConversationFilter::default();
        session.conversation(&filter, part).await.unwrap()
    };
    let hidden = read(&scope(None)).await.unwrap();
    let text = serde_json::to_string(&hidden).unwrap();
    assert!(!text.to_lowercase().contains("secret"), "{text}");
    assert!(!text.contains("🥨"), "{text}");
    let hidden: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(hidden["masked"], json!(["username"]));
    let masked = each(&lines(&hidden), "masked");
    assert_eq!(masked[0], r#"["text","versions","reactions"]"#);
    assert_eq!(masked[3], r#"["details"]"#);
    assert_eq!(lines(&hidden)[3]["details"]["new_owner_app_id"], "2");

    let open = read(&Scope::local(Role::Privacy)).await.unwrap();
    assert_eq!(open.username.as_deref(), Some("secret_name"));
    // Another app's token sees no conversation.
    assert!(read(&scope(Some(&["other"]))).await.is_none());
    assert!(read(&scope(Some(&["default"]))).await.is_some());
}

#[tokio::test]
async fn a_conversation_that_is_not_there_is_a_failure_with_a_remedy() {
    let shelf = Shelf::create().await;
    let (code, said) = shelf.complains(&["conversations", "show", ACCOUNT, PERSON]);
    assert_eq!(code, 1);
    assert!(said.contains("hookshelf conversations list"), "{said}");
}

impl Shelf {
    /// Adds gaps of an app: cause, and minutes after the first item.
    async fn miss(&self, app: &str, gaps: &[(&str, i64, Option<i64>)]) {
        let mut database = self.database.connect().await;
        for (cause, opened, closed) in gaps {
            let add = "INSERT INTO gaps (app, cause, opened_at, closed_at) VALUES ($1, $2, $3, $4)";
            let add = sqlx::query(add).bind(app).bind(cause);
            let add = add.bind(at(*opened).to_sqlx());
            let add = add.bind(closed.map(at).map(ToSqlx::to_sqlx));
            add.execute(&mut database).await.unwrap();
        }
    }
}

/// Causes of the gaps of a part.
fn causes(conversation: &Value) -> Vec<String> {
    each(conversation["gaps"].as_array().unwrap(), "cause")
}

/// Three messages, with a gap of another app and gaps of each cause between and beside them.
async fn shelf_with_gaps() -> Shelf {
    let shelf = Shelf::create().await;
    let items = [(10, "one"), (20, "two"), (30, "three")];
    shelf
        .receive(items.map(|(minute, text)| said(minute, text, text)))
        .await;
    let gaps = [
        ("down", 5, Some(8)),
        ("down", 12, Some(15)),
        ("spooling", 22, Some(25)),
        ("unable", 26, Some(28)),
        ("refusing", 35, None),
    ];
    shelf.miss("default", &gaps).await;
    shelf.miss("shop", &[("down", 21, Some(22))]).await;
    shelf
}

#[tokio::test]
async fn gaps_stand_between_the_messages_and_after_the_last_one() {
    let shelf = shelf_with_gaps().await;
    let whole = shelf.conversation(&[]).await;
    let after_the_first = ["down", "spooling", "unable", "refusing"];
    assert_eq!(causes(&whole), after_the_first);
    assert_eq!(whole["gaps"][0]["app"], "default");
    assert_eq!(whole["gaps"][3]["closed_at"], Value::Null);
    let text = shelf.says(&["conversations", "show", ACCOUNT, PERSON]);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut rest = words.as_str();
    for part in [
        "one",
        "no deliveries were received from",
        "(server was down)",
        "two",
        "deliveries are late from",
        "(they waited in the spool)",
        "no deliveries were received from",
        "(neither Postgres nor the spool took them)",
        "three",
        "no deliveries were received since",
        "(deliveries from Meta were rejected)",
    ] {
        let (_, behind) = rest
            .split_once(part)
            .unwrap_or_else(|| panic!("{part}: {words}"));
        rest = behind;
    }
    assert_eq!(words.matches("server was down").count(), 1, "{words}");
}

#[tokio::test]
async fn a_gap_belongs_to_the_part_with_the_message_before_it() {
    let shelf = shelf_with_gaps().await;
    let mut part = shelf.conversation(&["--limit", "1"]).await;
    for expected in [&["refusing"] as &[&str], &["spooling", "unable"], &["down"]] {
        assert_eq!(causes(&part), expected);
        if let Some(previous) = part["previous"].as_str() {
            part = shelf
                .conversation(&["--limit", "1", "--before", previous])
                .await;
        }
    }
    for expected in [&["spooling", "unable"] as &[&str], &["refusing"]] {
        let next = part["next"].as_str().unwrap().to_owned();
        part = shelf
            .conversation(&["--limit", "1", "--after", &next])
            .await;
        assert_eq!(causes(&part), expected);
    }
    assert_eq!(part["next"], Value::Null);
}

#[tokio::test]
async fn a_gap_with_a_late_message_in_it_is_shown_and_many_gaps_are_counted() {
    let shelf = Shelf::create().await;
    shelf.receive([said(10, "m1", "one")]).await;
    let restarts: Vec<_> = (0..7)
        .map(|n| ("down", 20 + 2 * n, Some(21 + 2 * n)))
        .collect();
    shelf.miss("default", &[("down", 5, Some(15))]).await;
    shelf.miss("default", &restarts).await;
    assert_eq!(causes(&shelf.conversation(&[]).await), ["down"; 8]);
    let text = shelf.says(&["conversations", "show", ACCOUNT, PERSON]);
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let (before, after) = words.split_once("one").unwrap();
    assert_eq!(before.matches("server was down").count(), 1, "{words}");
    assert_eq!(after.matches("server was down").count(), 3, "{words}");
    assert!(after.contains("4 more gaps"), "{words}");
}
