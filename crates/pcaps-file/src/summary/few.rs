//! How many different keys there were, in a few bytes: linear counting, for a number that a person reads.

use std::hash::{BuildHasher as _, Hash};

use foldhash::quality::FixedState;

/// A small set of which only the size is known, by `WORDS` times 64 bits: mostly within a tenth up to twice as many keys, and
/// no more than that it is over its [`MOST`](Few::MOST) above.
///
/// Its hash has no random key, for the reasons of [`Distinct`](super::distinct::Distinct).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Few<const WORDS: usize = 4>([u64; WORDS]);

impl<const WORDS: usize> Default for Few<WORDS> {
    fn default() -> Self {
        Self([0; WORDS])
    }
}

/// A key, as a set wants it.
#[inline]
pub(super) fn hash(key: &impl Hash) -> u64 {
    FixedState::default().hash_one(key)
}

impl<const WORDS: usize> Few<WORDS> {
    /// The largest size that it tells: nearly four times as many as it has bits.
    pub(super) const MOST: u64 = 250 * WORDS as u64;

    /// Adds a key by its [`hash`].
    #[inline]
    pub(super) fn add(&mut self, hash: u64) {
        let bit = hash % (64 * WORDS as u64);
        let word = usize::try_from(bit / 64).unwrap_or(0);
        if let Some(word) = self.0.get_mut(word) {
            *word |= 1 << (bit % 64);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (ours, theirs) in self.0.iter_mut().zip(other.0) {
            *ours |= theirs;
        }
    }

    /// About how many, [`MOST`](Few::MOST) at most.
    pub(super) fn estimate(&self) -> u64 {
        let empty: u32 = self.0.iter().map(|word| word.count_zeros()).sum();
        let bits = 64.0 * f64::from(u32::try_from(WORDS).unwrap_or(0));
        let estimate = bits * (bits / f64::from(empty.max(1))).ln();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a few thousand at most, and not negative"
        )]
        let rounded = estimate.round() as u64;
        rounded.min(Self::MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_sizes_are_told_and_large_ones_are_large() {
        for size in [0_u64, 1, 4, 25, 100, 400] {
            let (mut whole, mut half, mut other): (Few, Few, Few) = Default::default();
            for key in 0..size {
                whole.add(hash(&key));
                whole.add(hash(&key));
                if key % 3 > 0 {
                    half.add(hash(&key));
                }
                if key % 3 < 2 {
                    other.add(hash(&key));
                }
            }
            let estimate = whole.estimate();
            assert!(
                (size * 85 / 100..=size * 115 / 100).contains(&estimate),
                "{size}: {estimate}"
            );
            half.merge(&other);
            assert_eq!(half, whole);
        }
        let mut many = Few::<4>::default();
        (0..100_000_u64).for_each(|key| many.add(hash(&key)));
        assert_eq!(many.estimate(), 1_000);
        let mut small = Few::<1>::default();
        (0..25_u64).for_each(|key| small.add(hash(&key)));
        assert!(
            (20..=30).contains(&small.estimate()),
            "{}",
            small.estimate()
        );
        (0..100_000_u64).for_each(|key| small.add(hash(&key)));
        assert_eq!(small.estimate(), 250);
    }
}
