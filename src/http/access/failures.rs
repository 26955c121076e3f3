//! Failed logins by address, in bounded memory.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Failures in a minute after which an address has to wait.
const ALLOWED: u32 = 10;

const MINUTE: Duration = Duration::from_mins(1);

/// Maximum number of addresses. More than this many clients with wrong tokens within a minute are an
/// attack. The address whose minute ends first is then forgotten, and one that has to wait only if all
/// have to: with many addresses, nobody ends the wait of one of them.
const MOST: usize = 4096;

/// Counts of failed logins.
#[derive(Debug, Default)]
pub(super) struct Failures(Mutex<HashMap<IpAddr, Count>>);

#[derive(Clone, Copy, Debug)]
struct Count {
    since: Instant,
    failures: u32,
}

impl Failures {
    /// Seconds until `address` may try again; `None` if it may now.
    pub(super) fn blocked_for(&self, address: IpAddr) -> Option<u64> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.get(&network(address))?;
        let left = MINUTE.checked_sub(count.since.elapsed())?;
        (count.failures >= ALLOWED).then(|| left.as_secs().max(1))
    }

    /// Notes a failure.
    pub(super) fn note(&self, address: IpAddr) {
        let (address, now) = (network(address), Instant::now());
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= MOST && !counts.contains_key(&address) {
            counts.retain(|_, count| now.duration_since(count.since) < MINUTE);
        }
        if counts.len() >= MOST && !counts.contains_key(&address) {
            let age = |count: &Count| (count.failures >= ALLOWED, count.since);
            let oldest = counts.iter().min_by_key(|(_, count)| age(count));
            let oldest = oldest.map(|(address, _)| *address);
            oldest.and_then(|oldest| counts.remove(&oldest));
        }
        let fresh = Count {
            since: now,
            failures: 0,
        };
        let count = counts.entry(address).or_insert(fresh);
        if now.duration_since(count.since) >= MINUTE {
            *count = fresh;
        }
        count.failures += 1;
    }
}

/// The address, or the /64 network of an IPv6 address: one client has the whole network.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let bits = v6.to_bits() >> 64 << 64;
            Ipv6Addr::from_bits(bits).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_waits_after_ten_failures_and_others_do_not() {
        let failures = Failures::default();
        let [client, neighbour, other] =
            ["2001:db8::1", "2001:db8::2", "192.0.2.1"].map(|it| it.parse().unwrap());
        for _ in 0..ALLOWED {
            assert_eq!(failures.blocked_for(client), None);
            failures.note(client);
        }
        assert!(
            failures
                .blocked_for(neighbour)
                .is_some_and(|left| left <= 60)
        );
        assert_eq!(failures.blocked_for(other), None);
    }

    #[test]
    fn many_other_addresses_do_not_end_the_wait_of_one() {
        let failures = Failures::default();
        let client = "2001:db8::1".parse().unwrap();
        for _ in 0..ALLOWED {
            failures.note(client);
        }
        for number in 0..=u32::try_from(MOST).unwrap() {
            failures.note(IpAddr::V4(number.into()));
        }
        assert!(failures.blocked_for(client).is_some());
        assert_eq!(failures.0.lock().unwrap().len(), MOST);
    }

    #[test]
    fn memory_is_bounded() {
        let failures = Failures::default();
        for number in 0..=u32::try_from(MOST).unwrap() {
            failures.note(IpAddr::V4(number.into()));
        }
        assert_eq!(failures.0.lock().unwrap().len(), MOST);
    }
}
