//! Requests to the API: a path and parameters.

use std::fmt;

use form_urlencoded::{byte_serialize, parse};

/// Path and parameters of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Request {
    path: String,
    parameters: Vec<(String, String)>,
}

impl Request {
    /// A request to a path.
    pub(in crate::cli) fn to(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            parameters: Vec::new(),
        }
    }

    /// The request of a URL in an answer.
    pub(in crate::cli) fn at(url: &str) -> Self {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        Self {
            parameters: parse(query.as_bytes()).into_owned().collect(),
            ..Self::to(path)
        }
    }

    /// Adds a part to the path.
    pub(in crate::cli) fn below(mut self, part: &str) -> Self {
        let part: String = byte_serialize(part.as_bytes()).collect();
        self.path = format!("{}/{}", self.path, part.replace('+', "%20"));
        self
    }

    /// The request with another value of a parameter.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers give numbers and texts alike"
    )]
    pub(in crate::cli) fn with(&self, name: &str, value: impl ToString) -> Self {
        let mut request = self.clone();
        request.parameters.retain(|(known, _)| known != name);
        request
            .parameters
            .push((name.to_owned(), value.to_string()));
        request
    }

    /// The request with a parameter, if it has a value.
    pub(in crate::cli) fn with_any(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// The request with the values of a list, if there are any.
    pub(in crate::cli) fn with_all<T: Copy>(
        self,
        name: &str,
        values: &[T],
        spell: fn(T) -> &'static str,
    ) -> Self {
        let names: Vec<_> = values.iter().copied().map(spell).collect();
        self.with_any(name, (!names.is_empty()).then(|| names.join(",")))
    }

    /// Value of a parameter.
    pub(in crate::cli) fn get(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Names and values of the parameters.
    pub(in crate::cli) fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        let all = self.parameters.iter();
        all.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// True if parameters may leave out stored rows.
    pub(in crate::cli) fn is_narrowed(&self) -> bool {
        !self.parameters.is_empty()
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.path)?;
        let mut query = form_urlencoded::Serializer::new(String::new());
        let query = query.extend_pairs(&self.parameters).finish();
        let mark = if query.is_empty() { "" } else { "?" };
        write!(f, "{mark}{query}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_escapes_its_parts_and_comes_back_from_its_url() {
        let request = Request::to("/v1/media")
            .below("a/b c")
            .with("after", "1&2")
            .with_any("app", None::<&str>)
            .with("limit", 1)
            .with("limit", 2);
        let url = "/v1/media/a%2Fb%20c?after=1%262&limit=2";
        assert_eq!(request.to_string(), url);
        assert_eq!(Request::at(url), request);
        assert!(request.is_narrowed() && !Request::to("/v1/media").is_narrowed());
    }
}
