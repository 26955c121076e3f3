//! Lines for deliveries on the terminal of `serve`: one each, and under load one per second.

use std::{
    io::{self, Write},
    iter,
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

use super::output::plain;
use crate::{
    amounts,
    ingest::{
        Outcome,
        arrivals::{Arrival, Items},
    },
};

/// Deliveries of a second that get a line each.
const LINES: usize = 10;

/// Kinds that a line names.
const KINDS: usize = 3;

const SECOND: Duration = Duration::from_secs(1);

/// Prints arrivals until the server ends or nobody reads. A terminal may stop reading for as long as
/// it likes, so this is a thread of its own.
pub(super) fn print(arrivals: &Receiver<Arrival>) {
    let mut window = Window::new(Instant::now());
    loop {
        let next = match window.summary_in(Instant::now()) {
            None => arrivals.recv().map_err(RecvTimeoutError::from),
            Some(left) => arrivals.recv_timeout(left),
        };
        let mut text = window.end(Instant::now());
        match next {
            Ok(arrival) => text += &window.add(&arrival),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if io::stdout().write_all(text.as_bytes()).is_err() {
            return;
        }
    }
}

/// A second of deliveries.
struct Window {
    began: Instant,
    count: usize,
    /// True if the second before had more than [`LINES`]: this one gets only a summary.
    loaded: bool,
    summary: Summary,
}

/// Deliveries without a line of their own.
#[derive(Default)]
struct Summary {
    deliveries: u64,
    new: usize,
    repeated: usize,
    spooled: u64,
    rejected: u64,
    failed: u64,
}

impl Window {
    fn new(began: Instant) -> Self {
        Self {
            began,
            count: 0,
            loaded: false,
            summary: Summary::default(),
        }
    }

    /// Time until the summary is due; none if there is nothing to sum up.
    fn summary_in(&self, now: Instant) -> Option<Duration> {
        let due = self.began + SECOND;
        (self.summary.deliveries > 0).then(|| due.saturating_duration_since(now))
    }

    /// The summary of the second if it is over.
    fn end(&mut self, now: Instant) -> String {
        let passed = now.duration_since(self.began);
        if passed < SECOND {
            return String::new();
        }
        let over = std::mem::replace(self, Self::new(now));
        self.loaded = over.count > LINES && passed < 2 * SECOND;
        over.summary.line(over.loaded)
    }

    /// The line of a delivery, or nothing if it goes into the summary.
    fn add(&mut self, arrival: &Arrival) -> String {
        self.count += 1;
        if self.loaded || self.count > LINES {
            self.summary.add(arrival.outcome);
            return String::new();
        }
        line(arrival)
    }
}

impl Summary {
    fn add(&mut self, outcome: Outcome) {
        self.deliveries += 1;
        match outcome {
            Outcome::Accepted { new, repeated } => {
                self.new += new;
                self.repeated += repeated;
            }
            Outcome::Unreadable(_) => {}
            Outcome::Spooled => self.spooled += 1,
            Outcome::Rejected(_) => self.rejected += 1,
            Outcome::Failed(_) => self.failed += 1,
        }
    }

    /// `all` is false after lines for the first deliveries of the second.
    fn line(&self, all: bool) -> String {
        if self.deliveries == 0 {
            return String::new();
        }
        let counts = [
            (self.repeated as u64, "repeated"),
            (self.spooled, "spooled"),
            (self.rejected, "rejected"),
            (self.failed, "not stored"),
        ];
        let deliveries = if all {
            amounts::deliveries(self.deliveries)
        } else {
            amounts::count(self.deliveries, "more delivery", "more deliveries")
        };
        let new = amounts::count(self.new as u64, "new event", "new events");
        let named = counts.into_iter().filter(|(count, _)| *count > 0);
        let named = named.map(|(count, name)| format!("{count} {name}"));
        let counts: Vec<_> = iter::once(new).chain(named).collect();
        format!("  {deliveries} in a second: {}\n", counts.join(", "))
    }
}

/// `12:52:08Z  default  17841400000000001  message  stored`.
fn line(arrival: &Arrival) -> String {
    let at = arrival.at.strftime("%H:%M:%SZ");
    let nothing = Items::default();
    let items = arrival.items.as_ref().unwrap_or(&nothing);
    let account = items.account_id.as_deref().map_or("-".to_owned(), plain);
    let (app, kinds, outcome) = (&arrival.app, kinds(items), outcome(arrival.outcome));
    format!("  {at}  {app}  {account:<17}  {kinds:<16}  {outcome}\n")
}

fn kinds(items: &Items) -> String {
    let named = items.kinds.iter().take(KINDS).map(|(kind, count)| {
        let kind = kind.as_str();
        match count {
            1 => kind.to_owned(),
            count => format!("{kind} x{count}"),
        }
    });
    let more = (items.kinds.len() > KINDS).then(|| "...".to_owned());
    let all: Vec<_> = named.chain(more).collect();
    if all.is_empty() {
        return "-".to_owned();
    }
    all.join(", ")
}

fn outcome(outcome: Outcome) -> String {
    let reason = outcome.reason();
    match outcome {
        Outcome::Accepted { new, repeated: 0 } if new <= 1 => "stored".to_owned(),
        Outcome::Accepted { new, repeated: 0 } => format!("stored {new} events"),
        Outcome::Accepted {
            new: 0,
            repeated: 1,
        } => "repeat of a stored event".to_owned(),
        Outcome::Accepted { new, repeated } => format!("stored {new} new, {repeated} repeated"),
        Outcome::Unreadable(_) => format!("stored without events: {reason}"),
        Outcome::Spooled => "spooled: Postgres is unavailable or slow".to_owned(),
        Outcome::Rejected(_) => format!("rejected: {reason}{}", advice(reason)),
        Outcome::Failed(_) => format!("not stored: {reason}; Meta sends it again"),
    }
}

/// The remedy for the rejections that a new installation meets.
fn advice(reason: &str) -> &'static str {
    match reason {
        "signature_mismatch" => {
            "; a secret is wrong, or the sender is not Meta: run hookshelf doctor"
        }
        "body_reencoded" => "; a proxy re-encodes the body: run hookshelf rejections list",
        "signature_missing" => "; the sender is not Meta",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ingest::Rejection, meta::event::Kind};

    const STORED: Outcome = Outcome::Accepted {
        new: 1,
        repeated: 0,
    };

    fn arrival(kinds: &[(Kind, usize)], outcome: Outcome) -> Arrival {
        Arrival {
            at: "2026-11-20T12:52:08Z".parse().unwrap(),
            app: "default".into(),
            items: Some(Items {
                account_id: Some("1784\u{1b}1".into()),
                kinds: kinds.to_vec(),
            }),
            outcome,
        }
    }

    #[test]
    fn a_line_names_time_app_account_kinds_and_outcome() {
        let message = arrival(&[(Kind::Message, 2), (Kind::Seen, 1)], STORED);
        assert_eq!(
            line(&message),
            "  12:52:08Z  default  1784\u{fffd}1             message x2, seen  stored\n"
        );
        let mut refused = arrival(&[], Outcome::Rejected(Rejection::SignatureMismatch));
        refused.items = None;
        let shown = line(&refused);
        assert!(
            shown.contains("rejected: signature_mismatch; a secret is wrong"),
            "{shown}"
        );
    }

    #[test]
    fn many_deliveries_of_a_second_become_one_line() {
        let began = Instant::now();
        let mut window = Window::new(began);
        let message = arrival(&[(Kind::Message, 1)], STORED);
        let lines: String = (0..15).map(|_| window.add(&message)).collect();
        assert_eq!(lines.lines().count(), LINES);
        assert_eq!(window.end(began), "");
        let later = began + SECOND;
        assert_eq!(
            window.end(later),
            "  5 more deliveries in a second: 5 new events\n"
        );
        // Still loaded: a summary and no line, until a second has few.
        assert_eq!(window.add(&message), "");
        assert_eq!(
            window.end(later + SECOND),
            "  1 delivery in a second: 1 new event\n"
        );
        assert_ne!(window.add(&message), "");
    }
}
