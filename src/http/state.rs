//! What the routes need: the apps with their keys, where deliveries go, and the limits.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use arc_swap::ArcSwap;
use secrecy::SecretString;

use super::{Limits, body::Budget, in_flight::InFlight};
use crate::{
    clock::Clock,
    config,
    ingest::{Callbacks, Tally, Writer, arrivals::Arrivals},
    instance::Id,
    meta::signature::Secrets,
    telemetry::Meter,
};

/// The app of `/webhook` without a name.
pub const DEFAULT_APP: &str = "default";

/// The keys of one Meta app.
#[derive(Debug)]
pub struct AppKeys {
    /// Its name in the path, `[a-z0-9_]{1,32}`.
    pub name: Arc<str>,
    /// What its deliveries are signed with.
    pub secrets: Secrets,
    /// What its challenge carries; none matches nothing.
    pub verify_token: Option<SecretString>,
    /// Where its deliveries are counted.
    pub meter: Meter,
}

impl AppKeys {
    /// The keys of the app `name`.
    pub fn new(name: &str, secrets: Secrets, verify_token: Option<SecretString>) -> Self {
        let name = name.into();
        Self {
            meter: Meter::new(&name, secrets.names()),
            name,
            secrets,
            verify_token,
        }
    }
}

impl From<&config::App> for AppKeys {
    fn from(app: &config::App) -> Self {
        let secrets = Secrets::new(app.named_secrets());
        Self::new(app.name.as_str(), secrets, app.verify_token.clone())
    }
}

/// The apps by name. Swapped whole, so that a delivery sees the old ones or the new ones.
#[derive(Clone, Debug, Default)]
pub struct Apps(HashMap<Arc<str>, Arc<AppKeys>>);

impl Apps {
    /// The app of that name.
    pub fn get(&self, name: &str) -> Option<Arc<AppKeys>> {
        self.0.get(name).cloned()
    }
}

impl FromIterator<AppKeys> for Apps {
    fn from_iter<I: IntoIterator<Item = AppKeys>>(apps: I) -> Self {
        let named = |app: AppKeys| (Arc::clone(&app.name), Arc::new(app));
        Self(apps.into_iter().map(named).collect())
    }
}

impl From<&config::Apps> for Apps {
    fn from(apps: &config::Apps) -> Self {
        apps.values().map(AppKeys::from).collect()
    }
}

/// The state of the public routes; clones share everything.
#[derive(Clone, Debug)]
pub struct AppState(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    apps: ArcSwap<Apps>,
    in_flight: InFlight,
    callbacks: Callbacks,
    arrivals: Arrivals,
    writer: Writer,
    tally: Tally,
    clock: Clock,
    limits: Limits,
    budget: Budget,
    instance: OnceLock<Id>,
}

impl AppState {
    /// The state of a door that hands deliveries to `writer`, and counts with `tally` what is not
    /// stored.
    pub fn new(apps: Apps, writer: Writer, tally: Tally, clock: Clock, limits: Limits) -> Self {
        Self(Arc::new(Shared {
            apps: ArcSwap::from_pointee(apps),
            in_flight: InFlight::default(),
            callbacks: Callbacks::default(),
            arrivals: Arrivals::default(),
            writer,
            tally,
            clock,
            budget: Budget::new(&limits),
            limits,
            instance: OnceLock::new(),
        }))
    }

    /// Answers from now on as this instance to whoever asks for it.
    pub fn answer_as(&self, instance: Id) {
        let _ = self.0.instance.set(instance);
    }

    /// Replaces the apps at once, without touching a connection.
    pub fn swap_apps(&self, apps: Apps) {
        self.0.apps.store(Arc::new(apps));
    }

    /// The deliveries that are on their way now, also those whose sender has hung up.
    pub fn in_flight(&self) -> &InFlight {
        &self.0.in_flight
    }

    /// What happened at the callback URLs; it stays when the apps are swapped.
    pub fn callbacks(&self) -> &Callbacks {
        &self.0.callbacks
    }

    /// Settled deliveries, for a display.
    pub fn arrivals(&self) -> &Arrivals {
        &self.0.arrivals
    }

    /// The app as configured at this moment.
    pub(super) fn app(&self, name: &str) -> Option<Arc<AppKeys>> {
        self.0.apps.load().get(name)
    }

    pub(super) fn instance(&self) -> Option<&Id> {
        self.0.instance.get()
    }

    pub(super) fn writer(&self) -> &Writer {
        &self.0.writer
    }

    /// Counts of requests that were not stored.
    pub(super) fn tally(&self) -> &Tally {
        &self.0.tally
    }

    pub(super) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// What a delivery may cost.
    pub(super) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// The memory that all bodies share.
    pub(super) fn budget(&self) -> &Budget {
        &self.0.budget
    }
}
