//! With how many others an address has to do: what one source and one destination are told by.
//!
//! It is added up from flows as they end, so that no packet costs anything, and flows that went are in it too.

use std::hash::Hash;

use super::bounded::{Bounded, Entry};
use super::counters::Counter;
use super::few::{Few, hash};
use super::flows::Flow;
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
    /// What it sent and got: of the packets and of the bytes that it stands for a half of, the bytes tell it better from
    /// the others, of which there are hundreds at least.
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
    /// Adds what the ends of a flow sent to each other.
    pub(super) fn add_flow(&mut self, flow: &Flow<A>, counter: &Counter) {
        let (from_a, from_b) = (counter.sent, counter.received);
        let total = counter.total();
        if from_a.packets > 0 && from_b.packets > 0 {
            self.both_ways += total.packets;
        }
        let [a, b] = flow.addresses();
        for (address, other, sent, received) in [(a, b, from_a, from_b), (b, a, from_b, from_a)] {
            let peer = self.of.entry(address);
            peer.bytes = peer.bytes.saturating_add(total.bytes_on_wire);
            if sent.packets > 0 {
                peer.destinations.add(hash(&other));
            }
            if received.packets > 0 {
                peer.sources.add(hash(&other));
            }
            if flow.protocol() != protocol::TCP {
                peer.not_tcp += received.packets;
            }
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
