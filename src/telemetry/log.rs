//! The log of the process: for people or as JSON lines, on standard error.

use std::{io::IsTerminal, panic};

use tracing::Subscriber;
use tracing_subscriber::{
    EnvFilter, filter::LevelFilter, fmt::MakeWriter, util::SubscriberInitExt,
};

use super::Error;

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For people; coloured on a terminal.
    Human,
    /// One JSON object a line.
    Json,
}

/// Sends the log of this process to standard error and keeps panics from printing content.
///
/// # Errors
/// The filter cannot be read, or the log was set up before.
pub fn init(format: Format, directive: &str) -> Result<(), Error> {
    let stderr = std::io::stderr;
    let ansi = stderr().is_terminal();
    subscriber(format, directive, ansi, stderr)?
        .try_init()
        .map_err(Error::LogTaken)?;
    panic::set_hook(Box::new(say_where));
    Ok(())
}

/// What [`init`] sets up, writing to `writer`.
///
/// # Errors
/// The filter cannot be read.
pub fn subscriber<W>(
    format: Format,
    directive: &str,
    ansi: bool,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, Error>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter(directive)?)
        .with_ansi(ansi)
        .with_writer(writer);
    Ok(match format {
        Format::Human => Box::new(log.finish()),
        Format::Json => Box::new(
            log.json()
                .flatten_event(true)
                .with_span_list(false)
                .finish(),
        ),
    })
}

/// A level alone is ours; libraries then stay at WARN, since what they say below that may quote
/// what they carry.
fn filter(directive: &str) -> Result<EnvFilter, Error> {
    let directives = match directive.trim().parse::<LevelFilter>() {
        Ok(LevelFilter::OFF) => "off".to_owned(),
        Ok(level) => format!("warn,hookshelf={level}"),
        Err(_) => directive.to_owned(),
    };
    EnvFilter::try_new(directives).map_err(|source| Error::Filter {
        directive: directive.to_owned(),
        source,
    })
}

/// What a panic leaves in the log. Its message stays out: it may quote the text at fault.
const PANICKED: &str = "panicked";

fn say_where(panic: &panic::PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string);
    tracing::error!(place, "{PANICKED}");
}
