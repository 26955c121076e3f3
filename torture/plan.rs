//! The plan of faults, their order and duration. It depends on the seed alone.
//!
//! A run is a sequence of rounds, each on one of three grounds and with its own stream of
//! deliveries. A round is a sequence of steps. A step is one fault, or two that overlap. Each
//! ground has a deck of all its steps, which is shuffled and dealt completely before it is shuffled
//! again, so that every step occurs regularly.

use serde::{Deserialize, Serialize};

use crate::random::Random;

/// Steps of a round.
pub(crate) const STEPS: usize = 6;

/// Environment of a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ground {
    /// A separate Postgres behind a link, and the spool on a small disk.
    Plain,
    /// Like `Plain`, but with the spool on a disk whose power can be cut.
    Power,
    /// The private Postgres of Hookshelf, on one small disk with the spool.
    Private,
}

/// A fault to cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Fault {
    /// Kills Hookshelf with SIGKILL; starts it at the end.
    KillHookshelf,
    /// Sends SIGTERM to Hookshelf and waits for its exit; starts it at the end.
    StopHookshelf,
    /// Freezes Hookshelf with SIGSTOP until the end.
    FreezeHookshelf,
    /// Kills every process of Postgres with SIGKILL; starts Postgres at the end.
    KillPostgres,
    /// Shuts Postgres down in fast mode; starts it at the end.
    StopPostgres,
    /// Freezes every process of Postgres with SIGSTOP until the end.
    FreezePostgres,
    /// Closes all connections and refuses new ones.
    CutLink,
    /// Keeps and accepts connections, but forwards nothing.
    SilenceLink,
    /// Fills the disk of the database.
    FillDatabase,
    /// Fills the disk of the spool.
    FillSpool,
    /// Sets Hookshelf's clock off by this number of seconds; monotonic time stays correct.
    JumpClock(i64),
    /// Kills Hookshelf with SIGKILL while its spool disk loses all unsynced data; then starts it.
    CutPower,
}

/// Target of a fault. Two faults of a step never have the same target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Target {
    Hookshelf,
    Postgres,
    Link,
    DatabaseDisk,
    SpoolDisk,
    Clock,
}

/// A fault within a step, with times in milliseconds from the start of the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) fault: Fault,
    pub(crate) begins: u64,
    pub(crate) ends: u64,
}

/// A fault, or two faults that overlap or follow each other closely.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    /// Pause before the step.
    pub(crate) pause: u64,
    pub(crate) parts: Vec<Part>,
}

/// A sequence of steps on one ground.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Round {
    pub(crate) ground: Ground,
    pub(crate) steps: Vec<Step>,
}

impl Fault {
    /// Name of the fault without its number.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::KillHookshelf => "kill -9 of Hookshelf",
            Self::StopHookshelf => "SIGTERM to Hookshelf",
            Self::FreezeHookshelf => "SIGSTOP of Hookshelf",
            Self::KillPostgres => "kill -9 of Postgres",
            Self::StopPostgres => "shutdown of Postgres",
            Self::FreezePostgres => "SIGSTOP of Postgres",
            Self::CutLink => "link cut",
            Self::SilenceLink => "link silent",
            Self::FillDatabase => "database's disk full",
            Self::FillSpool => "spool's disk full",
            Self::JumpClock(_) => "clock off",
            Self::CutPower => "power of the spool's disk cut",
        }
    }

    /// True if no delivery can be committed during the fault.
    pub(crate) fn takes_database_away(self) -> bool {
        use Fault::{CutLink, FreezePostgres, KillPostgres, SilenceLink, StopPostgres};
        matches!(
            self,
            KillPostgres | StopPostgres | FreezePostgres | CutLink | SilenceLink
        )
    }

    fn target(self) -> Target {
        match self {
            Self::KillHookshelf | Self::StopHookshelf | Self::FreezeHookshelf | Self::CutPower => {
                Target::Hookshelf
            }
            Self::KillPostgres | Self::StopPostgres | Self::FreezePostgres => Target::Postgres,
            Self::CutLink | Self::SilenceLink => Target::Link,
            Self::FillDatabase => Target::DatabaseDisk,
            Self::FillSpool => Target::SpoolDisk,
            Self::JumpClock(_) => Target::Clock,
        }
    }

    /// Range of the duration in milliseconds. A fault of the database lasts longer than the
    /// deadline of a commit.
    fn lasting(self) -> (u64, u64) {
        match self {
            Self::KillHookshelf | Self::StopHookshelf | Self::CutPower => (200, 3000),
            Self::FreezeHookshelf => (1000, 8000),
            Self::FillDatabase => (6000, 12_000),
            Self::JumpClock(_) => (4000, 8000),
            _ => (4000, 11_000),
        }
    }
}

impl Step {
    /// End of the last fault.
    pub(crate) fn length(&self) -> u64 {
        self.parts.iter().map(|it| it.ends).max().unwrap_or(0)
    }
}

impl Round {
    /// Duration with all pauses.
    pub(crate) fn length(&self) -> u64 {
        self.steps.iter().map(|it| it.pause + it.length()).sum()
    }

    /// True if the clock is off by more than a day, which shows in the stored data.
    pub(crate) fn sets_clock_far(&self) -> bool {
        let parts = self.steps.iter().flat_map(|it| &it.parts);
        let far = |it| matches!(it, Fault::JumpClock(seconds) if seconds.abs() > 86_400);
        parts.map(|it| it.fault).any(far)
    }
}

/// Faults that a ground supports.
fn faults(ground: Ground) -> Vec<Fault> {
    use Fault::{
        CutLink, CutPower, FillDatabase, FillSpool, FreezeHookshelf, FreezePostgres, KillHookshelf,
        KillPostgres, SilenceLink, StopHookshelf, StopPostgres,
    };
    let mut all = vec![
        KillHookshelf,
        StopHookshelf,
        FreezeHookshelf,
        KillPostgres,
        StopPostgres,
        FreezePostgres,
    ];
    match ground {
        Ground::Plain => {
            all.extend([CutLink, SilenceLink, FillDatabase, FillSpool]);
            all.extend(JUMPS.map(Fault::JumpClock));
        }
        Ground::Power => all.extend([CutLink, SilenceLink, CutPower]),
        Ground::Private => all.push(FillDatabase),
    }
    all
}

/// Offsets of the clock in seconds: from a minute to days, in both directions.
const JUMPS: [i64; 4] = [-3700, 95, -180_000, LONGEST_JUMP];
const LONGEST_JUMP: i64 = 259_200;

/// All steps of a ground, without their times.
fn deck(ground: Ground) -> Vec<Vec<Fault>> {
    let faults = faults(ground);
    // A power cut alone has no effect, since the spool is empty.
    let alone = |it: &&Fault| **it != Fault::CutPower;
    let mut deck: Vec<_> = faults.iter().filter(alone).map(|it| vec![*it]).collect();
    for first in &faults {
        for second in &faults {
            if may_meet(*first, *second, ground) {
                deck.push(vec![*first, *second]);
            }
        }
    }
    deck
}

/// True if the two faults may overlap. The first fault lasts; faults of the spool's disk matter
/// only while the spool is in use. Two restarts may come in either order, since Hookshelf starts
/// without its database.
fn may_meet(first: Fault, second: Fault, ground: Ground) -> bool {
    use Fault::{KillHookshelf, KillPostgres, StopHookshelf, StopPostgres};
    if first.target() == second.target() {
        return false;
    }
    if matches!(first, KillHookshelf | StopHookshelf) {
        return ground != Ground::Power && matches!(second, KillPostgres | StopPostgres);
    }
    match ground {
        Ground::Private => first == Fault::FillDatabase || first.takes_database_away(),
        Ground::Power => first.takes_database_away() && second == Fault::CutPower,
        Ground::Plain => {
            let lasts = first.takes_database_away() || first == Fault::FillDatabase;
            lasts && second != Fault::FillDatabase && first.target() != Target::SpoolDisk
        }
    }
}

/// Infinite source of rounds.
#[derive(Debug)]
pub(crate) struct Plan {
    random: Random,
    decks: [(Ground, Vec<Vec<Fault>>); 3],
    dealt: usize,
}

impl Plan {
    /// Plan of this seed, from its start.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed, 1),
            decks: [Ground::Plain, Ground::Power, Ground::Private].map(|it| (it, Vec::new())),
            dealt: 0,
        }
    }

    /// Short form: each fault once.
    pub(crate) fn short(seed: u64) -> Vec<Round> {
        use Fault::{
            CutLink, CutPower, FillDatabase, FillSpool, FreezePostgres, KillHookshelf,
            KillPostgres, SilenceLink,
        };
        let mut random = Random::new(seed, 2);
        // The other faults occur together with a second fault, or on another ground.
        let single = |it: &Fault| {
            let others = matches!(it, FillSpool | CutLink | KillPostgres | KillHookshelf);
            !others && !matches!(it, Fault::JumpClock(seconds) if *seconds != LONGEST_JUMP)
        };
        let mut plain: Vec<_> = faults(Ground::Plain)
            .into_iter()
            .filter(single)
            .map(|it| vec![it])
            .collect();
        plain.push(vec![KillPostgres, FillSpool]);
        plain.push(vec![CutLink, KillHookshelf]);
        random.shuffle(&mut plain);
        let power = vec![vec![SilenceLink, CutPower], vec![KillPostgres, CutPower]];
        let private = vec![
            vec![KillHookshelf],
            vec![KillPostgres],
            vec![FreezePostgres, FillDatabase],
        ];
        let rounds = [
            (Ground::Plain, plain),
            (Ground::Power, power),
            (Ground::Private, private),
        ];
        let rounds = rounds.into_iter().map(|(ground, steps)| Round {
            ground,
            steps: steps.iter().map(|it| brief(it)).collect(),
        });
        rounds.collect()
    }

    fn deal(&mut self, ground: Ground) -> Vec<Fault> {
        let of_ground = self.decks.iter_mut().find(|(it, _)| *it == ground);
        let Some((_, deck)) = of_ground else {
            return Vec::new();
        };
        if deck.is_empty() {
            *deck = self::deck(ground);
            self.random.shuffle(deck);
        }
        deck.pop().unwrap_or_default()
    }
}

impl Iterator for Plan {
    type Item = Round;

    fn next(&mut self) -> Option<Round> {
        let ground = match self.dealt % 4 {
            0 | 2 => Ground::Plain,
            1 => Ground::Power,
            _ => Ground::Private,
        };
        self.dealt += 1;
        let steps = (0..STEPS).map(|_| {
            let faults = self.deal(ground);
            step(&faults, &mut self.random)
        });
        Some(Round {
            ground,
            steps: steps.collect(),
        })
    }
}

/// Adds times to a step. The second fault starts during the first, or just after it.
fn step(faults: &[Fault], random: &mut Random) -> Step {
    let mut parts: Vec<Part> = Vec::new();
    for fault in faults {
        let (least, most) = fault.lasting();
        let lasts = random.between(least, most);
        let begins = parts.first().map_or(0, |first| {
            let earliest = if matches!(fault, Fault::CutPower) {
                2500
            } else {
                0
            };
            let latest = if matches!(fault, Fault::FillSpool) {
                first.ends / 2
            } else {
                first.ends + 1500
            };
            random.between(earliest, latest.max(earliest))
        });
        parts.push(Part {
            fault: *fault,
            begins,
            ends: begins + lasts,
        });
    }
    if faults.contains(&Fault::CutPower) {
        cut_again(&mut parts, random);
    }
    Step {
        pause: random.between(500, 3500),
        parts,
    }
}

/// The effect of a power cut depends on its moment, so a step has three cuts.
fn cut_again(parts: &mut Vec<Part>, random: &mut Random) {
    for _ in 0..2 {
        let begins = parts.last().map_or(0, |it| it.ends) + random.between(600, 2500);
        parts.push(Part {
            fault: Fault::CutPower,
            begins,
            ends: begins + random.between(100, 1000),
        });
    }
}

/// Adds the shortest relevant times to a step: the deadline of a commit is 2 s.
fn brief(faults: &[Fault]) -> Step {
    let parts = faults.iter().enumerate().map(|(index, fault)| {
        let (least, _) = fault.lasting();
        let begins = index as u64 * 2400;
        let lasts = match fault {
            Fault::FillDatabase => least,
            _ => least.clamp(500, 3500),
        };
        Part {
            fault: *fault,
            begins,
            ends: begins + lasts,
        }
    });
    Step {
        pause: 400,
        parts: parts.collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn first(seed: u64, rounds: usize) -> Vec<Round> {
        Plan::new(seed).take(rounds).collect()
    }

    #[test]
    fn a_seed_gives_one_plan_and_another_seed_another() {
        assert_eq!(first(7, 30), first(7, 30));
        assert_ne!(first(7, 30), first(8, 30));
        assert_eq!(Plan::new(7).nth(12), first(7, 13).pop());
    }

    #[test]
    fn every_fault_and_every_pair_comes_before_any_comes_twice() {
        let plain = first(3, 400)
            .into_iter()
            .filter(|it| it.ground == Ground::Plain);
        let dealt: Vec<Vec<Fault>> = plain
            .flat_map(|it| it.steps)
            .map(|it| it.parts.iter().map(|part| part.fault).collect())
            .collect();
        let deck = deck(Ground::Plain);
        let (once, distinct) = (&dealt[..deck.len()], BTreeSet::from_iter(&deck));
        assert_eq!(BTreeSet::from_iter(once), distinct);
        assert_eq!(distinct.len(), deck.len());
    }

    #[test]
    fn restarts_come_in_every_combination_and_order() {
        use Fault::{KillHookshelf, KillPostgres, StopHookshelf, StopPostgres};
        let deck = deck(Ground::Plain);
        for hookshelf in [KillHookshelf, StopHookshelf] {
            for postgres in [KillPostgres, StopPostgres] {
                assert!(deck.contains(&vec![hookshelf, postgres]));
                assert!(deck.contains(&vec![postgres, hookshelf]));
            }
        }
        let private = super::deck(Ground::Private);
        assert!(private.contains(&vec![KillHookshelf, KillPostgres]));
    }

    #[test]
    fn what_takes_the_database_away_lasts_longer_than_a_commit_is_waited_for() {
        let rounds = first(5, 200).into_iter().chain(Plan::short(5));
        for part in rounds.flat_map(|it| it.steps).flat_map(|it| it.parts) {
            assert!(part.ends > part.begins);
            if part.fault.takes_database_away() {
                assert!(part.ends - part.begins >= 3500, "{part:?}");
            }
        }
    }

    #[test]
    fn the_spools_disk_fails_while_the_spool_is_in_use() {
        let steps = first(9, 400).into_iter().flat_map(|it| it.steps);
        let mut seen = 0;
        for step in steps {
            let fails = |it: &&Part| matches!(it.fault, Fault::FillSpool | Fault::CutPower);
            let Some(part) = step
                .parts
                .iter()
                .find(fails)
                .filter(|_| step.parts.len() > 1)
            else {
                continue;
            };
            let first = step.parts[0];
            assert!(first.fault.takes_database_away() || first.fault == Fault::FillDatabase);
            assert!(part.begins <= first.ends + 1500);
            seen += 1;
        }
        assert!(seen > 20, "{seen}");
    }

    #[test]
    fn the_short_form_has_every_fault() {
        let all: BTreeSet<_> = Plan::short(1)
            .into_iter()
            .flat_map(|it| it.steps)
            .flat_map(|it| it.parts)
            .map(|it| it.fault.name())
            .collect();
        let known = [Ground::Plain, Ground::Power, Ground::Private].map(faults);
        assert_eq!(all, known.concat().into_iter().map(Fault::name).collect());
    }
}
