//! The colours of the command line. Each has one meaning, and no meaning is said by colour alone.

use anstyle::{AnsiColor, Style};

/// Style of column names and headings.
pub(super) const HEADER: Style = Style::new().bold();

/// All is well; also what can be typed.
pub(super) const OK: Style = AnsiColor::Green.on_default();

/// Worth a look.
pub(super) const WARNING: Style = AnsiColor::Yellow.on_default();

/// Wrong: something has to be done.
pub(super) const WRONG: Style = AnsiColor::Red.on_default().bold();

/// Beside the point, for those who look for it.
pub(super) const DIM: Style = Style::new().dimmed();

/// Style of a kind of event: comments, messages and what belongs to them, or others.
pub(super) fn kind(kind: &str) -> Style {
    let colour = match kind {
        "comment" | "live_comment" | "mention" => AnsiColor::Blue,
        "message" | "message_edit" | "message_deleted" | "postback" | "reaction" | "seen" => {
            AnsiColor::Cyan
        }
        _ => AnsiColor::Magenta,
    };
    colour.on_default()
}
