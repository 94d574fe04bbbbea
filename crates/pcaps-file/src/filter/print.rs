//! Expressions as text, which parses to the same tree.

use std::fmt::{self, Display as _};

use super::ast::{
    Direction, Expr, Header, IpVersion, Network, Operator, Primitive, Relation, Value,
};
use crate::protocol;

/// In tcpdump's language, with every qualifier written out and every group in parentheses; empty for
/// [`Expr::All`].
///
/// ```
/// let expression = pcaps_file::filter::parse("tcp port https or 80 and not icmp")?;
/// assert_eq!(expression.to_string(), "(tcp port 443 or tcp port 80) and not icmp");
/// # Ok::<(), pcaps_file::filter::Error>(())
/// ```
impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => Ok(()),
            Self::And(parts) => join(f, parts, " and "),
            Self::Or(parts) => join(f, parts, " or "),
            Self::Not(inner) => {
                f.write_str("not ")?;
                group(f, &inner.value)
            }
            Self::Primitive(primitive) => primitive.value.fmt(f),
        }
    }
}

fn join(f: &mut fmt::Formatter<'_>, parts: &[Expr], between: &str) -> fmt::Result {
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            f.write_str(between)?;
        }
        group(f, part)?;
    }
    Ok(())
}

fn group(f: &mut fmt::Formatter<'_>, expr: &Expr) -> fmt::Result {
    match expr {
        Expr::And(_) | Expr::Or(_) => write!(f, "({expr})"),
        _ => expr.fmt(f),
    }
}

/// In tcpdump's language, with every qualifier written out.
impl fmt::Display for Primitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host {
                network,
                direction,
                address,
            } => write!(f, "{}{}host {address}", before(*network), way(*direction)),
            Self::Net {
                network,
                direction,
                net,
            } => {
                let (address, len) = (net.address, net.prefix_len);
                write!(
                    f,
                    "{}{}net {address}/{len}",
                    before(*network),
                    way(*direction)
                )
            }
            Self::EtherHost { direction, address } => {
                let bytes = address.map(|byte| format!("{byte:02x}"));
                write!(f, "ether {}host {}", way(*direction), bytes.join(":"))
            }
            Self::Port {
                direction,
                protocol,
                port,
            } => write!(f, "{}{}port {port}", above(*protocol), way(*direction)),
            Self::PortRange {
                direction,
                protocol,
                first,
                last,
            } => write!(
                f,
                "{}{}portrange {first}-{last}",
                above(*protocol),
                way(*direction)
            ),
            Self::Protocol { version, number } => match (version, protocol::word(*number)) {
                (version, Some(word)) if *version == IpVersion::of_word(*number) => {
                    f.write_str(word)
                }
                (Some(version), _) => write!(f, "{version} proto {number}"),
                (None, _) => write!(f, "proto {number}"),
            },
            Self::Version(version) => version.fmt(f),
            Self::EtherType(number) => match *number {
                0x0806 => f.write_str("arp"),
                0x8035 => f.write_str("rarp"),
                number => write!(f, "ether proto {number:#x}"),
            },
            Self::Vlan(None) => f.write_str("vlan"),
            Self::Vlan(Some(id)) => write!(f, "vlan {id}"),
            Self::Broadcast => f.write_str("ether broadcast"),
            Self::Multicast(None) => f.write_str("ether multicast"),
            Self::Multicast(Some(version)) => write!(f, "{version} multicast"),
            Self::AtMost(len) => write!(f, "less {len}"),
            Self::AtLeast(len) => write!(f, "greater {len}"),
            Self::Compare {
                left,
                relation,
                right,
            } => write!(f, "{left} {relation} {right}"),
        }
    }
}

fn before(network: Option<Network>) -> String {
    network.map_or_else(String::new, |network| format!("{} ", network.word()))
}

fn above(number: Option<u8>) -> String {
    let word = number.and_then(protocol::word);
    word.map_or_else(String::new, |word| format!("{word} "))
}

fn way(direction: Direction) -> &'static str {
    match direction {
        Direction::Either => "",
        Direction::Source => "src ",
        Direction::Destination => "dst ",
        Direction::Both => "src and dst ",
    }
}

/// Its word in the filter language.
impl fmt::Display for IpVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "ip",
            Self::V6 => "ip6",
        })
    }
}

impl Network {
    /// Its word in the language.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ipv4 => "ip",
            Self::Ipv6 => "ip6",
            Self::Arp => "arp",
            Self::Rarp => "rarp",
        }
    }
}

impl Header {
    /// Its word in the language.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Link => "ether",
            Self::Network(network) => network.word(),
            // The parser takes none without a word.
            Self::Transport(number) => protocol::word(number).unwrap_or("proto"),
        }
    }
}

/// In tcpdump's language, with parentheses around everything that is made of two.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Len => f.write_str("len"),
            Self::Load {
                header,
                offset,
                size,
            } => {
                let header = header.word();
                match size {
                    1 => write!(f, "{header}[{offset}]"),
                    size => write!(f, "{header}[{offset}:{size}]"),
                }
            }
            Self::Negate(inner) => write!(f, "-{inner}"),
            Self::Binary(left, operator, right) => write!(f, "({left} {operator} {right})"),
        }
    }
}

/// Its sign.
impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
            Self::And => "&",
            Self::Or => "|",
            Self::Xor => "^",
            Self::ShiftLeft => "<<",
            Self::ShiftRight => ">>",
        })
    }
}

/// Its sign.
impl fmt::Display for Relation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        })
    }
}
