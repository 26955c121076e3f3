//! Claims: the lease with which a worker may settle an item.

use super::{
    LaneKey, Lanes,
    lane::{Lane, State},
    token::{Answer, Token},
};

/// Item that a worker may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// The head of this lane.
    Head(LaneKey),
    /// The extra at this position.
    Extra(i64),
}

impl Lanes {
    /// Item that the token may settle. A head is found by its position first: its lane had another
    /// key if the configuration of lanes was another one when the lease was given.
    pub(super) fn claim(&mut self, token: &Token) -> Result<Slot, Answer> {
        if token.is_extra() {
            self.check_extra(token)?;
            return Ok(Slot::Extra(token.position));
        }
        let key = self.index.lane_at(token.position).unwrap_or(token.lane);
        match self.by_key.get(&key) {
            Some(lane) => lane.check(token)?,
            None if self.may_be_passed(token) => return Err(Answer::Lost),
            None if token.position <= self.read => return Err(Answer::Already),
            None => return Err(Answer::Unknown),
        }
        self.cursor = self.cursor.max(token.position);
        Ok(Slot::Head(key))
    }

    fn check_extra(&self, token: &Token) -> Result<(), Answer> {
        let is_ours = token.generation() == self.number >> 32;
        let extra = self.extras.get(token.position);
        match extra.map(|extra| &extra.lane) {
            Some(lane) if lane.number.is_some() || lane.state == State::Settled => {
                lane.check(token)
            }
            // A restart forgot the attempts.
            Some(_) if !is_ours => Ok(()),
            // The event may be an extra for the second time.
            Some(_) | None if is_ours => Err(Answer::Already),
            Some(_) | None => Err(Answer::Unknown),
        }
    }

    /// Item in a slot.
    pub(super) fn at(&self, slot: Slot) -> Option<&Lane> {
        match slot {
            Slot::Head(key) => self.by_key.get(&key).map(Box::as_ref),
            Slot::Extra(position) => self.extras.get(position).map(|extra| &extra.lane),
        }
    }

    /// Changes the item in a slot.
    pub(super) fn change_at<T>(
        &mut self,
        slot: Slot,
        change: impl FnOnce(&mut Lane) -> T,
    ) -> Option<T> {
        match slot {
            Slot::Head(key) => self.change(key, change),
            Slot::Extra(position) => self.change_extra(position, change),
        }
    }

    /// Items that are out or held back.
    pub(super) fn out(&self) -> impl Iterator<Item = Slot> {
        let heads = self.index.leases.iter().map(|(_, key)| Slot::Head(*key));
        let extras = self.extras.out();
        heads.chain(extras.map(|lane| Slot::Extra(lane.head.position)))
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

    /// Checks the attempt of a lease that only an earlier process can have given. Failures after its
    /// last save are forgotten, so that the attempt may be higher than the known ones.
    fn check_earlier(&self, attempt: u32) -> Result<(), Answer> {
        let failed = self.attempts();
        let has_failed = self.is_waiting() && attempt == failed;
        if attempt > failed || has_failed {
            Ok(())
        } else {
            Err(Answer::Lost)
        }
    }
}
