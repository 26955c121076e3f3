//! Questions with known answers, from a few hand-written deliveries.

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sqlx::PgConnection;

use super::{
    PAGE, answer,
    page::Page,
    stage::{Arriving, Stage, now},
};

const ACCOUNT: &str = "17840000000000077";
const PERSON: &str = "7077";

/// Number of the question with the parameters account and person.
const CONVERSATION: usize = 7;

/// Number of the question with the parameter message; the message is m2.
const ONE_MESSAGE: usize = 18;

/// A time some minutes before the questions are asked.
fn ago(minutes: i64) -> Timestamp {
    now() - SignedDuration::from_mins(minutes)
}

fn comment(minutes: i64, id: &str, by: &str, more: &Value) -> Arriving {
    let mut value = json!({
        "id": id, "text": format!("the words of {id}"), "from": {"id": by, "username": by},
        "media": {"id": "880077", "media_product_type": "FEED"},
    });
    merge(&mut value, more);
    let change = json!({"field": "comments", "value": value});
    let at = ago(minutes);
    entry(
        at,
        at,
        &json!({"changes": [change], "time": at.as_second()}),
    )
}

/// A messaging item with its age in minutes and the age of its arrival.
fn item(happened: i64, arrived: i64, from: &str, more: &Value) -> Arriving {
    let to = if from == ACCOUNT { PERSON } else { ACCOUNT };
    let mut item = json!({
        "sender": {"id": from}, "recipient": {"id": to},
        "timestamp": ago(happened).as_millisecond(),
    });
    merge(&mut item, more);
    let sent = json!({"messaging": [item], "time": ago(happened).as_millisecond()});
    entry(ago(happened), ago(arrived), &sent)
}

fn message(happened: i64, arrived: i64, from: &str, mid: &str) -> Arriving {
    let text = format!("the words of {mid}");
    let message = json!({"mid": mid, "text": text, "is_echo": from == ACCOUNT});
    item(happened, arrived, from, &json!({"message": message}))
}

fn reaction(happened: i64, mid: &str, from: &str, action: &str, emoji: &str) -> Arriving {
    let reaction = json!({"mid": mid, "action": action, "reaction": "other", "emoji": emoji});
    item(happened, happened, from, &json!({"reaction": reaction}))
}

fn entry(sent: Timestamp, at: Timestamp, more: &Value) -> Arriving {
    let mut entry = json!({"id": ACCOUNT, "time": sent.as_second()});
    merge(&mut entry, more);
    let body = json!({"object": "instagram", "entry": [entry]});
    let body = Bytes::from(body.to_string());
    Arriving { at, body }
}

fn merge(into: &mut Value, more: &Value) {
    for (key, value) in more.as_object().unwrap() {
        into[key] = value.clone();
    }
}

/// Values of these columns in the answer to question `number` of the page.
async fn ask(session: &mut PgConnection, number: usize, columns: &[&str]) -> Vec<Vec<String>> {
    let mut page = Page::read(PAGE);
    if number == CONVERSATION {
        page.put(number - 1, "account_id", ACCOUNT);
        page.put(number - 1, "person_id", PERSON);
    }
    if number == ONE_MESSAGE {
        page.put(number - 1, "message_id", "m2");
    }
    let query = &page.questions[number - 1].query;
    answer::ask(session, query).await.columns(columns)
}

#[tokio::test]
async fn comments_are_unanswered_until_the_account_replies_in_their_thread() {
    let reply = |parent: &str| json!({"parent_id": parent});
    let stage = Stage::after(vec![
        comment(600, "c1", "ann", &json!({})),
        comment(590, "c2", "bea", &reply("c1")),
        comment(580, "c3", ACCOUNT, &reply("c1")),
        comment(570, "c4", "cleo", &reply("c1")),
        comment(560, "c5", "dora", &json!({})),
        comment(550, "c6", ACCOUNT, &json!({})),
        comment(2000, "c7", "eve", &json!({})),
    ])
    .await;
    let mut session = stage.reader().await;
    let found = ask(&mut session, 1, &["username", "text"]).await;
    let expected = [["cleo", "the words of c4"], ["dora", "the words of c5"]];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn an_ad_is_found_in_either_of_its_pair_and_each_comment_is_shown_once() {
    let ad = json!({"media": {"id": "880078", "ad_id": "9001", "ad_title": "Bread"}});
    let stage = Stage::after(vec![
        comment(60, "c1", "ann", &json!({})),
        comment(59, "c1", "ann", &ad),
        comment(58, "c1", "ann", &ad),
        comment(50, "c2", "bea", &ad),
        comment(49, "c2", "bea", &json!({})),
        comment(40, "c3", "cleo", &json!({})),
        comment(39, "c3", "cleo", &json!({})),
    ])
    .await;
    let mut session = stage.reader().await;
    let found = ask(&mut session, 4, &["username", "ad_id", "ad_title"]).await;
    assert_eq!(found, [["ann", "9001", "Bread"], ["bea", "9001", "Bread"]]);
}

#[tokio::test]
async fn small_numbers_of_a_story_are_words_and_its_last_numbers_count() {
    let story = |minutes, reach: i64| {
        let value = json!({"media_id": "880079", "reach": reach, "replies": -1, "exits": 10});
        let change = json!({"field": "story_insights", "value": value});
        entry(ago(minutes), ago(minutes), &json!({"changes": [change]}))
    };
    let stage = Stage::after(vec![story(90, 110), story(30, 211)]).await;
    let mut session = stage.reader().await;
    let found = ask(
        &mut session,
        6,
        &["reach", "replies", "exits", "impressions"],
    )
    .await;
    assert_eq!(found, [["211", "fewer than 5", "10", ""]]);
}

#[tokio::test]
async fn a_conversation_is_in_the_order_in_which_it_was_held() {
    let edit = |minutes, text: Value| {
        let edit = json!({"mid": "m1", "text": text, "num_edit": 1});
        item(minutes, minutes, PERSON, &json!({"message_edit": edit}))
    };
    let unsend = json!({"message": {"mid": "m3", "is_deleted": true}});
    let stage = Stage::after(vec![
        message(400, 400, PERSON, "m1"),
        message(380, 380, PERSON, "m3"),
        edit(370, json!("the second words of m1")),
        edit(360, json!("the last words of m1")),
        edit(350, Value::Null),
        item(340, 340, PERSON, &unsend),
        // Sent before the other messages arrived.
        message(390, 100, ACCOUNT, "m2"),
        message(300, 300, PERSON, "m4"),
        message(200, 200, ACCOUNT, "m5"),
        message(30, 30, PERSON, "m6"),
    ])
    .await;
    let mut session = stage.reader().await;
    let held = ask(&mut session, CONVERSATION, &["who", "text", "edited"]).await;
    let expected = [
        ["person", "the last words of m1", "t"],
        ["account", "the words of m2", "f"],
        ["person", "(unsent)", "f"],
        ["person", "the words of m4", "f"],
        ["account", "the words of m5", "f"],
        ["person", "the words of m6", "f"],
    ];
    assert_eq!(held, expected);

    // m2 answered m1 in time, although it arrived late; m5 answered m4 late; m3 was unsent.
    let late = ask(&mut session, 8, &["text"]).await;
    assert_eq!(late, [["the words of m4"]]);

    let taken_back = ask(&mut session, 9, &["person_id", "message_id"]).await;
    assert_eq!(taken_back, [[PERSON, "m3"]]);

    let edited = ask(&mut session, 10, &["first_text", "last_text"]).await;
    assert_eq!(edited, [["the words of m1", "the last words of m1"]]);
}

/// Meta requires that unsent messages are not shown, in any answer.
#[tokio::test]
async fn what_was_unsent_says_nothing_and_the_account_is_not_its_own_contact() {
    let unsend = |mid| json!({"message": {"mid": mid, "is_deleted": true}});
    let edit = json!({"message_edit": {"mid": "m2", "text": "new words of m2", "num_edit": 1}});
    let stage = Stage::after(vec![
        message(90, 90, ACCOUNT, "m1"),
        item(85, 85, ACCOUNT, &unsend("m1")),
        message(80, 80, PERSON, "m2"),
        item(75, 75, PERSON, &edit),
        item(70, 70, PERSON, &unsend("m2")),
    ])
    .await;
    let mut session = stage.reader().await;
    let first = ask(&mut session, 14, &["person_id", "kind", "text"]).await;
    assert_eq!(first, [[PERSON, "message", ""]]);
    assert!(ask(&mut session, 8, &[]).await.is_empty());
    assert!(ask(&mut session, 10, &[]).await.is_empty());
    let taken_back = ask(&mut session, 9, &["who", "message_id"]).await;
    assert_eq!(taken_back, [["account", "m1"], ["person", "m2"]]);
    let all = ask(&mut session, ONE_MESSAGE, &["kind", "text"]).await;
    assert_eq!(
        all,
        [
            ["message", ""],
            ["message_edit", ""],
            ["message_deleted", ""]
        ]
    );
}

#[tokio::test]
async fn a_reaction_that_was_taken_back_is_gone() {
    let stage = Stage::after(vec![
        message(90, 90, ACCOUNT, "m1"),
        reaction(80, "m1", "ann", "react", "❤"),
        reaction(79, "m1", "bea", "react", "❤\u{fe0f}"),
        reaction(78, "m1", "cleo", "react", "👍"),
        reaction(77, "m1", "cleo", "unreact", "👍"),
        reaction(76, "m1", "dora", "react", "👍"),
        reaction(75, "m1", "dora", "react", "🥖"),
    ])
    .await;
    let mut session = stage.reader().await;
    let found = ask(&mut session, 11, &["reaction", "people"]).await;
    assert_eq!(found, [["🥖", "1"], ["❤", "2"]]);
}
