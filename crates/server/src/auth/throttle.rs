//! Slows down guessing of passwords: pure, with the time as an argument.
//!
//! Three sliding windows of one hour count wrong guesses: per account *and* address, per account
//! from all addresses together, and per address. The first is tight (10). The second is ten times
//! wider, so that somebody who guesses from one place does not lock out the officer who knows the
//! password and sits elsewhere, yet a guesser with many addresses is still stopped. The third is
//! wide, because a whole campus may come from one address behind NAT. Unknown logins count like
//! known ones, so that being throttled tells nothing. A right password forgives the guesses of
//! its own account from that address.
//!
//! Memory is bounded: at [`MAX_KEYS`] keys, expired ones go first, then the one idle for longest.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::net::IpAddr;

/// Guesses are counted over this long, ms.
pub const WINDOW_MS: i64 = 3_600_000;
/// Wrong guesses an hour for one account from one address.
pub const PER_PAIR: usize = 10;
/// Wrong guesses an hour for one account from anywhere.
pub const PER_ACCOUNT: usize = 100;
/// Wrong guesses an hour from one address.
pub const PER_ADDRESS: usize = 200;
/// Keys remembered in each window.
pub const MAX_KEYS: usize = 10_000;

/// A login as counted: its hash, so that the table holds no text of unbounded length.
pub type LoginKey = [u8; 32];

/// The counters.
#[derive(Debug, Default)]
pub struct Throttle {
    pairs: Window<(LoginKey, IpAddr)>,
    accounts: Window<LoginKey>,
    addresses: Window<IpAddr>,
}

impl Throttle {
    /// How long to wait, in ms, before this sign-in may be tried; `None` = now.
    #[must_use]
    pub fn wait_ms(&self, login: LoginKey, from: IpAddr, now_ms: i64) -> Option<i64> {
        let from = network(from);
        [
            self.pairs.wait_ms(&(login, from), PER_PAIR, now_ms),
            self.accounts.wait_ms(&login, PER_ACCOUNT, now_ms),
            self.addresses.wait_ms(&from, PER_ADDRESS, now_ms),
        ]
        .into_iter()
        .flatten()
        .max()
    }

    /// Counts a try. Called before the password is checked, so that parallel tries count too;
    /// a right one is given back by [`Throttle::right`].
    pub fn tried(&mut self, login: LoginKey, from: IpAddr, now_ms: i64) {
        let from = network(from);
        self.pairs.add((login, from), PER_PAIR, now_ms);
        self.accounts.add(login, PER_ACCOUNT, now_ms);
        self.addresses.add(from, PER_ADDRESS, now_ms);
    }

    /// The password was right: forgives this account's tries from this address.
    pub fn right(&mut self, login: LoginKey, from: IpAddr) {
        let from = network(from);
        let tries = self.pairs.forget(&(login, from));
        self.accounts.take_back(&login, tries);
        self.addresses.take_back(&from, 1);
    }
}

/// One subscriber's IPv6 addresses are a /64; counting each alone would count nothing.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let bits = v6.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(bits.into())
        }
        v4 => v4,
    }
}

/// Times of the latest tries by key; never more than the limit are kept.
#[derive(Debug)]
struct Window<K>(HashMap<K, VecDeque<i64>>);

impl<K> Default for Window<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Hash + Eq + Clone> Window<K> {
    fn wait_ms(&self, key: &K, limit: usize, now_ms: i64) -> Option<i64> {
        let tries = self.0.get(key)?;
        let deciding = tries.len().checked_sub(limit).and_then(|i| tries.get(i))?;
        let wait = deciding + WINDOW_MS - now_ms;
        (wait > 0).then_some(wait)
    }

    fn add(&mut self, key: K, limit: usize, now_ms: i64) {
        if self.0.len() >= MAX_KEYS && !self.0.contains_key(&key) {
            self.make_room(now_ms);
        }
        let tries = self.0.entry(key).or_default();
        tries.push_back(now_ms);
        if tries.len() > limit {
            tries.pop_front();
        }
    }

    fn forget(&mut self, key: &K) -> usize {
        self.0.remove(key).map_or(0, |tries| tries.len())
    }

    fn take_back(&mut self, key: &K, tries: usize) {
        if let Some(kept) = self.0.get_mut(key) {
            kept.truncate(kept.len().saturating_sub(tries));
            if kept.is_empty() {
                self.0.remove(key);
            }
        }
    }

    fn make_room(&mut self, now_ms: i64) {
        let newest = |tries: &VecDeque<i64>| tries.back().copied().unwrap_or(i64::MIN);
        self.0.retain(|_, tries| newest(tries) + WINDOW_MS > now_ms);
        if self.0.len() >= MAX_KEYS {
            let idle = self.0.iter().min_by_key(|(_, tries)| newest(tries));
            if let Some(key) = idle.map(|(key, _)| key.clone()) {
                self.0.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LI: LoginKey = [1; 32];
    const DESK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 8));
    const ELSEWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 9, 9, 9));

    fn guessed(times: usize, from: IpAddr, now_ms: i64) -> Throttle {
        let mut throttle = Throttle::default();
        for _ in 0..times {
            throttle.tried(LI, from, now_ms);
        }
        throttle
    }

    #[test]
    fn the_eleventh_guess_within_an_hour_must_wait_for_the_first_to_be_an_hour_old() {
        let mut throttle = guessed(9, DESK, 0);
        assert_eq!(throttle.wait_ms(LI, DESK, 1_000), None);
        throttle.tried(LI, DESK, 1_000);
        assert_eq!(throttle.wait_ms(LI, DESK, 1_000), Some(WINDOW_MS - 1_000));
        assert_eq!(throttle.wait_ms(LI, DESK, WINDOW_MS), None);
    }

    #[test]
    fn guesses_from_one_address_do_not_lock_the_officer_out_elsewhere() {
        let throttle = guessed(PER_PAIR, DESK, 0);
        assert!(throttle.wait_ms(LI, DESK, 0).is_some());
        assert_eq!(throttle.wait_ms(LI, ELSEWHERE, 0), None);
    }

    #[test]
    fn many_addresses_together_are_stopped_at_the_account() {
        let mut throttle = Throttle::default();
        for n in 0..100 {
            throttle.tried(LI, IpAddr::from([10, 1, 0, n]), 0);
        }
        assert!(throttle.wait_ms(LI, ELSEWHERE, 0).is_some());
        assert_eq!(throttle.wait_ms([2; 32], ELSEWHERE, 0), None);
    }

    #[test]
    fn one_address_that_tries_many_logins_is_stopped() {
        let mut throttle = Throttle::default();
        for n in 0..200u8 {
            throttle.tried([n; 32], DESK, 0);
        }
        assert!(throttle.wait_ms([250; 32], DESK, 0).is_some());
        assert_eq!(throttle.wait_ms([250; 32], ELSEWHERE, 0), None);
    }

    #[test]
    fn a_right_password_forgives_its_own_tries() {
        let mut throttle = guessed(9, DESK, 0);
        throttle.tried(LI, DESK, 0);
        throttle.right(LI, DESK);
        assert_eq!(throttle.wait_ms(LI, DESK, 0), None);
    }

    #[test]
    fn an_ipv6_guesser_does_not_escape_inside_his_own_network() {
        let mut throttle = Throttle::default();
        for n in 0..10u16 {
            throttle.tried(LI, IpAddr::from([0x2001, 0xdb8, 0, 1, 0, 0, 0, n]), 0);
        }
        let same = IpAddr::from([0x2001, 0xdb8, 0, 1, 9, 9, 9, 9]);
        assert!(throttle.wait_ms(LI, same, 0).is_some());
    }

    #[test]
    fn memory_stays_bounded_under_a_flood_of_logins() {
        let mut throttle = Throttle::default();
        for n in 0..u32::try_from(MAX_KEYS).expect("small") + 500 {
            let mut login = [0; 32];
            login[..4].copy_from_slice(&n.to_be_bytes());
            throttle.tried(login, DESK, i64::from(n));
        }
        assert!(throttle.accounts.0.len() <= MAX_KEYS);
        assert!(throttle.pairs.0.len() <= MAX_KEYS);
    }
}
