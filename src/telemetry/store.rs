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
    /// The server started without Postgres and tries again every 2 s. Logged once for each cause.
    DatabaseAway<'a> { cause: &'a str }
        "database away at the start" [cause] WARN;

    /// Postgres was reached after a start without it.
    DatabaseOpened
        "database opened" [] INFO;

    /// Less than `database.min_free` is free. Deliveries go to the spool.
    DiskLow { free: u64, least: u64 }
        "too little room on the disk of Postgres, nothing is committed" [free, least] ERROR;

    /// An eighth more than `database.min_free` is free.
    DiskRoomy { free: u64 }
        "room on the disk of Postgres again" [free] INFO;

    /// The deliveries of the commit went to the spool or got no 200.
    CommitFailed { code: &'static str, cause: String, first: bool }
        "commit failed" [code, cause] WARN if first, DEBUG
        => COMMIT_FAILURES.count([("code", code.into())]);

    /// First commit after failures.
    CommitsResumed
        "commits resumed" [] INFO;

    /// Settings that protect commits are `off`: a crash can lose deliveries that got 200. INFO if
    /// `database.allow_lossy_commits` is true.
    DurabilityChanged { off: String, allowed: bool }
        "Postgres may lose what it has committed" [off, allowed] INFO if allowed, WARN;

    /// The settings that protect commits are on again.
    DurabilityRestored
        "Postgres keeps what it has committed again" [] INFO;

    /// The delivery is stored with `problem` = `refused`. `cause` is the SQLSTATE and the
    /// constraint.
    EventsRefused { events: usize, cause: String }
        "events refused by Postgres; their delivery is kept" [events, cause] ERROR;

    /// A bug: deliveries wait, and the writer made no progress for 10 s.
    WriterStuck
        "writer stuck; the service manager will restart the server" [] ERROR;

    /// Maintenance of partitions, dedupe window, rejections or callbacks failed. Tried again.
    UpkeepFailed { part: &'static str, cause: String }
        "upkeep failed" [part, cause] WARN
        => UPKEEP_FAILURES.count([("part", part.into())]);

    /// The dedupe keys of the window before the last were dropped.
    EpochAdvanced
        "dedupe window began" [] INFO;

    /// A follower of positions made progress or has less to do. Moves metrics only.
    FollowerMoved { follower: String, positions: u64, seconds: f64 }
        => {
            FOLLOWER_LAG_POSITIONS.show([("follower", follower.clone().into())], positions);
            FOLLOWER_LAG_SECONDS.gauge([("follower", follower.into())]).set(seconds);
        };

    /// A follower failed and tries again from the same position.
    FollowerStumbled { follower: String, cause: String, first: bool }
        "follower stumbled" [follower, cause] WARN if first, DEBUG
        => FOLLOWER_FAILURES.count([("follower", follower.into())]);

    /// The follower works again.
    FollowerResumed { follower: String }
        "follower resumed" [follower] INFO;
}
