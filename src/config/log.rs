//! `[log]`: the form of log lines and which of them appear.

use std::fmt;
use std::str::FromStr;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::print::Printer;
use super::reader::Reader;

/// Log settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// The form of a line.
    pub format: LogFormat,
    /// Filter for log lines.
    pub level: LogFilter,
    /// True if `serve` prints a line for each delivery on a terminal.
    pub deliveries: bool,
}

impl Log {
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let format = reader.parsed("format", "human or json");
        let level = reader.parsed(
            "level",
            "off, error, warn, info, debug or trace, and target=level, separated by commas",
        );
        let deliveries = reader.flag("deliveries");
        Some(Self {
            format: format?,
            level: level?,
            deliveries: deliveries?,
        })
    }

    pub(super) fn print(&self, out: &mut Printer) {
        out.section("log");
        out.text("format", self.format);
        out.text("level", &self.level);
        out.plain("deliveries", self.deliveries);
    }
}

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For a person at a terminal.
    Human,
    /// JSON, an object per line.
    Json,
}

/// A text that is no form of log lines, or no filter of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid log setting; allowed: human or json, and a level such as info")]
pub struct InvalidLog;

impl FromStr for LogFormat {
    type Err = InvalidLog;

    fn from_str(text: &str) -> Result<Self, InvalidLog> {
        match text {
            "human" => Ok(Self::Human),
            "json" => Ok(Self::Json),
            _ => Err(InvalidLog),
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Human => "human",
            Self::Json => "json",
        })
    }
}

/// Directives that [`EnvFilter`] accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFilter(String);

impl FromStr for LogFilter {
    type Err = InvalidLog;

    fn from_str(text: &str) -> Result<Self, InvalidLog> {
        // A lone word that is no level, such as `inof`, would pass for the name of a target.
        // An empty part would pass for the level `error`.
        let lone = |part: &str| !part.contains(['=', '[']);
        let level = |part: &str| !part.is_empty() && part.parse::<LevelFilter>().is_ok();
        if text.split(',').any(|part| lone(part) && !level(part)) {
            return Err(InvalidLog);
        }
        EnvFilter::try_new(text).map_err(|_| InvalidLog)?;
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_levels_and_targets_with_levels() {
        for good in ["info", "WARN", "info,sqlx=warn", "off,http=trace"] {
            assert!(good.parse::<LogFilter>().is_ok(), "{good}");
        }
        for bad in ["", "inof", "info,sqlx", "sqlx=loud", "info,,warn"] {
            assert_eq!(bad.parse::<LogFilter>(), Err(InvalidLog), "{bad}");
        }
    }
}
