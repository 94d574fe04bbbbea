//! One second of the timeline: what starts in it.

use bytes::Bytes;
use fastrand::Rng;

use super::{HORIZON_SECS, SECOND};

/// The packets of everything that starts in one second, in the order they were made.
#[derive(Debug)]
pub(super) struct Slice {
    pub(super) seed: u64,
    /// The second since the epoch.
    pub(super) second: u64,
    /// Chance, fixed by the seed and the second.
    pub(super) rng: Rng,
    /// Microseconds since the slice's beginning, and the whole packet.
    packets: Vec<(u64, Bytes)>,
}

impl Slice {
    /// An empty slice whose chance follows from the seed and the second.
    pub(super) fn new(seed: u64, second: u64) -> Self {
        Self {
            seed,
            second,
            rng: Rng::with_seed(hash(seed, second)),
            packets: Vec::new(),
        }
    }

    /// Adds a packet `at` microseconds after the slice's beginning.
    ///
    /// What would come at or after the horizon is left out: that is what lets a window be made from
    /// few slices. The durations of the flows are chosen so that it does not happen.
    pub(super) fn push(&mut self, at: u64, packet: Bytes) {
        debug_assert!(at < HORIZON_SECS * SECOND, "a flow outlived the horizon");
        if at < HORIZON_SECS * SECOND {
            self.packets.push((at, packet));
        }
    }

    /// A moment inside this second, in microseconds from its beginning.
    pub(super) fn moment(&mut self) -> u64 {
        self.rng.u64(0..SECOND)
    }

    /// A number of events that is `per_mille` thousandths on average, and at most four times that,
    /// rounded up.
    pub(super) fn events(&mut self, per_mille: u32) -> usize {
        let draws = 4 * per_mille.div_ceil(1000);
        (0..draws)
            .filter(|_| self.rng.u32(0..draws * 1000) < per_mille)
            .count()
    }

    /// Everything that was added.
    pub(super) fn into_packets(self) -> Vec<(u64, Bytes)> {
        self.packets
    }
}

/// A number that looks random and follows from two (the finalizer of `SplitMix64`).
pub(super) fn hash(a: u64, b: u64) -> u64 {
    let mut x = a
        .rotate_left(32)
        .wrapping_add(b.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}
