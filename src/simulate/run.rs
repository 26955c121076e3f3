//! Sends single deliveries, one after the other on one connection.

use std::{sync::Arc, time::Instant};

use super::{
    client::Client,
    report::{Report, Sent},
    request::{Requests, Signed},
    target::{Error, Target},
    variants::Variant,
};

/// Sends these deliveries, signed.
///
/// An answer other than 200, and none at all, is part of the report. `told` hears of each when it
/// has its answer: a server that gives none takes the whole deadline for each.
///
/// # Errors
/// When there is no connection to the server, or the target cannot stand in a request.
pub async fn run(
    target: &Target,
    variants: impl IntoIterator<Item = Variant>,
    mut told: impl FnMut(&Sent),
) -> Result<Report, Error> {
    let requests = Requests::new(target, &target.app_secret).map_err(Error::Request)?;
    let mut client = Client::new(Arc::new(target.clone()));
    client.connect().await?;
    let mut report = Report::default();
    for variant in variants {
        let request = requests.post(variant.sender, variant.body.clone(), Signed::Rightly);
        let begun = Instant::now();
        let answer = client.send(request).await;
        told(report.add(variant, answer, begun.elapsed()));
    }
    Ok(report)
}
