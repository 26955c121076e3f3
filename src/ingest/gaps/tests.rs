//! Tests of the rules by which outcomes become gaps.

use super::*;
use crate::ingest::Rejection;

const STORED: Outcome = Outcome::Accepted {
    new: 1,
    repeated: 0,
};
const REFUSED: Outcome = Outcome::Rejected(Rejection::SignatureMismatch);
const UNABLE: Outcome = Outcome::Failed(Failure::StoreUnavailable);

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_176_000 + second).unwrap()
}

/// Notes outcomes of deliveries from Meta at these seconds, and takes the gaps: cause, start, end.
fn gaps(gaps: &Gaps, seen: &[(i64, Outcome)]) -> Vec<(&'static str, i64, Option<i64>)> {
    let app = Arc::from("shop");
    for (second, outcome) in seen {
        let sighting = Sighting {
            at: at(*second),
            outcome: *outcome,
            is_simulated: false,
            is_from_meta: true,
        };
        gaps.note(&app, &sighting);
    }
    let second = |moment: Timestamp| moment.as_second() - at(0).as_second();
    let taken = gaps.take().into_iter();
    taken
        .map(|it| {
            let closed = it.closed_at.map(second);
            (it.cause.as_str(), second(it.opened_at), closed)
        })
        .collect()
}

#[test]
fn a_gap_opens_with_the_first_delivery_and_closes_with_one_that_went_well() {
    let all = Gaps::default();
    assert_eq!(gaps(&all, &[(0, REFUSED), (299, REFUSED)]), []);
    assert_eq!(gaps(&all, &[(300, REFUSED)]), [("refusing", 0, None)]);
    assert_eq!(gaps(&all, &[(301, REFUSED)]), []);
    assert_eq!(gaps(&all, &[(400, STORED)]), [("refusing", 0, Some(400))]);
    assert_eq!(
        gaps(&all, &[(500, UNABLE), (559, UNABLE), (560, STORED)]),
        []
    );
    let found = gaps(
        &all,
        &[(600, UNABLE), (660, UNABLE), (700, Outcome::Spooled)],
    );
    assert_eq!(found, [("unable", 600, Some(700)), ("spooling", 700, None)]);
    assert_eq!(gaps(&all, &[(800, STORED)]), [("spooling", 700, Some(800))]);
}

#[test]
fn a_gap_within_a_minute_of_the_last_one_continues_it() {
    let all = Gaps::default();
    let flaps = [(0, Outcome::Spooled), (5, STORED), (64, Outcome::Spooled)];
    assert_eq!(
        gaps(&all, &flaps),
        [("spooling", 0, Some(5)), ("spooling", 0, None)]
    );
    assert_eq!(gaps(&all, &[(70, STORED)]), [("spooling", 0, Some(70))]);
    assert_eq!(
        gaps(&all, &[(130, Outcome::Spooled)]),
        [("spooling", 130, None)]
    );
}

#[test]
fn strangers_open_no_gap_and_simulated_deliveries_close_none() {
    let all = Gaps::default();
    let app = Arc::from("shop");
    let note = |second, outcome, is_simulated, is_from_meta| {
        let at = at(second);
        let seen = Sighting {
            at,
            outcome,
            is_simulated,
            is_from_meta,
        };
        all.note(&app, &seen);
    };
    note(0, REFUSED, false, false);
    note(400, REFUSED, false, false);
    assert_eq!(gaps(&all, &[]), []);
    note(500, REFUSED, false, true);
    note(600, STORED, true, false);
    note(800, REFUSED, false, true);
    assert_eq!(gaps(&all, &[]), [("refusing", 500, None)]);
}

#[test]
fn gaps_that_could_not_be_stored_are_taken_again() {
    let all = Gaps::default();
    let app = Arc::from("shop");
    for (second, outcome) in [(0, Outcome::Spooled), (5, STORED), (90, Outcome::Spooled)] {
        let seen = Sighting {
            at: at(second),
            outcome,
            is_simulated: false,
            is_from_meta: true,
        };
        all.note(&app, &seen);
    }
    let taken = all.take();
    assert_eq!((taken.len(), all.take()), (2, Vec::new()));
    all.put_back(taken.clone());
    assert_eq!(all.take(), taken);
}

#[test]
fn an_empty_spool_ends_spooling() {
    let all = Gaps::default();
    gaps(&all, &[(0, Outcome::Spooled)]);
    assert!(all.is_spooling());
    all.drained(at(30));
    assert!(!all.is_spooling());
    assert_eq!(gaps(&all, &[]), [("spooling", 0, Some(30))]);
}
