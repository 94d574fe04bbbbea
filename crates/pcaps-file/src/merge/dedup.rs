//! The same packet, seen in two places.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use crate::packet::Packet;

/// How many packets are remembered at most, whatever the window: keeps memory bounded.
const MOST: usize = 1 << 18;

/// Remembers the packets of a moment ago.
pub(super) struct Dedup {
    /// In nanoseconds.
    window: u64,
    /// Two of them, with keys of their own that nobody knows: so nobody makes packets that are taken for each other.
    hashers: [RandomState; 2],
    seen: HashMap<[u64; 2], VecDeque<Sighting>>,
    /// All of `seen`, the oldest first.
    order: VecDeque<(u64, [u64; 2])>,
    /// Whether more would have been remembered, had there been room.
    pub(super) is_short: bool,
}

/// A packet that was kept.
struct Sighting {
    time: u64,
    file: usize,
    /// The other files in which it was seen.
    also_in: Vec<usize>,
}

impl Dedup {
    pub(super) fn new(window: Duration) -> Self {
        Self {
            window: u64::try_from(window.as_nanos()).unwrap_or(u64::MAX),
            hashers: [RandomState::new(), RandomState::new()],
            seen: HashMap::new(),
            order: VecDeque::new(),
            is_short: false,
        }
    }

    /// Whether the packet was seen in another file a moment ago. What is seen twice in one file is two packets, and each
    /// of them answers to one in every other file.
    pub(super) fn is_known(&mut self, packet: &Packet<'_>, file: usize) -> bool {
        let time = packet.timestamp.as_nanos();
        self.forget(time);
        let what = (packet.link_type, packet.original_len, packet.bytes);
        let digest = [0, 1].map(|at: usize| self.hashers[at].hash_one(what));
        let sightings = self.seen.entry(digest).or_default();
        let known = sightings.iter_mut().find(|it| {
            it.file != file && it.time.abs_diff(time) <= self.window && !it.also_in.contains(&file)
        });
        if let Some(known) = known {
            known.also_in.push(file);
            return true;
        }
        sightings.push_back(Sighting {
            time,
            file,
            also_in: Vec::new(),
        });
        self.order.push_back((time, digest));
        false
    }

    /// Drops what is too long ago.
    fn forget(&mut self, now: u64) {
        while let Some(&(time, digest)) = self.order.front() {
            if now.saturating_sub(time) <= self.window {
                if self.order.len() < MOST {
                    return;
                }
                self.is_short = true;
            }
            self.order.pop_front();
            if let Some(sightings) = self.seen.get_mut(&digest) {
                sightings.pop_front();
                if sightings.is_empty() {
                    self.seen.remove(&digest);
                }
            }
        }
    }
}
