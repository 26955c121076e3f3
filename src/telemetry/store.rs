//! Events of storing in Postgres: commits, maintenance of tables, followers. A cause contains no
//! password and no value of a delivery.

use super::{
    messages::messages,
    metrics::{
        COMMIT_FAILURES, FOLLOWER_FAILURES, FOLLOWER_LAG_POSITIONS, FOLLOWER_LAG_SECONDS,
        UPKEEP_FAILURES, WAKE_POLL_FAILS, WAKES,
    },
};

messages! {
    target: "store";

    /// Deliveries go to the spool. Logged once for each cause.
    DatabaseAway<'a> { cause: &'a str }
        "failed to connect to Postgres at the start; retrying every 2 s" [cause] WARN;

    /// After a start without Postgres.
    DatabaseOpened
        "connected to Postgres" [] INFO;

    /// Deliveries go to the spool.
    DiskLow { free: u64, least: u64 }
        "disk of Postgres is almost full; commits are stopped" [free, min_free = least] ERROR;

    /// An eighth more than `database.min_free` is free.
    DiskRoomy { free: u64 }
        "disk of Postgres has enough free space again" [free] INFO;

    /// The deliveries of the commit went to the spool or got no 200.
    CommitFailed { code: &'static str, cause: String, first: bool }
        "commit failed" [code, cause] WARN if first, DEBUG
        => COMMIT_FAILURES.count([("code", code.into())]);

    /// First commit after failures.
    CommitsResumed
        "commits resumed" [] INFO;

    /// `settings` are off. INFO if `database.allow_lossy_commits` is true.
    DurabilityChanged { off: String, allowed: bool }
        "Postgres durability is off; a crash can lose committed deliveries; see hookshelf doctor" [settings = off, allowed] INFO if allowed, WARN;

    /// Commits survive a crash again.
    DurabilityRestored
        "Postgres durability is on again" [] INFO;

    /// `problem` is `refused`. `cause` is the SQLSTATE and the constraint.
    EventsRefused { events: usize, cause: String }
        "Postgres rejected the events of a delivery; the delivery is stored without them" [events, cause] ERROR;

    /// A bug. Deliveries wait.
    WriterStuck
        "writer made no progress for 10 s; the service manager will restart the server" [] ERROR;

    /// `part`: `tables` (partitions, dedupe window), `rejections`, `callbacks`, `gaps` or `attempts`.
    UpkeepFailed { part: &'static str, cause: String }
        "maintenance failed; retrying" [part, cause] WARN
        => UPKEEP_FAILURES.count([("part", part.into())]);

    /// The dedupe keys of the window before the last were dropped.
    EpochAdvanced
        "new dedupe window started" [] INFO;

    /// A follower of positions made progress or has less to do. Moves metrics only.
    FollowerMoved { follower: String, positions: u64, seconds: f64 }
        => {
            FOLLOWER_LAG_POSITIONS.show([("follower", follower.clone().into())], positions);
            FOLLOWER_LAG_SECONDS.gauge([("follower", follower.into())]).set(seconds);
        };

    /// The follower starts again from the same position.
    FollowerStumbled { follower: String, cause: String, first: bool }
        "follower failed; retrying" [follower, cause] WARN if first, DEBUG
        => FOLLOWER_FAILURES.count([("follower", follower.into())]);

    /// The follower works again.
    FollowerResumed { follower: String }
        "follower resumed" [follower] INFO;

    /// A waiter was woken and found new positions. Moves metrics only.
    Woken { by: &'static str }
        => WAKES.count([("by", by.into())]);

    /// Streams get events of other servers up to a second late.
    WakePollFailed { cause: String, first: bool }
        "failed to poll for commits of other processes; looking once a second" [cause] WARN if first, DEBUG
        => WAKE_POLL_FAILS.show([], 1);

    /// The poll works again.
    WakePollResumed
        "poll for commits of other processes resumed" [] INFO
        => WAKE_POLL_FAILS.show([], 0);
}
