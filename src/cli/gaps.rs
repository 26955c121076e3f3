//! Gaps in the deliveries, as lines between the messages of a conversation.

use jiff::Timestamp;

use super::chat::Chat;
use crate::query::GapRow;

/// Maximum number of gaps between two messages; a line counts the rest.
const MOST: usize = 3;

/// Prints the gaps that opened until `at`, and removes them.
pub(super) fn print_until(
    chat: &mut Chat,
    gaps: &mut &[GapRow],
    at: Option<Timestamp>,
) -> anyhow::Result<()> {
    let is_before = |gap: &GapRow| at.is_none_or(|at| gap.opened_at <= at);
    let (before, after) = gaps.split_at(gaps.partition_point(is_before));
    *gaps = after;
    let (shown, rest) = before.split_at(before.len().min(MOST));
    for gap in shown {
        print(chat, gap.opened_at, &words(gap))?;
    }
    match rest {
        [] => Ok(()),
        [first, ..] => {
            let words = format!("{} more gaps; GET /v1/gaps lists them", rest.len());
            print(chat, first.opened_at, &words)
        }
    }
}

fn print(chat: &mut Chat, at: Timestamp, words: &str) -> anyhow::Result<()> {
    chat.day(at)?;
    chat.between(at, words)
}

/// A gap in words. Deliveries in the spool are late, not lost.
fn words(gap: &GapRow) -> String {
    let from = gap.opened_at;
    let time = match gap.closed_at {
        Some(to) => format!("from {from:.0} to {to:.0}"),
        None => format!("since {from:.0}"),
    };
    let cause = match &*gap.cause {
        "spooling" => return format!("deliveries are late {time} (they waited in the spool)"),
        "down" => "server was down",
        "refusing" => "deliveries from Meta were rejected",
        "unable" => "neither Postgres nor the spool took them",
        other => other,
    };
    format!("no deliveries were received {time} ({cause})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(cause: &str, closed_at: Option<&str>) -> String {
        words(&GapRow {
            app: "default".to_owned(),
            cause: cause.to_owned(),
            opened_at: "2026-11-21T10:00:00.4Z".parse().unwrap(),
            closed_at: closed_at.map(|at| at.parse().unwrap()),
        })
    }

    #[test]
    fn a_gap_says_if_deliveries_are_missing_or_late() {
        let closed_at = Some("2026-11-21T11:30:00Z");
        assert_eq!(
            gap("down", closed_at),
            "no deliveries were received from 2026-11-21T10:00:00Z to 2026-11-21T11:30:00Z \
             (server was down)"
        );
        assert_eq!(
            gap("spooling", None),
            "deliveries are late since 2026-11-21T10:00:00Z (they waited in the spool)"
        );
        for cause in crate::query::GapCause::ALL {
            let words = gap(cause.as_str(), closed_at);
            assert!(
                !words.contains(cause.as_str()) || words.contains("was down"),
                "{words}"
            );
        }
    }
}
