//! Compression of pages, styles, scripts and icons with gzip.
//!
//! A page beside the reader's own text in one answer tells its length to whoever sees the encrypted
//! bytes. A page of another site that makes a browser ask again and again gets answers as they are.

use std::io::{self, Write as _};

use axum::{
    body::{Body, HttpBody as _, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use flate2::{Compression, write::GzEncoder};

use crate::http::origin;

/// Sizes of answers that are compressed.
const SIZES: std::ops::RangeInclusive<u64> = 1_024..=4 << 20;

/// Compresses the answer to a request that takes gzip.
pub(super) async fn compress(request: Request, next: Next) -> Response {
    let headers = request.headers();
    let is_wanted = takes_gzip(headers) && !origin::is_of_another_site(headers);
    let mut response = next.run(request).await;
    if !is_text(response.headers()) {
        return response;
    }
    let vary = HeaderValue::from_static("accept-encoding");
    response.headers_mut().append(header::VARY, vary);
    let size = response.body().size_hint().exact();
    if !is_wanted || !size.is_some_and(|size| SIZES.contains(&size)) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(plain) = to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let Ok(packed) = packed(&plain) else {
        return Response::from_parts(parts, plain.into());
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    let gzip = HeaderValue::from_static("gzip");
    parts.headers.insert(header::CONTENT_ENCODING, gzip);
    Response::from_parts(parts, Body::from(packed))
}

fn packed(plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(plain.len() / 4), Compression::fast());
    encoder.write_all(plain)?;
    encoder.finish()
}

/// True if a client names gzip, and not with the weight 0.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT_ENCODING).into_iter();
    let mut codings = lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','));
    codings.any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().trim_start_matches("q=");
        let is_refused = weight.starts_with('0') && weight.trim_matches(['0', '.']).is_empty();
        name.trim().eq_ignore_ascii_case("gzip") && !is_refused
    })
}

/// True for HTML, styles, scripts and SVG. Fonts are compressed already.
fn is_text(headers: &HeaderMap) -> bool {
    let media = headers.get(header::CONTENT_TYPE);
    let media = media.and_then(|it| it.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default();
    matches!(
        media,
        "text/html" | "text/css" | "text/javascript" | "image/svg+xml"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_taken_if_it_is_named_and_not_refused() {
        for (line, takes) in [
            ("gzip", true),
            ("gzip, deflate, br", true),
            ("br;q=1.0, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip; q=0.000", false),
            ("deflate, br", false),
            ("", false),
        ] {
            let line = HeaderValue::from_static(line);
            let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, line)]);
            assert_eq!(takes_gzip(&headers), takes, "{headers:?}");
        }
    }
}
