//! How TCP connections begin and end: what SYN floods and port scans are told by.
//!
//! Only packets with SYN, FIN or RST are looked at, a few of a hundred in ordinary traffic.

use std::hash::Hash;

use super::bounded::{Bounded, Entry};
use super::few::{Few, hash};
use crate::dissect::TcpFlags;

/// The flags that matter here.
const BEGIN_OR_END: u8 = TcpFlags::SYN.0 | TcpFlags::FIN.0 | TcpFlags::RST.0;

/// An address and port that has got so many SYNs is a service, or flooded, and no longer what a scan is told by. A flood
/// has a new address in each packet, and each would cost a place in the table.
const POPULAR: u64 = 256;

/// Beginnings and ends of connections, by who was asked and who asked.
#[derive(Clone, Debug)]
pub(super) struct Openings<A> {
    /// By address and port.
    pub(super) asked: Bounded<(A, u16), Asked>,
    pub(super) asking: Bounded<A, Asking>,
}

/// What came to an address and port.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    /// Packets with SYN and without ACK.
    pub(super) syns: u64,
    /// Packets with FIN and without RST, since the first SYN.
    pub(super) fins: u64,
    /// Packets with RST since then.
    pub(super) resets: u64,
    /// Who sent SYNs.
    pub(super) sources: Few,
}

/// What came from an address, to others that hardly anybody asks.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asking {
    /// Packets with SYN and without ACK.
    pub(super) syns: u64,
    /// To which addresses and ports.
    pub(super) targets: Few,
    /// To which addresses.
    pub(super) hosts: Few<2>,
    /// To which ports.
    pub(super) ports: Few<2>,
}

impl<A> Default for Openings<A> {
    fn default() -> Self {
        Self {
            asked: Bounded::default(),
            asking: Bounded::default(),
        }
    }
}

/// Whether a packet with these flags matters here.
#[inline]
pub(super) fn is_one(flags: TcpFlags) -> bool {
    flags.0 & BEGIN_OR_END != 0
}

impl<A: Copy + Eq + Hash> Openings<A> {
    /// Adds a packet of TCP that [matters](is_one).
    pub(super) fn add(&mut self, flags: TcpFlags, [source, destination]: [A; 2], to: u16) {
        if !flags.contains(TcpFlags::SYN) {
            // Who was not asked for a connection gets no entry: each client would have one.
            if let Some(asked) = self.asked.get_mut(&(destination, to)) {
                if flags.contains(TcpFlags::RST) {
                    asked.resets += 1;
                } else {
                    asked.fins += 1;
                }
            }
        } else if !flags.contains(TcpFlags::ACK) {
            let asked = self.asked.entry((destination, to));
            asked.syns += 1;
            asked.sources.add(hash(&source));
            if asked.syns > POPULAR {
                return;
            }
            let asking = self.asking.entry(source);
            asking.syns += 1;
            let (host, port) = (hash(&destination), hash(&to));
            asking.hosts.add(host);
            asking.ports.add(port);
            asking.targets.add(host.rotate_left(17) ^ port);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.asked.merge(&other.asked);
        self.asking.merge(&other.asking);
    }
}

impl Entry for Asked {
    fn weight(&self) -> u64 {
        self.syns
    }

    fn merge(&mut self, other: &Self) {
        self.syns += other.syns;
        self.fins += other.fins;
        self.resets += other.resets;
        self.sources.merge(&other.sources);
    }
}

impl Entry for Asking {
    fn weight(&self) -> u64 {
        self.syns
    }

    fn merge(&mut self, other: &Self) {
        self.syns += other.syns;
        self.targets.merge(&other.targets);
        self.hosts.merge(&other.hosts);
        self.ports.merge(&other.ports);
    }
}
