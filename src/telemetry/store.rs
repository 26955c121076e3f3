//! What happens on the way into Postgres and behind it: commits that fail and resume, the upkeep of
//! tables, and followers. A cause carries no password and no value of a delivery.

use super::{
    messages::messages,
    metrics::{
        COMMIT_FAILURES, FOLLOWER_FAILURES, FOLLOWER_LAG_POSITIONS, FOLLOWER_LAG_SECONDS,
        UPKEEP_FAILURES,
    },
};

messages! {
    /// The server started without its database: deliveries go into the spool.
    DatabaseAway<'a> { cause: &'a str }
        "database away at the start" [cause] WARN;

    /// The database that was away at the start is there, with its schema.
    DatabaseOpened
        "database opened" [] INFO;

    /// The disk of the private Postgres has less room than `database.min_free`: nothing is
    /// committed.
    DiskLow { free: u64, least: u64 }
        "too little room on the disk of Postgres, nothing is committed" [free, least] ERROR;

    /// The disk of the private Postgres has enough room again.
    DiskRoomy { free: u64 }
        "room on the disk of Postgres again" [free] INFO;

    /// A commit did not happen, for the first time after commits that succeeded or again; its
    /// deliveries go into the spool, or are not acked.
    CommitFailed { code: &'static str, cause: String, first: bool }
        "commit failed" [code, cause] WARN if first, DEBUG
        => COMMIT_FAILURES.count([("code", code.into())]);

    /// A commit succeeded again.
    CommitsResumed
        "commits resumed" [] INFO;

    /// Settings of Postgres that commits need were found off; the configuration may allow it.
    DurabilityChanged { off: String, allowed: bool }
        "Postgres may lose what it has committed" [off, allowed] INFO if allowed, WARN;

    /// The settings that commits need are on again.
    DurabilityRestored
        "Postgres keeps what it has committed again" [] INFO;

    /// Postgres refused the events of a delivery, which was kept without them. The cause is the
    /// SQLSTATE and the constraint.
    EventsRefused { events: usize, cause: String }
        "events refused by Postgres; their delivery is kept" [events, cause] ERROR;

    /// The writer has not made a turn for long, while deliveries wait for it.
    WriterStuck
        "writer stuck; the service manager will restart the server" [] ERROR;

    /// The tables could not be kept up: partitions, the dedupe epoch, the counts of rejections,
    /// what happened at the callback URLs.
    UpkeepFailed { part: &'static str, cause: String }
        "upkeep failed" [part, cause] WARN
        => UPKEEP_FAILURES.count([("part", part.into())]);

    /// The dedupe keys of the window before the last were dropped, and a new window began.
    EpochAdvanced
        "dedupe window began" [] INFO;

    /// A follower of positions went as far as it could, or has come nearer to the end of the log.
    FollowerMoved { follower: String, positions: u64, seconds: f64 }
        => {
            FOLLOWER_LAG_POSITIONS.show([("follower", follower.clone().into())], positions);
            FOLLOWER_LAG_SECONDS.gauge([("follower", follower.into())]).set(seconds);
        };

    /// A follower could not go on, for the first time after it went well or again; it tries again
    /// from where it was.
    FollowerStumbled { follower: String, cause: String, first: bool }
        "follower stumbled" [follower, cause] WARN if first, DEBUG
        => FOLLOWER_FAILURES.count([("follower", follower.into())]);

    /// A follower that had stumbled goes on.
    FollowerResumed { follower: String }
        "follower resumed" [follower] INFO;
}
