//! A table of which only the heaviest entries stay.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::Hash;

use foldhash::fast::RandomState;

/// Entries before the lightest go: seven eighths of a power of two fill a hash table.
const FULL: usize = 3_584;
/// How many stay then, at most.
const KEPT: usize = 512;

/// What is kept of a key.
pub(super) trait Entry: Default {
    /// What decides whether it stays.
    fn weight(&self) -> u64;

    fn merge(&mut self, other: &Self);
}

/// Entries by key: exact while there are no more than 3,584, and of the heaviest lower bounds beyond.
#[derive(Clone, Debug)]
pub(super) struct Bounded<K, V> {
    /// The hasher has a random key: keys are chosen by others.
    by_key: HashMap<K, V, RandomState>,
    /// The heaviest that ever went.
    gone: u64,
}

impl<K, V> Default for Bounded<K, V> {
    fn default() -> Self {
        Self {
            by_key: HashMap::default(),
            gone: 0,
        }
    }
}

impl<K: Copy + Eq + Hash, V: Entry> Bounded<K, V> {
    /// The entry of a key.
    #[inline]
    pub(super) fn entry(&mut self, key: K) -> &mut V {
        // Before it is there: one more would make the table twice as large.
        if self.by_key.len() >= FULL && !self.by_key.contains_key(&key) {
            self.prune();
        }
        self.by_key.entry(key).or_default()
    }

    /// Whether an entry of this weight is as heavy as those that stay: all are until some had to go.
    #[inline]
    pub(super) fn is_heavy(&self, weight: u64) -> bool {
        self.gone == 0 || weight > self.gone
    }

    /// The entry of a key that has one.
    pub(super) fn get(&self, key: &K) -> Option<&V> {
        self.by_key.get(key)
    }

    /// The same, to be changed.
    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        self.by_key.get_mut(key)
    }

    #[cold]
    fn prune(&mut self) {
        let mut weights: Vec<u64> = self.by_key.values().map(Entry::weight).collect();
        // The largest that goes.
        let (_, &mut goes, _) = weights.select_nth_unstable_by_key(KEPT, |&it| Reverse(it));
        self.by_key.retain(|_, entry| entry.weight() > goes);
        self.gone = self.gone.max(goes);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (&key, theirs) in &other.by_key {
            self.by_key.entry(key).or_default().merge(theirs);
        }
        self.gone = self.gone.max(other.gone);
        if self.by_key.len() > FULL {
            self.prune();
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (K, &V)> {
        self.by_key.iter().map(|(&key, entry)| (key, entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Entry for u64 {
        fn weight(&self) -> u64 {
            *self
        }

        fn merge(&mut self, other: &Self) {
            *self += other;
        }
    }

    fn of(keys: impl Iterator<Item = u32>) -> Bounded<u32, u64> {
        let mut bounded = Bounded::default();
        for key in keys {
            *bounded.entry(key) += 1;
            assert!(bounded.by_key.len() <= FULL);
        }
        bounded
    }

    #[test]
    fn nothing_goes_while_there_is_room() {
        let bounded = of((0..3).flat_map(|_| 0..3_584));
        assert_eq!(bounded.iter().map(|(_, it)| it).sum::<u64>(), 3 * 3_584);
    }

    #[test]
    fn what_is_heavy_outlives_a_flood() {
        // One in ten is of key 0, the others come once.
        let keys = |range: std::ops::Range<u32>| range.map(|it| if it % 10 == 0 { 0 } else { it });
        let mut bounded = of(keys(1..100_000));
        bounded.merge(&of(keys(100_000..200_000)));
        assert!(bounded.by_key.len() <= FULL);
        assert_eq!(*bounded.entry(0), 19_999);
    }
}
