//! Reason why an id names nothing: its day was dropped.

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
        let oldest = api.read(session.oldest_behind(position)).await?;
        let words = |oldest| {
            format!(
                "position {position} is older than the oldest stored one, {oldest}; its day was \
                 dropped"
            )
        };
        return Ok(oldest.map(words));
    }
    let Ok(delivery) = id.parse::<Uuid>() else {
        return Ok(None);
    };
    let day = api.read(session.dropped_day(delivery)).await?;
    let words =
        |day| format!("the deliveries of {day} (UTC) are no longer stored; the day was dropped");
    Ok(day.map(words))
}

/// Problem of a position or a delivery that is not stored.
pub(super) async fn missing(api: &Api, session: &mut Session, id: &str) -> Problem {
    match reason(api, session, id).await {
        Ok(Some(reason)) => Problem::new(problem::OLD, reason),
        Ok(None) => Problem::not_found(),
        Err(problem) => problem,
    }
}
