//! Tests of one packet, but for comparisons.

use super::super::ast::{Direction, Header, IpVersion, Network, Primitive, Span};
use super::super::error::Error;
use super::super::lex::{Kind, Token};
use super::super::qualifiers::{Qualifiers, Type};
use super::super::value;
use super::{Node, Only, Parser, leaf, unknown};
use crate::protocol;

/// What tcpdump has and this language has not.
const ELSEWHERE: &[&str] = &[
    "wlan",
    "mpls",
    "pppoed",
    "pppoes",
    "geneve",
    "vxlan",
    "gateway",
    "protochain",
    "inbound",
    "outbound",
    "ifname",
    "byte",
    "llc",
    "iso",
    "stp",
    "ipx",
    "netbeui",
    "decnet",
    "atalk",
    "aarp",
    "carp",
];

impl<'a> Parser<'a> {
    /// A primitive that begins with `first`.
    pub(super) fn primitive(&mut self, first: Token<'a>, depth: usize) -> Result<Node, Error> {
        if let Some(primitive) = self.length(first)? {
            return Ok(primitive);
        }
        if let Some(primitive) = self.vlan(first)? {
            return Ok(primitive);
        }
        let start = self.at;
        let header = self.header();
        if let Some(primitive) = self.many(first, header)? {
            return Ok(primitive);
        }
        let direction = self.direction();
        let of = self.of();
        if self.at == start {
            return self.value_or_unknown(first);
        }
        let written = first.span.to(self.before());
        let (direction, of) = match (header, direction, of) {
            (Some(header), None, None) => return self.bare(first, header),
            // As in `src 192.0.2.1`.
            (_, direction, of) => (direction, of.unwrap_or(Type::Host)),
        };
        let qualifiers = Qualifiers {
            header,
            direction: direction.unwrap_or_default(),
            of,
        };
        qualifiers
            .check(direction.is_some())
            .map_err(|message| Error::new(written, message))?;
        self.last = Some(qualifiers);
        match self.peek() {
            Some(token) if token.kind == Kind::Word => self.value(qualifiers, token, first.span),
            // `port (80 or 443)` and `host not 192.0.2.1`.
            Some(token) if matches!(token.kind, Kind::Open | Kind::Not) => {
                self.operand(depth + 1, Only::Values)
            }
            _ => Err(Error::new(self.here(), qualifiers.of.expected())),
        }
    }

    /// The place of the token that was taken last.
    fn before(&self) -> Span {
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        before.map_or(Span::default(), |token| token.span)
    }

    /// `less N` and `greater N`.
    fn length(&mut self, first: Token<'a>) -> Result<Option<Node>, Error> {
        let is_less = first.is("less");
        if !is_less && !first.is("greater") {
            return Ok(None);
        }
        self.at += 1;
        let token = self.peek().filter(|token| token.kind == Kind::Word);
        let Some(token) = token else {
            let message = "expected a number of bytes here, as in `less 128`";
            return Err(Error::new(self.here(), message));
        };
        let length =
            value::length(token.text).map_err(|message| Error::new(token.span, message))?;
        self.at += 1;
        self.last = None;
        let primitive = if is_less {
            Primitive::AtMost(length)
        } else {
            Primitive::AtLeast(length)
        };
        Ok(Some(leaf(primitive, first.span.to(token.span))))
    }

    /// `vlan` and `vlan N`.
    fn vlan(&mut self, first: Token<'a>) -> Result<Option<Node>, Error> {
        if !self.take("vlan") {
            return Ok(None);
        }
        self.last = None;
        let token = self.peek().filter(|token| token.kind == Kind::Word);
        let number = token.and_then(|token| Some((token, value::constant(token.text)?)));
        let Some((token, number)) = number else {
            return Ok(Some(leaf(Primitive::Vlan(None), first.span)));
        };
        let Some(id) = u16::try_from(number).ok().filter(|id| *id <= 0x0fff) else {
            let message = format!(
                "`{}` is not a VLAN: write a number from 0 to 4095",
                token.text
            );
            return Err(Error::new(token.span, message));
        };
        self.at += 1;
        let span = first.span.to(token.span);
        Ok(Some(leaf(Primitive::Vlan(Some(id)), span)))
    }

    /// `broadcast` and `multicast`, and what may stand before them.
    fn many(&mut self, first: Token<'a>, header: Option<Header>) -> Result<Option<Node>, Error> {
        let is_broadcast = self.take("broadcast");
        if !is_broadcast && !self.take("multicast") {
            return Ok(None);
        }
        let span = first.span.to(self.before());
        let primitive = match header {
            None | Some(Header::Link) if is_broadcast => Primitive::Broadcast,
            None | Some(Header::Link) => Primitive::Multicast(None),
            Some(Header::Network(Network::Ipv4)) if is_broadcast => {
                let message = "a capture file does not say the network's mask: write `dst host …`";
                return Err(Error::new(span, message));
            }
            Some(Header::Network(Network::Ipv4)) => Primitive::Multicast(Some(IpVersion::V4)),
            Some(Header::Network(Network::Ipv6)) if !is_broadcast => {
                Primitive::Multicast(Some(IpVersion::V6))
            }
            Some(header) => {
                let message = format!("`{}` has no such addresses", header.word());
                return Err(Error::new(span, message));
            }
        };
        self.last = None;
        Ok(Some(leaf(primitive, span)))
    }

    /// The word of a header.
    pub(super) fn header(&mut self) -> Option<Header> {
        const WORDS: &[(&str, Header)] = &[
            ("ether", Header::Link),
            ("link", Header::Link),
            ("ip", Header::Network(Network::Ipv4)),
            ("ip6", Header::Network(Network::Ipv6)),
            ("arp", Header::Network(Network::Arp)),
            ("rarp", Header::Network(Network::Rarp)),
        ];
        let token = self.peek().filter(|token| token.kind == Kind::Word)?;
        let found = WORDS.iter().find(|(word, _)| token.is(word));
        let header = match found {
            Some((_, header)) => *header,
            None => Header::Transport(protocol::of_word(token.text)?),
        };
        self.at += 1;
        Some(header)
    }

    /// `src`, `dst`, and the two with `and` or `or` between them.
    fn direction(&mut self) -> Option<Direction> {
        let (direction, other) = if self.take("src") {
            (Direction::Source, "dst")
        } else if self.take("dst") {
            (Direction::Destination, "src")
        } else {
            return None;
        };
        let both = match self.peek_kind() {
            Some(Kind::And) => Direction::Both,
            Some(Kind::Or) => Direction::Either,
            _ => return Some(direction),
        };
        self.at += 1;
        if self.take(other) {
            return Some(both);
        }
        self.at -= 1;
        Some(direction)
    }

    fn of(&mut self) -> Option<Type> {
        const WORDS: &[(&str, Type)] = &[
            ("host", Type::Host),
            ("net", Type::Net),
            ("port", Type::Port),
            ("portrange", Type::PortRange),
            ("proto", Type::Protocol),
        ];
        let found = WORDS.iter().find(|(word, _)| self.take(word));
        found.map(|(_, of)| *of)
    }

    /// `ip`, `arp`, `tcp` and the like, without a value.
    fn bare(&mut self, token: Token<'a>, header: Header) -> Result<Node, Error> {
        self.last = None;
        let primitive = match header {
            Header::Link => {
                let message =
                    "expected `host`, `proto`, `broadcast` or `multicast` behind this, or `[`";
                return Err(Error::new(token.span, message));
            }
            Header::Network(Network::Ipv4) => Primitive::Version(IpVersion::V4),
            Header::Network(Network::Ipv6) => Primitive::Version(IpVersion::V6),
            Header::Network(network) => Primitive::EtherType(network.ether_type()),
            Header::Transport(number) => Primitive::Protocol {
                version: IpVersion::of_word(number),
                number,
            },
        };
        Ok(leaf(primitive, token.span))
    }

    /// A word that is no keyword: a value that repeats the qualifiers before it, or nothing known.
    fn value_or_unknown(&mut self, token: Token<'a>) -> Result<Node, Error> {
        if ELSEWHERE.iter().any(|word| token.is(word)) {
            let message = format!(
                "`{}` is not supported: write the test with the bytes that it looks at, as in `ether[12:2] == 0x8863`",
                token.text
            );
            return Err(Error::new(token.span, message));
        }
        self.repeated(token)
    }

    /// A value that repeats the qualifiers before it.
    pub(super) fn repeated(&mut self, token: Token<'a>) -> Result<Node, Error> {
        if let Some(qualifiers) = self.last {
            return self.value(qualifiers, token, token.span);
        }
        let token = self.with_slash(token);
        Err(Error::new(token.span, unknown(token.text)))
    }

    /// The token with a slash and a word that follow without a space: `192.0.2.0/24`. They are taken.
    fn with_slash(&mut self, token: Token<'a>) -> Token<'a> {
        self.at += 1;
        let mut end = token.span;
        while let Some(next) = self.peek()
            && next.span.start == end.end
            && (next.is_sign("/") || next.kind == Kind::Word)
        {
            end = next.span;
            self.at += 1;
        }
        let span = token.span.to(end);
        let text = self.input.get(span.start..span.end);
        Token {
            text: text.unwrap_or(token.text),
            span,
            ..token
        }
    }

    /// The value `token` of a primitive whose text begins at `start`.
    fn value(
        &mut self,
        qualifiers: Qualifiers,
        token: Token<'a>,
        start: Span,
    ) -> Result<Node, Error> {
        let token = self.with_slash(token);
        let mask = match qualifiers.of {
            Type::Net => self.mask()?,
            _ => None,
        };
        let span = token.span.to(mask.map_or(token.span, |mask| mask.span));
        let primitive = primitive(qualifiers, token.text, mask.map(|mask| mask.text));
        let primitive = primitive.map_err(|message| Error::new(span, message))?;
        Ok(leaf(primitive, start.to(span)))
    }

    /// What follows `mask`, if that follows.
    fn mask(&mut self) -> Result<Option<Token<'a>>, Error> {
        if !self.take("mask") {
            return Ok(None);
        }
        match self.peek() {
            Some(token) if token.kind == Kind::Word => {
                self.at += 1;
                Ok(Some(token))
            }
            _ => Err(Error::new(
                self.here(),
                "expected a mask here, as in `net 192.0.2.0 mask 255.255.255.0`",
            )),
        }
    }
}

/// The primitive that a value makes with what stands before it.
fn primitive(qualifiers: Qualifiers, text: &str, mask: Option<&str>) -> Result<Primitive, String> {
    let Qualifiers {
        header,
        direction,
        of,
    } = qualifiers;
    let protocol = match header {
        Some(Header::Transport(number)) => Some(number),
        _ => None,
    };
    Ok(match (of, header) {
        (Type::Host, Some(Header::Link)) => Primitive::EtherHost {
            direction,
            address: value::ethernet(text)?,
        },
        (Type::Host, _) => {
            let address = value::address(text)?;
            Primitive::Host {
                network: network(header, address)?,
                direction,
                address,
            }
        }
        (Type::Net, _) => {
            let net = value::net(text, mask)?;
            Primitive::Net {
                network: network(header, net.address)?,
                direction,
                net,
            }
        }
        (Type::Port, _) => Primitive::Port {
            direction,
            protocol,
            port: value::port(text)?,
        },
        (Type::PortRange, _) => {
            let (first, last) = value::port_range(text)?;
            Primitive::PortRange {
                direction,
                protocol,
                first,
                last,
            }
        }
        (Type::Protocol, Some(Header::Link)) => value::ether_type(text)?,
        (Type::Protocol, _) => Primitive::Protocol {
            version: match header {
                Some(Header::Network(Network::Ipv4)) => Some(IpVersion::V4),
                Some(Header::Network(Network::Ipv6)) => Some(IpVersion::V6),
                _ => None,
            },
            number: value::protocol(text)?,
        },
    })
}

/// The header that an address is looked for in. An IPv6 address is nowhere but in IPv6.
fn network(header: Option<Header>, address: std::net::IpAddr) -> Result<Option<Network>, String> {
    let Some(Header::Network(network)) = header else {
        return Ok(None);
    };
    match network {
        Network::Ipv6 if address.is_ipv6() => Ok(None),
        Network::Ipv4 | Network::Arp | Network::Rarp if address.is_ipv4() => Ok(Some(network)),
        Network::Ipv4 | Network::Ipv6 => Err(format!(
            "{address} is of the other version of IP: leave out `ip` or `ip6`"
        )),
        Network::Arp | Network::Rarp => {
            Err(format!("`{}` has IPv4 addresses only", network.word()))
        }
    }
}
