//! A piece of work in the background, at most one at a time.

use tokio_util::task::AbortOnDropHandle;

/// Work that runs, or none.
#[derive(Debug)]
pub(super) struct Job<T>(Option<AbortOnDropHandle<T>>);

impl<T: Send + 'static> Job<T> {
    pub(super) fn none() -> Self {
        Self(None)
    }

    pub(super) fn is_running(&self) -> bool {
        self.0.is_some()
    }

    /// Starts work, in place of work that runs.
    pub(super) fn start(&mut self, work: impl Future<Output = T> + Send + 'static) {
        self.0 = Some(AbortOnDropHandle::new(tokio::spawn(work)));
    }

    /// Waits for the result; for ever without work. `None` if the work panicked.
    pub(super) async fn done(&mut self) -> Option<T> {
        let Some(work) = &mut self.0 else {
            return std::future::pending().await;
        };
        let result = work.await;
        self.0 = None;
        result.ok()
    }
}
