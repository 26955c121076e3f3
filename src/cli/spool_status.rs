//! The status of the spool in words.

use crate::{
    amounts::{count, deliveries, size, span},
    spool::SpoolReport,
};

/// The route that says how the spool stands.
pub(super) const STATUS: &str = "/v1/spool";

/// Deliveries in a directory that no server drains, and the advice.
pub(super) const LEFT_BEHIND: &str = "deliveries that got 200 and are not in Postgres; run \
    the server with that directory as spool.dir, and max_bytes not 0, until `hookshelf spool \
    status` shows none";

/// State of the spool, a line each.
pub(super) fn lines(report: &SpoolReport) -> Vec<(&'static str, String)> {
    let dir = ("directory", report.dir.display().to_string());
    let left = report.left_behind.iter();
    let left = left.map(|it| ("left behind", format!("in {}: {LEFT_BEHIND}", it.display())));
    if let Some(why) = &report.why_off {
        let off = format!("off, because {why}: deliveries get 503 while Postgres is unavailable");
        return [("spool", off), dir].into_iter().chain(left).collect();
    }
    let state = report.obstacle_means.clone();
    let state = state.unwrap_or_else(|| "on, accepts deliveries".to_owned());
    let room = format!(
        "{} of {} in {}; {} of the disk are reserved",
        size(report.bytes),
        size(report.max_bytes),
        count(report.files, "file", "files"),
        size(report.reserved)
    );
    let mut lines = vec![
        ("spool", state),
        dir,
        ("waiting", waiting(report)),
        ("room", room),
        ("drain", drain(report)),
    ];
    lines.extend(set_aside(report).map(|said| ("set aside", said)));
    lines.extend(left);
    lines
}

fn waiting(report: &SpoolReport) -> String {
    let Some(oldest) = report.oldest_received_at.filter(|_| report.records > 0) else {
        return deliveries(report.records);
    };
    format!(
        "{}, the oldest received {oldest:.0}, {} ago",
        deliveries(report.records),
        span(whole(report.oldest_age_seconds.unwrap_or_default()))
    )
}

fn drain(report: &SpoolReport) -> String {
    let drained = format!("{} since the start", deliveries(report.drained));
    match obstacle(report) {
        Some(why) => format!("stalled: {why}; {drained}"),
        None if report.records > 0 => format!("{:.0} a second; {drained}", report.drain_rate),
        None => drained,
    }
}

/// Reason why waiting deliveries cannot be drained now.
pub(super) fn obstacle(report: &SpoolReport) -> Option<String> {
    let code = report.drain_obstacle.as_deref();
    let why = match code.filter(|_| report.records > 0)? {
        "postgres" if report.passed_over > 0 => {
            "Postgres is unavailable, or fails on the deliveries that are left; see the log"
        }
        "postgres" => "Postgres is unavailable or fails; see the log",
        "database" => "the database was not reached since the start of the server",
        "disk" => "the disk of Postgres has less free space than database.min_free",
        "spool" => "the spool cannot be read or written",
        other => other,
    };
    let means = report.drain_obstacle_means.as_ref();
    Some(means.map_or_else(|| why.to_owned(), |means| format!("{why} ({means})")))
}

/// Files kept for a person.
fn set_aside(report: &SpoolReport) -> Option<String> {
    let (files, records) = (report.files_set_aside, report.records_set_aside);
    let files = (files > 0).then(|| count(files, "file", "files"));
    let records = (records > 0).then(|| count(records, "record", "records"));
    let what: Vec<_> = files.into_iter().chain(records).collect();
    (!what.is_empty()).then(|| {
        format!(
            "{} could not be read: see \"Files set aside\" in docs/operations.md",
            what.join(" and ")
        )
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole seconds; a negative number becomes 0"
)]
fn whole(seconds: f64) -> u64 {
    seconds as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines as they are printed, without the padding.
    fn told(report: &SpoolReport) -> String {
        let lines = lines(report).into_iter();
        let lines = lines.map(|(name, value)| format!("{name}: {value}"));
        lines.collect::<Vec<_>>().join("\n")
    }

    fn idle() -> SpoolReport {
        SpoolReport {
            on: true,
            dir: "/data/spool".into(),
            max_bytes: 1 << 30,
            reserve: 64 << 20,
            reserved: 64 << 20,
            drained: 7,
            ..SpoolReport::default()
        }
    }

    #[test]
    fn an_idle_spool_is_told_in_few_lines() {
        insta::assert_snapshot!(told(&idle()), @"
        spool: on, accepts deliveries
        directory: /data/spool
        waiting: 0 deliveries
        room: 0 bytes of 1 GiB in 0 files; 64 MiB of the disk are reserved
        drain: 7 deliveries since the start
        ");
    }

    #[test]
    fn an_outage_is_told_with_what_is_in_the_way() {
        let report = SpoolReport {
            records: 1204,
            bytes: 3 << 20,
            files: 1,
            reserved: 57 << 20,
            oldest_received_at: Some("2026-11-21T12:00:00.25Z".parse().unwrap()),
            oldest_age_seconds: Some(243.9),
            drain_obstacle: Some("postgres".to_owned()),
            files_set_aside: 1,
            ..idle()
        };
        insta::assert_snapshot!(told(&report), @r#"
        spool: on, accepts deliveries
        directory: /data/spool
        waiting: 1204 deliveries, the oldest received 2026-11-21T12:00:00Z, 4 min 3 s ago
        room: 3 MiB of 1 GiB in 1 file; 57 MiB of the disk are reserved
        drain: stalled: Postgres is unavailable or fails; see the log; 7 deliveries since the start
        set aside: 1 file could not be read: see "Files set aside" in docs/operations.md
        "#);
        let rate = SpoolReport {
            drain_obstacle: None,
            drain_rate: 131.6,
            ..report
        };
        assert_eq!(drain(&rate), "132 a second; 7 deliveries since the start");
    }

    #[test]
    fn one_that_is_off_or_full_says_so() {
        insta::assert_snapshot!(told(&SpoolReport::off("/data/spool".into())), @"
        spool: off, because spool.max_bytes is 0: deliveries get 503 while Postgres is unavailable
        directory: /data/spool
        ");
        let full = SpoolReport {
            obstacle: Some("full".to_owned()),
            obstacle_means: Some("the spool does not accept deliveries: it is full".to_owned()),
            ..idle()
        };
        assert!(
            told(&full).starts_with("spool: the spool does not accept deliveries: it is full\n")
        );
    }

    #[test]
    fn what_the_disk_of_the_spool_said_is_told_where_it_keeps_the_drain_from_getting_on() {
        let report = SpoolReport {
            records: 2,
            drain_obstacle: Some("spool".to_owned()),
            drain_obstacle_means: Some("the spool cannot delete /data/1".to_owned()),
            ..idle()
        };
        let why = "the spool cannot be read or written (the spool cannot delete /data/1)";
        assert_eq!(obstacle(&report).as_deref(), Some(why));
    }

    #[test]
    fn what_no_server_drains_is_told_whether_a_spool_is_on_or_off() {
        let left = || vec!["/data/old".into()];
        for report in [idle(), SpoolReport::off("/data/spool".into())] {
            let told = told(&report.beside(left()));
            let last = told.lines().last().unwrap_or_default();
            let begins = "left behind: in /data/old: deliveries that got 200 and are not in";
            assert!(last.starts_with(begins), "{told}");
        }
    }
}
