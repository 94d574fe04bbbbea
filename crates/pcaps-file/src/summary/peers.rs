//! With how many others an address has to do: what one source and one destination are told by.
//!
//! It is added up from flows as they end, so that no packet costs anything. Flows that went are in it too, of addresses that
//! were heavy then.

use std::hash::Hash;

use super::Tally;
use super::bounded::{Bounded, Entry};
use super::few::{Few, hash};
use crate::protocol;

/// Whom addresses sent something to and got something from.
#[derive(Clone, Debug)]
pub(super) struct Peers<A> {
    pub(super) of: Bounded<A, Peer>,
    /// Packets of flows in which both ends sent some.
    pub(super) both_ways: u64,
}

/// What is known of one address.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Peer {
    /// All that it sent and got, as far as that was known: of the packets and of the bytes that it stands for a half of, the
    /// bytes tell it better from the others, of which there are hundreds at least.
    bytes: u64,
    pub(super) sources: Few,
    pub(super) destinations: Few,
    /// Packets to it that are not TCP, at least.
    pub(super) not_tcp: u64,
}

impl<A> Default for Peers<A> {
    fn default() -> Self {
        Self {
            of: Bounded::default(),
            both_ways: 0,
        }
    }
}

impl<A: Copy + Ord + Hash> Peers<A> {
    /// Adds what one end of a flow sent to the other and got from it. `bytes` is what is known of all that it sent and got.
    /// If that is no more than what those had that went, it is left out: a flood from addresses that come once is not worth a
    /// place for each, nor looking for one.
    #[expect(
        clippy::inline_always,
        reason = "as a call, what it is given goes through memory"
    )]
    #[inline(always)]
    pub(super) fn add(&mut self, [end, other]: [A; 2], protocol: u8, way: [Tally; 2], bytes: u64) {
        if !self.of.is_heavy(bytes) {
            return;
        }
        let [sent, received] = way;
        let peer = self.of.entry(end);
        peer.bytes = peer.bytes.max(bytes);
        if sent.packets > 0 {
            peer.destinations.add(hash(&other));
        }
        if received.packets > 0 {
            peer.sources.add(hash(&other));
        }
        if protocol != protocol::TCP {
            peer.not_tcp += received.packets;
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.of.merge(&other.of);
        self.both_ways += other.both_ways;
    }
}

impl Entry for Peer {
    fn weight(&self) -> u64 {
        self.bytes
    }

    fn merge(&mut self, other: &Self) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.sources.merge(&other.sources);
        self.destinations.merge(&other.destinations);
        self.not_tcp += other.not_tcp;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_once_takes_no_place() {
        const LEN: u32 = 60;
        let mut peers = Peers::default();
        let mut one = Tally::default();
        one.add(LEN);
        let nothing = Tally::default();
        for number in 1..=100_000_u32 {
            // Each of 400 asks one address again and again; all others come once.
            let (source, target) = match number % 10 {
                0 => (number % 4_000, 1),
                _ => (1_000_000 + number, 2_000_000 + number),
            };
            let bytes = |it: u32| match it {
                1 => u64::from(LEN * number / 10),
                _ => u64::from(LEN),
            };
            peers.add(
                [source, target],
                protocol::UDP,
                [one, nothing],
                bytes(source),
            );
            peers.add(
                [target, source],
                protocol::UDP,
                [nothing, one],
                bytes(target),
            );
        }
        let target = peers.of.get(&1).unwrap();
        assert_eq!(
            (target.not_tcp, target.destinations.estimate()),
            (10_000, 0)
        );
        let sources = target.sources.estimate();
        assert!((340..=460).contains(&sources), "{sources}");
        // The first of them have had one, until the table was full.
        assert!(!peers.of.is_heavy(u64::from(LEN)));
        assert!(peers.of.iter().count() < 100);
    }
}
