//! Parts of the answers of the API.

use crate::http::parameters::Parameters;

/// URL of another part of a list: the same parameters with `changes`. An empty value removes a
/// parameter.
pub(super) fn url(path: &str, parameters: &Parameters, changes: &[(&str, String)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let is_changed = |name: &str| changes.iter().any(|(changed, _)| *changed == name);
    for (name, value) in parameters.pairs().filter(|(name, _)| !is_changed(name)) {
        query.append_pair(name, value);
    }
    for (name, value) in changes.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    format!("{path}?{}", query.finish())
}
