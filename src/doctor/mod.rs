//! Looks at everything that has to be right before Meta's deliveries arrive, and says what is not.
//!
//! Each check is a file of its own and says what it found, what that means and what to do about
//! it. None changes anything or stores a delivery, each has a deadline, and one that cannot be
//! made says why. The challenges that it sends are marked, so that the server does not take them
//! for Meta's.

mod address;
mod apps;
mod callback;
mod certificate;
mod challenge;
mod clock;
mod configuration;
mod consumers;
mod database;
mod disk;
mod finding;
mod metrics;
mod partitions;
mod postgres;
mod public_url;
mod rejections;
mod secrets;
mod server;
mod spool;

use crate::{
    clock::Clock,
    config::{Config, Faults, Sources},
    store::private,
};

pub use certificate::dates as certificate_dates;
pub use finding::{Check, Finding, Verdict};

/// Makes every check; what was found, in the order in which it is best read.
///
/// `config` is what was loaded from `sources`, or what is wrong with it.
pub async fn examine(
    sources: &Sources,
    config: &Result<(Config, private::Settings), Faults>,
    clock: &Clock,
) -> Vec<Finding> {
    let (config, postgres) = match config {
        Ok(loaded) => loaded,
        Err(faults) => return configuration::faulty(faults),
    };
    let (apps, mut findings) = apps::find(config);
    findings.push(configuration::right(config, sources));
    findings.extend(secrets::check(&apps));
    let (database, server, waking, spool, public) = tokio::join!(
        database::check(config, postgres, &apps, clock),
        server::check(config),
        metrics::check(config),
        spool::check(config, postgres),
        public_url::check(config.http.public_url.as_ref(), &apps, clock),
    );
    findings.extend(database);
    findings.push(disk::check("data_dir", &config.data_dir));
    findings.extend(disk::in_memory(Check::Disk, "data_dir", &config.data_dir));
    findings.extend(rejections::check(config, &apps, clock));
    findings.extend(server);
    findings.extend(waking);
    findings.extend(spool);
    findings.extend(public);
    // One check after the other, whichever part it was made in.
    findings.sort_by_key(|finding| finding.check);
    findings
}
