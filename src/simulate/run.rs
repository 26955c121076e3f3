//! Sends single deliveries, one after the other on one connection.

use std::time::{Duration, Instant};

use super::{
    client::{Answer, Client},
    request::{Requests, Signed},
    target::{Error, Target},
    variants::Variant,
};

/// Delivery sent, with its answer.
#[derive(Clone, Debug)]
pub struct Sent {
    /// The name of the variant.
    pub name: &'static str,
    /// The kinds of the events that its body holds, as [`Variant::kinds`] spells them.
    pub kinds: Vec<String>,
    /// The length of its body in bytes.
    pub bytes: usize,
    /// Answer of the server.
    pub answer: Answer,
    /// From the first byte sent to the last byte received.
    pub latency: Duration,
}

/// Everything that one run sent, in order.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The deliveries.
    pub sent: Vec<Sent>,
}

impl Report {
    /// Number of acknowledged deliveries.
    pub fn acked(&self) -> usize {
        self.acks().count()
    }

    /// Number of events in the acknowledged deliveries.
    pub fn events(&self) -> usize {
        self.acks().map(|sent| sent.kinds.len()).sum()
    }

    fn acks(&self) -> impl Iterator<Item = &Sent> {
        self.sent.iter().filter(|sent| sent.answer.is_ack())
    }
}

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
    let mut client = Client::new(&target.address);
    client.connect().await?;
    let mut report = Report::default();
    for variant in variants {
        let bytes = variant.body.len();
        let request = requests.post(variant.sender, variant.body, Signed::Rightly);
        let begun = Instant::now();
        let answer = client.send(request).await;
        told(report.sent.push_mut(Sent {
            name: variant.name,
            kinds: variant.kinds,
            bytes,
            answer,
            latency: begun.elapsed(),
        }));
    }
    Ok(report)
}
