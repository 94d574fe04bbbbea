//! How many different keys there were, in 16 KiB: `HyperLogLog`.

use std::hash::{BuildHasher as _, Hash};

use foldhash::quality::FixedState;

/// Registers, as a power of two: the standard error is 1.04 / √16,384 = 0.8 %.
const BITS: u32 = 14;
const REGISTERS: usize = 1 << BITS;
/// The longest run, plus one.
const LONGEST: usize = 64 - BITS as usize + 1;

/// A set of which only the size is known, about.
///
/// Its hash has no random key: the same file has the same estimate each time, and two sets can become one. Someone
/// who chooses addresses for it can make the estimate wrong, and nothing else.
#[derive(Clone, Debug, Default)]
pub(super) struct Distinct {
    /// The longest runs of zeros that were seen, plus one; empty before the first key.
    registers: Vec<u8>,
}

impl Distinct {
    pub(super) fn add(&mut self, key: &impl Hash) {
        self.registers.resize(REGISTERS, 0);
        let hash = FixedState::default().hash_one(key);
        let (register, rest) = (hash >> (64 - BITS), hash << BITS);
        let run = rest.leading_zeros().min(64 - BITS) + 1;
        if let Some(register) = usize::try_from(register)
            .ok()
            .and_then(|at| self.registers.get_mut(at))
        {
            *register = (*register).max(u8::try_from(run).unwrap_or(u8::MAX));
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.registers
            .resize(self.registers.len().max(other.registers.len()), 0);
        for (ours, theirs) in self.registers.iter_mut().zip(&other.registers) {
            *ours = (*ours).max(*theirs);
        }
    }

    /// By the improved raw estimator of O. Ertl, "New cardinality estimation algorithms for `HyperLogLog` sketches"
    /// (2017), which has no bias at any size.
    pub(super) fn estimate(&self) -> u64 {
        if self.registers.is_empty() {
            return 0;
        }
        let registers = f64::from(1_u32 << BITS);
        // How many registers hold which run.
        let mut counts = [0.0_f64; LONGEST + 1];
        for &run in &self.registers {
            if let Some(count) = counts.get_mut(usize::from(run)) {
                *count += 1.0;
            }
        }
        let [empty, runs @ .., longest] = &counts;
        let mut sum = registers * tau(1.0 - longest / registers);
        for count in runs.iter().rev() {
            sum = 0.5 * (sum + count);
        }
        sum += registers * sigma(empty / registers);
        let estimate = registers * registers / (2.0 * std::f64::consts::LN_2 * sum);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates"
        )]
        let rounded = estimate.round() as u64;
        rounded
    }
}

/// What the empty registers add.
fn sigma(mut x: f64) -> f64 {
    if x >= 1.0 {
        return f64::INFINITY;
    }
    let (mut weight, mut sum) = (1.0, x);
    loop {
        x *= x;
        let before = sum;
        sum += x * weight;
        weight += weight;
        if sum <= before {
            return sum;
        }
    }
}

/// What the full registers add.
fn tau(mut x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return 0.0;
    }
    let (mut weight, mut sum) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = sum;
        weight *= 0.5;
        sum -= (1.0 - x).powi(2) * weight;
        if sum >= before {
            return sum / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn within_three_percent_at_any_size() {
        for size in [0_u64, 1, 1_000, 30_000, 40_000, 60_000, 1_000_000] {
            let (mut whole, mut half, mut other) = (
                Distinct::default(),
                Distinct::default(),
                Distinct::default(),
            );
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
                (size * 97 / 100..=size * 103 / 100).contains(&estimate),
                "{estimate}"
            );
            half.merge(&other);
            assert_eq!(half.estimate(), estimate);
        }
    }
}
