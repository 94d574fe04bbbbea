//! The packets of all streams in their order, a round at a time.
//!
//! In each round all streams give what they have up to the first packet that a stream cannot give yet, as it must read
//! on first. That is sorted, and goes out. So each stream is touched once for many packets, and not once for each: with
//! thousands of files a packet would be waited for otherwise, because no cache holds all their buffers.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::thread::{Builder, scope};

use super::stream::Stream;
use crate::packet::Packet;

/// From so many streams that read on at the same time, another thread is worth its while.
const MANY: usize = 128;

/// Up to so many streams give so much at a time that their order is worth minding.
const FEW: usize = 16;

/// By what packets of different streams are compared: the time in nanoseconds.
pub(super) type Key = u64;

/// Streams by a key, the least first; of equal ones the first stream.
type Queue = BinaryHeap<Reverse<(Key, u32)>>;

/// All streams, in rounds.
pub(super) struct Rounds {
    /// The streams, and which of the files they are of.
    streams: Vec<(usize, Stream)>,
    /// Those that have packets, by the first one's key.
    next: Queue,
    /// Those that will read on, by their limits: also by such that they had before.
    limits: Queue,
    /// Those of which packets were taken in this round.
    touched: Vec<u32>,
    /// What was taken in this round, in its order.
    order: Vec<Entry>,
}

/// The key of a packet, then its stream, then its place among those that were taken of it: in one number, which is compared at
/// once.
struct Entry(u128);

impl Entry {
    fn new(key: Key, stream: u32, place: usize) -> Self {
        // The memory for more than 2^32 packets is not there.
        Self(u128::from(key) << 64 | u128::from(stream) << 32 | place as u128)
    }

    fn stream(&self) -> usize {
        (self.0 >> 32 & u128::from(u32::MAX)) as usize
    }

    fn place(&self) -> usize {
        (self.0 & u128::from(u32::MAX)) as usize
    }
}

/// Has those of the touched streams read on that are in a part of all, which begins with the `first`.
fn read_ahead(part: &mut [(usize, Stream)], first: usize, touched: &[u32]) {
    for &number in touched {
        let place = (number as usize).checked_sub(first);
        if let Some((_, stream)) = place.and_then(|it| part.get_mut(it)) {
            stream.read_ahead();
        }
    }
}

impl Rounds {
    pub(super) fn new(streams: Vec<(usize, Stream)>) -> Self {
        let mut this = Self {
            touched: (0..).take(streams.len()).collect(),
            streams,
            next: Queue::new(),
            limits: Queue::new(),
            order: Vec::new(),
        };
        this.queue();
        this
    }

    /// Goes on to the next round. Says whether there is one.
    pub(super) fn advance(&mut self) -> bool {
        self.read_ahead();
        self.queue();
        self.order.clear();
        let end = self.end();
        while let Some(&Reverse((key, number))) = self.next.peek()
            && (key, number) <= end
        {
            self.next.pop();
            let Some((_, stream)) = self.streams.get_mut(number as usize) else {
                break;
            };
            self.touched.push(number);
            stream.take(
                |key| (key, number) <= end,
                |key, place| self.order.push(Entry::new(key, number, place)),
            );
        }
        // What comes of each stream is in order. A few such runs are merged faster than all is sorted anew.
        if self.touched.len() <= FEW {
            self.order.sort_by_key(|it| it.0);
        } else {
            self.order.sort_unstable_by_key(|it| it.0);
        }
        !self.order.is_empty()
    }

    /// Has the touched streams read on, by two threads if they are many.
    fn read_ahead(&mut self) {
        let touched = &self.touched;
        if touched.len() < MANY {
            return read_ahead(&mut self.streams, 0, touched);
        }
        let half = self.streams.len() / 2;
        let (low, high) = self.streams.split_at_mut(half);
        let mut high = || read_ahead(high, half, touched);
        let has_helper = scope(|scope| {
            let helper = Builder::new().name("pcaps-read".to_owned());
            let helper = helper.spawn_scoped(scope, &mut high);
            read_ahead(low, 0, touched);
            helper.is_ok()
        });
        // If there was no thread to be had, it takes longer.
        if !has_helper {
            high();
        }
    }

    /// Puts the touched streams where they belong.
    fn queue(&mut self) {
        for number in self.touched.drain(..) {
            if let Some((_, stream)) = self.streams.get(number as usize) {
                let entry = |key| Reverse((key, number));
                self.next.extend(stream.key().map(entry));
                self.limits.extend(stream.limit().map(entry));
            }
        }
    }

    /// Up to where all streams can give what they have.
    fn end(&mut self) -> (Key, u32) {
        while let Some(&Reverse((key, number))) = self.limits.peek() {
            let stream = self.streams.get(number as usize);
            if stream.is_some_and(|(_, it)| it.limit() == Some(key)) {
                return (key, number);
            }
            // It has read on since.
            self.limits.pop();
        }
        (Key::MAX, u32::MAX)
    }

    /// The packets of this round and their sorts, with their streams and the numbers of these.
    pub(super) fn packets(&self) -> impl Iterator<Item = (usize, &Stream, Packet<'_>, u32)> {
        self.order.iter().filter_map(|it| {
            let number = it.stream();
            let (_, stream) = self.streams.get(number)?;
            let (packet, sort) = stream.taken(it.place())?;
            Some((number, stream, packet, sort))
        })
    }

    /// The file that a stream is of.
    pub(super) fn file(&self, stream: usize) -> usize {
        self.streams
            .get(stream)
            .map_or(usize::MAX, |(file, _)| *file)
    }

    pub(super) fn into_streams(self) -> Vec<(usize, Stream)> {
        self.streams
    }
}
