//! Names of partitions, made from dates and numbers only, never from received data.

use jiff::civil::Date;

/// The views of the tables with a partition for each day (UTC) of `received_at`: partitions have
/// their names, the tables [`stored_name`].
pub(super) const DAILY: [&str; 3] = ["deliveries", "events", "repeats"];

/// The table behind a view.
pub(super) fn stored_name(view: &str) -> String {
    format!("stored_{view}")
}

pub(super) fn day_name(table: &str, day: Date) -> String {
    format!("{table}_{}", day.strftime("%Y%m%d"))
}

pub(super) fn epoch_name(epoch: i32) -> String {
    format!("dedupe_{epoch}")
}
