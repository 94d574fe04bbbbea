//! What an expression tests in packets of one link type: the tests that libpcap makes of it, in its order.
//!
//! The order matters where a packet is cut: a load behind its end ends the program.

mod numbers;

use std::net::IpAddr;

use super::ast::{Direction, Expr, IpVersion, Net, Network, Primitive, Relation, Span};
use super::error::Error;
use super::program::{Place, Test, Tree};
use crate::packet::LinkType;
use crate::protocol;

/// `EtherType`s that a VLAN tag has.
const VLAN_TAGS: [u16; 3] = [0x8100, 0x88a8, 0x9100];

pub(super) fn lower(expression: &Expr, link_type: LinkType) -> Result<Tree, Error> {
    let mut link = Link { link_type, tags: 0 };
    link.expression(expression)
}

/// The headers before IP, as far as the expression has been read.
struct Link {
    link_type: LinkType,
    /// How many bytes of VLAN tags the tests that come next step over.
    tags: u32,
}

/// How packets of a link type say what they carry.
enum Says {
    /// An `EtherType` at this offset.
    EtherType(u32),
    /// The version in IP's first byte.
    FirstNibble,
    /// Nothing: it is always this.
    Only(Network),
    /// An address family in the byte order of the machine that captured.
    Family,
}

fn bytes(place: Place, size: u8, mask: u32, relation: Relation, value: u32) -> Tree {
    Tree::Test(match (place, relation) {
        (Place::At(at), Relation::Equal) => Test::Fixed {
            at,
            size,
            mask,
            value,
        },
        _ => Test::Bytes {
            place,
            size,
            mask,
            relation,
            value,
        },
    })
}

/// Bytes at a fixed place have this value.
fn equal(at: u32, size: u8, value: u32) -> Tree {
    bytes(Place::At(at), size, u32::MAX, Relation::Equal, value)
}

/// What holds for the source, the destination, either or both.
fn directed(direction: Direction, source: Tree, destination: Tree) -> Tree {
    match direction {
        Direction::Source => source,
        Direction::Destination => destination,
        Direction::Either => Tree::Or(vec![source, destination]),
        Direction::Both => Tree::And(vec![source, destination]),
    }
}

impl Link {
    fn expression(&mut self, expression: &Expr) -> Result<Tree, Error> {
        match expression {
            Expr::All => Ok(Tree::Always(true)),
            Expr::And(parts) => Ok(Tree::And(self.all(parts)?)),
            Expr::Or(parts) => Ok(Tree::Or(self.all(parts)?)),
            Expr::Not(inner) => Ok(Tree::Not(Box::new(self.expression(&inner.value)?))),
            Expr::Primitive(it) => self.primitive(&it.value, it.span),
        }
    }

    fn all(&mut self, parts: &[Expr]) -> Result<Vec<Tree>, Error> {
        parts.iter().map(|part| self.expression(part)).collect()
    }

    fn primitive(&mut self, primitive: &Primitive, span: Span) -> Result<Tree, Error> {
        match primitive {
            Primitive::Host {
                network,
                direction,
                address,
            } => {
                let prefix_len = if address.is_ipv4() { 32 } else { 128 };
                let net = Net {
                    address: *address,
                    prefix_len,
                };
                self.net(*network, *direction, net, span)
            }
            Primitive::Net {
                network,
                direction,
                net,
            } => self.net(*network, *direction, *net, span),
            Primitive::EtherHost { direction, address } => {
                self.ethernet("Ethernet addresses", span)?;
                let [source, destination] = [6, 0].map(|at| ethernet(at, *address));
                Ok(directed(*direction, source, destination))
            }
            Primitive::Port {
                direction,
                protocol,
                port,
            } => self.ports(*direction, *protocol, (*port, *port), span),
            Primitive::PortRange {
                direction,
                protocol,
                first,
                last,
            } => self.ports(*direction, *protocol, (*first, *last), span),
            Primitive::Protocol { version, number } => self.protocol(*version, *number, span),
            Primitive::Version(version) => self.carries(version.network().ether_type(), span),
            Primitive::EtherType(number) => self.carries(*number, span),
            Primitive::Vlan(id) => self.vlan(*id, span),
            Primitive::Broadcast => {
                self.ethernet("broadcast frames: write `dst host …`", span)?;
                Ok(ethernet(0, [0xff; 6]))
            }
            Primitive::Multicast(None) => {
                self.ethernet(
                    "multicast frames: write `ip multicast` or `ip6 multicast`",
                    span,
                )?;
                Ok(bytes(Place::At(0), 1, 1, Relation::NotEqual, 0))
            }
            Primitive::Multicast(Some(version)) => {
                let ip = self.payload(span)?;
                let address = match version {
                    IpVersion::V4 => {
                        let first = Place::At(ip + 16);
                        bytes(first, 1, u32::MAX, Relation::GreaterOrEqual, 224)
                    }
                    IpVersion::V6 => equal(ip + 24, 1, 255),
                };
                let version = self.carries(version.network().ether_type(), span)?;
                Ok(Tree::And(vec![version, address]))
            }
            Primitive::AtMost(len) => Ok(numbers::len(Relation::LessOrEqual, *len)),
            Primitive::AtLeast(len) => Ok(numbers::len(Relation::GreaterOrEqual, *len)),
            Primitive::Compare {
                left,
                relation,
                right,
            } => self.compare(left, *relation, right, span),
        }
    }

    /// How packets say what they carry.
    fn says(&self, span: Span) -> Result<Says, Error> {
        Ok(match self.link_type {
            LinkType::ETHERNET => Says::EtherType(12 + self.tags),
            LinkType::LINUX_SLL => Says::EtherType(14),
            LinkType::LINUX_SLL2 => Says::EtherType(0),
            LinkType::RAW => Says::FirstNibble,
            LinkType::IPV4 => Says::Only(Network::Ipv4),
            LinkType::IPV6 => Says::Only(Network::Ipv6),
            LinkType::NULL => Says::Family,
            _ => return Err(self.unknown(span)),
        })
    }

    /// Where the header behind that of the link type begins.
    fn payload(&self, span: Span) -> Result<u32, Error> {
        Ok(match self.link_type {
            LinkType::ETHERNET => 14 + self.tags,
            LinkType::LINUX_SLL => 16,
            LinkType::LINUX_SLL2 => 20,
            LinkType::RAW | LinkType::IPV4 | LinkType::IPV6 => 0,
            LinkType::NULL => 4,
            _ => return Err(self.unknown(span)),
        })
    }

    fn unknown(&self, span: Span) -> Error {
        let link_type = self.link_type.0;
        let message = format!(
            "the headers of packets of link type {link_type} are not known: only `len`, `less`, `greater` and `ether[…]` work on them"
        );
        Error::new(span, message)
    }

    fn ethernet(&self, what: &str, span: Span) -> Result<(), Error> {
        if self.link_type == LinkType::ETHERNET {
            return Ok(());
        }
        let message = format!("{} packets have no {what}", self.link_type);
        Err(Error::new(span, message))
    }

    /// It carries this.
    fn carries(&self, ether_type: u16, span: Span) -> Result<Tree, Error> {
        let is = |network: Network| ether_type == network.ether_type();
        Ok(match self.says(span)? {
            Says::EtherType(at) => equal(at, 2, ether_type.into()),
            Says::Only(network) => Tree::Always(is(network)),
            Says::FirstNibble => {
                let version = |number| bytes(Place::At(0), 1, 0xf0, Relation::Equal, number);
                if is(Network::Ipv4) {
                    version(0x40)
                } else if is(Network::Ipv6) {
                    version(0x60)
                } else {
                    Tree::Always(false)
                }
            }
            Says::Family => {
                // IPv4's is 2 everywhere; IPv6's is 10 on Linux, and others elsewhere.
                let families: &[u32] = if is(Network::Ipv4) {
                    &[2]
                } else if is(Network::Ipv6) {
                    &[24, 28, 30, 10]
                } else {
                    &[]
                };
                let orders = families.iter().flat_map(|it| [*it, it.swap_bytes()]);
                Tree::Or(orders.map(|family| equal(0, 4, family)).collect())
            }
        })
    }

    /// `vlan`: what comes next is behind the tag.
    fn vlan(&mut self, id: Option<u16>, span: Span) -> Result<Tree, Error> {
        self.ethernet("VLAN tags", span)?;
        let tags = VLAN_TAGS.map(|tag| self.carries(tag, span));
        let mut parts = vec![Tree::Or(tags.into_iter().collect::<Result<_, _>>()?)];
        if let Some(id) = id {
            let tag = Place::At(self.payload(span)?);
            parts.push(bytes(tag, 2, 0x0fff, Relation::Equal, id.into()));
        }
        self.tags = self.tags.saturating_add(4);
        Ok(Tree::And(parts))
    }

    /// It has this protocol above IP: in IPv6 as the first header, or behind a fragment header.
    fn protocol(&self, version: Option<IpVersion>, number: u8, span: Span) -> Result<Tree, Error> {
        const FRAGMENT: u32 = 44;
        let ip = self.payload(span)?;
        let number = u32::from(number);
        let of = |version: IpVersion| {
            let protocol = match version {
                IpVersion::V4 => equal(ip + 9, 1, number),
                IpVersion::V6 => {
                    let fragment = vec![equal(ip + 6, 1, FRAGMENT), equal(ip + 40, 1, number)];
                    Tree::Or(vec![equal(ip + 6, 1, number), Tree::And(fragment)])
                }
            };
            let version = self.carries(version.network().ether_type(), span)?;
            Ok(Tree::And(vec![version, protocol]))
        };
        match version {
            Some(version) => of(version),
            None => Ok(Tree::Or(vec![of(IpVersion::V4)?, of(IpVersion::V6)?])),
        }
    }

    /// It is from or to a network.
    fn net(
        &self,
        network: Option<Network>,
        direction: Direction,
        net: Net,
        span: Span,
    ) -> Result<Tree, Error> {
        let begin = self.payload(span)?;
        // Where the two addresses are in the header.
        let of = |network: Network| {
            let [source, destination] = match network {
                Network::Ipv4 => [12, 16],
                Network::Ipv6 => [8, 24],
                Network::Arp | Network::Rarp => [14, 24],
            }
            .map(|at| address(begin + at, net));
            let carries = self.carries(network.ether_type(), span)?;
            Ok(Tree::And(vec![
                carries,
                directed(direction, source, destination),
            ]))
        };
        match network {
            Some(network) => of(network),
            None if net.address.is_ipv6() => of(Network::Ipv6),
            None => {
                let all = [Network::Ipv4, Network::Arp, Network::Rarp].map(of);
                Ok(Tree::Or(all.into_iter().collect::<Result<_, _>>()?))
            }
        }
    }

    /// It is from or to a port: in IPv4 behind the header, unless it is a later fragment, in IPv6 right behind its
    /// fixed header.
    fn ports(
        &self,
        direction: Direction,
        protocol: Option<u8>,
        ports: (u16, u16),
        span: Span,
    ) -> Result<Tree, Error> {
        let ip = self.payload(span)?;
        let any = [protocol::SCTP, protocol::TCP, protocol::UDP];
        let protocols = protocol.map_or(any.to_vec(), |number| vec![number]);
        let protocol = |at: u32| {
            let protocols = protocols
                .iter()
                .map(|number| equal(at, 1, (*number).into()));
            Tree::Or(protocols.collect())
        };
        let v6 = Tree::And(vec![
            self.carries(Network::Ipv6.ether_type(), span)?,
            protocol(ip + 6),
            directed(
                direction,
                port(Place::At(ip + 40), ports),
                port(Place::At(ip + 42), ports),
            ),
        ]);
        let [source, destination] =
            [0, 2].map(|offset| port(Place::BehindIpv4 { ip, offset }, ports));
        let v4 = Tree::And(vec![
            self.carries(Network::Ipv4.ether_type(), span)?,
            protocol(ip + 9),
            first_fragment(ip),
            directed(direction, source, destination),
        ]);
        Ok(Tree::Or(vec![v6, v4]))
    }
}

impl IpVersion {
    fn network(self) -> Network {
        match self {
            Self::V4 => Network::Ipv4,
            Self::V6 => Network::Ipv6,
        }
    }
}

/// The IPv4 header at `ip` is not that of a later fragment.
fn first_fragment(ip: u32) -> Tree {
    bytes(Place::At(ip + 6), 2, 0x1fff, Relation::Equal, 0)
}

fn port(place: Place, (first, last): (u16, u16)) -> Tree {
    let test = |relation, port: u16| bytes(place, 2, u32::MAX, relation, port.into());
    if first == last {
        return test(Relation::Equal, first);
    }
    Tree::And(vec![
        test(Relation::GreaterOrEqual, first),
        test(Relation::LessOrEqual, last),
    ])
}

/// The address at `at` is of a network. Words that may be anything are not looked at.
fn address(at: u32, net: Net) -> Tree {
    let (bits, len) = match net.address {
        // As the first of four words.
        IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, net.prefix_len.min(32)),
        IpAddr::V6(v6) => (v6.to_bits(), net.prefix_len),
    };
    let mask = !u128::MAX.checked_shr(len.into()).unwrap_or(0);
    let (bits, mask) = (bits.to_be_bytes(), mask.to_be_bytes());
    let words = bits.as_chunks::<4>().0.iter().zip(mask.as_chunks::<4>().0);
    let tests = (at..).step_by(4).zip(words).map(|(at, (bits, mask))| {
        let (bits, mask) = (u32::from_be_bytes(*bits), u32::from_be_bytes(*mask));
        let test = bytes(Place::At(at), 4, mask, Relation::Equal, bits);
        (mask != 0).then_some(test)
    });
    Tree::And(tests.flatten().collect())
}

/// The Ethernet address at `at` is this one; its end is looked at first.
fn ethernet(at: u32, address: [u8; 6]) -> Tree {
    let [first, second, rest @ ..] = address;
    Tree::And(vec![
        equal(at + 2, 4, u32::from_be_bytes(rest)),
        equal(at, 2, u16::from_be_bytes([first, second]).into()),
    ])
}
