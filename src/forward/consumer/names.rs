//! Handles of all consumers by name. A reload replaces them.

use std::{collections::BTreeMap, sync::Arc};

use arc_swap::ArcSwap;

use super::{Handle, Refusal};

/// Handles of the configured consumers by name. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Handles(Arc<ArcSwap<BTreeMap<String, Handle>>>);

impl Handles {
    /// Handle of the consumer `name`.
    ///
    /// # Errors
    /// If no consumer of this name is configured.
    pub fn get(&self, name: &str) -> Result<Handle, Refusal> {
        let handles = self.0.load();
        handles.get(name).cloned().ok_or(Refusal::Unknown)
    }

    /// All handles by name.
    pub fn all(&self) -> BTreeMap<String, Handle> {
        BTreeMap::clone(&self.0.load())
    }

    /// Replaces all handles.
    pub fn replace(&self, handles: BTreeMap<String, Handle>) {
        self.0.store(Arc::new(handles));
    }
}
