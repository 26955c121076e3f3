//! Wait until the spool is empty, verified by opening the spool and not only by asking the server.

use std::time::{Duration, Instant};

use anyhow::bail;
use hookshelf::{
    clock::Clock,
    spool::{FILE_BYTES, Settings, Spool},
};

use crate::world::{ASKING, HEALING, SPOOL_BYTES, World};

impl World {
    /// Waits until the spool is empty, and verifies it while Hookshelf is stopped. Hookshelf runs
    /// again afterwards. Returns the number of files and records set aside.
    pub(crate) async fn empty_spool(&mut self) -> anyhow::Result<u64> {
        let begun = Instant::now();
        loop {
            self.heal().await?;
            self.drained().await;
            self.stop_hookshelf().await?;
            let status = self.spool_status()?;
            if status.0 == 0 {
                self.heal().await?;
                return Ok(status.1);
            }
            if begun.elapsed() > HEALING {
                bail!(
                    "{} deliveries still in the spool: it is not drained",
                    status.0
                );
            }
        }
    }

    /// Waits a limited time until the server reports an empty spool.
    async fn drained(&self) {
        for _ in 0..200 {
            let Ok(report) = self.hookshelf.get("/v1/spool").await else {
                // A server that does not answer needs a moment.
                return tokio::time::sleep(Duration::from_secs(2)).await;
            };
            let report: serde_json::Value = serde_json::from_str(&report).unwrap_or_default();
            if report["records"] == 0 {
                return;
            }
            tokio::time::sleep(ASKING).await;
        }
    }

    /// Returns the number of waiting records, and of files and records set aside.
    fn spool_status(&self) -> anyhow::Result<(u64, u64)> {
        let dir = self.spool();
        if !dir.exists() {
            return Ok((0, 0));
        }
        let settings = Settings {
            dir,
            max_bytes: SPOOL_BYTES,
            reserve: self.reserve(),
            file_bytes: FILE_BYTES,
        };
        let status = Spool::open(&settings, Clock::system())?.status();
        Ok((
            status.records,
            status.files_set_aside + status.records_set_aside,
        ))
    }
}
