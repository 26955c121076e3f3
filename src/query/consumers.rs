//! Stored states of consumers.

use super::Session;
use crate::store::{
    Error,
    consumers::{ConsumerStatus, WaitingLane},
};

impl Session {
    /// Reads the consumers whose state the scope may read, by name, without destinations.
    pub async fn consumers(&mut self) -> Result<Vec<ConsumerStatus>, Error> {
        let mut consumers = self.reader.consumers().await?;
        consumers.retain(|it| self.scope.reads_state(&it.name));
        Ok(consumers)
    }

    /// Reads the waiting lanes of the consumer `name`, in the order of their heads; none if the scope
    /// may not read its state.
    pub async fn waiting_lanes(&mut self, name: &str) -> Result<Vec<WaitingLane>, Error> {
        if !self.scope.reads_state(name) {
            return Ok(Vec::new());
        }
        self.reader.waiting_lanes(name).await
    }
}
