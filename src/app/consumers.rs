//! Consumers of the configuration: each has a task that owns it, started, changed and ended by
//! reloads.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    config::Config,
    forward::consumer::{Calls, Handle, Handles, Settings},
    worker::{ConsumerParts, Consuming},
};

/// Tasks of the consumers. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Consumers(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    shared: ConsumerParts,
    handles: Handles,
    tasks: BTreeMap<String, Task>,
    /// Task tracker, once the database is open, and the token that stops the tasks.
    loops: Option<(TaskTracker, CancellationToken)>,
}

/// Task of one consumer.
#[derive(Debug)]
struct Task {
    settings: watch::Sender<Arc<Settings>>,
    handle: Handle,
    /// Requests, until the task starts.
    calls: Option<Calls>,
    stop: CancellationToken,
}

impl Task {
    fn new(settings: Settings) -> Self {
        let (handle, calls) = Handle::new();
        Self {
            settings: watch::Sender::new(Arc::new(settings)),
            handle,
            calls: Some(calls),
            stop: CancellationToken::new(),
        }
    }

    /// Changes the settings, if they differ.
    fn set(&self, settings: Settings) {
        self.settings.send_if_modified(|present| {
            let is_new = **present != settings;
            if is_new {
                *present = Arc::new(settings);
            }
            is_new
        });
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Consumers {
    /// The consumers of `config`. Their tasks do not run yet.
    pub(super) fn new(shared: ConsumerParts, config: &Config) -> Self {
        let mut state = State {
            shared,
            handles: Handles::default(),
            tasks: BTreeMap::new(),
            loops: None,
        };
        state.apply(config);
        Self(Arc::new(Mutex::new(state)))
    }

    /// Handles of the consumers, which follow each reload.
    pub(super) fn handles(&self) -> Handles {
        self.lock().handles.clone()
    }

    /// Starts the tasks. The database must be open.
    pub(super) fn start(&self, loops: &TaskTracker, stop: &CancellationToken) {
        let mut state = self.lock();
        state.loops = Some((loops.clone(), stop.clone()));
        state.start();
    }

    /// Applies a changed configuration.
    pub(super) fn apply(&self, config: &Config) {
        let mut state = self.lock();
        state.apply(config);
        state.start();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn apply(&mut self, config: &Config) {
        let apps = config.apps.len();
        let wanted = config.consumers.iter();
        let wanted: BTreeMap<_, _> = wanted
            .map(|(name, consumer)| (name.to_string(), Settings::of(consumer, apps)))
            .collect();
        self.tasks.retain(|name, _| wanted.contains_key(name));
        for (name, settings) in wanted {
            match self.tasks.get(&name) {
                Some(task) => task.set(settings),
                None => drop(self.tasks.insert(name, Task::new(settings))),
            }
        }
        let handles = self.tasks.iter();
        let handles = handles.map(|(name, task)| (name.clone(), task.handle.clone()));
        self.handles.replace(handles.collect());
    }

    fn start(&mut self) {
        let Some((loops, stop)) = &self.loops else {
            return;
        };
        for (name, task) in &mut self.tasks {
            let Some(calls) = task.calls.take() else {
                continue;
            };
            let settings = task.settings.subscribe();
            let consuming =
                Consuming::new(name.as_str().into(), settings, calls, self.shared.clone());
            task.stop = stop.child_token();
            loops.spawn(consuming.run(task.stop.clone()));
        }
    }
}
