//! Some of the streams, merged a little ahead.

use std::collections::VecDeque;

use super::stream::{Head, Stream};
use super::tournament::Tournament;
use crate::packet::Packet;

/// How many streams are merged at a time. What is touched for them in one go stays in the cache; with thousands, each
/// packet would be waited for.
const STREAMS: usize = 64;
/// How many bytes of packets all groups merge ahead together, and how many one does at least and at most. The more, the
/// longer the run of packets of one file that are taken while they are in the cache.
const AHEAD: usize = 8 << 20;
const BYTES: (usize, usize) = (16 << 10, 256 << 10);
/// There are no more packets than for so many bytes each.
const PACKET: usize = 128;

/// Streams that follow each other, their packets in order.
pub(super) struct Group {
    /// The number of the first stream.
    first: usize,
    tournament: Tournament,
    /// The packets that come next, with their streams and where their bytes are.
    ready: VecDeque<Ready>,
    bytes: Vec<u8>,
    /// How many bytes are merged in one go, about.
    most: usize,
}

/// A packet that has been copied.
#[derive(Clone, Copy)]
pub(super) struct Ready {
    pub(super) stream: usize,
    pub(super) head: Head,
    begin: usize,
}

impl Group {
    /// All streams, in groups.
    pub(super) fn all(streams: &mut [(usize, Stream)]) -> Vec<Self> {
        let (least, most) = BYTES;
        let groups = streams.len().div_ceil(STREAMS).max(1);
        // A few groups need not run far ahead, and stay in a smaller cache.
        let bytes = (AHEAD / groups).min(most / 4 * groups).clamp(least, most);
        let groups = streams.chunks_mut(STREAMS).enumerate();
        groups
            .map(|(at, streams)| Self::new(at * STREAMS, streams, bytes))
            .collect()
    }

    /// Of these streams, which are the ones from `first` on.
    fn new(first: usize, streams: &mut [(usize, Stream)], most: usize) -> Self {
        let keys: Vec<u64> = streams.iter().map(|(_, it)| it.key()).collect();
        let mut this = Self {
            first,
            tournament: Tournament::new(&keys),
            ready: VecDeque::new(),
            bytes: Vec::new(),
            most,
        };
        this.fill(streams);
        this
    }

    /// The key of the next packet.
    #[inline]
    pub(super) fn key(&self) -> u64 {
        self.ready
            .front()
            .map_or(Tournament::ENDED, |it| it.head.key())
    }

    #[inline]
    pub(super) fn take(&mut self) -> Option<Ready> {
        self.ready.pop_front()
    }

    /// A packet that was taken, before the next call of [`refill`](Self::refill).
    #[inline]
    pub(super) fn packet(&self, ready: &Ready) -> Packet<'_> {
        let bytes = self.bytes.get(ready.begin..).unwrap_or_default();
        ready.head.packet(bytes)
    }

    /// Goes on when nothing is ready. `streams` are all streams.
    #[inline]
    pub(super) fn refill(&mut self, streams: &mut [(usize, Stream)]) {
        if self.ready.is_empty() {
            let rest = streams.get_mut(self.first..).unwrap_or_default();
            self.fill(rest);
        }
    }

    fn fill(&mut self, streams: &mut [(usize, Stream)]) {
        self.bytes.clear();
        // After a long packet.
        self.bytes.shrink_to(2 * self.most);
        while self.ready.len() < self.most / PACKET && self.bytes.len() < self.most {
            let Some(winner) = self.tournament.winner() else {
                return;
            };
            let Some((_, stream)) = streams.get_mut(winner) else {
                return;
            };
            let Some(head) = stream.take() else {
                return;
            };
            self.ready.push_back(Ready {
                stream: self.first + winner,
                head,
                begin: self.bytes.len(),
            });
            self.bytes.extend_from_slice(stream.bytes(&head));
            stream.read_ahead();
            self.tournament.replace(winner, stream.key());
        }
    }
}
