//! Errors of setting up logs or metrics.

/// Failure to set up logs or metrics.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The process has a log subscriber already.
    #[error("failed to set up the log: this process has a log subscriber already")]
    Log(#[source] tracing_subscriber::util::TryInitError),
    /// The metrics exporter was not installed.
    #[error("failed to set up the metrics of this process")]
    Metrics(#[source] metrics_exporter_prometheus::BuildError),
}
