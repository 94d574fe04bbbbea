//! How many different keys there were, in 32 bytes: linear counting, for a number that a person reads.

use std::hash::{BuildHasher as _, Hash};

use foldhash::quality::FixedState;

const WORDS: usize = 4;
const BITS: u64 = 64 * WORDS as u64;

/// A small set of which only the size is known: within a tenth up to 500, and no more than that it is over
/// [`MOST`](Few::MOST) above.
///
/// Its hash has no random key, for the reasons of [`Distinct`](super::distinct::Distinct).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Few([u64; WORDS]);

impl Few {
    /// The largest size that it tells.
    pub(super) const MOST: u64 = 1_000;

    #[inline]
    pub(super) fn add(&mut self, key: &impl Hash) {
        let bit = FixedState::default().hash_one(key) % BITS;
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
        let bits = f64::from(64 * u32::try_from(WORDS).unwrap_or(0));
        let estimate = bits * (bits / f64::from(empty.max(1))).ln();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 1,420"
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
            let (mut whole, mut half, mut other) = (Few::default(), Few::default(), Few::default());
            for key in 0..size {
                whole.add(&key);
                whole.add(&key);
                if key % 3 > 0 {
                    half.add(&key);
                }
                if key % 3 < 2 {
                    other.add(&key);
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
        let mut many = Few::default();
        (0..100_000_u64).for_each(|key| many.add(&key));
        assert_eq!(many.estimate(), Few::MOST);
    }
}
