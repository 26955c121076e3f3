//! Outline of an export: the API tells it, before anything is sent.

use axum::{
    body::{Bytes, to_bytes},
    http::{Request, Uri},
};
use jiff::Timestamp;
use serde::Deserialize;

use crate::{
    amounts::size,
    http::{
        api::Api,
        local::LocalApi,
        pages::digits::{counted, grouped},
        problem::{self, Problem},
    },
    query::Scope,
};

/// Maximum size of an outline.
const LARGEST: usize = 64 * 1024;

/// Outline of an export.
#[derive(Debug, Deserialize)]
pub(super) struct Outline {
    /// Maximum number of rows; `None` if they are not counted.
    rows_at_most: Option<u64>,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    /// Names of the columns of CSV.
    pub(super) columns: Vec<String>,
    sample_rows: u64,
    sample_bytes: u64,
}

/// Refusal of the API.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) title: &'static str,
    pub(super) detail: String,
}

/// Asks the API for the outline of the export at `path`.
pub(super) async fn outline(
    api: &Api,
    scope: &Scope,
    path: &str,
) -> Result<Result<Outline, Refusal>, Problem> {
    let uri: Uri = path.parse().map_err(|_| Problem::not_found())?;
    let mut request = Request::new(Bytes::new());
    *request.uri_mut() = uri;
    let api = LocalApi::new(api.clone(), scope.clone());
    let answer = api.answer(request).await;
    if let Some((title, detail)) = problem::told(&answer) {
        return Ok(Err(Refusal { title, detail }));
    }
    let unreadable = || Problem::new(problem::DEFECT, "an outline could not be read");
    let body = to_bytes(answer.into_body(), LARGEST).await;
    let body = body.map_err(|_| unreadable())?;
    let outline = serde_json::from_slice(&body).map_err(|_| unreadable())?;
    Ok(Ok(outline))
}

impl Outline {
    /// True if the sample has all rows.
    fn is_whole(&self) -> bool {
        self.rows_at_most == Some(self.sample_rows)
    }

    /// Times of the first and the last row.
    pub(super) fn times(&self) -> Option<(Timestamp, Timestamp)> {
        self.first.zip(self.last)
    }

    /// Number of rows in words.
    pub(super) fn rows(&self) -> String {
        match self.rows_at_most {
            None => "Not counted in advance".to_owned(),
            Some(rows) if self.is_whole() => counted(rows, "row", "rows"),
            Some(rows) => format!("At most {}", counted(rows, "row", "rows")),
        }
    }

    /// Approximate size in words, with its basis.
    pub(super) fn size(&self) -> String {
        let average = |rows: u64| {
            let bytes = u128::from(self.sample_bytes) * u128::from(rows);
            let bytes = bytes / u128::from(self.sample_rows.max(1));
            size(u64::try_from(bytes).unwrap_or(u64::MAX))
        };
        let sample = grouped(self.sample_rows);
        match (self.rows_at_most, self.sample_rows) {
            (Some(_), _) if self.is_whole() => size(self.sample_bytes),
            (_, 0) => "Not known in advance".to_owned(),
            (Some(rows), _) => {
                let rows_in_words = grouped(rows);
                let all = average(rows);
                format!("About {all}: {rows_in_words} times the average of the first {sample} rows")
            }
            (None, _) => {
                let one = average(1);
                format!("About {one} a row, the average of the first {sample} rows")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(rows_at_most: Option<u64>, sample_rows: u64, sample_bytes: u64) -> Outline {
        Outline {
            rows_at_most,
            first: None,
            last: None,
            columns: Vec::new(),
            sample_rows,
            sample_bytes,
        }
    }

    #[test]
    fn a_size_is_of_all_rows_or_says_its_basis() {
        let whole = outline(Some(2), 2, 812);
        assert_eq!([whole.rows(), whole.size()], ["2 rows", "812 bytes"]);
        let part = outline(Some(3_000_000), 1000, 1024 * 1000);
        assert_eq!(part.rows(), "At most 3,000,000 rows");
        let said = "About 2.8 GiB: 3,000,000 times the average of the first 1,000 rows";
        assert_eq!(part.size(), said);
        let search = outline(Some(5), 0, 0);
        assert_eq!(
            [search.rows(), search.size()],
            ["At most 5 rows", "Not known in advance"]
        );
        let uncounted = outline(None, 4, 400);
        assert_eq!(uncounted.rows(), "Not counted in advance");
        assert_eq!(
            uncounted.size(),
            "About 100 bytes a row, the average of the first 4 rows"
        );
        assert_eq!(outline(Some(0), 0, 0).rows(), "0 rows");
    }
}
