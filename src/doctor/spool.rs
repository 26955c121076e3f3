//! The spool: whether deliveries have a place while the database is away, and what is in it.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use nix::unistd::{AccessFlags, access};

use super::{
    disk::{in_memory, left, nearest},
    finding::{Check, Finding},
    server::{self, Server, Unanswered},
};
use crate::{
    amounts::{count, size},
    config::Config,
    spool::{DirStats, SpoolReport, left_behind},
    store::private,
};

/// Consequence of undrained deliveries in a spool.
const UNDRAINED: &str = "they got 200, and are not in Postgres until a server drains them";

/// Looks at the directory, and asks the server where it runs.
pub(super) async fn check(config: &Config, postgres: &private::Settings) -> Vec<Finding> {
    let dir = config.spool.directory(&config.data_dir);
    let is_private = config.database.url.is_none();
    let mut findings = vec![match (config.spool.is_on(), ask(config).await) {
        (is_on, Ok(report)) => running(&dir, is_on, &report),
        (false, Err(_)) => off(&dir),
        (true, Err(Unanswered::Silent)) => unknown(),
        (true, Err(Unanswered::Absent | Unanswered::Another)) => idle(&dir),
    }];
    let used = config.spool.is_on().then_some(dir.as_path());
    let others = left_behind(config.spool.others(&config.data_dir), used);
    // Of its own directory it is said above that it is off.
    let others = others.iter().filter(|it| **it != dir);
    findings.extend(others.map(|it| nobodys(it)));
    if is_private {
        findings.extend(too_little_free(config.database.min_free, &postgres.dir));
    }
    if config.spool.is_on() {
        findings.extend(room(&dir, config.spool.max_bytes));
        // Of the data directory it is said in its own place.
        if !dir.starts_with(&config.data_dir) {
            findings.extend(in_memory(Check::Spool, "the spool", &dir));
        }
        if is_private {
            findings.extend(beside(&dir, "the private Postgres", &postgres.dir));
        }
    }
    findings
}

/// Objects to a database in `other` whose disk is that of the spool in `dir`.
pub(super) fn beside(dir: &Path, name: &str, other: &Path) -> Option<Finding> {
    let device = |path: &Path| fs::metadata(nearest(path)).map(|it| it.dev()).ok();
    let same = device(dir).is_some_and(|it| device(other) == Some(it));
    let (dir, other) = (dir.display(), other.display());
    let found = format!("the spool and {name} are on one file system: {dir} and {other}");
    same.then(|| {
        Finding::warning(Check::Spool, found)
            .means("if it is full or breaks, both are affected: only `spool.reserve` is guaranteed")
            .remedy("set spool.dir to a directory on another disk, if there is one")
    })
}

/// Asks the running server for the status of its spool. The answer is `Unanswered::Silent` if the
/// server does not know the question. Answers of other servers are ignored.
async fn ask(config: &Config) -> Result<SpoolReport, Unanswered> {
    let server = Server::find(config).map_err(|_| Unanswered::Absent)?;
    let address = server::address(config.admin.listen).ok_or(Unanswered::Absent)?;
    let path = config.admin.base_path.join("/v1/spool");
    let answer = server.ask(address, &path).await?;
    let report = answer.error_for_status().map_err(|_| Unanswered::Silent)?;
    let body = report.bytes().await.unwrap_or_default();
    serde_json::from_slice(&body).map_err(|_| Unanswered::Silent)
}

fn unknown() -> Finding {
    let why = "the running server reports no spool";
    Finding::unchecked(Check::Spool, why).remedy("see the check `server`")
}

/// Switched off by the configuration. What is left there is nobody's any more.
fn off(dir: &Path) -> Finding {
    if let Some(files) = files(dir) {
        let found = format!("the spool is off, and {} holds {files}", dir.display());
        return Finding::wrong(Check::Spool, found)
            .means(UNDRAINED)
            .remedy("set spool.max_bytes again until `hookshelf spool status` shows none");
    }
    Finding::warning(Check::Spool, "the spool is off: spool.max_bytes is 0")
        .means(
            "deliveries get 503 while Postgres is unavailable, and Meta sends them again for a \
            while",
        )
        .remedy("set spool.max_bytes, unless no disk survives a restart")
}

/// The directory of a spool that was in use before another one was configured.
fn nobodys(dir: &Path) -> Finding {
    let files = files(dir).unwrap_or_default();
    let dir = dir.display();
    let found = format!("{dir} holds {files}, and is not spool.dir any more");
    Finding::wrong(Check::Spool, found)
        .means(UNDRAINED)
        .remedy("run the server with that directory as spool.dir until `spool status` shows none")
}

/// The files with deliveries in a directory, where there are some.
fn files(dir: &Path) -> Option<String> {
    let found = DirStats::read(dir).unwrap_or_default();
    (found.files > 0).then(|| format!("{} with deliveries", count(found.files, "file", "files")))
}

/// Judges the spool status of the running server.
fn running(dir: &Path, wanted: bool, report: &SpoolReport) -> Finding {
    if report.on != wanted || wanted && report.dir != dir {
        let found = "the server runs with another [spool] than the present configuration has";
        return Finding::warning(Check::Spool, found)
            .means("a reload changes only `[apps]`")
            .remedy("restart the server");
    }
    if !report.on {
        return off(dir);
    }
    if let Some(means) = &report.obstacle_means {
        return Finding::wrong(Check::Spool, means.clone())
            .means("deliveries get 503 while Postgres is unavailable")
            .remedy("remove the cause; `hookshelf spool status` shows it");
    }
    if report.files_set_aside + report.records_set_aside > 0 {
        return set_aside(dir, report.files_set_aside, report.records_set_aside);
    }
    if let (Some(cause), 1..) = (&report.drain_obstacle, report.records) {
        let why = report.drain_obstacle_means.as_ref().unwrap_or(cause);
        let found = format!(
            "{} deliveries wait; the drain is stalled: {why}",
            report.records
        );
        return Finding::warning(Check::Spool, found)
            .means("they are safe, and not in Postgres yet")
            .remedy("see the check `database`, and the server's log");
    }
    if report.bytes == 0 && report.reserved < report.reserve {
        let (held, wanted) = (size(report.reserved), size(report.reserve));
        let found = format!(
            "{held} of the disk are reserved for the spool; spool.reserve is \
            {wanted}"
        );
        return Finding::warning(Check::Spool, found)
            .means("if other data fills the disk, the spool holds less")
            .remedy("make room there: the server takes it by itself");
    }
    let room = size(report.max_bytes.saturating_sub(report.bytes));
    let waiting = report.records;
    let found = format!("accepts deliveries, with room for {room}; {waiting} wait");
    Finding::ok(Check::Spool, found)
}

/// Checks the spool directory without a server and without writing to it.
fn idle(dir: &Path) -> Finding {
    let place = nearest(dir);
    let access = access(place, AccessFlags::W_OK | AccessFlags::X_OK);
    let place = place.display();
    if let Err(error) = access {
        let found = format!("{place} cannot be written by this user: {error}");
        return Finding::wrong(Check::Spool, found)
            .means("the server does not start with it, if it runs as this user")
            .remedy("give the server's user the directory, or choose another spool.dir");
    }
    if let Some((file, error)) = kept_from_us(dir) {
        let file = file.display();
        let found = format!("{file} cannot be read and written by this user: {error}");
        return Finding::wrong(Check::Spool, found)
            .means("the server may not start with it, if it runs as this user")
            .remedy("give the server's user the directory with all that is in it: chown -R");
    }
    match DirStats::read(dir) {
        Err(error) => {
            let why = format!("failed to read {}: {error}", dir.display());
            Finding::unchecked(Check::Spool, why)
        }
        Ok(found) if found.set_aside > 0 => set_aside(dir, found.set_aside, 0),
        Ok(found) if found.files > 0 => {
            let (files, dir) = (count(found.files, "file", "files"), dir.display());
            let found = format!("deliveries wait in {dir}, in {files}");
            Finding::warning(Check::Spool, found)
                .means(UNDRAINED)
                .remedy("start `hookshelf serve`, with the same configuration")
        }
        Ok(_) => {
            let found = format!("{place} can be written; nothing waits");
            Finding::ok(Check::Spool, found)
        }
    }
}

/// A file of the spool that this user may not use, as after a move by another one.
fn kept_from_us(dir: &Path) -> Option<(PathBuf, nix::Error)> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut paths = entries.map(|entry| entry.path()).filter(|it| it.is_file());
    paths.find_map(|path| {
        let refused = access(&path, AccessFlags::R_OK | AccessFlags::W_OK).err()?;
        Some((path, refused))
    })
}

fn set_aside(dir: &Path, files: u64, records: u64) -> Finding {
    let (set_aside, dir) = (count(files, "file", "files"), dir.display());
    let found = match files {
        // They are on their way into one.
        0 => format!("{records} of the records could not be read"),
        _ => format!("{set_aside} could not be read: set aside in {dir}"),
    };
    Finding::wrong(Check::Spool, found)
        .means("deliveries in them got 200, and are not in Postgres")
        .remedy("keep the files, and see \"Files set aside\" in docs/operations.md")
}

/// Less room than the spool may take.
fn room(dir: &Path, max_bytes: u64) -> Option<Finding> {
    let (place, left) = left(dir).ok()?;
    let held = held(dir);
    let missing = max_bytes.saturating_sub(held + left.bytes);
    let (free, place) = (size(left.bytes), place.display());
    let rest = size(max_bytes.saturating_sub(held));
    let found = format!("{free} are free for the spool at {place}, which may take {rest}");
    (missing > 0).then(|| {
        Finding::warning(Check::Spool, found)
            .means("the disk fills up before the spool does, and other programs on it stop")
            .remedy("make room, or set a smaller spool.max_bytes")
    })
}

/// Bytes of disk already used by the spool.
fn held(dir: &Path) -> u64 {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let blocks = entries.filter_map(|entry| Some(entry.metadata().ok()?.blocks()));
    blocks.sum::<u64>() * 512
}

/// Less room beside the private Postgres than it is to have.
fn too_little_free(min_free: u64, postgres: &Path) -> Option<Finding> {
    let (place, left) = left(postgres).ok()?;
    let (free, place, least) = (size(left.bytes), place.display(), size(min_free));
    let found = format!("{free} are free at {place}, and database.min_free is {least}");
    (left.bytes < min_free).then(|| {
        Finding::wrong(Check::Spool, found)
            .means("nothing is committed: deliveries go into the spool, or get 503 without one")
            .remedy("make room, or set a smaller database.min_free")
    })
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    fn report() -> SpoolReport {
        SpoolReport {
            on: true,
            dir: "/data/spool".into(),
            max_bytes: 1 << 30,
            ..SpoolReport::default()
        }
    }

    #[test]
    fn a_running_spool_is_judged_by_what_it_says_of_itself() {
        let says = |verdict, part: &str, report: &SpoolReport| {
            let finding = running(Path::new("/data/spool"), true, report);
            assert_eq!(finding.verdict, verdict, "{finding:?}");
            assert!(finding.found.contains(part), "{finding:?}");
        };
        let mut it = report();
        says(Verdict::Ok, "with room for 1 GiB; 0 wait", &it);
        it.obstacle_means = Some("the spool does not accept deliveries: it is full".to_owned());
        says(Verdict::Wrong, "it is full", &it);
        it = report();
        it.files_set_aside = 1;
        says(Verdict::Wrong, "1 file could not be read", &it);
        it = report();
        (it.records, it.drain_obstacle) = (3, Some("postgres".to_owned()));
        says(Verdict::Warning, "3 deliveries wait; the drain", &it);
        says(Verdict::Warning, "the drain is stalled: postgres", &it);
        it.drain_obstacle_means = Some("the spool cannot delete /data/1".to_owned());
        says(
            Verdict::Warning,
            "stalled: the spool cannot delete /data/1",
            &it,
        );
        it = report();
        (it.reserve, it.reserved) = (64 << 20, 3 << 20);
        says(Verdict::Warning, "3 MiB of the disk are reserved", &it);
        // What is missing was given up for what waits.
        it.bytes = 1 << 20;
        says(Verdict::Ok, "accepts deliveries", &it);
        it.dir = "/other".into();
        says(Verdict::Warning, "runs with another [spool]", &it);
    }

    #[test]
    fn what_an_idle_directory_shows_is_judged() {
        let dir = tempfile::TempDir::new().unwrap();
        let dir = dir.path().join("spool");
        assert_eq!(idle(&dir).verdict, Verdict::Ok);
        assert_eq!(off(&dir).verdict, Verdict::Warning);
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join("spool-0000000001.segment"), "").unwrap();
        assert_eq!(idle(&dir).verdict, Verdict::Warning);
        assert_eq!(off(&dir).verdict, Verdict::Wrong);
        let aside = "spool-0000000002.segment.corrupt-20261121T101112Z";
        fs::write(dir.join(aside), "").unwrap();
        assert_eq!(idle(&dir).verdict, Verdict::Wrong);
    }

    #[test]
    fn one_file_system_is_told_from_two() {
        let dir = tempfile::TempDir::new().unwrap();
        let spool = dir.path().join("spool/deep");
        let found = beside(&spool, "Postgres", &dir.path().join("postgres"));
        assert_eq!(found.unwrap().verdict, Verdict::Warning);
        assert!(beside(&spool, "Postgres", Path::new("/proc")).is_none());
    }

    #[test]
    fn room_that_is_not_there_is_told() {
        let dir = tempfile::TempDir::new().unwrap();
        assert!(room(dir.path(), 1).is_none());
        let found = room(dir.path(), 1 << 60).unwrap();
        assert_eq!(found.verdict, Verdict::Warning);
        assert!(too_little_free(0, dir.path()).is_none());
        let found = too_little_free(1 << 60, dir.path()).unwrap();
        assert_eq!(found.verdict, Verdict::Wrong);
    }
}
