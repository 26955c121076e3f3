//! `hookshelf replay` as an operator runs it: plans, refusals, and the state of replays. The targets
//! are only in the configuration of the command, so that no server moves the replays meanwhile.

use std::{fs, process::Output};

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::support::{
    message::{comment, messages},
    server::Server,
};

const SHOP: &str = "17840000000000001";
const BAKERY: &str = "17840000000000002";

/// A consumer of comments and messages, and a destination.
const TARGETS: &str = "
[consumers.bot]
kinds = ['comment', 'message']
max_age = '1h'

[destinations.chatwoot]
url = 'https://chatwoot.example.com/webhooks/instagram'
";

/// A server with three messages to the shop, and two comments and a reaction at the bakery. The
/// first message is two hours old, and so is the reaction.
async fn server_with_targets() -> (Server, PgConnection) {
    let server = Server::start().await;
    let file = server.directory.join("hookshelf.toml");
    let configuration = fs::read_to_string(&file).unwrap();
    fs::write(file, format!("{configuration}\n{TARGETS}")).unwrap();
    let reaction = json!({"object": "instagram", "entry": [{"id": BAKERY, "time": 1_795_000_000,
        "messaging": [{"sender": {"id": "7001"}, "recipient": {"id": BAKERY},
            "timestamp": 1_795_000_000_123_i64,
            "reaction": {"mid": "mid.r", "action": "react", "reaction": "love"}}]}]});
    let said = [("mid.1", "one"), ("mid.2", "two"), ("mid.3", "three")];
    for body in [
        messages("7001", SHOP, &said),
        comment(BAKERY, "9001", "how much?"),
        comment(BAKERY, "9002", "how many?"),
        reaction.to_string(),
    ] {
        assert_eq!(server.deliver("/webhook", body).await.status, 200);
    }
    let mut database = server.database().await;
    run(
        &mut database,
        "UPDATE stored_events
         SET occurred_at = now() - interval '2 hours' * (position = 1 OR kind = 'reaction')::int",
    )
    .await;
    (server, database)
}

async fn run(database: &mut PgConnection, sql: &str) {
    let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
    sql.execute(database).await.unwrap();
}

fn call(server: &Server, arguments: &str) -> Output {
    let arguments: Vec<_> = arguments.split(' ').collect();
    server.run(&arguments)
}

fn say(server: &Server, arguments: &str) -> String {
    let output = call(server, arguments);
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn refuse(server: &Server, arguments: &str, code: i32) -> String {
    let output = call(server, arguments);
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn object(server: &Server, arguments: &str) -> Value {
    serde_json::from_str(&say(server, arguments)).unwrap()
}

/// Names of a list of a plan with their numbers of events.
fn groups(plan: &Value, list: &str) -> Vec<(String, i64)> {
    let groups = plan[list].as_array().unwrap().iter();
    let group = |it: &Value| {
        let name = it["name"].as_str().unwrap().to_owned();
        (name, it["events"].as_i64().unwrap())
    };
    groups.map(group).collect()
}

#[tokio::test]
async fn a_plan_counts_events_and_those_that_the_target_skips() {
    let (server, _database) = server_with_targets().await;
    let answer = object(&server, "replay --to bot --since 1h --json");
    assert_eq!(answer["replay"], Value::Null);
    let plan = &answer["plan"];
    for (key, value) in [
        ("events", json!(6)),
        ("more", false.into()),
        ("filtered", 1.into()),
        ("too_old", 1.into()),
        ("duration_s", Value::Null),
        ("waits_for", Value::Null),
    ] {
        assert_eq!(plan[key], value, "{key} of {plan}");
    }
    let named = |groups: &[(&str, i64)]| {
        let groups = groups.iter();
        groups
            .map(|(name, events)| (String::from(*name), *events))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        groups(plan, "kinds"),
        named(&[("message", 3), ("comment", 2), ("reaction", 1)])
    );
    assert_eq!(groups(plan, "accounts"), named(&[(SHOP, 3), (BAKERY, 3)]));
    let days = groups(plan, "days");
    assert_eq!(
        days.iter().map(|(_, events)| events).sum::<i64>(),
        6,
        "{days:?}"
    );

    let ignored = object(
        &server,
        "replay --to bot --since 1h --ignore-max-age --json",
    );
    assert_eq!(ignored["plan"]["too_old"], 0);
    let all = object(&server, "replay --to chatwoot --since 1h --rate 2 --json");
    let numbers = ["filtered", "too_old", "duration_s"].map(|it| all["plan"][it].clone());
    assert_eq!(numbers, [json!(0), json!(0), json!(3.0)]);
}

#[tokio::test]
async fn a_plan_is_shown_and_changes_nothing() {
    let (server, mut database) = server_with_targets().await;
    let shown = say(&server, "replay --to bot --since 1h");
    for part in [
        "6 events for bot\n",
        "older than max_age   1, skipped by the target\n",
        "not chosen           1, skipped by the target\n",
        "unknown: the target settled no event in the last minute; set --rate\n",
        "nothing was changed; to replay the events: the same call with --yes\n",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    let shown = say(&server, "replay --to bot --since 1h --rate 2 --dry-run");
    assert!(
        shown.contains("about 3 s, at 2.0 events a second"),
        "{shown}"
    );
    assert!(shown.ends_with("nothing was changed\n"), "{shown}");
    let changes = "SELECT (SELECT count(*) FROM replays) + (SELECT count(*) FROM audit)";
    let changes: i64 = sqlx::query_scalar(changes)
        .fetch_one(&mut database)
        .await
        .unwrap();
    assert_eq!(changes, 0, "a plan is no change");
}

#[tokio::test]
async fn many_accounts_and_days_are_summed_up() {
    let (server, mut database) = server_with_targets().await;
    run(
        &mut database,
        "UPDATE stored_events SET account_id = 'a' WHERE position <= 4;
         INSERT INTO stored_events (position, delivery_id, received_at, app, kind, is_echo, is_self,
                                    item_start, item_length, source, dedupe_key, account_id)
         SELECT nextval('event_position'), gen_random_uuid(), now(), 'default', 'comment', false,
             false, 0, 0, 'live', gen_random_uuid(), 'account-' || n
         FROM generate_series(1, 20) AS n",
    )
    .await;
    let plan = object(&server, "replay --to bot --since 1h --json")["plan"].clone();
    let accounts = groups(&plan, "accounts");
    assert_eq!(accounts.len(), 10);
    assert_eq!(accounts[0], ("a".to_owned(), 4));
    assert_eq!(plan["other_accounts"], 12);
    let shown = say(&server, "replay --to bot --since 1h");
    assert!(shown.contains("\nand 12 more\n"), "{shown}");
}

#[tokio::test]
async fn only_dead_letters_of_the_target_in_an_open_state_are_dead() {
    let (server, mut database) = server_with_targets().await;
    run(
        &mut database,
        "INSERT INTO dead_letters
         SELECT 'bot', position, received_at, 5, now(), now(), 'attempts', 'graph_429',
             (ARRAY['dead', 'retried', 'settled', 'discarded', 'dead'])[position]
         FROM stored_events WHERE position <= 5;
         INSERT INTO dead_letters
         SELECT 'chatwoot', position, received_at, 5, now(), now(), 'attempts', 'graph_429', 'dead'
         FROM stored_events WHERE position = 3",
    )
    .await;
    let events = |arguments: &str| {
        let answer = object(&server, &format!("replay {arguments} --json"));
        answer["plan"]["events"].clone()
    };
    assert_eq!(events("--to bot --dead"), 3);
    assert_eq!(events("--to bot --dead --kind comment"), 1);
    assert_eq!(events("--to bot --dead --person 7001 --text one"), 1);
    assert_eq!(events("--to chatwoot --dead"), 1);
    let said = refuse(&server, "replay --to chatwoot --dead --kind comment", 1);
    assert!(said.contains("no stored event meets the filter"), "{said}");
}

#[tokio::test]
async fn a_replay_of_everything_to_nobody_or_to_itself_is_refused() {
    let (server, _database) = server_with_targets().await;
    for (arguments, code, part) in [
        ("--to bto --since 1h", 1, "is called bto; did you mean bot?"),
        (
            "--to bot",
            2,
            "bot would get every stored event again: give a filter such as --since 2h",
        ),
        ("--since 1h", 2, "--to <NAME>"),
        (
            "--to bot --since 1h --yes --dry-run",
            2,
            "cannot be used with",
        ),
        (
            "--to bot --since 1h --rate 0",
            2,
            "allowed: a whole number from 1 to 100000",
        ),
        (
            "--to bot --kind mention",
            1,
            "no stored event meets the filter",
        ),
        (
            "--to bot --kind mention --yes",
            1,
            "no stored event meets the filter",
        ),
        ("--to bot --since 1h list", 2, "cannot be used with"),
        ("show 7", 1, "there is no replay 7; `hookshelf replay list`"),
        (
            "cancel 7",
            1,
            "there is no replay 7; `hookshelf replay list`",
        ),
    ] {
        let said = refuse(&server, &format!("replay {arguments}"), code);
        assert!(said.contains(part), "{arguments}: {said}");
    }
    let own = ("HOOKSHELF__HTTP__PUBLIC_URL", "https://hooks.example.com");
    let url = "https://hooks.example.com/webhook";
    let itself = ("HOOKSHELF__DESTINATIONS__CHATWOOT__URL", url);
    let arguments = ["replay", "--to", "chatwoot", "--since", "1h", "--yes"];
    let output = server.run_with(&arguments, &[own, itself]);
    let said = String::from_utf8(output.stderr).unwrap();
    let part = "chatwoot sends its events to the webhook of this server";
    assert!(!output.status.success() && said.contains(part), "{said}");
}

/// Creates a replay of both comments.
fn create(server: &Server) {
    let call = [
        "replay",
        "--to",
        "bot",
        "--kind",
        "comment,message",
        "--text",
        "how m",
        "--rate",
        "20",
        "--note",
        "the bot was down",
        "--yes",
    ];
    let output = server.run(&call);
    assert!(output.status.success(), "{output:?}");
    let created = String::from_utf8(output.stdout).unwrap();
    assert!(created.starts_with("2 events for bot\n"), "{created}");
    let end = "replay 1 is created; to see how far it is: hookshelf replay show 1\n";
    assert!(created.ends_with(end), "{created}");
}

#[tokio::test]
async fn a_created_replay_is_listed() {
    let (server, _database) = server_with_targets().await;
    create(&server);
    let listed = object(&server, "replay list --json");
    for (key, value) in [
        ("id", json!(1)),
        ("to", "bot".into()),
        ("state", "running".into()),
        ("progress", 0.into()),
        ("events", 2.into()),
        ("left", 2.into()),
        (
            "filter",
            json!({"kind": ["comment", "message"], "text": "how m"}),
        ),
        ("rate", 20.into()),
        ("note", "the bot was down".into()),
        ("operator", "local".into()),
        ("ended_at", Value::Null),
    ] {
        assert_eq!(listed[key], value, "{key} of {listed}");
    }
}

#[tokio::test]
async fn a_replay_is_shown_paused_resumed_and_cancelled() {
    let (server, mut database) = server_with_targets().await;
    create(&server);
    run(&mut database, "UPDATE replays SET settled = 1").await;
    let shown = say(&server, "replay show 1");
    for part in [
        "progress             50 %\n",
        "left                 1\n",
        "note                 the bot was down\n",
        "filter               --kind comment,message --text 'how m' --rate 20\n",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    let second = say(&server, "replay --to bot --since 1h");
    assert!(
        second.contains("waits for            replay 1 of the same target\n"),
        "{second}"
    );

    for (verb, said) in [
        ("pause", "replay 1 is paused, with 1 event left\n"),
        ("resume", "replay 1 is running, with 1 event left\n"),
        ("cancel", "replay 1 is cancelled, with 1 event left\n"),
    ] {
        assert_eq!(say(&server, &format!("replay {verb} 1")), said);
    }
    let said = refuse(&server, "replay resume 1", 1);
    assert!(said.contains("replay 1 is cancelled"), "{said}");
    let entries = "SELECT concat_ws(' ', token, verb, subject, rows) FROM audit ORDER BY id";
    let entries: Vec<String> = sqlx::query_scalar(entries)
        .fetch_all(&mut database)
        .await
        .unwrap();
    assert_eq!(
        entries,
        [
            "local replay bot 2",
            "local replay_pause 1",
            "local replay_resume 1",
            "local replay_cancel 1",
        ]
    );
}

#[tokio::test]
async fn a_server_plans_replays_of_its_own_targets() {
    let (server, _database) = server_with_targets().await;
    let url = format!("http://{}", server.admin);
    let said = refuse(
        &server,
        &format!("replay --to bot --since 1h --url {url}"),
        1,
    );
    assert!(
        said.contains("no consumer or destination is called bot"),
        "not reloaded: {said}"
    );
    assert!(call(&server, "reload").status.success());
    let plan = say(&server, &format!("replay --to bot --since 1h --url {url}"));
    assert!(plan.starts_with("6 events for bot\n"), "{plan}");
    assert_eq!(say(&server, &format!("replay list --json --url {url}")), "");
}
