//! Preferences to choose, in the frame.

use super::{
    frame::Frame,
    preferences::{Density, Keys, Preferences, Scheme, TimeForm},
};

/// A value, its name, and if it is the chosen one.
type Choice = (&'static str, &'static str, bool);

impl Frame {
    /// Preferences to choose: legend, name of the parameter, and values.
    pub(super) fn choices(&self) -> [(&'static str, &'static str, Vec<Choice>); 4] {
        let Preferences {
            scheme,
            density,
            time,
            keys,
            ..
        } = self.preferences;
        [
            (
                "Time",
                "time",
                choices(TimeForm::ALL, TimeForm::as_str, time),
            ),
            (
                "Colors",
                "scheme",
                choices(Scheme::ALL, Scheme::as_str, scheme),
            ),
            (
                "Rows",
                "density",
                choices(Density::ALL, Density::as_str, density),
            ),
            ("Keys", "keys", choices(Keys::ALL, Keys::as_str, keys)),
        ]
    }
}

/// Values of a preference with their words.
fn choices<T: Copy + PartialEq>(all: &[T], spell: fn(T) -> &'static str, now: T) -> Vec<Choice> {
    let choice = |it: &T| (spell(*it), word(spell(*it)), *it == now);
    all.iter().map(choice).collect()
}

/// Word of a value.
fn word(name: &'static str) -> &'static str {
    match name {
        "utc" => "UTC",
        "local" => "Local",
        "relative" => "Relative",
        "system" => "System",
        "light" => "Light",
        "dark" => "Dark",
        "compact" => "Compact",
        "comfortable" => "Comfortable",
        "on" => "All",
        "off" => "No letters",
        other => other,
    }
}
