//! `[spool]`: where deliveries are kept while the database cannot take them, and how much of them.

use std::path::{Path, PathBuf};

use super::print::Printer;
use super::reader::Reader;
use crate::amounts::exact_size;

/// Less would not hold a delivery of an ordinary size.
const LEAST_BYTES: u64 = 1 << 20;

const MOST_BYTES: u64 = 16 << 40;

/// The directory within `data_dir`, where none is configured.
const DIRECTORY: &str = "spool";

/// The log on the local disk that takes deliveries while Postgres does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spool {
    /// Its directory; without one it is in `data_dir`.
    pub dir: Option<PathBuf>,
    /// Maximum disk usage; 0 switches the spool off.
    pub max_bytes: u64,
    /// Disk space reserved for the spool while it is empty.
    pub reserve: u64,
}

impl Spool {
    /// True if the spool is switched on.
    pub fn is_on(&self) -> bool {
        self.max_bytes > 0
    }

    /// Its directory, given `data_dir`.
    pub fn directory(&self, data_dir: &Path) -> PathBuf {
        let within = || data_dir.join(DIRECTORY);
        self.dir.clone().unwrap_or_else(within)
    }

    /// Other spool directories of the same `data_dir`, not drained by this configuration: its own
    /// directory while the spool is off, and the one in `data_dir` while the spool is elsewhere.
    pub fn others(&self, data_dir: &Path) -> Vec<PathBuf> {
        let within = data_dir.join(DIRECTORY);
        match &self.dir {
            None if self.is_on() => Vec::new(),
            None => vec![within],
            Some(_) if self.is_on() => vec![within],
            Some(dir) => vec![dir.clone(), within],
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let dir = reader.path("dir");
        let max_bytes = reader.size("max_bytes", LEAST_BYTES..=MOST_BYTES);
        let reserve = reader.size("reserve", 1..=MOST_BYTES);
        let spool = Self {
            dir,
            max_bytes: max_bytes?,
            reserve: reserve?,
        };
        if spool.is_on() && spool.reserve >= spool.max_bytes {
            let (reserve, max_bytes) = (exact_size(spool.reserve), exact_size(spool.max_bytes));
            let problem =
                format!("{reserve} is not less than spool.max_bytes, which is {max_bytes}");
            let fault = reader.fault("reserve", problem);
            reader.note(fault.allowed("less than spool.max_bytes, or 0 for none"));
        }
        Some(spool)
    }

    pub(super) fn print(&self, out: &mut Printer) {
        out.section("spool");
        out.optional("dir", self.dir.as_ref().map(|path| path.display()));
        out.text("max_bytes", exact_size(self.max_bytes));
        out.text("reserve", exact_size(self.reserve));
    }
}
