//! Stored states of consumers.

use super::Session;
use crate::store::{
    Error,
    consumers::{ConsumerStatus, WaitingLane},
};

impl Session {
    /// Reads all consumers, by name, without destinations. They read the events of all apps and
    /// clients: a restricted scope gets none.
    pub async fn consumers(&mut self) -> Result<Vec<ConsumerStatus>, Error> {
        if self.scope.is_restricted() {
            return Ok(Vec::new());
        }
        self.reader.consumers().await
    }

    /// Reads the waiting lanes of the consumer `name`, in the order of their heads; none if the scope
    /// is restricted.
    pub async fn waiting_lanes(&mut self, name: &str) -> Result<Vec<WaitingLane>, Error> {
        if self.scope.is_restricted() {
            return Ok(Vec::new());
        }
        self.reader.waiting_lanes(name).await
    }
}
