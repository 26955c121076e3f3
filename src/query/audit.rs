//! Audit of content that is shown: an entry is written before the answer, and names a person or an
//! account only by a keyed hash.

use std::{fmt, net::IpAddr};

use secrecy::SecretString;

use super::{Scope, Session};
use crate::{
    meta::signature::Signer,
    store::{
        ConnectOptions, Error,
        audit::{AccountLabels, AuditEntry, AuditFilter, AuditLog},
        read::AuditRow,
    },
};

/// Key of the hashes.
#[derive(Clone)]
pub struct AuditKey(Signer);

impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditKey")
    }
}

impl AuditKey {
    /// A key from a random text.
    pub fn new(text: &SecretString) -> Self {
        Self(Signer::new(text))
    }

    /// Hash of the id of a person or an account: 32 hexadecimal digits.
    pub fn hash(&self, id: &str) -> String {
        let signature = self.0.signature(id.as_bytes());
        let digits = signature.trim_start_matches("sha256=");
        digits.chars().take(32).collect()
    }
}

/// Subject of an entry.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// Position or delivery id, stored unchanged.
    Id(&'a str),
    /// Id of a person or an account, stored as a hash.
    Personal(&'a str),
    /// None in particular.
    None,
}

/// Writer of the audit.
#[derive(Clone, Debug)]
pub struct Audit {
    log: AuditLog,
    key: AuditKey,
}

impl Audit {
    /// Creates a writer on the server of `options`.
    pub fn new(options: &ConnectOptions, key: AuditKey) -> Self {
        Self {
            log: AuditLog::new(options),
            key,
        }
    }

    /// Records that content is about to be shown to the caller of `scope` at `address`.
    ///
    /// # Errors
    /// If the entry cannot be written. The content must then not be shown.
    pub async fn record(
        &self,
        scope: &Scope,
        address: Option<IpAddr>,
        verb: &'static str,
        (subject, rows): (Subject<'_>, Option<usize>),
    ) -> Result<(), Error> {
        let subject = match subject {
            Subject::Id(id) => Some(id.to_owned()),
            Subject::Personal(id) => Some(self.key.hash(id)),
            Subject::None => None,
        };
        let entry = AuditEntry {
            token: scope.name().to_owned(),
            address,
            verb,
            subject,
            rows: rows.and_then(|rows| rows.try_into().ok()),
        };
        self.log.write(&entry).await
    }

    /// Records a failed login from `address`.
    ///
    /// # Errors
    /// If the entry cannot be written.
    pub async fn record_failed_login(&self, address: IpAddr) -> Result<(), Error> {
        let entry = AuditEntry {
            token: String::new(),
            address: Some(address),
            verb: "login_failed",
            subject: None,
            rows: None,
        };
        self.log.write(&entry).await
    }

    /// Changes the labels of the accounts with this id.
    ///
    /// # Errors
    /// If Postgres is unavailable or does not answer in time.
    pub async fn set_labels(&self, account: &str, labels: &AccountLabels) -> Result<u64, Error> {
        self.log.set_labels(account, labels).await
    }

    /// Key of the hashes.
    pub fn key(&self) -> &AuditKey {
        &self.key
    }
}

impl Session {
    /// Reads the newest entries of the audit, at most `limit`, the newest first. `subject` is a
    /// position, a delivery, a person or an account.
    pub async fn audit(
        &mut self,
        mut filter: AuditFilter,
        (subject, key): (Option<&str>, &AuditKey),
        limit: u32,
    ) -> Result<Vec<AuditRow>, Error> {
        filter.subjects = subject.map_or_else(Vec::new, |it| vec![it.to_owned(), key.hash(it)]);
        self.reader.audit(&filter, limit).await
    }
}
