//! Consumers and destinations of the configuration: each has a task that owns it, started, changed
//! and ended by reloads. A destination has a second task, its sender.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    config::Config,
    forward::{
        consumer::{Calls, Handle, Handles, Settings, Target, Targets},
        destination,
    },
    worker::{Attempts, ConsumerParts, Consuming, Sender, Senders},
};

/// Tasks of the consumers. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Consumers(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    shared: ConsumerParts,
    senders: Senders,
    handles: Handles,
    targets: Targets,
    tasks: BTreeMap<String, Task>,
    /// Task tracker, once the database is open, and the token that stops the tasks.
    loops: Option<Loops>,
}

type Loops = (TaskTracker, CancellationToken);

/// Task of one consumer.
#[derive(Debug)]
struct Task {
    settings: watch::Sender<Arc<Settings>>,
    handle: Handle,
    /// Requests, until the task starts.
    calls: Option<Calls>,
    /// Settings of the sender, if this is a destination.
    sending: Option<watch::Sender<Arc<destination::Settings>>>,
    is_own_webhook: bool,
    stop: CancellationToken,
}

/// Settings of a task.
#[derive(Debug)]
struct Wanted {
    settings: Settings,
    sending: Option<destination::Settings>,
    is_own_webhook: bool,
}

impl Task {
    fn new(wanted: Wanted) -> Self {
        let (handle, calls) = Handle::new();
        let sending = wanted.sending.map(Arc::new);
        Self {
            settings: watch::Sender::new(Arc::new(wanted.settings)),
            handle,
            calls: Some(calls),
            sending: sending.map(watch::Sender::new),
            is_own_webhook: wanted.is_own_webhook,
            stop: CancellationToken::new(),
        }
    }

    /// Changes the settings, if they differ. The secrets of a destination may differ always.
    fn set(&mut self, wanted: Wanted) {
        self.is_own_webhook = wanted.is_own_webhook;
        self.settings.send_if_modified(|present| {
            let is_new = **present != wanted.settings;
            if is_new {
                *present = Arc::new(wanted.settings);
            }
            is_new
        });
        if let Some((present, sending)) = self.sending.as_ref().zip(wanted.sending) {
            present.send_replace(Arc::new(sending));
        }
    }

    /// Target of replays.
    fn target(&self) -> Target {
        Target {
            settings: Arc::clone(&self.settings.borrow()),
            handle: self.handle.clone(),
            is_own_webhook: self.is_own_webhook,
        }
    }

    /// Starts the tasks, unless they run.
    fn start(&mut self, name: &str, parts: (&ConsumerParts, &Senders), loops: &Loops) {
        let Some(calls) = self.calls.take() else {
            return;
        };
        let ((shared, senders), (tracker, stop)) = (parts, loops);
        self.stop = stop.child_token();
        let settings = self.settings.subscribe();
        let consuming = Consuming::new(name.into(), settings, calls, shared.clone());
        let Some(sending) = &self.sending else {
            tracker.spawn(consuming.run(self.stop.clone()));
            return;
        };
        let (handle, sending) = (self.handle.clone(), sending.subscribe());
        let sender = Sender::new(name.into(), handle, sending, senders.clone());
        let (stop, sent) = (self.stop.clone(), CancellationToken::new());
        tracker.spawn(consuming.run(sent.clone()));
        // The owner settles what the last requests leave.
        tracker.spawn(async move {
            let _ended = sent.drop_guard();
            sender.run(stop).await;
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
            senders: Senders::new(&shared.options, shared.clock.clone()),
            shared,
            handles: Handles::default(),
            targets: Targets::default(),
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

    /// Targets of replays, which follow each reload.
    pub(super) fn targets(&self) -> Targets {
        self.lock().targets.clone()
    }

    /// Writer of the attempts of the destinations.
    pub(super) fn attempts(&self) -> Attempts {
        self.lock().senders.attempts()
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
        let wanted = wanted(config);
        let is_same = |name: &String, task: &Task| {
            let wanted = wanted.get(name).map(|it| it.sending.is_some());
            wanted == Some(task.sending.is_some())
        };
        self.tasks.retain(|name, task| is_same(name, task));
        for (name, wanted) in wanted {
            match self.tasks.get_mut(&name) {
                Some(task) => task.set(wanted),
                None => drop(self.tasks.insert(name, Task::new(wanted))),
            }
        }
        let targets = self.tasks.iter();
        let targets = targets.map(|(name, task)| (name.clone(), task.target()));
        self.targets.replace(targets.collect());
        // Events of a destination are for its sender only.
        let handles = self.tasks.iter().filter(|(_, task)| task.sending.is_none());
        let handles = handles.map(|(name, task)| (name.clone(), task.handle.clone()));
        self.handles.replace(handles.collect());
    }

    fn start(&mut self) {
        let Some(loops) = &self.loops else {
            return;
        };
        for (name, task) in &mut self.tasks {
            task.start(name, (&self.shared, &self.senders), loops);
        }
    }
}

/// Settings of the tasks by name.
fn wanted(config: &Config) -> BTreeMap<String, Wanted> {
    let apps = config.apps.len();
    let consumers = config.consumers.iter().map(|(name, consumer)| {
        let wanted = Wanted {
            settings: Settings::of(consumer, apps),
            sending: None,
            is_own_webhook: false,
        };
        (name.to_string(), wanted)
    });
    let destinations = config.destinations.iter().map(|(name, destination)| {
        let sending = destination::Settings::new(destination.clone(), &config.apps);
        let wanted = Wanted {
            settings: Settings::of_destination(destination),
            sending: Some(sending),
            is_own_webhook: config.http.is_own_webhook(destination.url.url()),
        };
        (name.to_string(), wanted)
    });
    consumers.chain(destinations).collect()
}

/// Targets of replays in a process that runs no consumers.
pub(super) fn targets(config: &Config) -> Targets {
    let targets = Targets::default();
    let wanted = wanted(config).into_iter();
    let wanted = wanted.map(|(name, wanted)| (name, Task::new(wanted).target()));
    targets.replace(wanted.collect());
    targets
}
