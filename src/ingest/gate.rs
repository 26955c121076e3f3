//! Whether commits may be tried at all.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering::SeqCst},
};

/// Why no commit is tried, whether or not Postgres would take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// The database was not reached since the start, or its schema is not brought up yet.
    Unopened,
    /// The disk of the database has less room than `database.min_free`: Postgres falls over when
    /// there is none.
    DiskLow,
}

impl Closed {
    const ALL: [Self; 2] = [Self::Unopened, Self::DiskLow];

    /// The bounded word for it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unopened => "database",
            Self::DiskLow => "disk",
        }
    }

    fn bit(self) -> u8 {
        match self {
            Self::Unopened => 1,
            Self::DiskLow => 2,
        }
    }
}

/// What commits go through; open at first. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<AtomicU8>);

impl Gate {
    /// Lets no commit through for this reason; says whether that is new.
    pub fn close(&self, why: Closed) -> bool {
        self.0.fetch_or(why.bit(), SeqCst) & why.bit() == 0
    }

    /// Takes the reason away; says whether it was there.
    pub fn open(&self, why: Closed) -> bool {
        self.0.fetch_and(!why.bit(), SeqCst) & why.bit() != 0
    }

    /// What keeps it closed, if anything does.
    pub fn closed(&self) -> Option<Closed> {
        let bits = self.0.load(SeqCst);
        Closed::ALL.into_iter().find(|why| bits & why.bit() != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_open_when_no_reason_is_left() {
        let gate = Gate::default();
        assert_eq!(gate.closed(), None);
        assert!(gate.close(Closed::DiskLow), "that is new");
        assert!(!gate.close(Closed::DiskLow), "that was so before");
        assert!(gate.clone().close(Closed::Unopened));
        assert_eq!(gate.closed(), Some(Closed::Unopened));
        assert!(gate.open(Closed::Unopened));
        assert_eq!(gate.closed(), Some(Closed::DiskLow));
        assert!(gate.open(Closed::DiskLow));
        assert!(!gate.open(Closed::DiskLow));
        assert_eq!(gate.closed(), None);
    }
}
