//! Sessions in memory: a bounded number, those used last.

use std::{collections::BTreeSet, fmt, sync::Arc};

use jiff::Timestamp;
use subtle::ConstantTimeEq;
use tokio_util::sync::CancellationToken;

use super::{Digest, IDLE, LONGEST};

/// Maximum number of sessions in memory. For one more, the session that was not used for the
/// longest time leaves; its next request reads it again.
const MOST: usize = 256;

/// A session in memory.
pub struct AdminSession {
    id: Digest,
    token: Digest,
    ends_at: Timestamp,
    ended: CancellationToken,
}

/// Shows no digest.
impl fmt::Debug for AdminSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ends_at = self.ends_at;
        f.debug_struct("AdminSession")
            .field("ends_at", &ends_at)
            .finish_non_exhaustive()
    }
}

impl AdminSession {
    pub(super) fn new(id: Digest, token: Digest, created_at: Timestamp) -> Self {
        Self {
            id,
            token,
            ends_at: created_at + LONGEST,
            ended: CancellationToken::new(),
        }
    }

    pub(super) fn id(&self) -> &Digest {
        &self.id
    }

    /// SHA-256 of the token of the sign-in.
    pub fn token(&self) -> &Digest {
        &self.token
    }

    /// True if the session has ended, or has left the memory.
    pub fn has_ended(&self) -> bool {
        self.ended.is_cancelled()
    }

    /// Waits until the session has ended, or has left the memory.
    pub async fn until_ended(&self) {
        self.ended.cancelled().await;
    }
}

/// Removal of tokens: sessions that began up to `at`, with a token that is not in `kept`, have ended.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Removal {
    pub(super) kept: BTreeSet<Digest>,
    pub(super) at: Timestamp,
}

/// Shows no digest.
impl fmt::Debug for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at;
        f.debug_struct("Removal")
            .field("at", &at)
            .finish_non_exhaustive()
    }
}

/// The sessions in memory.
#[derive(Debug, Default)]
pub(super) struct Memory {
    known: Vec<Known>,
    /// Removal whose rows are still there.
    removal: Option<Removal>,
    /// Number of times that sessions were ended.
    ends: u64,
}

#[derive(Debug)]
struct Known {
    session: Arc<AdminSession>,
    used_at: Timestamp,
}

impl Known {
    fn is_valid(&self, now: Timestamp) -> bool {
        now < self.session.ends_at && now < self.used_at + IDLE
    }
}

impl Memory {
    /// Finds a valid session and notes its use. Also returns the number of ends, for
    /// [`Memory::add`].
    pub(super) fn get(&mut self, id: &Digest, now: Timestamp) -> (Option<Arc<AdminSession>>, u64) {
        self.drop_unless(|it| it.is_valid(now));
        let mut found = None;
        for known in &mut self.known {
            if bool::from(known.session.id.ct_eq(id)) {
                known.used_at = now;
                found = Some(Arc::clone(&known.session));
            }
        }
        (found, self.ends)
    }

    /// Adds a session whose row was read after `ends` ends; `None` if sessions ended meanwhile.
    pub(super) fn add(
        &mut self,
        session: AdminSession,
        now: Timestamp,
        ends: u64,
    ) -> Option<Arc<AdminSession>> {
        if self.ends != ends {
            return None;
        }
        // Two requests may have read the same row.
        let (known, _) = self.get(&session.id, now);
        if known.is_some() {
            return known;
        }
        if self.known.len() >= MOST {
            self.drop_oldest();
        }
        let session = Arc::new(session);
        self.known.push(Known {
            session: Arc::clone(&session),
            used_at: now,
        });
        Some(session)
    }

    /// Ends the chosen sessions.
    pub(super) fn end(&mut self, is_chosen: impl Fn(&AdminSession) -> bool) {
        self.ends += 1;
        self.drop_unless(|it| !is_chosen(&it.session));
    }

    /// Ends the sessions of all tokens except these. A removal whose rows are still there stays one.
    pub(super) fn keep(&mut self, mut kept: BTreeSet<Digest>, at: Timestamp) {
        if let Some(before) = &self.removal {
            kept.retain(|token| before.kept.contains(token));
        }
        self.end(|it| !kept.contains(it.token()));
        self.removal = Some(Removal { kept, at });
    }

    /// True if a session has ended with its token.
    pub(super) fn has_removed(&self, token: &Digest, created_at: Timestamp) -> bool {
        let removal = self.removal.as_ref();
        removal.is_some_and(|it| created_at <= it.at && !it.kept.contains(token))
    }

    /// Removal whose rows are still there.
    pub(super) fn removal(&self) -> Option<Removal> {
        self.removal.clone()
    }

    /// Notes that the rows of a removal are gone, unless another one followed.
    pub(super) fn removed(&mut self, removal: &Removal) {
        self.removal.take_if(|it| it == removal);
    }

    /// Ids and last uses of the valid sessions. A session that a stream holds is in use.
    pub(super) fn used(&mut self, now: Timestamp) -> Vec<(Digest, Timestamp)> {
        for known in &mut self.known {
            if Arc::strong_count(&known.session) > 1 {
                known.used_at = now;
            }
        }
        self.drop_unless(|it| it.is_valid(now));
        let known = self.known.iter();
        known.map(|it| (it.session.id, it.used_at)).collect()
    }

    /// Drops the session that was not used for the longest time: one without a stream if possible.
    /// Only one of several that were last used at the same time leaves, as the uses of all sessions
    /// with streams are noted together.
    fn drop_oldest(&mut self) {
        let age = |known: &Known| (Arc::strong_count(&known.session) > 1, known.used_at);
        let known = self.known.iter().enumerate();
        if let Some((place, _)) = known.min_by_key(|(_, known)| age(known)) {
            self.known.swap_remove(place).session.ended.cancel();
        }
    }

    fn drop_unless(&mut self, stays: impl Fn(&Known) -> bool) {
        self.known.retain(|known| {
            let stays = stays(known);
            if !stays {
                known.session.ended.cancel();
            }
            stays
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn add(memory: &mut Memory, number: u16, now: Timestamp) -> Arc<AdminSession> {
        let mut id = [0; 32];
        id[..2].copy_from_slice(&number.to_be_bytes());
        let session = AdminSession::new(id, [7; 32], NOW);
        memory.add(session, now, memory.ends).unwrap()
    }

    #[test]
    fn memory_is_bounded_and_the_session_used_last_stays() {
        let mut memory = Memory::default();
        let second = |number: u16| NOW + jiff::SignedDuration::from_secs(number.into());
        let most = u16::try_from(MOST).unwrap();
        let first: Vec<_> = (0..most)
            .map(|number| add(&mut memory, number, second(number)))
            .collect();
        assert!(memory.get(&first[0].id, second(most)).0.is_some());
        add(&mut memory, most, second(most));
        assert_eq!(memory.known.len(), MOST);
        assert!(!first[0].has_ended() && first[1].has_ended());
    }

    #[test]
    fn of_sessions_last_used_at_the_same_time_one_without_a_stream_leaves() {
        let mut memory = Memory::default();
        let most = u16::try_from(MOST).unwrap();
        let mut held: Vec<_> = (0..most).map(|it| add(&mut memory, it, NOW)).collect();
        let let_go = held.pop().unwrap().id;
        let added = add(&mut memory, most, NOW);
        assert_eq!(memory.known.len(), MOST);
        assert!(!added.has_ended() && held.iter().all(|it| !it.has_ended()));
        assert!(memory.get(&let_go, NOW).0.is_none());
        add(&mut memory, most + 1, NOW);
        let ended = held.iter().filter(|it| it.has_ended()).count();
        assert_eq!((memory.known.len(), ended), (MOST, 1));
    }

    #[test]
    fn a_token_that_comes_back_before_the_rows_are_gone_revives_no_session() {
        let after = |seconds| NOW + jiff::SignedDuration::from_secs(seconds);
        let mut memory = Memory::default();
        let session = add(&mut memory, 1, NOW);
        let (own, other) = (*session.token(), [8; 32]);
        memory.keep([own, other].into(), NOW);
        assert!(!session.has_ended() && !memory.has_removed(&own, NOW));
        memory.removed(&memory.removal().unwrap());
        memory.keep([other].into(), after(1));
        assert!(session.has_ended() && memory.has_removed(&own, NOW));
        let pending = memory.removal().unwrap();
        memory.keep([own, other].into(), after(2));
        memory.removed(&pending);
        assert!(memory.has_removed(&own, NOW) && !memory.has_removed(&other, NOW));
        assert!(!memory.has_removed(&own, after(3)), "a new sign-in");
        memory.removed(&memory.removal().unwrap());
        assert_eq!(memory.removal(), None);
    }

    #[test]
    fn a_session_that_was_read_before_others_ended_is_read_again() {
        let mut memory = Memory::default();
        let (_, ends) = memory.get(&[1; 32], NOW);
        memory.end(|it| it.id == [1; 32]);
        let session = AdminSession::new([1; 32], [7; 32], NOW);
        assert!(memory.add(session, NOW, ends).is_none());
        assert!(memory.get(&[1; 32], NOW).0.is_none());
    }

    #[test]
    fn a_session_that_a_stream_holds_does_not_expire() {
        let mut memory = Memory::default();
        let held = add(&mut memory, 1, NOW);
        add(&mut memory, 2, NOW);
        assert_eq!(memory.used(NOW + IDLE), [(held.id, NOW + IDLE)]);
        assert_eq!(memory.used(NOW + LONGEST), []);
        assert!(held.has_ended());
    }
}
