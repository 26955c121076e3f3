//! Plays a step: begins and ends its faults when they are due.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::{
    effects::{Seen, Watch},
    plan::{Fault, Ground, Step},
    world::World,
};

/// How often it is looked how a stop gets on.
const LOOKING: Duration = Duration::from_millis(100);

/// How long it is waited for what a step left behind, so that it is not put down to the next.
const CALMING: Duration = Duration::from_secs(15);

/// What happens at one moment of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Act {
    pub(crate) at: u64,
    pub(crate) begins: bool,
    pub(crate) fault: Fault,
}

/// The acts of a step in their order; what ends goes before what begins at the same moment.
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

/// Plays one step. Says in words what it should have changed and did not.
pub(crate) async fn play(
    world: &mut World,
    step: &Step,
    watch: &Watch,
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
    // The metrics are read a moment later.
    rest(500, ending).await;
    if ending.is_cancelled() {
        return Ok(None);
    }
    Ok(wrong(step, world.ground, before, watch.seen()).map(|said| format!("{names} {said}")))
}

/// What should have been seen of Hookshelf and was not, or the other way round.
fn wrong(step: &Step, ground: Ground, before: Seen, after: Seen) -> Option<String> {
    let (spooled, failed) = (after.spooled - before.spooled, after.failed - before.failed);
    if must_change(step, ground) && spooled + failed == 0 {
        return Some("changed nothing: nothing went into the spool".to_owned());
    }
    (must_keep(step) && failed > 0)
        .then(|| format!("made {failed} deliveries fail, although the spool had room"))
}

/// Whether Hookshelf has to be seen without its database: it was away, and Hookshelf there to say
/// so all the time.
fn must_change(step: &Step, ground: Ground) -> bool {
    let faults = || step.parts.iter().map(|it| it.fault);
    // The private Postgres is started again at once.
    let away = |it: Fault| match it {
        Fault::KillPostgres | Fault::StopPostgres => ground != Ground::Private,
        Fault::FillDatabase => true,
        it => it.takes_database_away(),
    };
    faults().any(away) && faults().all(leaves_hookshelf_alone)
}

/// Whether every delivery has to be taken: Hookshelf was there all the time, and with it the spool
/// or Postgres.
fn must_keep(step: &Step) -> bool {
    let faults = || step.parts.iter().map(|it| it.fault);
    let has_spool = faults().all(|it| it != Fault::FillSpool) || needs_postgres(step);
    has_spool && faults().all(leaves_hookshelf_alone)
}

/// Whether nothing is kept but by Postgres, which may not be back yet from the step before.
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

/// Waits until what failed in the step before fails no more; not for ever. False where there is no
/// time left to.
async fn calm(watch: &Watch, ending: &CancellationToken) -> bool {
    let begun = Instant::now();
    while watch.still_fails() && begun.elapsed() < CALMING {
        if !rest(millis(LOOKING), ending).await {
            return false;
        }
    }
    true
}

/// Waits for a moment, and sees to a stop of Hookshelf meanwhile.
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

/// Waits; false where there is no time left to.
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
