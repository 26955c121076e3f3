//! `consumers seek` and `consumers remove`: show the events to be skipped, then do it.

use std::str::FromStr;

use clap::Args;

use super::{super::output::Output, Session};
use crate::{
    amounts::count,
    clock::Clock,
    config::Sources,
    query::{InvalidMoment, Moment},
    store::{
        consumers::{self, ConsumerStatus, KindCount},
        follow::Start,
    },
};

/// Moves a consumer in the log. Events before the new place are skipped, events after it are
/// delivered.
///
/// Without --yes it shows the events that are skipped, or delivered again, and changes nothing. They
/// are counted with the filters of the configuration, up to a million. Waiting lanes are given up;
/// dead letters stay. A time means the first event received then or later.
///
/// Example: hookshelf consumers seek bot --to now
/// Example: hookshelf consumers seek bot --to now --yes
/// Example: hookshelf consumers seek bot --to "2 hours"
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Seek {
    /// Name of the consumer.
    name: String,
    /// The new place: now, beginning, a position (events after it are delivered), or a time such as
    /// 2026-11-20T13:45:00Z, today or 2h.
    #[arg(long, value_name = "PLACE")]
    to: Place,
    /// Do it.
    #[arg(long)]
    yes: bool,
}

/// Removes a consumer with its place in the log, its waiting lanes and its dead letters.
///
/// Without --yes it shows the events that are skipped, and changes nothing. If the consumer is still
/// in the configuration, it starts again at its `start`.
///
/// Example: hookshelf consumers remove bot
/// Example: hookshelf consumers remove bot --yes
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Remove {
    /// Name of the consumer.
    name: String,
    /// Do it.
    #[arg(long)]
    yes: bool,
}

/// Place in the log.
#[derive(Clone, Copy, Debug)]
enum Place {
    Now,
    Beginning,
    After(i64),
    Since(Moment),
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "now" => Ok(Self::Now),
            "beginning" => Ok(Self::Beginning),
            _ => match text.parse() {
                Ok(position @ 0..) => Ok(Self::After(position)),
                _ => text.parse().map(Self::Since).map_err(|_| {
                    format!(
                        "allowed: now, beginning, a position from 0, or a time; {InvalidMoment}"
                    )
                }),
            },
        }
    }
}

impl Seek {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let mut session = Session::open(sources).await?;
        let status = session.status(&self.name).await?;
        let start = self.start(&mut session).await?;
        let end = end(&status);
        let to = match start {
            Start::Beginning => 0,
            Start::Now => end,
            Start::After(position) => position.min(end),
        };
        let plan = Plan::of(&mut session, &status, to).await?;
        if !self.yes {
            let from = status.progress.position;
            let head = format!("{} moves from position {from} to {to}", self.name);
            return plan.show(&head, "to move it: add --yes");
        }
        let events = plan.events();
        session
            .record("consumer_seek", &self.name, Some(events))
            .await?;
        consumers::seek(&mut session.conn, &self.name, start).await?;
        Output::say(&format!(
            "{} is at position {to}: {}; the server goes on from there within about three seconds",
            self.name,
            plan.words()
        ))
    }

    /// The new place, as the store takes it.
    async fn start(&self, session: &mut Session) -> anyhow::Result<Start> {
        Ok(match self.to {
            Place::Now => Start::Now,
            Place::Beginning => Start::Beginning,
            Place::After(position) => Start::After(position),
            Place::Since(moment) => {
                let at = moment.resolve(Clock::system().now())?;
                let first = consumers::first_since(&mut session.conn, at).await?;
                first.map_or(Start::Now, |first| Start::After(first - 1))
            }
        })
    }
}

impl Remove {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let mut session = Session::open(sources).await?;
        let status = session.status(&self.name).await?;
        let plan = Plan::of(&mut session, &status, end(&status)).await?;
        let name = &self.name;
        let letters = count(
            status.dead_letters.unsigned_abs(),
            "dead letter",
            "dead letters",
        );
        if !self.yes {
            let position = status.progress.position;
            let head = format!("{name} is removed from position {position}, with {letters}");
            return plan.show(&head, "to remove it: add --yes");
        }
        session
            .record("consumer_remove", name, Some(plan.events()))
            .await?;
        consumers::remove(&mut session.conn, name).await?;
        Output::say(&format!(
            "{name} is removed, with {letters}: {}",
            plan.words()
        ))?;
        if session.is_configured(name) {
            Output::note(&format!(
                "{name} is still in the configuration: the server creates it again at its `start`"
            ))?;
        }
        Ok(())
    }
}

/// End of the log.
fn end(status: &ConsumerStatus) -> i64 {
    status.progress.position + status.lag
}

/// Events between the place of a consumer and another place.
struct Plan {
    is_forward: bool,
    kinds: Vec<KindCount>,
    /// Lanes whose first unsettled event is at or before the new place.
    unsettled: usize,
}

impl Plan {
    async fn of(session: &mut Session, status: &ConsumerStatus, to: i64) -> anyhow::Result<Self> {
        let position = status.progress.position;
        let choice = session.choice(&status.name);
        let between = (position.min(to), position.max(to));
        let waiting = consumers::waiting(&mut session.conn, &status.name).await?;
        let waiting = waiting.iter().map(|lane| lane.position);
        let heads = status.progress.heads.iter().copied().chain(waiting);
        let backlogs = status.progress.backlogs.iter();
        let heads = heads.chain(backlogs.map(|backlog| backlog.after + 1));
        Ok(Self {
            is_forward: to >= position,
            unsettled: heads.filter(|head| *head <= to).count(),
            kinds: consumers::count_between(&mut session.conn, between, &choice).await?,
        })
    }

    fn events(&self) -> i64 {
        self.kinds.iter().map(|kind| kind.events).sum()
    }

    /// The plan in words.
    fn words(&self) -> String {
        let events = self.events();
        let least = if events >= i64::from(consumers::MOST_COUNTED) {
            "at least "
        } else {
            ""
        };
        let events = count(events.unsigned_abs(), "event", "events");
        let lanes = count(self.unsettled as u64, "lane", "lanes");
        match (self.is_forward, self.unsettled) {
            (true, 0) => format!("{least}{events} skipped"),
            (true, _) => format!("{least}{events} and the unsettled events of {lanes} skipped"),
            (false, 0) => format!("{least}{events} delivered again"),
            (false, _) => format!(
                "{least}{events} delivered again, and the unsettled events of {lanes} skipped"
            ),
        }
    }

    /// Prints the plan, and the next step.
    fn show(&self, head: &str, next: &str) -> anyhow::Result<()> {
        let mut output = Output::new();
        output.line(&format!("{head}: {}", self.words()))?;
        if !self.kinds.is_empty() {
            output.line("")?;
            let rows: Vec<_> = self.kinds.iter().map(row).collect();
            output.table(&["kind", "events", "first", "last"], 4, &rows)?;
        }
        output.line("")?;
        output.line(&format!("nothing was changed; {next}"))?;
        output.finish()
    }
}

fn row(kind: &KindCount) -> Vec<String> {
    let times = [kind.first_at, kind.last_at].map(|at| format!("{at:.0}"));
    let head = [kind.kind.clone(), kind.events.to_string()];
    head.into_iter().chain(times).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_word_a_position_or_a_time() {
        let read = |text: &str| text.parse::<Place>();
        assert!(matches!(read("now"), Ok(Place::Now)));
        assert!(matches!(read("beginning"), Ok(Place::Beginning)));
        assert!(matches!(read("0"), Ok(Place::After(0))));
        assert!(matches!(read("42"), Ok(Place::After(42))));
        assert!(matches!(read("2h"), Ok(Place::Since(Moment::Ago(_)))));
        assert!(matches!(
            read("2026-11-20"),
            Ok(Place::Since(Moment::At(_)))
        ));
        for text in ["", "-1", "later", "4 2"] {
            let message = read(text).unwrap_err();
            assert!(message.starts_with("allowed: now, beginning"), "{message}");
        }
    }
}
