//! Tests of the pieces of a chat.

use jiff::ToSpan;

use super::*;
use crate::{
    http::pages::preferences::Preferences,
    query::{ConversationRow, Version},
};

fn start() -> Timestamp {
    "2026-11-29T23:50:00Z".parse().unwrap()
}

/// Message some minutes after the start.
fn message(minutes: i64, from: Party, text: &str) -> Line {
    let at = start().checked_add(minutes.minutes()).unwrap();
    Line {
        position: 100 + minutes,
        kind: "message".to_owned(),
        at,
        received_at: at,
        from: Some(from),
        message_id: Some(format!("mid.{minutes}")),
        text: Some(text.to_owned()),
        ..Line::default()
    }
}

fn chat(lines: Vec<Line>, gaps: Vec<GapRow>) -> Vec<Piece> {
    let conversation = Conversation {
        row: ConversationRow::default(),
        username: None,
        masked: Vec::new(),
        lines,
        gaps,
        previous: None,
        next: None,
    };
    let times = Times::new(&Preferences::default(), start());
    pieces(&conversation, &times, &|place| format!("/c?after={place}"))
}

/// The chat in short: `=` for a day, `~` for a gap, `-` between, `!` for a banner, and the texts of
/// a turn behind `<` for the person and `>` for the account.
fn drawn(pieces: &[Piece]) -> Vec<String> {
    let text = |message: &Message| match &message.body {
        Body::Text(text) => text.clone(),
        other => format!("{other:?}"),
    };
    let draw = |piece: &Piece| match piece {
        Piece::Day { name, .. } => format!("= {name}"),
        Piece::Seam(seam) => format!("~ {} +{}", seam.cause, seam.others),
        Piece::Banner { words, .. } => format!("! {words}"),
        Piece::Between(between) => format!("- {}", between.words),
        Piece::Turn(turn) => {
            let side = if turn.is_ours { '>' } else { '<' };
            let texts: Vec<_> = turn.messages.iter().map(text).collect();
            format!("{side} {}", texts.join("|"))
        }
    };
    pieces.iter().map(draw).collect()
}

fn gap_at(minutes: i64) -> GapRow {
    GapRow {
        app: "default".to_owned(),
        cause: "down".to_owned(),
        opened_at: start().checked_add(minutes.minutes()).unwrap(),
        closed_at: None,
    }
}

fn messages(pieces: &[Piece]) -> Vec<&Message> {
    let turns = pieces.iter().filter_map(|piece| match piece {
        Piece::Turn(turn) => Some(&turn.messages),
        _ => None,
    });
    turns.flatten().collect()
}

#[test]
fn messages_of_a_side_are_joined_until_a_day_a_gap_or_the_other_side() {
    let lines = vec![
        message(0, Party::Person, "a"),
        message(1, Party::Person, "b"),
        message(2, Party::Account, "c"),
        message(20, Party::Account, "d"),
        message(30, Party::Account, "e"),
    ];
    let pieces = chat(lines, vec![gap_at(25)]);
    assert_eq!(
        drawn(&pieces),
        [
            "= Today",
            "< a|b",
            "> c",
            "= Monday, 30 November",
            "> d",
            "~ Hookshelf was down +0",
            "> e"
        ]
    );
}

#[test]
fn a_message_that_follows_soon_takes_the_time_and_the_sender_over() {
    let lines = vec![
        message(0, Party::Account, "a"),
        message(1, Party::Account, "b"),
        message(9, Party::Account, "c"),
    ];
    let pieces = chat(lines, Vec::new());
    let shown: Vec<_> = messages(&pieces)
        .iter()
        .map(|it| (it.shows_time, it.sender.as_deref()))
        .collect();
    let manual = Some("Sent manually");
    assert_eq!(shown, [(false, None), (true, manual), (true, manual)]);
}

#[test]
fn many_gaps_between_two_messages_are_counted() {
    let gaps = (1..=9).map(gap_at).collect();
    let pieces = chat(vec![message(0, Party::Person, "a")], gaps);
    assert_eq!(
        drawn(&pieces)[2..],
        [
            "~ Hookshelf was down +0",
            "~ Hookshelf was down +0",
            "~ Hookshelf was down +6"
        ]
    );
}

#[test]
fn an_unsent_message_shows_nothing_else() {
    let mut line = message(0, Party::Account, "");
    line.text = None;
    line.unsent_at = Some(start());
    line.is_late = true;
    let pieces = chat(vec![line], Vec::new());
    let unsent = messages(&pieces)[0];
    assert!(unsent.is_unsent());
    assert!(unsent.sender.is_none() && unsent.late.is_none());
}

#[test]
fn a_quote_leads_to_the_message_in_this_part_or_to_its_events() {
    let reply = |id: &str| {
        let mut line = message(1, Party::Account, "answer");
        line.reply_to = Some(ReplyTo {
            message_id: Some(id.to_owned()),
            ..ReplyTo::default()
        });
        let pieces = chat(vec![message(0, Party::Person, "a"), line], Vec::new());
        let quote = messages(&pieces)[1].quote.as_ref().unwrap();
        (quote.link.clone().unwrap(), quote.words)
    };
    assert_eq!(reply("mid.0"), ("#p100".to_owned(), "An earlier message"));
    assert_eq!(reply("mid.x&y").0, "/events?message=mid.x%26y");
}

#[test]
fn only_the_last_message_that_was_seen_says_so() {
    let mut lines: Vec<_> = (0..3).map(|n| message(n, Party::Account, "a")).collect();
    for line in &mut lines[..2] {
        line.seen_at = Some(start());
    }
    let pieces = chat(lines, Vec::new());
    let seen: Vec<_> = messages(&pieces)
        .iter()
        .map(|it| it.seen_at.is_some())
        .collect();
    assert_eq!(seen, [false, true, false]);
}

#[test]
fn an_edited_message_has_its_former_texts() {
    let mut line = message(0, Party::Person, "new");
    line.versions = ["old", "new"]
        .map(|text| Version {
            at: start(),
            text: Some(text.to_owned()),
        })
        .to_vec();
    let pieces = chat(vec![line], Vec::new());
    let former = &messages(&pieces)[0].former;
    assert_eq!(former[..], [(start(), Some("old".to_owned()))]);
}

#[test]
fn a_link_of_a_message_begins_its_part_with_it() {
    let pieces = chat(vec![message(7, Party::Person, "a")], Vec::new());
    let link = &messages(&pieces)[0].link;
    assert!(link.ends_with(".106#p107"), "{link}");
}

#[test]
fn only_https_without_a_password_is_linked() {
    let host = |url| safe_link(url).map(|(_, host)| host);
    assert_eq!(
        host("https://cdn.example.org/a?b=c").as_deref(),
        Some("cdn.example.org")
    );
    for url in [
        "http://example.org/",
        "javascript:alert(1)",
        "https://example.org@evil.example/",
        "//example.org/a",
        "data:text/html,x",
        "",
    ] {
        assert_eq!(host(url), None, "{url}");
    }
}
