//! Styles, scripts, fonts and icons of the pages: inside of the binary, or read from `assets/` by a
//! debug build.

use std::sync::OnceLock;

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use rust_embed::RustEmbed;
use sha2::{Digest, Sha256};

use crate::http::{answer, api::InPath, problem::Problem};

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Assets;

/// Path of all assets: it contains a hash over them, so that browsers may keep each forever.
pub(super) fn path() -> String {
    format!("/assets/{}", version())
}

fn version() -> String {
    static EMBEDDED: OnceLock<String> = OnceLock::new();
    if cfg!(debug_assertions) {
        hash()
    } else {
        EMBEDDED.get_or_init(hash).clone()
    }
}

/// Hash over the names and contents of all assets.
fn hash() -> String {
    let mut hash = Sha256::new();
    for name in Assets::iter() {
        hash.update(name.as_bytes());
        if let Some(file) = Assets::get(&name) {
            hash.update(file.metadata.sha256_hash());
        }
    }
    hex::encode(&hash.finalize()[..8])
}

/// Text of a file, as it is in the program.
pub(super) fn text(name: &str) -> Option<String> {
    let file = Assets::get(name)?;
    Some(String::from_utf8_lossy(&file.data).into_owned())
}

/// Answers with an asset. A page of another version, as of a server that is being replaced, gets the
/// present file, which its browser does not keep.
pub(super) async fn file(
    InPath((version_of_page, name)): InPath<(String, String)>,
) -> Result<Response, Problem> {
    let media = media(&name).ok_or_else(Problem::not_found)?;
    let file = Assets::get(&name).ok_or_else(Problem::not_found)?;
    let keep = if version_of_page == version() {
        "public, max-age=31536000, immutable"
    } else {
        "no-store"
    };
    let mut response = (answer::typed(media), file.data.into_owned()).into_response();
    let keep = HeaderValue::from_static(keep);
    response.headers_mut().insert(header::CACHE_CONTROL, keep);
    Ok(response)
}

/// Media type of a file that pages use; `None` for other files beside them.
fn media(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        _ => return None,
    })
}
