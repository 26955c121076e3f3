//! Claims: the lease with which a worker may settle the head of a lane.

use super::{
    LaneKey, Lanes,
    lane::{Lane, State},
    token::{Answer, Token},
};

impl Lanes {
    /// Lane whose head the token may settle. It is found by the head first: it had another key if
    /// the configuration of lanes was another one when the lease was given.
    pub(super) fn claim(&mut self, token: &Token) -> Result<LaneKey, Answer> {
        let key = self.index.lane_at(token.position).unwrap_or(token.lane);
        match self.by_key.get(&key) {
            Some(lane) => lane.check(token)?,
            None if token.position <= self.read => return Err(Answer::Already),
            None => return Err(Answer::Unknown),
        }
        self.cursor = self.cursor.max(token.position);
        Ok(key)
    }
}

impl Lane {
    /// Checks that the lease with this token may settle the head: no later one was given.
    fn check(&self, token: &Token) -> Result<(), Answer> {
        match self.number {
            _ if token.position < self.head.position => Err(Answer::Already),
            // A restart made an item before it unsettled again.
            _ if token.position > self.head.position => Err(Answer::Lost),
            _ if self.state == State::Settled => Err(Answer::Already),
            Some(number) if number.get() == token.number => Ok(()),
            Some(_) => Err(Answer::Lost),
            None => self.check_earlier(token.attempt),
        }
    }

    /// Checks the attempt of a lease that only an earlier process can have given.
    fn check_earlier(&self, attempt: u32) -> Result<(), Answer> {
        let failed = self.attempts();
        let has_failed = self.is_waiting() && attempt == failed;
        if attempt == failed + 1 || has_failed {
            Ok(())
        } else if attempt <= failed {
            Err(Answer::Lost)
        } else {
            Err(Answer::Unknown)
        }
    }
}
