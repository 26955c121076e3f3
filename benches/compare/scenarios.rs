//! Scenarios of the comparison: each has a few lanes, which take turns in every round.

use crate::{
    load::{Asked, Length, Load},
    options::Options,
    postgres::Postgres,
    server::ServerKind,
    stored,
    turn::{self, Turn},
};

/// Names of the scenarios, for `--only`.
pub(crate) const NAMES: [&str; 9] = [
    "64",
    "256",
    "batch",
    "repeats",
    "500",
    "2000",
    "people",
    "stored-messages",
    "stored-comments",
];

/// A load, and the lanes that take it in turn.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    lanes: Vec<Lane>,
}

/// A server under a load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lane {
    pub(crate) name: &'static str,
    pub(crate) kind: ServerKind,
    pub(crate) load: Load,
    /// True for the database with millions of messages, false for an empty database.
    pub(crate) on_store: bool,
    /// Number of people who use the pages meanwhile.
    pub(crate) people: u32,
}

impl Lane {
    const fn of(name: &'static str, kind: ServerKind, load: Load) -> Self {
        Self {
            name,
            kind,
            load,
            on_store: false,
            people: 0,
        }
    }
}

/// Scenarios chosen on the command line.
pub(crate) fn chosen(options: &Options) -> Vec<Scenario> {
    let is_chosen = |scenario: &Scenario| match &options.only[..] {
        [] => options.stored || !scenario.needs_store(),
        only => only.iter().any(|name| name == scenario.name),
    };
    all().into_iter().filter(is_chosen).collect()
}

fn all() -> Vec<Scenario> {
    let closed = Load::closed;
    let batch = Load {
        batch: 100,
        ..closed(16)
    };
    let at = |rate| Load {
        rate: Some(rate),
        ..closed(64)
    };
    let [
        six,
        two,
        hundred,
        repeats,
        five,
        twenty,
        people,
        messages,
        comments,
    ] = NAMES;
    let hundreds = "100 events a delivery, 16 connections";
    vec![
        with_floor(six, "64 connections, one event a delivery", closed(64)),
        with_floor(two, "256 connections, one event a delivery", closed(256)),
        both(hundred, hundreds, batch),
        Scenario {
            name: repeats,
            title: "2 % repeats in the mix, 64 connections",
            lanes: vec![
                Lane::of("no repeats", ServerKind::Hookshelf, closed(64)),
                Lane::of(
                    "2 % repeats",
                    ServerKind::Hookshelf,
                    with_repeats(closed(64)),
                ),
            ],
        },
        both(five, "500 deliveries a second", at(500)),
        both(twenty, "2000 deliveries a second", at(2000)),
        with_people(people, "500 deliveries a second, twenty people", at(500)),
        on_store(
            messages,
            "Messages, on a full store and an empty one",
            "message",
        ),
        on_store(
            comments,
            "Comments, on a full store and an empty one",
            "comment",
        ),
    ]
}

fn with_repeats(load: Load) -> Load {
    Load { repeats: 2, ..load }
}

fn both(name: &'static str, title: &'static str, load: Load) -> Scenario {
    Scenario {
        name,
        title,
        lanes: vec![
            Lane::of("plain", ServerKind::Plain, load),
            Lane::of("hookshelf", ServerKind::Hookshelf, load),
        ],
    }
}

/// Both receivers, while people use the pages of Hookshelf.
fn with_people(name: &'static str, title: &'static str, load: Load) -> Scenario {
    let mut scenario = both(name, title, load);
    for lane in &mut scenario.lanes {
        if lane.kind == ServerKind::Hookshelf {
            lane.people = 20;
        }
    }
    scenario
}

fn with_floor(name: &'static str, title: &'static str, load: Load) -> Scenario {
    let mut scenario = both(name, title, load);
    scenario
        .lanes
        .push(Lane::of("outside", ServerKind::Outside, load));
    scenario
        .lanes
        .push(Lane::of("floor", ServerKind::Floor, load));
    scenario
}

fn on_store(name: &'static str, title: &'static str, kind: &'static str) -> Scenario {
    // The first write to a page after a checkpoint puts the whole page into the WAL. So the WAL per
    // event depends on the number of events, and both lanes get the same number.
    let load = Load {
        kind: Some(kind),
        length: Length::Count,
        ..Load::closed(64)
    };
    let empty = Lane::of("empty", ServerKind::Hookshelf, load);
    let full = Lane {
        name: "full",
        on_store: true,
        ..empty
    };
    Scenario {
        name,
        title,
        lanes: vec![empty, full],
    }
}

impl Scenario {
    /// True if a lane uses the filled database.
    pub(crate) fn needs_store(&self) -> bool {
        self.lanes.iter().any(|lane| lane.on_store)
    }

    /// Runs all rounds. The order of the lanes rotates from round to round, so that no lane always
    /// follows the same other lane.
    pub(crate) async fn run(
        &self,
        postgres: &mut Postgres,
        options: &Options,
    ) -> anyhow::Result<Vec<Turn>> {
        let mut turns = Vec::new();
        let mut lanes = self.lanes.clone();
        for round in 1..=options.rounds() {
            for lane in &lanes {
                eprintln!("{}, round {round}: {}", self.title, lane.name);
                let turn = self.turn(postgres, lane, options.asked()).await?;
                turns.push(Turn { round, ..turn });
            }
            lanes.rotate_left(1);
        }
        Ok(turns)
    }

    async fn turn(
        &self,
        postgres: &mut Postgres,
        lane: &Lane,
        asked: Asked,
    ) -> anyhow::Result<Turn> {
        if lane.on_store {
            return turn::run(postgres, stored::DATABASE, self.name, lane, asked).await;
        }
        let database = postgres.make().await?;
        let turn = turn::run(postgres, &database, self.name, lane, asked).await;
        postgres.drop(&database).await?;
        turn
    }
}
