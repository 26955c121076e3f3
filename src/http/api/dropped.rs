//! Reason why an id names nothing: its day was dropped.

use jiff::{Timestamp, tz::TimeZone};
use uuid::Uuid;

use super::Api;
use crate::{
    http::problem::{self, Problem},
    query::Session,
};

/// Says that the day of a position or of a delivery was dropped; `None` if it was not, or is not
/// known.
pub(in crate::http) async fn reason(
    api: &Api,
    session: &mut Session,
    id: &str,
) -> Result<Option<String>, Problem> {
    if let Ok(position) = id.parse() {
        let dropped = api.read(session.dropped_position(position)).await?;
        return Ok(dropped.map(|dropped| {
            format!(
                "position {position} is older than the oldest stored one, {}; its day was \
                 dropped{}",
                dropped.oldest,
                latest(dropped.gone_at)
            )
        }));
    }
    let Ok(delivery) = id.parse::<Uuid>() else {
        return Ok(None);
    };
    let dropped = api.read(session.dropped_day(delivery)).await?;
    Ok(dropped.map(|dropped| {
        format!(
            "the deliveries of {} (UTC) are no longer stored; the day was dropped{}",
            dropped.day,
            latest(dropped.gone_at)
        )
    }))
}

/// Time of a drop in words. The day was found to be gone then, so it was dropped before.
fn latest(gone_at: Option<Timestamp>) -> String {
    let at = gone_at.map(|at| {
        at.to_zoned(TimeZone::UTC)
            .strftime("%Y-%m-%d %H:%M")
            .to_string()
    });
    at.map_or_else(String::new, |at| format!(", at the latest on {at} UTC"))
}

/// Problem of a position or a delivery that is not stored.
pub(super) async fn missing(api: &Api, session: &mut Session, id: &str) -> Problem {
    match reason(api, session, id).await {
        Ok(Some(reason)) => Problem::new(problem::OLD, reason),
        Ok(None) => Problem::not_found(),
        Err(problem) => problem,
    }
}
