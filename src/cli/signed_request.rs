//! `signature verify --signed-request`: opens what Meta posts when somebody removes the app or asks
//! for a deletion.

use anyhow::bail;
use jiff::Timestamp;
use serde::Serialize;

use super::{input::tried, output::Output};
use crate::{
    clock::Clock,
    meta::{
        signature::Secrets,
        signed_request::{self, Fault, SignedRequest},
    },
};

/// Fields of a signed request, as the columns of a row.
#[derive(Serialize)]
struct Fields<'a> {
    user_id: Option<&'a str>,
    issued_at: Option<Timestamp>,
    expires: Option<Timestamp>,
}

/// Prints the name of the secret that made the signed request in `content`, and with `fields` its
/// fields.
pub(super) fn verify(
    content: &[u8],
    secrets: &Secrets,
    fields: bool,
    output: &mut Output,
) -> anyhow::Result<()> {
    let value = signed_request::in_form(content.trim_ascii());
    let value = value.as_ref().map_or(content, |it| it.as_bytes());
    let opened = SignedRequest::verify(value.trim_ascii(), secrets, Clock::system().now());
    let request = match opened {
        Ok(request) => request,
        Err(fault @ Fault::Mismatch) => bail!(
            "{fault}; tried: {}; either the secret is another one, or this is not all of what was \
             posted",
            tried(secrets)
        ),
        Err(fault) => bail!("{fault}"),
    };
    let secret = request.secret();
    output.line(&format!("the secret {secret} made this signed request"))?;
    if fields {
        output.fields(&Fields {
            user_id: request.user_id(),
            issued_at: request.issued_at(),
            expires: request.expires(),
        })?;
    }
    Ok(())
}
