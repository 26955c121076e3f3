//! Nine days of simulated deliveries. All data come from one seed, so the answers are the same on
//! every run.

use std::num::NonZeroUsize;

use hookshelf::simulate::{Script, Stories};
use jiff::{SignedDuration, Timestamp, ToSpan, tz::TimeZone};
use tokio::sync::OnceCell;

use super::stage::{Arriving, DAYS, LAST_DAY, Stage, now};

/// Database after the nine days. The tests of this binary share it; it goes away with their server.
pub(super) async fn nine_days() -> &'static Stage {
    static SHARED: OnceCell<Stage> = OnceCell::const_new();
    SHARED.get_or_init(|| Stage::after(arriving())).await
}

/// Deliveries with their arrival times: busy days and quiet nights, mostly delivered within
/// seconds. Some are minutes late, some are sent twice, and on the last morning there is a gap.
fn arriving() -> Vec<Arriving> {
    let mut stories = Stories::new(&Script {
        seed: 20,
        accounts: few(2),
        people: few(30),
        kinds: Vec::new(),
        batch: few(1),
    });
    let (mut sent, mut all) = (midnight(), Vec::new());
    for number in 0_i64.. {
        let hour = sent.to_zoned(TimeZone::UTC).hour();
        let pause = if (6..22).contains(&hour) { 40 } else { 200 } + number * 7919 % 600;
        sent += SignedDuration::from_secs(pause);
        let at = arrival(number, sent);
        if at >= now() {
            return all;
        }
        let delivery = stories.next(sent);
        if number % 60 == 0 {
            let at = at + SignedDuration::from_mins(15);
            let body = delivery.sent_again(at);
            all.push(Arriving { at, body });
        }
        let body = delivery.body;
        all.push(Arriving { at, body });
    }
    all
}

fn few(number: usize) -> NonZeroUsize {
    NonZeroUsize::new(number).unwrap()
}

/// Start of the first day.
fn midnight() -> Timestamp {
    let day = LAST_DAY - (DAYS - 1).days();
    day.to_zoned(TimeZone::UTC).unwrap().timestamp()
}

/// Arrival time of a delivery sent at `sent`.
fn arrival(number: i64, sent: Timestamp) -> Timestamp {
    let (away, back) = (time(7, 50), time(8, 35));
    let took = match number % 45 {
        0 => SignedDuration::from_mins(6),
        _ => SignedDuration::from_millis(300 + number * 7919 % 2200),
    };
    if (away..back).contains(&sent) {
        back + took
    } else {
        sent + took
    }
}

/// A time on the last day.
fn time(hour: i8, minute: i8) -> Timestamp {
    let at = LAST_DAY.at(hour, minute, 0, 0);
    at.to_zoned(TimeZone::UTC).unwrap().timestamp()
}
