//! The tree of a filter expression.

use std::net::IpAddr;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Primitive {
    /// `host`: it is from or to this address.
    Host {
        /// Which of its two addresses.
        direction: Direction,
        /// The address.
        address: IpAddr,
    },
    /// `net`: it is from or to this network.
    Net {
        /// Which of its two addresses.
        direction: Direction,
        /// The network.
        net: Net,
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
        /// The version of IP it must have: `icmp` and `igmp` are of IPv4, `icmp6` of IPv6; `None` for either.
        version: Option<IpVersion>,
        /// IANA's number of the protocol.
        number: u8,
    },
    /// `ip`, `ip6`: it has this version of IP.
    Version(IpVersion),
    /// `less`: it has at most so many bytes on the wire.
    AtMost(u32),
    /// `greater`: it has at least so many bytes on the wire.
    AtLeast(u32),
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

/// A network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Net {
    /// Its first address: no bit beyond the prefix is set.
    pub address: IpAddr,
    /// How many bits its addresses have in common: 0 to 32, or to 128 for IPv6.
    pub prefix_len: u8,
}
