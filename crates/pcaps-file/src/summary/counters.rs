//! The addresses, or flows, that are seen most, in bounded memory: Space-Saving, pruned in batches.
//!
//! Each counter knows how much of its key may have been forgotten before it began: its `missed`. Its upper bound is
//! what it saw and what it missed. When there are too many, all counters go but those with the largest bounds, of
//! packets or of bytes, [`KEPT`] of each; the largest bounds that went are what any new one may have missed. Of `n`
//! packets that is never more than `n / KEPT`, and so of bytes: a key with a larger share cannot get lost.

use std::cmp::Reverse;
use std::hash::{BuildHasher as _, Hash};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::Tally;
use super::distinct::Distinct;

/// Counters before they are pruned: as many as there is room for in the hash table of their places, which is seven eighths of
/// a power of two.
pub(super) const FULL: usize = 14_336;
// Before those of two are pruned to one list, it has twice as many, and each has a place.
const _: () = assert!(2 * FULL < u16::MAX as usize);
/// How many of those with most packets a pruning leaves, and of those with most bytes.
const KEPT: usize = 4_096;

/// Counters by key. What flows in two directions is counted for each.
#[derive(Clone, Debug)]
pub(super) struct Counters<K> {
    /// They stand beside each other, so that to prune them is to go through them once.
    all: Vec<(K, Counter)>,
    /// Where in `all` they are.
    places: HashTable<u16>,
    /// It has a random key: addresses are chosen by others.
    hasher: RandomState,
    /// What a new counter may have missed.
    missed: Tally,
    /// All keys that ever had a counter.
    distinct: Distinct,
    /// Room to choose those that go: it is needed again and again.
    bounds: Vec<u64>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counter {
    pub(super) sent: Tally,
    pub(super) received: Tally,
    pub(super) missed: Tally,
}

impl Counter {
    /// Both directions.
    pub(super) fn total(&self) -> Tally {
        self.sent + self.received
    }

    fn bound(&self) -> Tally {
        self.total() + self.missed
    }
}

impl<K> Default for Counters<K> {
    fn default() -> Self {
        Self {
            all: Vec::new(),
            places: HashTable::new(),
            hasher: RandomState::default(),
            missed: Tally::default(),
            distinct: Distinct::default(),
            bounds: Vec::new(),
        }
    }
}

impl<K: Copy + Eq + Ord + Hash> Counters<K> {
    /// Adds to the counter of a key. `gone` gets the counters that go to make room for it.
    #[expect(
        clippy::inline_always,
        reason = "as a call, what it is given goes through memory"
    )]
    #[inline(always)]
    pub(super) fn add(
        &mut self,
        key: K,
        add: impl FnOnce(&mut Counter),
        gone: impl FnOnce(&[(K, Counter)]),
    ) {
        let hash = self.hasher.hash_one(key);
        let place = self.place(hash, &key);
        if let Some((_, counter)) = place.and_then(|at| self.all.get_mut(at)) {
            add(counter);
            return;
        }
        if self.all.len() >= FULL {
            self.prune(gone);
        }
        let mut counter = Counter {
            missed: self.missed,
            ..Counter::default()
        };
        add(&mut counter);
        self.distinct.add(&key);
        self.insert(hash, key, counter);
    }

    /// Where the counter of a key is.
    #[inline]
    fn place(&self, hash: u64, key: &K) -> Option<usize> {
        let is_it = |&at: &u16| self.all.get(usize::from(at)).is_some_and(|it| it.0 == *key);
        self.places.find(hash, is_it).map(|&at| usize::from(at))
    }

    /// Adds the counter of a key that has none.
    #[inline]
    fn insert(&mut self, hash: u64, key: K, counter: Counter) {
        if self.places.len() == self.places.capacity() {
            self.find_places(self.all.len() + 1);
        }
        let at = u16::try_from(self.all.len()).unwrap_or(u16::MAX);
        self.all.push((key, counter));
        // There is room, so that no other hash is asked for.
        self.places.insert_unique(hash, at, |_| 0);
    }

    /// Makes room, and gives what goes.
    #[cold]
    #[inline(never)]
    fn prune(&mut self, gone: impl FnOnce(&[(K, Counter)])) {
        // The largest that are not kept.
        let mut nth = |of: fn(Tally) -> u64| {
            self.bounds.clear();
            let bounds = self.all.iter().map(|it| of(it.1.bound()));
            self.bounds.extend(bounds);
            *self
                .bounds
                .select_nth_unstable_by_key(KEPT, |&it| Reverse(it))
                .1
        };
        let packets = nth(|bound| bound.packets);
        let bytes = nth(|bound| bound.bytes_on_wire);
        let mut kept = 0;
        for at in 0..self.all.len() {
            let bound = self.all[at].1.bound();
            if bound.packets > packets || bound.bytes_on_wire > bytes {
                self.all.swap(at, kept);
                kept += 1;
            }
        }
        gone(self.all.get(kept..).unwrap_or_default());
        self.all.truncate(kept);
        self.missed = Tally {
            packets,
            bytes_on_wire: bytes,
        };
        self.find_places(FULL);
    }

    /// Notes anew where the counters are, with room for so many.
    #[cold]
    #[inline(never)]
    fn find_places(&mut self, room: usize) {
        self.places.clear();
        // Nothing is in it, so that no hash is asked for.
        self.places.reserve(room, |_| 0);
        for (at, (key, _)) in (0..).zip(&self.all) {
            let hash = self.hasher.hash_one(key);
            self.places.insert_unique(hash, at, |_| 0);
        }
    }

    /// Adds what another has counted. `gone` gets the counters that go, as in [`add`](Self::add).
    pub(super) fn merge(&mut self, other: &Self, gone: impl FnOnce(&[(K, Counter)])) {
        for (key, ours) in &mut self.all {
            if let Some(theirs) = other.get(key) {
                ours.sent += theirs.sent;
                ours.received += theirs.received;
                ours.missed += theirs.missed;
            } else {
                ours.missed += other.missed;
            }
        }
        // What is added has no place yet: it is not looked for, and may go at once.
        for (key, theirs) in &other.all {
            if self.get(key).is_none() {
                let missed = self.missed + theirs.missed;
                self.all.push((*key, Counter { missed, ..*theirs }));
            }
        }
        self.missed += other.missed;
        self.distinct.merge(&other.distinct);
        if self.all.len() > FULL {
            self.prune(gone);
        } else {
            self.find_places(self.all.len());
        }
    }

    fn get(&self, key: &K) -> Option<&Counter> {
        let place = self.place(self.hasher.hash_one(key), key)?;
        self.all.get(place).map(|it| &it.1)
    }

    /// Whether every counter there ever was is still there, from its beginning.
    pub(super) fn is_exact(&self) -> bool {
        self.missed == Tally::default()
    }

    /// How many keys there are: an estimate once counters had to go.
    pub(super) fn count(&self) -> u64 {
        if self.is_exact() {
            self.all.len() as u64
        } else {
            self.distinct.estimate()
        }
    }

    /// What was counted of a key, and what may have been missed of it.
    pub(super) fn of(&self, key: &K) -> Counter {
        let unknown = || Counter {
            missed: self.missed,
            ..Counter::default()
        };
        self.get(key).copied().unwrap_or_else(unknown)
    }

    /// How much of any one key may have gone uncounted.
    pub(super) fn missed(&self) -> Tally {
        self.missed
    }

    /// Those that there are now.
    pub(super) fn all(&self) -> &[(K, Counter)] {
        &self.all
    }
}

/// The `most` items with most packets, and the `most` with most bytes, in one list: most packets first, then most
/// bytes, then the lower key.
pub(super) fn union_of_top<K: Copy + Ord, T>(
    all: impl Iterator<Item = (K, T)> + Clone,
    most: usize,
    tally: impl Fn(&T) -> Tally,
) -> Vec<(K, T)> {
    // Of hundreds of thousands only the numbers are looked at, and few are more than that.
    let (mut packets, mut bytes): (Vec<u64>, Vec<u64>) = all
        .clone()
        .map(|(_, it)| tally(&it))
        .map(|it| (it.packets, it.bytes_on_wire))
        .unzip();
    let least = |numbers: &mut [u64]| {
        let is_over = most < numbers.len();
        is_over.then(|| {
            *numbers
                .select_nth_unstable_by_key(most, |&it| Reverse(it))
                .1
        })
    };
    let (packets, bytes) = (least(&mut packets), least(&mut bytes));
    let mut all: Vec<(K, T)> = all
        .filter(|(_, it)| {
            let tally = tally(it);
            packets.is_none_or(|least| tally.packets >= least)
                || bytes.is_none_or(|least| tally.bytes_on_wire >= least)
        })
        .collect();
    let by_bytes = |(key, it): &(K, T)| {
        let tally = tally(it);
        (Reverse(tally.bytes_on_wire), Reverse(tally.packets), *key)
    };
    let by_packets = |(key, it): &(K, T)| (Reverse(tally(it).key()), *key);
    // Of equal ones there may be more.
    if most < all.len() {
        all.select_nth_unstable_by_key(most, by_bytes);
        let mut with_most_bytes: Vec<K> = all.iter().take(most).map(|&(key, _)| key).collect();
        with_most_bytes.sort_unstable();
        all.select_nth_unstable_by_key(most, by_packets);
        let mut place = 0;
        all.retain(|(key, _)| {
            place += 1;
            place <= most || with_most_bytes.binary_search(key).is_ok()
        });
    }
    all.sort_unstable_by_key(by_packets);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    impl<K: Copy + Eq + Ord + Hash> Counters<K> {
        fn see(&mut self, key: K, bytes: u32) {
            self.add(key, |counter| counter.sent.add(bytes), |_| {});
        }

        fn top(&self, most: usize) -> Vec<(K, Counter)> {
            let all = self.all().iter().copied();
            union_of_top(all, most, Counter::total)
        }
    }

    #[test]
    fn exact_while_there_is_room() {
        let mut counters = Counters::default();
        for round in 0..3 {
            for key in 0..14_336 {
                counters.see(key, round + key);
            }
        }
        assert!(counters.is_exact());
        assert_eq!(counters.count(), 14_336);
        let top = counters.top(2);
        assert_eq!(top.len(), 2);
        assert_eq!(top[0].0, 14_335);
        assert_eq!(top[0].1.total().packets, 3);
        assert_eq!(top[0].1.total().bytes_on_wire, 3 * 14_335 + 3);
        assert_eq!(top[0].1.missed, Tally::default());
    }

    #[test]
    fn equal_ones_are_in_the_order_of_their_keys() {
        let mut counters = Counters::default();
        for key in [3, 1, 2] {
            counters.see(key, 60);
        }
        for most in [0, 1, 2, 3, 9] {
            let order: Vec<_> = counters.top(most).iter().map(|(key, _)| *key).collect();
            assert_eq!(order, [1, 2, 3][..most.min(3)]);
        }
    }

    #[test]
    fn most_packets_and_most_bytes_are_in_one_list() {
        let mut counters = Counters::default();
        for (key, packets, bytes) in [(1, 9, 1), (2, 8, 1), (3, 1, 900), (4, 2, 2), (5, 1, 800)] {
            for _ in 0..packets {
                counters.see(key, bytes);
            }
        }
        let order: Vec<_> = counters.top(2).iter().map(|(key, _)| *key).collect();
        assert_eq!(order, [1, 2, 3, 5]);
    }

    /// A twentieth of the packets is from each of two real hosts, one sends few and long ones, the others are from a
    /// new address each.
    fn flooded(range: std::ops::Range<u32>) -> Counters<u32> {
        let mut counters = Counters::default();
        for number in range {
            match number {
                _ if number % 20 == 0 => counters.see(1, 100),
                _ if number % 20 == 10 => counters.see(2, 200),
                _ if number % 10_000 == 1 => counters.see(3, 10_000_000),
                _ => counters.see(1_000_000 + number, 60),
            }
            assert!(counters.all.len() <= FULL);
        }
        counters
    }

    fn check(counters: &Counters<u32>) {
        assert!(!counters.is_exact());
        assert!(counters.missed.packets <= 1_000_000 / KEPT as u64);
        let top = counters.top(2);
        let keys: Vec<_> = top.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, [2, 1, 3]);
        for ((_, counter), (packets, bytes)) in top.iter().zip([
            (50_000, 10_000_000),
            (50_000, 5_000_000),
            (100, 1_000_000_000),
        ]) {
            let (counted, bound) = (counter.total(), counter.bound());
            assert!((counted.packets..=bound.packets).contains(&packets));
            assert!((counted.bytes_on_wire..=bound.bytes_on_wire).contains(&bytes));
        }
        // 899,900 that came once, and three.
        let share = counters.count() * 1_000 / 899_903;
        assert!((970..=1_030).contains(&share), "{}", counters.count());
    }

    #[test]
    fn a_flood_hides_nobody_and_takes_no_room() {
        check(&flooded(0..1_000_000));
    }

    #[test]
    fn two_parts_make_the_whole() {
        let mut counters = flooded(0..400_000);
        counters.merge(&flooded(400_000..1_000_000), |_| {});
        assert!(counters.all.len() <= FULL);
        check(&counters);
    }

    #[test]
    fn what_goes_is_given_and_nothing_is_counted_twice() {
        let mut counters = Counters::default();
        let mut went = 0;
        for key in 0..100_000_u32 {
            counters.add(
                key % 70_000,
                |counter| counter.received.add(1),
                |gone| went += gone.iter().map(|(_, it)| it.total().packets).sum::<u64>(),
            );
        }
        let stayed: u64 = counters
            .all()
            .iter()
            .map(|(_, counter)| counter.total().packets)
            .sum();
        assert_eq!(went + stayed, 100_000);
    }
}
