//! Shared state of the routes: apps with their keys, the writer, and the limits.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, OnceLock},
};

use arc_swap::ArcSwap;
use secrecy::SecretString;

use super::{Limits, body::Budget, in_flight::InFlight};
use crate::{
    clock::Clock,
    config,
    ingest::{Callbacks, Gaps, Tally, Writer, arrivals::Arrivals},
    instance::Id,
    meta::signature::Secrets,
    telemetry::Meter,
};

/// The app of `/webhook` without a name.
pub const DEFAULT_APP: &str = "default";

/// The keys of one Meta app.
#[derive(Debug)]
pub struct AppKeys {
    /// Name in the path, `[a-z0-9_]{1,32}`.
    pub name: Arc<str>,
    /// Secrets that sign the app's deliveries.
    pub secrets: Secrets,
    /// Verify token of the challenge; without one, no challenge passes.
    pub verify_token: Option<SecretString>,
    /// Metrics of the app's deliveries.
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

/// Apps by name. Replaced as a whole, so that a delivery sees either the old or the new apps.
#[derive(Clone, Debug, Default)]
pub struct Apps {
    keys: HashMap<Arc<str>, Arc<AppKeys>>,
    /// Their configuration, for explanations of rejections.
    configured: config::Apps,
}

impl Apps {
    /// The app of that name.
    pub fn get(&self, name: &str) -> Option<Arc<AppKeys>> {
        self.keys.get(name).cloned()
    }

    fn names(&self) -> Vec<Arc<str>> {
        self.keys.keys().cloned().collect()
    }
}

impl FromIterator<AppKeys> for Apps {
    fn from_iter<I: IntoIterator<Item = AppKeys>>(apps: I) -> Self {
        let named = |app: AppKeys| (Arc::clone(&app.name), Arc::new(app));
        Self {
            keys: apps.into_iter().map(named).collect(),
            configured: config::Apps::new(),
        }
    }
}

impl From<&config::Apps> for Apps {
    fn from(apps: &config::Apps) -> Self {
        Self {
            configured: apps.clone(),
            ..apps.values().map(AppKeys::from).collect()
        }
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
    gaps: Gaps,
    arrivals: Arrivals,
    writer: Writer,
    tally: Tally,
    clock: Clock,
    limits: Limits,
    budget: Budget,
    instance: OnceLock<Id>,
}

impl AppState {
    /// Creates the state. `writer` stores deliveries; `tally` counts requests that are not stored.
    pub fn new(apps: Apps, writer: Writer, tally: Tally, clock: Clock, limits: Limits) -> Self {
        let gaps = Gaps::default();
        gaps.serve(apps.names());
        Self(Arc::new(Shared {
            apps: ArcSwap::from_pointee(apps),
            in_flight: InFlight::default(),
            callbacks: Callbacks::default(),
            gaps,
            arrivals: Arrivals::default(),
            writer,
            tally,
            clock,
            budget: Budget::new(&limits),
            limits,
            instance: OnceLock::new(),
        }))
    }

    /// Sets the instance that answers requests for an instance.
    pub fn answer_as(&self, instance: Id) {
        let _ = self.0.instance.set(instance);
    }

    /// Replaces the apps. Open connections stay open.
    pub fn swap_apps(&self, apps: Apps) {
        self.0.gaps.serve(apps.names());
        self.0.apps.store(Arc::new(apps));
    }

    /// Deliveries in flight, also if the sender has hung up.
    pub fn in_flight(&self) -> &InFlight {
        &self.0.in_flight
    }

    /// Last contacts at the callback URLs; kept when the apps are replaced.
    pub fn callbacks(&self) -> &Callbacks {
        &self.0.callbacks
    }

    /// Gaps in the deliveries; kept when the apps are replaced.
    pub fn gaps(&self) -> &Gaps {
        &self.0.gaps
    }

    /// Settled deliveries, for a display.
    pub fn arrivals(&self) -> &Arrivals {
        &self.0.arrivals
    }

    /// The app as configured at this moment.
    pub(super) fn app(&self, name: &str) -> Option<Arc<AppKeys>> {
        self.0.apps.load().get(name)
    }

    /// Configuration of all apps at this moment.
    pub(super) fn configured_apps(&self) -> config::Apps {
        self.0.apps.load().configured.clone()
    }

    /// Secrets of each app at this moment.
    pub(super) fn secrets(&self) -> BTreeMap<String, Secrets> {
        let apps = self.0.apps.load();
        let secrets = |app: &Arc<AppKeys>| (app.name.to_string(), app.secrets.clone());
        apps.keys.values().map(secrets).collect()
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

    /// Limits of a delivery.
    pub(super) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Memory budget of all bodies.
    pub(super) fn budget(&self) -> &Budget {
        &self.0.budget
    }
}
