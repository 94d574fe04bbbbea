//! The tree of a filter expression.

use std::net::IpAddr;

use crate::protocol;

/// A piece of the filter's text: the bytes from `start` up to and not including `end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl Span {
    /// From the beginning of this to the end of `other`.
    pub(super) fn to(self, other: Self) -> Self {
        Self {
            start: self.start,
            end: other.end,
        }
    }

    /// The expression, which must be the one that the span is from, with `^^^` under the place: two
    /// lines, without a line end. Line breaks and other control characters show as spaces.
    pub fn caret(self, input: &str) -> String {
        let shown = |c: char| if c.is_control() { ' ' } else { c };
        let line: String = input.chars().map(shown).collect();
        let before = input.char_indices().filter(|(at, _)| *at < self.start);
        let under = input
            .char_indices()
            .filter(|(at, _)| (self.start..self.end).contains(at));
        let indent = " ".repeat(before.count());
        let carets = "^".repeat(under.count().max(1));
        format!("{line}\n{indent}{carets}")
    }
}

/// Something and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The thing itself.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

/// A filter expression. Its depth is bounded, so recursion over it is safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expr {
    /// Every packet: the empty expression. It stands only alone.
    All,
    /// All of them match; two or more.
    And(Vec<Expr>),
    /// At least one of them matches; two or more.
    Or(Vec<Expr>),
    /// It does not match. The span begins at the `not`.
    Not(Spanned<Box<Expr>>),
    /// A test of one packet. The span is its text, or the value alone if that repeats the qualifiers
    /// before it.
    Primitive(Spanned<Primitive>),
}

impl Expr {
    /// Where it stands, without parentheses around it.
    pub fn span(&self) -> Span {
        match self {
            Self::All => Span::default(),
            Self::And(parts) | Self::Or(parts) => match (parts.first(), parts.last()) {
                (Some(first), Some(last)) => first.span().to(last.span()),
                _ => Span::default(),
            },
            Self::Not(not) => not.span,
            Self::Primitive(primitive) => primitive.span,
        }
    }
}

/// A test of one packet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Primitive {
    /// `host`: it is from or to this address.
    Host {
        /// The header that has the address: `None` is IP, ARP and RARP for an IPv4 address, IPv6 for an IPv6 address.
        network: Option<Network>,
        /// Which of its two addresses.
        direction: Direction,
        /// The address.
        address: IpAddr,
    },
    /// `net`: it is from or to this network.
    Net {
        /// The header that has the address, as in [`Host`](Self::Host).
        network: Option<Network>,
        /// Which of its two addresses.
        direction: Direction,
        /// The network.
        net: Net,
    },
    /// `ether host`: its frame is from or to this Ethernet address.
    EtherHost {
        /// Which of its two addresses.
        direction: Direction,
        /// The address.
        address: [u8; 6],
    },
    /// `port`: it is from or to this port.
    Port {
        /// Which of its two ports.
        direction: Direction,
        /// The number of the protocol it must have (6, 17 or 132); `None` for any of them.
        protocol: Option<u8>,
        /// The port.
        port: u16,
    },
    /// `portrange`: it is from or to one of these ports.
    PortRange {
        /// Which of its two ports.
        direction: Direction,
        /// The number of the protocol it must have (6, 17 or 132); `None` for any of them.
        protocol: Option<u8>,
        /// The lowest port.
        first: u16,
        /// The highest port, no lower than the first.
        last: u16,
    },
    /// `tcp`, `proto`: it has this protocol above IP.
    Protocol {
        /// The version of IP it must have: `icmp`, `igmp`, `igrp` and `vrrp` are of IPv4, `icmp6` is of IPv6; `None` for
        /// either.
        version: Option<IpVersion>,
        /// IANA's number of the protocol.
        number: u8,
    },
    /// `ip`, `ip6`: it has this version of IP.
    Version(IpVersion),
    /// `arp`, `ether proto`: its frame has this `EtherType`, which is not that of a version of IP.
    EtherType(u16),
    /// `vlan`: it has a VLAN tag, and with a number, of this VLAN. Every test after it in the text looks behind the tag.
    Vlan(Option<u16>),
    /// `broadcast`: its frame is to every station.
    Broadcast,
    /// `multicast`: its frame is to several stations, or with a version its address is of that version and multicast.
    Multicast(Option<IpVersion>),
    /// `less`: it has at most so many bytes on the wire.
    AtMost(u32),
    /// `greater`: it has at least so many bytes on the wire.
    AtLeast(u32),
    /// `tcp[13] & 2 != 0`: two numbers compare like this.
    Compare {
        /// What stands before the sign.
        left: Value,
        /// The sign.
        relation: Relation,
        /// What stands behind it.
        right: Value,
    },
}

/// A number, known or from the packet. Numbers have 32 bits and no sign, and what overflows wraps.
///
/// Its depth is bounded, so recursion over it is safe.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// A number, or a name for one: `tcp-syn`.
    Number(u32),
    /// `len`: the packet's length on the wire, in bytes.
    Len,
    /// `ip[2:2]`: bytes of the packet, as a big-endian number.
    Load {
        /// The header that the offset counts from. The packet must have it.
        header: Header,
        /// How many bytes behind the header's first byte.
        offset: Box<Value>,
        /// How many bytes: 1, 2 or 4.
        size: u8,
    },
    /// `-`.
    Negate(Box<Value>),
    /// Two numbers make a third.
    Binary(Box<Value>, Operator, Box<Value>),
}

/// What makes a number of two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `+`.
    Add,
    /// `-`.
    Subtract,
    /// `*`.
    Multiply,
    /// `/`: by zero it takes no packet.
    Divide,
    /// `%`: by zero it takes no packet.
    Remainder,
    /// `&`.
    And,
    /// `|`.
    Or,
    /// `^`.
    Xor,
    /// `<<`: by 32 or more it is 0.
    ShiftLeft,
    /// `>>`: by 32 or more it is 0.
    ShiftRight,
}

/// How two numbers compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// `==`, `=`.
    Equal,
    /// `!=`.
    NotEqual,
    /// `<`.
    Less,
    /// `<=`.
    LessOrEqual,
    /// `>`.
    Greater,
    /// `>=`.
    GreaterOrEqual,
}

/// A header of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Header {
    /// `ether`, `link`: the packet's first.
    Link,
    /// `ip`, `arp`: the one behind it.
    Network(Network),
    /// `tcp`: the one of this protocol above IP, by IANA's number.
    Transport(u8),
}

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Network {
    /// `ip`.
    Ipv4,
    /// `ip6`.
    Ipv6,
    /// `arp`.
    Arp,
    /// `rarp`.
    Rarp,
}

impl Network {
    /// Its `EtherType`.
    pub(super) fn ether_type(self) -> u16 {
        match self {
            Self::Ipv4 => 0x0800,
            Self::Ipv6 => 0x86dd,
            Self::Arp => 0x0806,
            Self::Rarp => 0x8035,
        }
    }
}

/// Which end of a packet's way a test looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The source or the destination, or both: what is meant when nothing is said.
    #[default]
    Either,
    /// `src`.
    Source,
    /// `dst`.
    Destination,
    /// `src and dst`: the source and the destination too.
    Both,
}

/// A version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IpVersion {
    /// Version 4.
    V4,
    /// Version 6.
    V6,
}

impl IpVersion {
    /// The one that the word of a protocol asks for when it stands by itself.
    pub(super) fn of_word(number: u8) -> Option<Self> {
        match number {
            protocol::ICMP | protocol::IGMP | protocol::IGRP | protocol::VRRP => Some(Self::V4),
            protocol::ICMPV6 => Some(Self::V6),
            _ => None,
        }
    }
}

/// A network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Net {
    /// Its first address: no bit beyond the prefix is set.
    pub address: IpAddr,
    /// How many bits its addresses have in common: 0 to 32, or to 128 for IPv6.
    pub prefix_len: u8,
}
