//! Clock check: `received_at`, retention and the dedupe window depend on the clock.

use jiff::{SignedDuration, Timestamp};

use super::finding::{Check, Finding};

/// A disagreement that nobody notices. A `Date` header tells whole seconds only.
const TOLERATED: SignedDuration = SignedDuration::from_secs(5);

/// Holds the clock of `whose` against ours; `asked` and `answered` are when ours was read, before
/// and after.
pub(super) fn compare(
    whose: &str,
    theirs: Timestamp,
    [asked, answered]: [Timestamp; 2],
) -> Finding {
    // Somewhere in between it was read; what lies outside is disagreement.
    let skew = if theirs < asked {
        theirs.duration_since(asked)
    } else if theirs > answered {
        theirs.duration_since(answered)
    } else {
        SignedDuration::ZERO
    };
    if skew.abs() <= TOLERATED {
        return Finding::ok(Check::Clock, format!("agrees with the clock of {whose}"));
    }
    let seconds = skew.abs().as_secs();
    let way = if theirs > answered {
        "ahead of"
    } else {
        "behind"
    };
    let found = format!("the clock of {whose} is {seconds} s {way} the one of this machine");
    Finding::warning(Check::Clock, found)
        .means("received_at, partitions and retention go by this machine's clock")
        .remedy("check with `timedatectl` that both machines synchronise their clocks")
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn only_what_no_waiting_explains_is_told() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let told = |theirs| compare("the database", at(theirs), [at(1_000), at(1_003)]);
        for close in [996, 1_000, 1_002, 1_007] {
            assert_eq!(told(close).verdict, Verdict::Ok, "{close}");
        }
        let ahead = told(1_103);
        assert_eq!(ahead.verdict, Verdict::Warning);
        assert!(ahead.found.contains("is 100 s ahead of"), "{}", ahead.found);
        assert!(told(900).found.contains("is 100 s behind"));
    }
}
