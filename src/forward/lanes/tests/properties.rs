//! Random histories of a consumer: read, lease, settle, expire, release, save, crash.

use std::{collections::BTreeMap, time::Duration};

use proptest::{collection::vec, option, prelude::*};

use super::{
    super::{Item, LaneKey, Limits, Origin, SkipReason},
    SECOND, item_of, limits,
    world::World,
};

/// One step of a history. Leases are counted back from the latest one.
#[derive(Clone, Debug)]
enum Step {
    Read(usize),
    LookUp,
    Lease(u8, usize, Duration),
    Ack(usize),
    AckThrough(usize, i64),
    Nack(usize, Option<Duration>),
    Bury(usize),
    GiveBack(usize, Option<Duration>),
    Undo(usize),
    Extend(usize, Duration),
    Skip(i64),
    SkipOut(usize),
    OfferExtra(usize, Origin),
    /// The replay that goes on.
    Play(Option<i32>),
    Cancel(i32),
    Wait(Duration),
    Expire,
    Release(u8),
    /// True if settlements do not wait for their lookups.
    BeginSave(bool),
    Write,
    Save,
    /// True if a save that had begun was written.
    Crash(bool),
    /// Orderly end, and the next start.
    Restart,
}

fn time() -> impl Strategy<Value = Duration> {
    (0_u32..=60).prop_map(|seconds| SECOND * seconds)
}

fn origin() -> impl Strategy<Value = Origin> {
    prop_oneof![Just(Origin::Retry), (0_i32..3).prop_map(Origin::Replay)]
}

fn step() -> impl Strategy<Value = Step> {
    let (worker, back) = (0_u8..3, 0_usize..12);
    prop_oneof![
        4 => (1_usize..20).prop_map(Step::Read),
        3 => Just(Step::LookUp),
        6 => (worker.clone(), 1_usize..6, time()).prop_map(|(w, max, t)| Step::Lease(w, max, t)),
        8 => back.clone().prop_map(Step::Ack),
        2 => (back.clone(), 0_i64..30).prop_map(|(back, behind)| Step::AckThrough(back, behind)),
        4 => (back.clone(), option::of(time())).prop_map(|(back, t)| Step::Nack(back, t)),
        1 => back.clone().prop_map(Step::Bury),
        2 => (back.clone(), option::of(time())).prop_map(|(back, t)| Step::GiveBack(back, t)),
        1 => back.clone().prop_map(Step::Undo),
        1 => (back.clone(), time()).prop_map(|(back, t)| Step::Extend(back, t)),
        1 => back.prop_map(Step::SkipOut),
        4 => (any::<usize>(), origin()).prop_map(|(pick, it)| Step::OfferExtra(pick, it)),
        3 => option::weighted(0.8, 0_i32..3).prop_map(Step::Play),
        1 => (0_i32..3).prop_map(Step::Cancel),
        1 => (0_i64..80).prop_map(Step::Skip),
        4 => time().prop_map(Step::Wait),
        1 => Just(Step::Expire),
        1 => worker.prop_map(Step::Release),
        2 => any::<bool>().prop_map(Step::BeginSave),
        1 => Just(Step::Write),
        3 => Just(Step::Save),
        1 => any::<bool>().prop_map(Step::Crash),
        1 => Just(Step::Restart),
    ]
}

/// Positions with gaps, and persons: some events pass no filter, and some have no person.
fn log() -> impl Strategy<Value = BTreeMap<i64, Option<Item>>> {
    let event = (1_i64..3, 0_u8..10);
    vec(event, 0..60).prop_map(|events| {
        let mut position = 0;
        let entry = |(gap, person): (i64, u8)| {
            position += gap;
            (position, event_of(person, position))
        };
        events.into_iter().map(entry).collect()
    })
}

fn event_of(person: u8, position: i64) -> Option<Item> {
    let account = if person.is_multiple_of(3) { "2" } else { "1" };
    let item = item_of(position, account, &person.to_string());
    let lane = LaneKey::alone(position);
    match person {
        0 => None,
        1 => Some(Item { lane, ..item }),
        _ => Some(item),
    }
}

fn some_limits() -> impl Strategy<Value = Limits> {
    let numbers = (1_usize..12, 1_usize..12, 1_usize..5, 1_usize..9, 1_u32..5);
    numbers.prop_map(
        |(window, ahead, max_in_flight, max_blocked, max_attempts)| Limits {
            window,
            ahead,
            max_in_flight,
            max_blocked,
            max_attempts,
            backoff: SECOND..=SECOND * 8,
            ..limits()
        },
    )
}

fn go(world: &mut World, step: &Step) {
    let lease = |back: usize| world.lease_before(back);
    match *step {
        Step::Read(count) => world.read(count),
        Step::LookUp => world.look_up(),
        Step::Lease(worker, max, time) => world.lease(worker, max, time),
        Step::Ack(back) => lease(back).into_iter().for_each(|it| world.ack(it)),
        Step::AckThrough(back, behind) => lease(back)
            .into_iter()
            .for_each(|it| world.ack_through(it, behind)),
        Step::Nack(back, delay) => lease(back).into_iter().for_each(|it| world.nack(it, delay)),
        Step::Bury(back) => lease(back).into_iter().for_each(|it| world.bury(it)),
        Step::GiveBack(back, delay) => lease(back)
            .into_iter()
            .for_each(|it| world.give_back(it, delay)),
        Step::Undo(back) => lease(back).into_iter().for_each(|it| world.undo(it)),
        Step::Extend(back, time) => lease(back)
            .into_iter()
            .for_each(|it| world.extend(it, time)),
        Step::Skip(position) => world.skip(position, SkipReason::Gone),
        Step::SkipOut(back) => lease(back).into_iter().for_each(|it| world.skip_out(it)),
        Step::OfferExtra(pick, origin) => world.offer_extra(pick, origin),
        Step::Play(replay) => world.play(replay),
        Step::Cancel(replay) => world.cancel(replay),
        Step::Wait(time) => world.wait(time),
        Step::Expire => world.expire(),
        Step::Release(worker) => world.release(worker),
        Step::BeginSave(is_hasty) => world.begin_save(!is_hasty),
        Step::Write => drop(world.write()),
        Step::Save => world.save(),
        Step::Crash(is_written) => world.crash(is_written),
        Step::Restart => world.restart(),
    }
}

/// Limits with which an account soon has more heads than may be kept.
fn tight_limits() -> impl Strategy<Value = Limits> {
    let numbers = (1_usize..6, 1_usize..4, 1_usize..4);
    (numbers, some_limits()).prop_map(|((window, max_in_flight, max_blocked), limits)| Limits {
        window,
        max_in_flight,
        max_blocked,
        ..limits
    })
}

/// Runs a history, and settles what is left: nothing may be lost.
fn run(log: BTreeMap<i64, Option<Item>>, limits: Limits, steps: &[Step]) {
    let mut world = World::new(log, limits);
    for step in steps {
        go(&mut world, step);
        world.check_limits();
    }
    world.drain();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn each_item_is_settled_once_and_in_order_whatever_happens(
        log in log(),
        limits in some_limits(),
        steps in vec(step(), 0..150),
    ) {
        run(log, limits, &steps);
    }

    #[test]
    fn each_item_of_an_account_that_falls_behind_is_settled_once_and_in_order(
        log in log(),
        limits in tight_limits(),
        steps in vec(step(), 50..150),
    ) {
        run(log, limits, &steps);
    }
}
