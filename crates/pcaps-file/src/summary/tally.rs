//! How much there was of something.

use std::net::IpAddr;
use std::ops::{Add, AddAssign, Sub};

use crate::packet::Timestamp;
use crate::protocol;

/// Packets and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many packets.
    pub packets: u64,
    /// How many bytes they had on the wire.
    pub bytes_on_wire: u64,
}

impl Tally {
    #[inline]
    pub(super) fn add(&mut self, bytes: u32) {
        self.packets += 1;
        self.bytes_on_wire = self.bytes_on_wire.saturating_add(u64::from(bytes));
    }

    /// What tallies are ordered by.
    pub(super) fn key(self) -> (u64, u64) {
        (self.packets, self.bytes_on_wire)
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            packets: self.packets.saturating_add(other.packets),
            bytes_on_wire: self.bytes_on_wire.saturating_add(other.bytes_on_wire),
        }
    }
}

impl Sub for Tally {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self {
            packets: self.packets.saturating_sub(other.packets),
            bytes_on_wire: self.bytes_on_wire.saturating_sub(other.bytes_on_wire),
        }
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// The packets of a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StepTally {
    /// When it begins.
    pub time: Timestamp,
    /// How much there was of TCP.
    pub tcp: Tally,
    /// How much there was of UDP.
    pub udp: Tally,
    /// How much there was of ICMP, of either version of IP.
    pub icmp: Tally,
    /// How much else there was, packets without IP included.
    pub other: Tally,
}

impl StepTally {
    /// All of it.
    pub fn tally(&self) -> Tally {
        self.tcp + self.udp + self.icmp + self.other
    }
}

/// The packets of one protocol above IP.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProtocolTally {
    /// IANA's number.
    pub number: u8,
    /// IANA's name, or `protocol N`.
    pub name: String,
    /// How much there was of it.
    pub tally: Tally,
}

/// The packets that have a header, and what was inside of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LayerTally {
    /// The header's name: a link type, a protocol on it, or IANA's name of one above IP.
    pub name: String,
    /// How much there was of it.
    pub tally: Tally,
    /// The headers that followed it, most packets first. Packets that are in none of them end here, or go on with
    /// what is not known.
    pub inside: Vec<LayerTally>,
}

/// Packets whose length on the wire is in a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SizeTally {
    /// The shortest length, in bytes.
    pub from: u32,
    /// The longest length, in bytes; `None` for any.
    pub to: Option<u32>,
    /// How many packets.
    pub packets: u64,
}

/// An address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Talker {
    /// The address.
    pub address: IpAddr,
    /// How much was seen from it: a lower bound if `missed_at_most` is not 0.
    pub sent: Tally,
    /// How much was seen to it, likewise.
    pub received: Tally,
    /// How much of both together may have gone uncounted, while it was one of too many addresses.
    pub missed_at_most: Tally,
}

impl Talker {
    /// What it sent and received.
    pub fn tally(&self) -> Tally {
        self.sent + self.received
    }
}

/// A flow: what two ends, with or without ports, sent to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlowTally {
    /// IANA's number of the protocol above IP.
    pub protocol: u8,
    /// The end with the higher port, or with the higher address.
    pub a: (IpAddr, Option<u16>),
    /// The other end.
    pub b: (IpAddr, Option<u16>),
    /// How much was seen from `a`: a lower bound if `missed_at_most` is not 0.
    pub from_a: Tally,
    /// How much was seen from `b`, likewise.
    pub from_b: Tally,
    /// How much of both together may have gone uncounted, while it was one of too many flows.
    pub missed_at_most: Tally,
}

impl FlowTally {
    /// IANA's name of its protocol, or `protocol N`.
    pub fn protocol_name(&self) -> String {
        protocol::name(self.protocol)
    }

    /// What both ends sent.
    pub fn tally(&self) -> Tally {
        self.from_a + self.from_b
    }
}

/// A port of TCP, UDP or SCTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PortTally {
    /// IANA's number of the protocol.
    pub protocol: u8,
    /// The port.
    pub port: u16,
    /// How much came from it.
    pub sent: Tally,
    /// How much went to it.
    pub received: Tally,
}

impl PortTally {
    /// IANA's name of its protocol.
    pub fn protocol_name(&self) -> String {
        protocol::name(self.protocol)
    }

    /// What came from it and went to it.
    pub fn tally(&self) -> Tally {
        self.sent + self.received
    }
}
