//! Parts of the answers of the API.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{http::parameters::Parameters, query::Lag};

/// URL of another part of a list: the same parameters with `changes`. An empty value removes a
/// parameter.
pub(in crate::http) fn url(
    path: &str,
    parameters: &Parameters,
    changes: &[(&str, String)],
) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let is_changed = |name: &str| changes.iter().any(|(changed, _)| *changed == name);
    for (name, value) in parameters.pairs().filter(|(name, _)| !is_changed(name)) {
        query.append_pair(name, value);
    }
    for (name, value) in changes.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    format!("{}{path}?{}", parameters.base(), query.finish())
}

/// Lag of counts or of a list that the server keeps.
#[derive(Serialize, JsonSchema)]
pub(super) struct LagReport {
    /// Number of positions up to the end of the log that are not counted or listed yet.
    positions: i64,
    seconds: f64,
    /// Everything committed before this time is counted or listed.
    done_at: Timestamp,
}

impl From<Lag> for LagReport {
    fn from(lag: Lag) -> Self {
        Self {
            positions: lag.positions,
            seconds: lag.time.as_secs_f64(),
            done_at: lag.done_at,
        }
    }
}
