//! Replays and their plans. A caller whose scope is restricted to apps or clients has none: a replay
//! has the events of its target, whatever the caller may see.

use super::Session;
use crate::store::{
    Error,
    read::{PlannedEvents, ReplayCounts},
    replays::Replay,
};

impl Session {
    /// Counts the events of a plan.
    pub async fn plan_replay(
        &mut self,
        planned: &PlannedEvents<'_>,
    ) -> Result<ReplayCounts, Error> {
        self.reader.plan_replay(planned).await
    }

    /// Reads a replay.
    pub async fn replay(&mut self, id: i32) -> Result<Option<Replay>, Error> {
        let found = self.reader.replay(id).await?;
        Ok(found.filter(|_| !self.scope.is_restricted()))
    }

    /// Reads the first running replay of a consumer.
    pub async fn running_replay(&mut self, consumer: &str) -> Result<Option<Replay>, Error> {
        let found = self.reader.running_replay(consumer).await?;
        Ok(found.filter(|_| !self.scope.is_restricted()))
    }

    /// Reads replays, the newest first, at most `limit`; only those of a consumer, or before a
    /// number, if these are given.
    pub async fn replays(
        &mut self,
        consumer: Option<&str>,
        before: Option<i32>,
        limit: u32,
    ) -> Result<Vec<Replay>, Error> {
        if self.scope.is_restricted() {
            return Ok(Vec::new());
        }
        self.reader.replays(consumer, before, limit).await
    }
}
