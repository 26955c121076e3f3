//! Audit of content that is shown: an entry is written before the answer, and names a person or an
//! account only by a keyed hash.

use std::{io, net::IpAddr};

use super::{AuditKey, Scope, Session};
use crate::store::{
    self, Writes,
    audit::{self, AuditEntry, AuditFilter},
    read::{AuditRow, Place},
};

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
    writes: Writes,
    key: AuditKey,
    /// False for local commands: who reads the database with them can also read it with SQL.
    records: bool,
}

/// Failure to record content. The content must then not be shown.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// There is no key for the hashes.
    #[error("audit.key in the data directory can be neither read nor created")]
    Key(#[source] io::Error),
    /// Postgres did not store the entry.
    #[error("the audit entry could not be written")]
    Store(#[from] store::Error),
}

impl Audit {
    /// Creates a writer with sessions of `writes`.
    pub fn new(writes: Writes, key: AuditKey) -> Self {
        Self {
            writes,
            key,
            records: true,
        }
    }

    /// The audit for local commands, which are not recorded.
    #[must_use]
    pub fn unrecorded(self) -> Self {
        Self {
            records: false,
            ..self
        }
    }

    /// Records that content is about to be shown to the caller of `scope` at `address`. Returns the
    /// entry.
    ///
    /// # Errors
    /// If the entry cannot be written.
    pub async fn record(
        &self,
        scope: &Scope,
        address: Option<IpAddr>,
        verb: &'static str,
        (subject, rows): (Subject<'_>, Option<usize>),
    ) -> Result<AuditEntry, AuditError> {
        let mut entry = AuditEntry {
            token: scope.name().to_owned(),
            address,
            verb,
            subject: None,
            rows: rows.and_then(|rows| rows.try_into().ok()),
        };
        if !self.records {
            return Ok(entry);
        }
        // Every entry needs the key, so that content is shown with it or not at all.
        self.load_key().await?;
        entry.subject = match subject {
            Subject::Id(id) => Some(id.to_owned()),
            Subject::Personal(id) => Some(self.key.hash(id).map_err(AuditError::Key)?),
            Subject::None => None,
        };
        self.write(&entry).await?;
        Ok(entry)
    }

    /// Records a change that the caller of `scope` at `address` is about to make, also one of a local
    /// command. `rows` is the number of events that it concerns.
    ///
    /// # Errors
    /// If the entry cannot be written.
    pub async fn record_change(
        &self,
        scope: &Scope,
        address: Option<IpAddr>,
        verb: &'static str,
        (subject, rows): (&str, Option<i64>),
    ) -> Result<(), store::Error> {
        let entry = AuditEntry {
            token: scope.name().to_owned(),
            address,
            verb,
            subject: Some(subject.to_owned()),
            rows,
        };
        audit::write(&self.writes, &entry).await
    }

    /// Writes an entry.
    ///
    /// # Errors
    /// If the entry cannot be written.
    pub async fn write(&self, entry: &AuditEntry) -> Result<(), store::Error> {
        if !self.records {
            return Ok(());
        }
        audit::write(&self.writes, entry).await
    }

    /// Loads the key on a thread of its own: a disk may be slow, and deliveries must not wait.
    async fn load_key(&self) -> Result<(), AuditError> {
        let key = self.key.clone();
        let loaded = tokio::task::spawn_blocking(move || key.load()).await;
        loaded
            .map_err(io::Error::other)
            .flatten()
            .map_err(AuditError::Key)
    }

    /// Names of a position, delivery, person or account in the audit.
    ///
    /// # Errors
    /// If there is no key.
    pub async fn subjects(&self, id: &str) -> Result<Vec<String>, AuditError> {
        self.load_key().await?;
        let hash = self.key.hash(id).map_err(AuditError::Key)?;
        Ok(vec![id.to_owned(), hash])
    }

    /// Records a failed login from `address`.
    ///
    /// # Errors
    /// If the entry cannot be written.
    pub async fn record_failed_login(&self, address: IpAddr) -> Result<(), store::Error> {
        let entry = AuditEntry {
            token: String::new(),
            address: Some(address),
            verb: "login_failed",
            subject: None,
            rows: None,
        };
        self.write(&entry).await
    }
}

impl Session {
    /// Reads the newest entries of the audit before the first place, or else the oldest ones after
    /// the second: at most `limit`, the newest first.
    pub async fn audit(
        &mut self,
        filter: &AuditFilter,
        places: [Option<Place>; 2],
        limit: u32,
    ) -> Result<Vec<AuditRow>, store::Error> {
        self.reader.audit(filter, places, limit).await
    }
}
