//! Walks the slices and puts their packets in order of time.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, binary_heap::PeekMut},
    num::NonZeroU32,
    ops::Range,
};

use bytes::Bytes;

use super::{
    HORIZON_SECS, SECOND, mix,
    slice::{Slice, hash},
};

/// A packet that waits for its turn. The order of the fields is the order on the timeline.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Pending {
    micros: u64,
    second: u64,
    index: u64,
    bytes: Bytes,
}

impl Pending {
    /// Nanoseconds since the epoch; past the end of time, the end of time.
    fn nanos(&self) -> u64 {
        self.micros.saturating_mul(1000)
    }
}

/// The packets of a window of the imaginary timeline, made while it is walked.
#[derive(Debug)]
pub(in crate::traffic) struct Timeline {
    seed: u64,
    sampling: NonZeroU32,
    /// Nanoseconds since the epoch.
    window: Range<u64>,
    /// The second whose slice is made next.
    next: u64,
    pending: BinaryHeap<Reverse<Pending>>,
}

impl Timeline {
    /// The packets at the moments of `window`, in nanoseconds since the epoch.
    pub(in crate::traffic) fn new(seed: u64, sampling: NonZeroU32, window: Range<u64>) -> Self {
        let first = window.start / (SECOND * 1000);
        Self {
            seed,
            sampling,
            window,
            next: first.saturating_sub(HORIZON_SECS - 1),
            pending: BinaryHeap::new(),
        }
    }

    /// Makes the next slice, unless it begins after the window.
    fn advance(&mut self) -> bool {
        let begin = self.next * SECOND;
        if begin.saturating_mul(1000) >= self.window.end {
            return false;
        }
        let mut slice = Slice::new(self.seed, self.next);
        mix::fill(&mut slice);
        for (index, (offset, bytes)) in (0..).zip(slice.into_packets()) {
            let packet = Pending {
                micros: begin + offset,
                second: self.next,
                index,
                bytes,
            };
            if self.window.contains(&packet.nanos()) && self.is_sampled(&packet) {
                self.pending.push(Reverse(packet));
            }
        }
        self.next += 1;
        true
    }

    /// Whether a packet is in the sample. It follows from the packet's place on the timeline, so it
    /// is the same in every window.
    fn is_sampled(&self, packet: &Pending) -> bool {
        let place = hash(self.seed ^ packet.second, packet.index);
        place.is_multiple_of(u64::from(self.sampling.get()))
    }
}

impl Iterator for Timeline {
    /// Nanoseconds since the epoch, and the packet.
    type Item = (u64, Bytes);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            // What begins in a later slice comes after everything before that slice's beginning.
            let settled = self.next * SECOND;
            if let Some(first) = self.pending.peek_mut()
                && first.0.micros < settled
            {
                let Reverse(packet) = PeekMut::pop(first);
                return Some((packet.nanos(), packet.bytes));
            }
            if !self.advance() {
                return None;
            }
        }
    }
}
