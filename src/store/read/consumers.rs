//! States of consumers, for answers.

use super::{Error, Reader};
use crate::store::consumers::{self, ConsumerKind, ConsumerStatus, WaitingLane};

impl Reader {
    /// Reads all consumers, by name, without destinations.
    pub async fn consumers(&mut self) -> Result<Vec<ConsumerStatus>, Error> {
        let mut all = consumers::list(&mut self.conn).await?;
        all.retain(|it| it.kind == ConsumerKind::Consumer);
        Ok(all)
    }

    /// Reads the waiting lanes of the consumer `name`, in the order of their heads.
    pub async fn waiting_lanes(&mut self, name: &str) -> Result<Vec<WaitingLane>, Error> {
        consumers::waiting(&mut self.conn, name).await
    }
}
