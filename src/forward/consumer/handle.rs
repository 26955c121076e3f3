//! Handle of a consumer: sends requests to the task that owns it.

use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::{HandedOut, Refusal, Settled, Settlement, Status, Want};

/// Requests that wait for the owner at the same time.
const WAITING: usize = 1_024;

/// Request to the owner, with the way of its answer. A caller that went away has closed it.
#[derive(Debug)]
pub enum Call {
    /// Hands out events.
    Lease(Want, Reply<Vec<HandedOut>>),
    /// Settles leases.
    Settle(Vec<Settlement>, Reply<Vec<Settled>>),
    /// Takes back all events of a worker.
    Release(Arc<str>, Reply<usize>),
    /// Tells the state.
    Status(Reply<Status>),
}

impl Call {
    /// Refuses the request.
    pub fn refuse(self, refusal: Refusal) {
        match self {
            Self::Lease(_, reply) => drop(reply.send(Err(refusal))),
            Self::Settle(_, reply) => drop(reply.send(Err(refusal))),
            Self::Release(_, reply) => drop(reply.send(Err(refusal))),
            Self::Status(reply) => drop(reply.send(Err(refusal))),
        }
    }
}

/// Way of an answer.
pub(super) type Reply<T> = oneshot::Sender<Result<T, Refusal>>;

/// Requests as the owner receives them.
pub type Calls = mpsc::Receiver<Call>;

/// Way to the owner of one consumer. Clones share it.
#[derive(Clone, Debug)]
pub struct Handle(mpsc::Sender<Call>);

impl Handle {
    /// A handle, and the requests that the owner receives.
    pub fn new() -> (Self, Calls) {
        let (sender, calls) = mpsc::channel(WAITING);
        (Self(sender), calls)
    }

    /// Hands out events; none if there are none before the end of the wait. Dropping the future
    /// gives events back that were meant for it.
    ///
    /// # Errors
    /// If the consumer is paused, owned by another process, or unavailable.
    pub async fn lease(&self, want: Want) -> Result<Vec<HandedOut>, Refusal> {
        self.ask(|reply| Call::Lease(want, reply)).await
    }

    /// Settles leases, and answers in the same order once the settlements are durable.
    ///
    /// # Errors
    /// If the consumer is owned by another process, or unavailable. The settlements may be done or
    /// not: settling again is harmless.
    pub async fn settle(&self, batch: Vec<Settlement>) -> Result<Vec<Settled>, Refusal> {
        self.ask(|reply| Call::Settle(batch, reply)).await
    }

    /// Takes back all events of a worker, such as one that restarted; returns their number.
    ///
    /// # Errors
    /// Same as [`settle`](Self::settle).
    pub async fn release(&self, worker: Arc<str>) -> Result<usize, Refusal> {
        self.ask(|reply| Call::Release(worker, reply)).await
    }

    /// State of the consumer in memory.
    ///
    /// # Errors
    /// Same as [`settle`](Self::settle).
    pub async fn status(&self) -> Result<Status, Refusal> {
        self.ask(Call::Status).await
    }

    async fn ask<T>(&self, call: impl FnOnce(Reply<T>) -> Call) -> Result<T, Refusal> {
        let (reply, answer) = oneshot::channel();
        let sent = self.0.send(call(reply)).await;
        sent.map_err(|_| Refusal::Unavailable)?;
        answer.await.unwrap_or(Err(Refusal::Unavailable))
    }
}
