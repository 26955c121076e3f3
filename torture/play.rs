//! Plays a step: starts and ends its faults on time.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::{
    effects::{EffectWatcher, Seen},
    plan::{Fault, Ground, Step},
    world::World,
};

/// Interval between two checks of a stop.
const LOOKING: Duration = Duration::from_millis(100);

/// Maximum wait for the effects of a step to end, so that they are not attributed to the next.
const CALMING: Duration = Duration::from_secs(15);

/// A scheduled start or end of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Act {
    pub(crate) at: u64,
    pub(crate) begins: bool,
    pub(crate) fault: Fault,
}

/// Schedule of a step, ordered by time; an end precedes a start at the same time.
pub(crate) fn acts(step: &Step) -> Vec<Act> {
    let act = |at, begins, fault| Act { at, begins, fault };
    let parts = step.parts.iter();
    let mut acts: Vec<_> = parts
        .flat_map(|it| {
            [
                act(it.begins, true, it.fault),
                act(it.ends, false, it.fault),
            ]
        })
        .collect();
    acts.sort_by_key(|it| (it.at, it.begins));
    acts
}

/// Plays one step. Returns a description of an expected effect that is missing, or of an unexpected
/// one.
pub(crate) async fn play(
    world: &mut World,
    step: &Step,
    watch: &EffectWatcher,
    ending: &CancellationToken,
) -> anyhow::Result<Option<String>> {
    if !rest(step.pause, ending).await || !calm(watch, ending).await {
        return Ok(None);
    }
    if needs_postgres(step) {
        world.heal().await?;
    }
    let (begun, before) = (Instant::now(), watch.seen());
    for act in acts(step) {
        until(begun + Duration::from_millis(act.at), world, ending).await?;
        if act.begins {
            world.begin(act.fault).await?;
        } else {
            world.end(act.fault)?;
        }
    }
    world.finish_stop().await?;
    let names: Vec<_> = step.parts.iter().map(|it| it.fault.name()).collect();
    let names = names.join(" and ");
    world.look_at_hookshelf(&names)?;
    // The metrics are read with a delay.
    rest(500, ending).await;
    if ending.is_cancelled() {
        return Ok(None);
    }
    Ok(wrong(step, world.ground, before, watch.seen()).map(|said| format!("{names} {said}")))
}

/// Describes a mismatch between the expected and the observed effect.
fn wrong(step: &Step, ground: Ground, before: Seen, after: Seen) -> Option<String> {
    let (spooled, failed) = (after.spooled - before.spooled, after.failed - before.failed);
    if must_change(step, ground) && spooled + failed == 0 {
        return Some("changed nothing: nothing went into the spool".to_owned());
    }
    (must_keep(step) && failed > 0)
        .then(|| format!("made {failed} deliveries fail, although the spool had room"))
}

/// True if Hookshelf must have noticed the loss of its database: the database was away, and
/// Hookshelf ran all the time.
fn must_change(step: &Step, ground: Ground) -> bool {
    let faults = || step.parts.iter().map(|it| it.fault);
    // Hookshelf restarts its private Postgres at once.
    let away = |it: Fault| match it {
        Fault::KillPostgres | Fault::StopPostgres => ground != Ground::Private,
        Fault::FillDatabase => true,
        it => it.takes_database_away(),
    };
    faults().any(away) && faults().all(leaves_hookshelf_alone)
}

/// True if every delivery must be accepted: Hookshelf ran all the time, and the spool or Postgres
/// was available.
fn must_keep(step: &Step) -> bool {
    let faults = || step.parts.iter().map(|it| it.fault);
    let has_spool = faults().all(|it| it != Fault::FillSpool) || needs_postgres(step);
    has_spool && faults().all(leaves_hookshelf_alone)
}

/// True if only Postgres can store deliveries. It may not be back yet from the step before.
fn needs_postgres(step: &Step) -> bool {
    matches!(&step.parts[..], [only] if only.fault == Fault::FillSpool)
}

fn leaves_hookshelf_alone(fault: Fault) -> bool {
    use Fault::{CutPower, FreezeHookshelf, KillHookshelf, StopHookshelf};
    !matches!(
        fault,
        KillHookshelf | StopHookshelf | FreezeHookshelf | CutPower
    )
}

/// Waits until failures of the step before have ended, with a limit. False if the run is stopping.
async fn calm(watch: &EffectWatcher, ending: &CancellationToken) -> bool {
    let begun = Instant::now();
    while watch.still_fails() && begun.elapsed() < CALMING {
        if !rest(millis(LOOKING), ending).await {
            return false;
        }
    }
    true
}

/// Waits until `due`, and handles a stop of Hookshelf meanwhile.
async fn until(due: Instant, world: &mut World, ending: &CancellationToken) -> anyhow::Result<()> {
    loop {
        world.attend_stop().await?;
        let left = due.saturating_duration_since(Instant::now());
        if left.is_zero() || !rest(millis(left.min(LOOKING)), ending).await {
            return Ok(());
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1)
}

/// Waits; false if the run is stopping.
async fn rest(millis: u64, ending: &CancellationToken) -> bool {
    let wait = tokio::time::sleep(Duration::from_millis(millis));
    ending.run_until_cancelled(wait).await.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Part;

    fn step(parts: &[(Fault, u64, u64)]) -> Step {
        let part = |(fault, begins, ends): &(Fault, u64, u64)| Part {
            fault: *fault,
            begins: *begins,
            ends: *ends,
        };
        Step {
            pause: 0,
            parts: parts.iter().map(part).collect(),
        }
    }

    #[test]
    fn faults_begin_and_end_in_the_order_of_their_times() {
        use Fault::{CutLink, KillHookshelf};
        let acts = acts(&step(&[(CutLink, 0, 5000), (KillHookshelf, 2000, 3000)]));
        let order: Vec<_> = acts.iter().map(|it| (it.fault, it.begins)).collect();
        let inner = [(KillHookshelf, true), (KillHookshelf, false)];
        assert_eq!(order[0], (CutLink, true));
        assert_eq!(order[1..3], inner);
        assert_eq!(order[3], (CutLink, false));
    }

    #[test]
    fn only_what_somebody_could_see_has_to_be_seen() {
        use Fault::{CutLink, JumpClock, KillHookshelf, KillPostgres};
        let plain = |parts: &[(Fault, u64, u64)]| must_change(&step(parts), Ground::Plain);
        assert!(
            plain(&[(CutLink, 0, 5000)]) && plain(&[(KillPostgres, 0, 5000), (JumpClock(1), 0, 9)])
        );
        assert!(!plain(&[(KillHookshelf, 0, 5000)]));
        assert!(!plain(&[(CutLink, 0, 5000), (KillHookshelf, 0, 500)]));
        assert!(!must_change(
            &step(&[(KillPostgres, 0, 5000)]),
            Ground::Private
        ));
    }

    #[test]
    fn a_spool_with_room_has_to_take_everything() {
        use Fault::{CutLink, FillSpool, KillHookshelf};
        let seen = |spooled, failed| Seen { spooled, failed };
        let wrong = |parts: &[(Fault, u64, u64)], after| {
            wrong(&step(parts), Ground::Plain, seen(0, 0), after).is_some()
        };
        let cut = (CutLink, 0, 5000);
        assert!(!wrong(&[cut], seen(3, 0)));
        assert!(wrong(&[cut], seen(0, 0)) && wrong(&[cut], seen(3, 1)));
        assert!(!wrong(&[cut, (FillSpool, 0, 9)], seen(3, 1)));
        assert!(wrong(&[(FillSpool, 0, 9)], seen(0, 1)));
        assert!(!wrong(&[(FillSpool, 0, 9)], seen(0, 0)));
        assert!(!wrong(&[cut, (KillHookshelf, 0, 9)], seen(0, 1)));
    }
}
