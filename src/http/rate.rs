//! How many requests a client may make: a leaking bucket per address, or per token.
//!
//! Knows no request and no answer.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

/// After so many requests those whose bucket is full again are forgotten, so that memory is
/// bounded by the requests of a few seconds and not by all who ever asked.
const CHECKS_BETWEEN_SWEEPS: u32 = 10_000;

type Buckets<K, C> = RateLimiter<K, DashMapStateStore<K>, C, NoOpMiddleware<<C as Clock>::Instant>>;

/// A limit for each `K`; a rate of zero lifts it.
pub struct Rate<K: Hash + Eq + Clone, C: Clock = DefaultClock> {
    limiter: Option<Buckets<K, C>>,
    clock: C,
    checks: AtomicU32,
}

impl<K: Hash + Eq + Clone> Rate<K> {
    /// `per_second` on average, `burst` at once.
    pub fn new(per_second: u32, burst: u32) -> Rate<K> {
        Rate::with_clock(per_second, burst, DefaultClock::default())
    }
}

impl<K: Hash + Eq + Clone, C: Clock + Clone> Rate<K, C> {
    /// A limit that takes its time from `clock`.
    pub fn with_clock(per_second: u32, burst: u32, clock: C) -> Rate<K, C> {
        let limiter = NonZeroU32::new(per_second).map(|rate| {
            let burst = NonZeroU32::new(burst).unwrap_or(rate);
            let quota = Quota::per_second(rate).allow_burst(burst);
            RateLimiter::new(quota, DashMapStateStore::default(), clock.clone())
        });
        Rate {
            limiter,
            clock,
            checks: AtomicU32::new(0),
        }
    }

    /// Counts a request; past the limit the seconds after which one would pass, at least one.
    pub fn check(&self, key: &K) -> Result<(), u64> {
        let Some(limiter) = &self.limiter else {
            return Ok(());
        };
        let checks = self.checks.fetch_add(1, Ordering::Relaxed);
        if checks % CHECKS_BETWEEN_SWEEPS == CHECKS_BETWEEN_SWEEPS - 1 {
            limiter.retain_recent();
        }
        limiter.check_key(key).map_err(|not_until| {
            let wait = not_until.wait_time_from(self.clock.now());
            wait.as_secs() + 1
        })
    }

    /// How many clients it remembers.
    pub fn remembered(&self) -> usize {
        self.limiter.as_ref().map_or(0, RateLimiter::len)
    }
}

/// The part of an address that names a client: all of IPv4, the first 64 bits of IPv6, since a
/// household or a machine is given that many.
pub fn client_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use governor::clock::FakeRelativeClock;

    use super::*;

    #[test]
    fn a_client_past_its_rate_is_told_when_to_come_back() {
        let clock = FakeRelativeClock::default();
        let rate: Rate<u32, _> = Rate::with_clock(2, 3, clock.clone());
        for _ in 0..3 {
            assert_eq!(rate.check(&1), Ok(()));
        }
        assert_eq!(rate.check(&1), Err(1));
        assert_eq!(rate.check(&2), Ok(()));
        clock.advance(Duration::from_millis(501));
        assert_eq!(rate.check(&1), Ok(()));
        assert_eq!(rate.check(&1), Err(1));
    }

    #[test]
    fn clients_that_went_quiet_are_forgotten() {
        let clock = FakeRelativeClock::default();
        let rate: Rate<u32, _> = Rate::with_clock(1, 1, clock.clone());
        for key in 0..CHECKS_BETWEEN_SWEEPS - 1 {
            assert_eq!(rate.check(&key), Ok(()));
        }
        clock.advance(Duration::from_secs(10));
        assert_eq!(rate.check(&u32::MAX), Ok(()));
        assert_eq!(rate.remembered(), 1);
    }

    #[test]
    fn a_rate_of_zero_lifts_the_limit() {
        let rate: Rate<u32> = Rate::new(0, 0);
        assert!((0..10_000).all(|_| rate.check(&1).is_ok()));
    }

    #[test]
    fn an_ipv6_client_is_its_network() {
        let same =
            |a: &str, b: &str| client_of(a.parse().unwrap()) == client_of(b.parse().unwrap());
        assert!(same("2001:db8:1:2::1", "2001:db8:1:2:ffff::9"));
        assert!(!same("2001:db8:1:2::1", "2001:db8:1:3::1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
        assert!(same("::ffff:192.0.2.1", "192.0.2.1"));
    }
}
