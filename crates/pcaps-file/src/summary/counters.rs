//! The addresses, or flows, that are seen most, in bounded memory: Space-Saving, pruned in batches.
//!
//! Each counter knows how much of its key may have been forgotten before it began: its `missed`. Its upper bound is
//! what it saw and what it missed. When the table is full, all counters go but those with the largest bounds, of
//! packets or of bytes, [`KEPT`] of each; the largest bounds that went are what any new one may have missed. Of `n`
//! packets that is never more than `n / KEPT`, and so of bytes: a key with a larger share cannot get lost.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;

use foldhash::fast::RandomState;

use super::Tally;
use super::distinct::Distinct;

/// Counters in the table before it is pruned: seven eighths of a power of two fill a hash table.
pub(super) const FULL: usize = 14_336;
/// How many of those with most packets a pruning leaves, and of those with most bytes.
const KEPT: usize = 4_096;

/// Counters by key. What flows in two directions is counted for each.
#[derive(Clone, Debug)]
pub(super) struct Counters<K> {
    /// The hasher has a random key: addresses are chosen by others.
    by_key: HashMap<K, Counter, RandomState>,
    /// What a new counter may have missed.
    missed: Tally,
    /// All keys that ever had a counter.
    distinct: Distinct,
    /// The counters that went last, and room to choose them: it is needed again and again.
    went: Vec<(K, Counter)>,
    bounds: Vec<Tally>,
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
            by_key: HashMap::default(),
            missed: Tally::default(),
            distinct: Distinct::default(),
            went: Vec::new(),
            bounds: Vec::new(),
        }
    }
}

impl<K: Copy + Eq + Ord + Hash> Counters<K> {
    /// Adds to the counter of a key. Gives the counters that went to make room for it.
    #[inline]
    pub(super) fn add(&mut self, key: K, add: impl Fn(&mut Counter)) -> &[(K, Counter)] {
        if let Some(counter) = self.by_key.get_mut(&key) {
            add(counter);
            return &[];
        }
        // Before it is there: one more would make the table twice as large.
        let is_full = self.by_key.len() >= FULL;
        if is_full {
            self.prune();
        }
        let mut counter = Counter {
            missed: self.missed,
            ..Counter::default()
        };
        add(&mut counter);
        self.distinct.add(&key);
        self.by_key.insert(key, counter);
        if is_full { &self.went } else { &[] }
    }

    /// Makes room, and notes what went.
    #[cold]
    fn prune(&mut self) {
        self.bounds.clear();
        self.bounds.extend(self.by_key.values().map(Counter::bound));
        // The largest that are not kept.
        let mut nth = |of: fn(&Tally) -> u64| {
            let (_, nth, _) = self
                .bounds
                .select_nth_unstable_by_key(KEPT, |it| Reverse(of(it)));
            of(nth)
        };
        let packets = nth(|bound| bound.packets);
        let bytes = nth(|bound| bound.bytes_on_wire);
        self.went.clear();
        self.by_key.retain(|&key, counter| {
            let bound = counter.bound();
            let stays = bound.packets > packets || bound.bytes_on_wire > bytes;
            if !stays {
                self.went.push((key, *counter));
            }
            stays
        });
        self.missed = Tally {
            packets,
            bytes_on_wire: bytes,
        };
    }

    /// Adds what another has counted. Gives the counters that went, as [`add`](Self::add) does.
    pub(super) fn merge(&mut self, other: &Self) -> &[(K, Counter)] {
        for (key, counter) in &mut self.by_key {
            if !other.by_key.contains_key(key) {
                counter.missed += other.missed;
            }
        }
        for (&key, theirs) in &other.by_key {
            let missed = self.missed;
            let ours = self.by_key.entry(key).or_insert(Counter {
                missed,
                ..Counter::default()
            });
            ours.sent += theirs.sent;
            ours.received += theirs.received;
            ours.missed += theirs.missed;
        }
        self.missed += other.missed;
        self.distinct.merge(&other.distinct);
        if self.by_key.len() <= FULL {
            return &[];
        }
        self.prune();
        &self.went
    }

    /// Whether every counter there ever was is still there, from its beginning.
    pub(super) fn is_exact(&self) -> bool {
        self.missed == Tally::default()
    }

    /// How many keys there are: an estimate once counters had to go.
    pub(super) fn count(&self) -> u64 {
        if self.is_exact() {
            self.by_key.len() as u64
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
        self.by_key.get(key).copied().unwrap_or_else(unknown)
    }

    /// How much of any one key may have gone uncounted.
    pub(super) fn missed(&self) -> Tally {
        self.missed
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (K, &Counter)> {
        self.by_key.iter().map(|(&key, counter)| (key, counter))
    }
}

/// The `most` items with most packets, and the `most` with most bytes, in one list: most packets first, then most
/// bytes, then the lower key.
pub(super) fn union_of_top<K: Copy + Ord, T>(
    mut all: Vec<(K, T)>,
    most: usize,
    tally: impl Fn(&T) -> Tally,
) -> Vec<(K, T)> {
    let by_bytes = |(key, it): &(K, T)| {
        let tally = tally(it);
        (Reverse(tally.bytes_on_wire), Reverse(tally.packets), *key)
    };
    let by_packets = |(key, it): &(K, T)| (Reverse(tally(it).key()), *key);
    // Of thousands, only those are put in order.
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
            self.add(key, |counter| counter.sent.add(bytes));
        }

        fn top(&self, most: usize) -> Vec<(K, Counter)> {
            let all = self.iter().map(|(key, counter)| (key, *counter));
            union_of_top(all.collect(), most, Counter::total)
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
            assert!(counters.by_key.len() <= FULL);
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
        counters.merge(&flooded(400_000..1_000_000));
        assert!(counters.by_key.len() <= FULL);
        check(&counters);
    }

    #[test]
    fn what_goes_is_given_and_nothing_is_counted_twice() {
        let mut counters = Counters::default();
        let mut went = 0;
        for key in 0..100_000_u32 {
            let gone = counters.add(key % 70_000, |counter| counter.received.add(1));
            went += gone.iter().map(|(_, it)| it.total().packets).sum::<u64>();
        }
        let stayed: u64 = counters
            .iter()
            .map(|(_, counter)| counter.total().packets)
            .sum();
        assert_eq!(went + stayed, 100_000);
    }
}
