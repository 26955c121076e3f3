//! Last events at the callback URL of each app since the start, and those of them that are not
//! written to Postgres yet.
//!
//! The map has one timestamp for each app, event and secret: a delivery costs one lock, whatever
//! the load. The map survives a reload, since it belongs to the listener and not to the apps.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;

use crate::store::callbacks::{Seen, What};

/// Key of a timestamp.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    app: Arc<str>,
    what: What,
    secret: Arc<str>,
}

#[derive(Clone, Debug)]
struct Last {
    fingerprint: Arc<str>,
    at: Timestamp,
    /// True if Postgres has it.
    is_written: bool,
}

/// Timestamps of the last events. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Callbacks(Arc<Mutex<HashMap<Key, Last>>>);

impl Callbacks {
    /// Records a challenge of `app`.
    pub fn challenge(&self, app: &Arc<str>, answered: bool, at: Timestamp) {
        let what = if answered {
            What::ChallengeAnswered
        } else {
            What::ChallengeRefused
        };
        self.note(app, what, [&"".into(), &"".into()], at);
    }

    /// Records a verified delivery of `app`, with the name and the fingerprint of its secret.
    pub fn delivery(&self, app: &Arc<str>, simulated: bool, secret: [&Arc<str>; 2], at: Timestamp) {
        let what = if simulated {
            What::Simulated
        } else {
            What::Delivery
        };
        self.note(app, what, secret, at);
    }

    fn note(&self, app: &Arc<str>, what: What, secret: [&Arc<str>; 2], at: Timestamp) {
        let [name, fingerprint] = secret.map(Arc::clone);
        let key = Key {
            app: Arc::clone(app),
            what,
            secret: name,
        };
        let last = Last {
            fingerprint,
            at,
            is_written: false,
        };
        self.keep(key, last);
    }

    /// Keeps the later timestamp.
    fn keep(&self, key: Key, last: Last) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = known.entry(key).or_insert_with(|| last.clone());
        if kept.at <= last.at {
            *kept = last;
        }
    }

    /// Takes the timestamps recorded since the last call.
    pub fn take(&self) -> Vec<Seen> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let new = known.iter_mut().filter(|(_, last)| !last.is_written);
        let taken = new.map(|(key, last)| {
            last.is_written = true;
            seen(key, last)
        });
        taken.collect()
    }

    /// All timestamps since the start.
    pub fn since_start(&self) -> Vec<Seen> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().map(|(key, last)| seen(key, last)).collect()
    }

    /// Puts back timestamps that could not be written.
    pub fn put_back(&self, seen: Vec<Seen>) {
        for seen in seen {
            let key = Key {
                app: seen.app.into(),
                what: seen.what,
                secret: seen.secret.into(),
            };
            let last = Last {
                fingerprint: seen.fingerprint.into(),
                at: seen.last_at,
                is_written: false,
            };
            self.keep(key, last);
        }
    }
}

fn seen(key: &Key, last: &Last) -> Seen {
    Seen {
        app: key.app.as_ref().into(),
        what: key.what,
        secret: key.secret.as_ref().into(),
        fingerprint: last.fingerprint.as_ref().into(),
        last_at: last.at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_last_moment_of_each_thing_is_kept_also_when_it_is_put_back() {
        let callbacks = Callbacks::default();
        let (app, name, print) = ("default".into(), "app".into(), "0a".into());
        callbacks.challenge(&app, true, at(1));
        callbacks.delivery(&app, false, [&name, &print], at(3));
        let early = callbacks.take();
        assert_eq!(early.len(), 2);
        assert!(callbacks.take().is_empty());
        assert_eq!(callbacks.since_start().len(), 2, "they are still known");
        callbacks.delivery(&app, false, [&name, &print], at(5));
        callbacks.put_back(early);
        callbacks.delivery(&app, true, [&name, &print], at(4));
        let mut seen: Vec<_> = callbacks
            .take()
            .into_iter()
            .map(|seen| (seen.what, seen.last_at.as_second()))
            .collect();
        seen.sort();
        assert_eq!(
            seen,
            [
                (What::ChallengeAnswered, 1),
                (What::Delivery, 5),
                (What::Simulated, 4)
            ]
        );
    }
}
