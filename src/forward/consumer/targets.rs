//! Consumers and destinations by name, for replays. A reload replaces them.

use std::{collections::BTreeMap, sync::Arc};

use arc_swap::ArcSwap;

use super::{Handle, Settings};

/// Consumer or destination that events can be replayed to.
#[derive(Clone, Debug)]
pub struct Target {
    /// Settings, with the filter and `max_age`.
    pub settings: Arc<Settings>,
    /// Way to the owner.
    pub handle: Handle,
    /// True if it sends its events to the webhook of this server.
    pub is_own_webhook: bool,
}

/// The configured consumers and destinations by name. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Targets(Arc<ArcSwap<BTreeMap<String, Target>>>);

impl Targets {
    /// The target of this name, if one is configured.
    pub fn get(&self, name: &str) -> Option<Target> {
        self.0.load().get(name).cloned()
    }

    /// All names.
    pub fn names(&self) -> Vec<String> {
        self.0.load().keys().cloned().collect()
    }

    /// Replaces all targets.
    pub fn replace(&self, targets: BTreeMap<String, Target>) {
        self.0.store(Arc::new(targets));
    }
}
