//! Why logs or metrics could not be set up.

/// Why logs or metrics could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody else in the process receives the log already.
    #[error("the log of this process has been set up before")]
    Log(#[source] tracing_subscriber::util::TryInitError),
    /// The metrics could not be set up.
    #[error("the metrics of this process could not be set up")]
    Metrics(#[source] metrics_exporter_prometheus::BuildError),
}
