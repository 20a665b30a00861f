//! How many connections one site may hold here: whoever has proved to be a site of ours is no
//! stranger any more, and yet may be broken or hostile.

use super::lock;
use records::id::SiteId;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

/// Connections of one site and one purpose: one that stands, and one that follows it.
const MAX_OF_ONE: usize = 2;

type Key = (SiteId, &'static [u8]);

/// Connections of sites, by site and purpose, oldest first.
pub(super) struct Guests<C>(Mutex<Lists<C>>);

struct Lists<C> {
    next: u64,
    of: HashMap<Key, VecDeque<(u64, C)>>,
}

impl<C> Default for Guests<C> {
    fn default() -> Self {
        Self(Mutex::new(Lists {
            next: 0,
            of: HashMap::new(),
        }))
    }
}

/// A connection's place, given back when dropped.
pub(super) struct Stay<C> {
    guests: Arc<Guests<C>>,
    key: Key,
    number: u64,
}

impl<C> Guests<C> {
    /// Takes a connection in; the oldest of the same site and purpose comes back, to be closed,
    /// when there are too many: the newest is the one that a site which lost its way back has.
    pub(super) fn enter(
        self: &Arc<Self>,
        site: SiteId,
        purpose: &'static [u8],
        connection: C,
    ) -> (Stay<C>, Option<C>) {
        let mut lists = lock(&self.0);
        lists.next += 1;
        let (key, number) = ((site, purpose), lists.next);
        let list = lists.of.entry(key).or_default();
        list.push_back((number, connection));
        let oldest = (list.len() > MAX_OF_ONE).then(|| list.pop_front());
        let stay = Stay {
            guests: self.clone(),
            key,
            number,
        };
        (stay, oldest.flatten().map(|(_, connection)| connection))
    }
}

impl<C> Drop for Stay<C> {
    fn drop(&mut self) {
        let mut lists = lock(&self.guests.0);
        if let Some(list) = lists.of.get_mut(&self.key) {
            list.retain(|(number, _)| *number != self.number);
            if list.is_empty() {
                lists.of.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_connection_of_a_site_makes_room_and_no_other_sites() {
        let guests = Arc::new(Guests::default());
        let (east, west) = (SiteId([1; 8]), SiteId([2; 8]));
        let (_first, none) = guests.enter(east, b"sync", 1);
        assert_eq!(none, None);
        let (second, none) = guests.enter(east, b"sync", 2);
        assert_eq!(none, None);
        assert_eq!(guests.enter(west, b"sync", 3).1, None);
        assert_eq!(guests.enter(east, b"media", 4).1, None);
        let (_third, oldest) = guests.enter(east, b"sync", 5);
        assert_eq!(oldest, Some(1));
        drop(second);
        assert_eq!(guests.enter(east, b"sync", 6).1, None);
    }

    #[test]
    fn nothing_is_kept_of_connections_that_are_over() {
        let guests = Arc::new(Guests::default());
        for number in 0..9 {
            drop(guests.enter(SiteId([1; 8]), b"sync", number));
        }
        assert!(lock(&guests.0).of.is_empty());
    }
}
