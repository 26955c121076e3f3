//! Settings of a destination as its sender uses them: the configuration, with prepared signers.

use std::collections::BTreeMap;

use crate::{
    config::{Apps, Destination, Format, MetaSecret, StoredAttempts},
    forward::{
        consumer,
        http::{Attempt, RetryPolicy},
        notification::HubSigner,
    },
    store::consumers::EventRow,
};

/// Settings of a destination.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The configuration.
    pub destination: Destination,
    /// Retries.
    pub retry: RetryPolicy,
    /// Settings of its consumer, without the clients.
    consumer: consumer::Settings,
    signers: HubSigners,
}

/// Signers of notifications in Meta's form.
#[derive(Clone, Debug)]
enum HubSigners {
    /// Signer of all notifications.
    One(Box<HubSigner>),
    /// Signers by the app of the delivery.
    OfApps(BTreeMap<String, HubSigner>),
}

impl Settings {
    /// Settings of `destination`, with the secrets of `apps`.
    pub fn new(destination: Destination, apps: &Apps) -> Self {
        let mut consumer = consumer::Settings::of_destination(&destination);
        consumer.filter.clients.clear();
        Self {
            consumer,
            retry: RetryPolicy {
                pauses: destination.retry.clone(),
                give_up_after: destination.give_up_after,
            },
            signers: HubSigners::new(&destination.format, apps),
            destination,
        }
    }

    /// True if the requests are made from the JSON of events with their content.
    pub fn wants_content(&self) -> bool {
        matches!(self.destination.format, Format::Event(_))
    }

    /// Signer of notifications of `app`; `None` if the app has no such secret.
    pub fn signer(&self, app: &str) -> Option<&HubSigner> {
        match &self.signers {
            HubSigners::One(signer) => Some(signer),
            HubSigners::OfApps(signers) => signers.get(app),
        }
    }

    /// True if the destination wants `item`, of the same delivery as `head`, in the same lane.
    pub fn joins(&self, head: &EventRow, item: &EventRow) -> bool {
        // Items of a lane have the same account, and so the same client.
        let consumer = &self.consumer;
        consumer.item(item).lane == consumer.item(head).lane && consumer.chooses(item, None)
    }

    /// True if the attempt is stored.
    pub fn stores(&self, attempt: &Attempt) -> bool {
        let is_success = attempt.answer().is_some_and(|it| it.is_success());
        match self.destination.attempts {
            StoredAttempts::Failures => !is_success,
            StoredAttempts::All => true,
            StoredAttempts::None => false,
        }
    }
}

impl HubSigners {
    fn new(format: &Format, apps: &Apps) -> Self {
        match format {
            Format::Meta(MetaSecret::Own(secret)) => Self::One(Box::new(HubSigner::new(secret))),
            Format::Meta(secret) => {
                let signers = apps.iter().filter_map(|(name, app)| {
                    Some((name.to_string(), HubSigner::new(secret.of(app)?)))
                });
                Self::OfApps(signers.collect())
            }
            Format::Event(_) => Self::OfApps(BTreeMap::new()),
        }
    }
}
