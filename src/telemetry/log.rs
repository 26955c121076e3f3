//! The log of the process on standard error, as text or JSON lines.

use std::{fmt::Write as _, io::IsTerminal, panic};

use anstream::{AutoStream, ColorChoice};
use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter, filter::LevelFilter, fmt::MakeWriter, util::SubscriberInitExt,
};

use super::{
    TARGETS,
    error::Error,
    messages::{LogEvent, messages},
};
use crate::config::{Log, LogFilter, LogFormat};

/// Sends the log of this process to standard error and keeps panics from printing content.
///
/// # Errors
/// If this process has a log subscriber already.
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

/// Subscriber of [`init`] that writes to `writer`, with colours if `ansi`.
pub fn subscriber<W>(log: &Log, ansi: bool, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter(&log.level))
        .with_ansi(ansi)
        // The report of a closed standard error would go to standard error, and panic.
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

/// Filter for a level or for directives. A single level is for Hookshelf's own targets; libraries
/// stay at WARN, because their records below WARN may quote deliveries. The target `hookshelf`
/// stands for all of [`TARGETS`].
fn filter(level: &LogFilter) -> EnvFilter {
    // The directives were checked with the configuration; `new` skips those that it cannot parse.
    let text = level.to_string();
    let directives = match text.parse::<LevelFilter>() {
        Ok(LevelFilter::OFF) | Err(_) => text,
        Ok(level) => format!("warn,hookshelf={level}"),
    };
    EnvFilter::new(
        directives
            .split(',')
            .map(expand)
            .collect::<Vec<_>>()
            .join(","),
    )
}

/// Adds the directives for all of [`TARGETS`] to a directive for `hookshelf`.
fn expand(directive: &str) -> String {
    let mut all = directive.to_owned();
    if let Some(level) = directive.strip_prefix("hookshelf=") {
        for (target, _) in TARGETS {
            let _ = write!(all, ",{target}={level}");
        }
    }
    all
}

messages! {
    target: "process";

    /// A bug. The panic message is not logged, because it may quote a delivery.
    Panicked { place: Option<String> }
        "panic" [location = place] ERROR;
}

fn say_where(panic: &panic::PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    Panicked { place }.emit();
}
