//! What there is to be found: attacks, each in some seconds of every minute of the clock.
//!
//! Their sources are in 198.18.0.0/15, the range set aside for benchmarks (RFC 2544), where nothing else is.

mod amplification;
mod flood;
mod scan;

use std::ops::Range;

use fastrand::Rng;

use super::slice::{Slice, hash};

/// The web server that the flood is aimed at.
const FLOODED: [u8; 4] = [203, 0, 113, 10];

/// The host that gets the answers that it did not ask for.
const AMPLIFIED: [u8; 4] = [203, 0, 113, 20];

/// Hosts from which the flood says it comes: 198.18.0.0/16.
fn flooder(rng: &mut Rng) -> [u8; 4] {
    [198, 18, rng.u8(..), rng.u8(1..=254)]
}

/// Open resolvers, 198.19.0.0/17: one of a number of them, the same of the same chance.
fn resolver(chance: u64) -> [u8; 4] {
    let [_, _, _, _, _, _, third, fourth] = chance.to_be_bytes();
    [198, 19, third & 0x7F, fourth.clamp(1, 254)]
}

/// Hosts that scan, 198.19.128.0/17.
fn scanner(rng: &mut Rng) -> [u8; 4] {
    [198, 19, rng.u8(128..), rng.u8(1..=254)]
}

#[derive(Clone, Copy, Debug)]
enum Attack {
    Flood,
    Amplification,
    Scan,
}

/// A second of an attack.
#[derive(Debug)]
struct Burst {
    /// How many seconds of it there were before.
    elapsed: u64,
    /// Chance that is the same in every second of it.
    rng: Rng,
}

/// Adds what there is of attacks in the slice's second.
pub(super) fn fill(slice: &mut Slice) {
    flood::syns(slice);
    amplification::answers(slice);
    scan::probes(slice);
}

/// The minute's burst of an attack, if the slice's second is one of it. It takes so many seconds, all of them
/// in the same minute.
fn burst(slice: &Slice, attack: Attack, seconds: Range<u64>) -> Option<Burst> {
    let chance = hash(hash(!slice.seed, attack as u64), slice.second / 60);
    let begin = chance % (60 - seconds.end);
    let len = seconds.start + (chance >> 32) % (seconds.end - seconds.start);
    let elapsed = (slice.second % 60).checked_sub(begin)?;
    let rng = Rng::with_seed(chance);
    (elapsed < len).then_some(Burst { elapsed, rng })
}
