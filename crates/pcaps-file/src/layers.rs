//! Which headers a packet has, one in the other, as one number.

use crate::packet::LinkType;
use crate::protocol;

/// The headers of a packet from the link type on, as far as they are known: eight at most.
///
/// It is small and compares fast, because there is one for each packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Layers {
    link_type: LinkType,
    /// 16 bits a header, the innermost lowest.
    headers: u128,
}

/// One header above the link type: an `EtherType`, a protocol above IP, or one of those below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Layer(u16);

impl Layer {
    pub(crate) const IPV4: Self = Self(0x0800);
    pub(crate) const IPV6: Self = Self(0x86dd);
    /// An Ethernet header in a tunnel.
    pub(crate) const ETHERNET: Self = Self(0x0200);
    /// A length where an `EtherType` could be.
    pub(crate) const LLC: Self = Self(0x0201);
    /// Numbers of protocols stand above this: no `EtherType` is so small.
    const PROTOCOL: u16 = 0x0100;

    pub(crate) const fn ether_type(number: u16) -> Self {
        match number {
            // 802.3: it is the payload's length.
            ..=1_500 => Self::LLC,
            _ => Self(number),
        }
    }

    pub(crate) const fn protocol(number: u8) -> Self {
        Self(Self::PROTOCOL | number as u16)
    }

    /// Its name, as people know it.
    pub(crate) fn name(self) -> String {
        let name = match self.0 {
            0x0100..=0x01ff => return protocol::name(self.0.to_be_bytes()[1]),
            0x0200 => "Ethernet",
            0x0201 => "LLC",
            0x0800 => "IPv4",
            0x0806 => "ARP",
            0x0842 => "Wake-on-LAN",
            0x2000 => "CDP",
            0x8035 => "RARP",
            0x809b => "AppleTalk",
            0x8100 => "VLAN",
            0x86dd => "IPv6",
            0x8808 => "Ethernet flow control",
            0x8809 => "slow protocols",
            0x8847 => "MPLS",
            0x8848 => "MPLS multicast",
            0x8863 => "PPPoE discovery",
            0x8864 => "PPPoE session",
            0x888e => "EAPOL",
            0x88a8 => "VLAN 802.1ad",
            0x88cc => "LLDP",
            0x88e5 => "MACsec",
            0x88f7 => "PTP",
            0x8902 => "CFM",
            0x9000 => "loopback",
            0x9100 => "VLAN 0x9100",
            number => return format!("EtherType 0x{number:04x}"),
        };
        name.to_owned()
    }
}

impl Layers {
    pub(crate) const fn new(link_type: LinkType) -> Self {
        Self {
            link_type,
            headers: 0,
        }
    }

    /// Adds a header inside of the others. A ninth is not kept.
    #[inline]
    pub(crate) fn push(&mut self, layer: Layer) {
        if self.headers >> 112 == 0 {
            self.headers = self.headers << 16 | u128::from(layer.0);
        }
    }

    /// A number that is soon made of it, and mostly another for what occurs together.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "it is mixed")]
    pub(crate) fn mixed(self) -> u8 {
        let headers = self.headers as u64 ^ (self.headers >> 64) as u64;
        let all = headers ^ u64::from(self.link_type.0).rotate_right(16);
        let mixed = all.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 56) as u8
    }

    pub(crate) fn link_type(self) -> LinkType {
        self.link_type
    }

    /// The headers above the link type, the outermost first.
    pub(crate) fn headers(self) -> impl Iterator<Item = Layer> {
        let bytes = self.headers.to_be_bytes();
        (0..8)
            .map(move |at| u16::from_be_bytes([bytes[2 * at], bytes[2 * at + 1]]))
            .filter(|&number| number != 0)
            .map(Layer)
    }
}
