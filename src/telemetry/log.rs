//! The log of the process: for people or as JSON lines, on standard error.

use std::{io::IsTerminal, panic};

use anstream::{AutoStream, ColorChoice};
use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter, filter::LevelFilter, fmt::MakeWriter, util::SubscriberInitExt,
};

use super::{
    error::Error,
    messages::{LogEvent, messages},
};
use crate::config::{Log, LogFilter, LogFormat};

/// Sends the log of this process to standard error and keeps panics from printing content.
///
/// # Errors
/// Once a process: a second time fails.
pub fn init(log: &Log) -> Result<(), Error> {
    let stderr = std::io::stderr;
    let wanted = AutoStream::choice(&stderr()) != ColorChoice::Never;
    let ansi = wanted && stderr().is_terminal();
    subscriber(log, ansi, stderr)
        .try_init()
        .map_err(Error::Log)?;
    panic::set_hook(Box::new(say_where));
    Ok(())
}

/// What [`init`] sets up, writing to `writer`, coloured if `ansi`.
pub fn subscriber<W>(log: &Log, ansi: bool, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter(&log.level))
        .with_ansi(ansi)
        // It would say on standard error that nobody reads standard error, which is a panic.
        .log_internal_errors(false)
        .with_writer(writer);
    match log.format {
        LogFormat::Human => Box::new(lines.finish()),
        LogFormat::Json => {
            let objects = lines.json().flatten_event(true).with_span_list(false);
            Box::new(objects.finish())
        }
    }
}

/// A level alone is ours; libraries then stay at WARN, since what they say below that may quote
/// what they carry.
fn filter(level: &LogFilter) -> EnvFilter {
    match level.to_string().parse::<LevelFilter>() {
        Ok(LevelFilter::OFF) | Err(_) => level.to_filter(),
        Ok(level) => EnvFilter::new(format!("warn,hookshelf={level}")),
    }
}

messages! {
    /// Place of a panic in the source, without its message, which may quote a delivery.
    Panicked { place: Option<String> }
        "panicked" [place] ERROR;
}

fn say_where(panic: &panic::PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    Panicked { place }.emit();
}
