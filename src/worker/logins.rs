//! Records failed logins in the audit.

use std::net::IpAddr;

use tokio::sync::mpsc::Receiver;
use tokio_util::sync::CancellationToken;

use crate::{
    query::Audit,
    telemetry::{LogEvent, LoginFailed},
};

/// Records each failed login until `stop`. An entry that cannot be written is left out: the login
/// was refused in any case.
pub async fn record_failed_logins(
    mut failed: Receiver<IpAddr>,
    audit: Audit,
    stop: CancellationToken,
) {
    while let Some(Some(address)) = stop.run_until_cancelled(failed.recv()).await {
        LoginFailed.emit();
        let _ = audit.record_failed_login(address).await;
    }
}
