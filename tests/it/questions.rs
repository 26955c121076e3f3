//! `docs/questions.md`: each question is asked by the reader role, answered from nine simulated
//! days, and reads only the partitions that the page names.

mod answer;
mod by_hand;
mod nine_days;
mod page;
mod plan;
mod stage;

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use self::{
    nine_days::nine_days,
    page::{Page, Reads},
};
use crate::support;

const PAGE: &str = "docs/questions.md";

/// The page with ids and answers from the simulation.
async fn answered(session: &mut PgConnection) -> Page {
    let mut page = Page::read(PAGE);
    for index in page.in_order() {
        page.take(index);
        let question = &mut page.questions[index];
        let answer = answer::ask(session, &question.query).await;
        question.answer = answer.shown();
        question.first = answer.first();
    }
    page
}

#[tokio::test]
async fn the_page_shows_what_is_answered() {
    let mut session = nine_days().await.reader().await;
    let page = answered(&mut session).await;
    assert_eq!(page.questions.len(), 20);
    let silent = page.questions.iter().filter(|it| it.first.is_empty());
    let silent: Vec<_> = silent.map(|it| &it.title).collect();
    assert!(
        silent.is_empty(),
        "an answer without rows shows nothing: {silent:?}"
    );
    support::page::hold(PAGE, &page.text());
    session.close().await.unwrap();
}

#[tokio::test]
async fn each_question_reads_what_the_page_says_and_no_more() {
    let mut session = nine_days().await.reader().await;
    for question in answered(&mut session).await.questions {
        let faults = plan::faults(&mut session, &question.query, &question.reads).await;
        assert_eq!(
            faults,
            Vec::<String>::new(),
            "{}\n{}",
            question.title,
            question.query
        );
    }
    session.close().await.unwrap();
}

#[tokio::test]
async fn a_question_that_reads_more_is_found() {
    let mut session = nine_days().await.reader().await;
    let reads = |line| Reads::parse(line).unwrap();
    let unbounded = "SELECT count(*) FROM comments";
    let found = plan::faults(&mut session, unbounded, &reads("2 days of events")).await;
    assert!(
        found.iter().any(|it| it.contains("events_20261112")),
        "{found:?}"
    );

    let open = "SELECT count(*) FROM comments WHERE received_at > now() - interval '1 day'";
    let found = plan::faults(&mut session, open, &reads("2 days of events")).await;
    assert!(
        found.iter().any(|it| it.contains("events_20261121")),
        "{found:?}"
    );

    let without_index = "SELECT count(*) FROM comments WHERE username = 'x'";
    let by_index = reads("all days of events, by the index on media_id");
    let found = plan::faults(&mut session, without_index, &by_index).await;
    assert!(found.len() >= 9, "{found:?}");

    let other =
        "SELECT count(*) FROM repeats WHERE received_at BETWEEN now() - interval '1 day' AND now()";
    let found = plan::faults(&mut session, other, &reads("2 days of events")).await;
    assert!(
        found.iter().any(|it| it.contains("repeats_20261120")),
        "{found:?}"
    );

    let less = "SELECT count(*) FROM comments WHERE received_at BETWEEN now() - interval '1 hour' AND now()";
    let found = plan::faults(&mut session, less, &reads("2 days of events")).await;
    assert!(
        found.iter().any(|it| it.contains("events_20261119")),
        "{found:?}"
    );
    session.close().await.unwrap();
}

#[tokio::test]
async fn the_simulation_has_an_ad_in_the_first_and_in_the_second_of_a_pair() {
    let mut session = nine_days().await.reader().await;
    let pairs: Vec<(bool, bool)> = sqlx::query_as(
        "SELECT DISTINCT comments.payload #>> '{value,media,ad_id}' IS NOT NULL,
                again.payload #>> '{value,media,ad_id}' IS NOT NULL
         FROM comments JOIN repeats AS again USING (dedupe_key)
         WHERE comments.received_at BETWEEN now() - interval '7 days' AND now()",
    )
    .fetch_all(&mut session)
    .await
    .unwrap();
    assert!(
        pairs.contains(&(true, false)) && pairs.contains(&(false, true)),
        "{pairs:?}"
    );
    let query = &answered(&mut session).await.questions[3].query;
    let ids = format!(
        "SELECT comment_id FROM ({}) AS it",
        query.trim_end().trim_end_matches(';')
    );
    let ids = ids.replacen("SELECT occurred_at", "SELECT comment_id, occurred_at", 1);
    let ids: Vec<String> = sqlx::query_scalar(AssertSqlSafe(ids))
        .fetch_all(&mut session)
        .await
        .unwrap();
    let distinct: BTreeSet<_> = ids.iter().collect();
    assert_eq!(
        (distinct.len(), ids.is_empty()),
        (ids.len(), false),
        "each once"
    );
    session.close().await.unwrap();
}

#[tokio::test]
async fn the_role_of_the_questions_cannot_write() {
    let mut session = nine_days().await.reader().await;
    let write = sqlx::raw_sql(AssertSqlSafe("DELETE FROM repeats".to_owned()));
    assert!(write.execute(&mut session).await.is_err());
    session.close().await.unwrap();
}
