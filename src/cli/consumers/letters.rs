//! Dead letters that an operator names, and their marks.

use anyhow::Context;
use clap::Args;

use super::{super::filters, Session};
use crate::{
    amounts::count,
    store::consumers::{self, LetterState, Marked},
};

/// Letters of a consumer.
#[derive(Args, Debug)]
pub(super) struct Which {
    /// Name of the consumer.
    name: String,
    /// Positions of the events.
    #[arg(value_parser = filters::position(), required_unless_present = "all",
          conflicts_with = "all")]
    positions: Vec<i64>,
    /// All letters in the state `dead`.
    #[arg(long)]
    all: bool,
}

impl Which {
    /// Number of the named letters in the state `dead`.
    ///
    /// # Errors
    /// If the consumer or a letter does not exist.
    pub(super) async fn letters(&self, session: &mut Session) -> anyhow::Result<i64> {
        let status = session.status(&self.name).await?;
        if self.all {
            return Ok(status.dead_letters);
        }
        let mut dead = 0;
        for position in &self.positions {
            let letter = consumers::dead_letter(&mut session.conn, &self.name, *position).await?;
            let letter = letter.with_context(|| {
                format!(
                    "{} has no dead letter at position {position}; nothing was changed",
                    self.name
                )
            })?;
            dead += i64::from(letter.state == LetterState::Dead);
        }
        Ok(dead)
    }

    /// Marks the letters, and returns their number.
    pub(super) async fn mark(&self, session: &mut Session, retry: bool) -> anyhow::Result<i64> {
        let named = i64::try_from(self.positions.len())?;
        let verb = if retry {
            "dead_letters_retry"
        } else {
            "dead_letters_discard"
        };
        session
            .record(verb, &self.name, (!self.all).then_some(named))
            .await?;
        let mut marked = 0;
        loop {
            let which = if self.all {
                Marked::Dead
            } else {
                Marked::At(&self.positions)
            };
            let (conn, name) = (&mut session.conn, &*self.name);
            let some = if retry {
                consumers::retry(conn, name, which).await?
            } else {
                consumers::discard(conn, name, which).await?
            };
            marked += i64::try_from(some.len())?;
            if some.is_empty() || !self.all {
                return Ok(marked);
            }
        }
    }
}

/// A number of dead letters in words.
pub(super) fn letters(number: i64) -> String {
    count(number.unsigned_abs(), "dead letter", "dead letters")
}
