//! Which packets to take, as far as the service can tell them apart.

use std::{fmt, net::IpAddr, str::FromStr};

use pcaps_api::types;
use pcaps_file::filter::{Direction, Expr, IpVersion, Network, Primitive, Span, parse};

use crate::{Error, ErrorKind};

/// Which packets a capture takes: every part that is given must match, and an empty filter takes every packet.
///
/// It parses from the part of tcpdump's language that the service can express: `tcp`, `udp`, `icmp`, `proto 47`,
/// `src host 192.0.2.1`, `dst port 443` and the like, joined by `and`. The service knows no `or` and no `not`, no
/// networks and no ranges, and a port or a host must say `src` or `dst`.
///
/// ```
/// use pcaps::Filter;
///
/// let filter: Filter = "udp and dst port 53".parse()?;
/// assert_eq!(filter, Filter::default().protocol(17).destination_port(53));
///
/// let error = "port 53".parse::<Filter>().unwrap_err();
/// assert!(error.to_string().contains("src port 53"));
/// # Ok::<(), pcaps::Error>(())
/// ```
///
/// # Errors
///
/// Parsing gives an error of kind [`InvalidInput`](ErrorKind::InvalidInput) that shows the place, for an expression
/// that is not in tcpdump's language, and for one that the service cannot express.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    source: Option<IpAddr>,
    destination: Option<IpAddr>,
    source_port: Option<u16>,
    destination_port: Option<u16>,
    protocol: Option<u8>,
}

impl Filter {
    /// Packets from this address.
    ///
    /// ```
    /// let filter = pcaps::Filter::default().source("192.0.2.1".parse()?);
    /// assert_eq!(filter.to_string(), "src host 192.0.2.1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn source(self, address: IpAddr) -> Self {
        Self {
            source: Some(address),
            ..self
        }
    }

    /// Packets to this address.
    ///
    /// ```
    /// let filter = pcaps::Filter::default().destination("192.0.2.1".parse()?);
    /// assert_eq!(filter.to_string(), "dst host 192.0.2.1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn destination(self, address: IpAddr) -> Self {
        Self {
            destination: Some(address),
            ..self
        }
    }

    /// Packets from this port.
    ///
    /// ```
    /// let filter = pcaps::Filter::default().source_port(1024);
    /// assert_eq!(filter.to_string(), "src port 1024");
    /// ```
    #[must_use]
    pub fn source_port(self, port: u16) -> Self {
        Self {
            source_port: Some(port),
            ..self
        }
    }

    /// Packets to this port.
    ///
    /// ```
    /// let filter = pcaps::Filter::default().destination_port(443);
    /// assert_eq!(filter.to_string(), "dst port 443");
    /// ```
    #[must_use]
    pub fn destination_port(self, port: u16) -> Self {
        Self {
            destination_port: Some(port),
            ..self
        }
    }

    /// Packets of the protocol with this IANA number: 6 is TCP, 17 is UDP, 1 is ICMP.
    ///
    /// ```
    /// let filter = pcaps::Filter::default().protocol(6);
    /// assert_eq!(filter.to_string(), "tcp");
    /// ```
    #[must_use]
    pub fn protocol(self, number: u8) -> Self {
        Self {
            protocol: Some(number),
            ..self
        }
    }

    /// Whether it takes every packet.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn to_api(self) -> Option<types::Filter> {
        (!self.is_empty()).then(|| types::Filter {
            destination_address: self.destination.map(|it| it.to_string()),
            destination_port: self.destination_port.map(Into::into),
            protocol: self.protocol.map(Into::into),
            source_address: self.source.map(|it| it.to_string()),
            source_port: self.source_port.map(Into::into),
            ..types::Filter::default()
        })
    }

    /// A filter that the service told of; absent when it holds something that this type cannot.
    pub(crate) fn from_api(filter: &types::Filter) -> Option<Self> {
        let address = |text: &Option<String>| -> Result<Option<IpAddr>, ()> {
            text.as_ref()
                .filter(|it| !it.is_empty())
                .map(|it| it.parse().map_err(drop))
                .transpose()
        };
        let port = |port: Option<i64>| port.map(u16::try_from).transpose().map_err(drop);
        let known = || -> Result<Self, ()> {
            Ok(Self {
                source: address(&filter.source_address)?,
                destination: address(&filter.destination_address)?,
                source_port: port(filter.source_port)?,
                destination_port: port(filter.destination_port)?,
                protocol: filter
                    .protocol
                    .map(u8::try_from)
                    .transpose()
                    .map_err(drop)?,
            })
        };
        known().ok().filter(|_| filter.extra.is_empty())
    }

    /// Adds what an expression asks for.
    fn require(&mut self, expression: &Expr) -> Result<(), Unsupported> {
        match expression {
            Expr::All => Ok(()),
            Expr::And(parts) => parts.iter().try_for_each(|part| self.require(part)),
            Expr::Or(_) => unsupported(
                expression.span(),
                "the service knows no `or`: take one capture for each side, or a wider one",
            ),
            Expr::Not(_) => unsupported(
                expression.span(),
                "the service knows no `not`: take a wider capture",
            ),
            Expr::Primitive(primitive) => self.require_one(&primitive.value, primitive.span),
        }
    }

    /// Adds what one test asks for, which stands there.
    fn require_one(&mut self, primitive: &Primitive, at: Span) -> Result<(), Unsupported> {
        match *primitive {
            Primitive::Host {
                network: Some(Network::Arp | Network::Rarp),
                ..
            } => unsupported(
                at,
                "the service takes IP packets only: write `src host …` or `dst host …`",
            ),
            Primitive::Host {
                direction, address, ..
            } => match direction {
                Direction::Source => set(&mut self.source, address, at, "source address"),
                Direction::Destination => {
                    set(&mut self.destination, address, at, "destination address")
                }
                Direction::Either => unsupported(
                    at,
                    format!(
                        "the service takes one direction: write `src host {address}` or `dst host {address}`"
                    ),
                ),
                Direction::Both => {
                    set(&mut self.source, address, at, "source address")?;
                    set(&mut self.destination, address, at, "destination address")
                }
            },
            Primitive::Port {
                direction,
                protocol,
                port,
            } => {
                if let Some(number) = protocol {
                    set(&mut self.protocol, number, at, "protocol")?;
                }
                match direction {
                    Direction::Source => set(&mut self.source_port, port, at, "source port"),
                    Direction::Destination => {
                        set(&mut self.destination_port, port, at, "destination port")
                    }
                    Direction::Either => unsupported(
                        at,
                        format!(
                            "the service takes one direction: write `src port {port}` or `dst port {port}`"
                        ),
                    ),
                    Direction::Both => {
                        set(&mut self.source_port, port, at, "source port")?;
                        set(&mut self.destination_port, port, at, "destination port")
                    }
                }
            }
            // ICMP and IGMP are IPv4's, ICMPv6 is IPv6's: their numbers say the version as well.
            Primitive::Protocol {
                version: None,
                number,
            }
            | Primitive::Protocol {
                version: Some(IpVersion::V4),
                number: number @ (1 | 2),
            }
            | Primitive::Protocol {
                version: Some(IpVersion::V6),
                number: number @ 58,
            } => set(&mut self.protocol, number, at, "protocol"),
            Primitive::Protocol { number, .. } => unsupported(
                at,
                format!("the service cannot tell IPv4 from IPv6: write `proto {number}`"),
            ),
            Primitive::Version(_) => unsupported(
                at,
                "the service cannot tell IPv4 from IPv6: leave it out (an address says its version)",
            ),
            Primitive::Net { .. } => unsupported(
                at,
                "the service takes single addresses, not networks: take a wider capture",
            ),
            Primitive::PortRange { .. } => unsupported(
                at,
                "the service takes single ports, not ranges: take a wider capture",
            ),
            Primitive::AtMost(_) | Primitive::AtLeast(_) => unsupported(
                at,
                "the service cannot choose by length: take a wider capture",
            ),
            Primitive::Compare { .. } => unsupported(
                at,
                "the service cannot look at single bytes: take a wider capture",
            ),
            _ => unsupported(at, "the service cannot express this: take a wider capture"),
        }
    }
}

/// What the service cannot express, and where it stands.
struct Unsupported {
    span: Span,
    why: String,
}

fn unsupported<T>(span: Span, why: impl Into<String>) -> Result<T, Unsupported> {
    Err(Unsupported {
        span,
        why: why.into(),
    })
}

fn set<T: Copy + PartialEq>(
    field: &mut Option<T>,
    value: T,
    at: Span,
    what: &str,
) -> Result<(), Unsupported> {
    match field {
        Some(present) if *present != value => {
            unsupported(at, format!("a second {what}: no packet has two"))
        }
        _ => {
            *field = Some(value);
            Ok(())
        }
    }
}

impl FromStr for Filter {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = |why: &str, caret: String| {
            Error::new(
                ErrorKind::InvalidInput,
                format!("the filter cannot be used: {why}\n{}", indent(&caret)),
            )
        };
        let expression = parse(text).map_err(|error| refuse(error.message(), error.caret(text)))?;
        let mut filter = Self::default();
        filter
            .require(&expression)
            .map_err(|it| refuse(&it.why, it.span.caret(text)))?;
        Ok(filter)
    }
}

fn indent(text: &str) -> String {
    text.lines()
        .map(|line| format!("  {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

impl fmt::Display for Filter {
    /// In tcpdump's language; empty for a filter that takes every packet.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            self.protocol.map(|number| match number {
                1 => "icmp".to_owned(),
                2 => "igmp".to_owned(),
                6 => "tcp".to_owned(),
                17 => "udp".to_owned(),
                47 => "gre".to_owned(),
                50 => "esp".to_owned(),
                51 => "ah".to_owned(),
                58 => "icmp6".to_owned(),
                132 => "sctp".to_owned(),
                _ => format!("proto {number}"),
            }),
            self.source.map(|it| format!("src host {it}")),
            self.source_port.map(|it| format!("src port {it}")),
            self.destination.map(|it| format!("dst host {it}")),
            self.destination_port.map(|it| format!("dst port {it}")),
        ];
        f.pad(
            &parts
                .into_iter()
                .flatten()
                .collect::<Vec<_>>()
                .join(" and "),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_service_can_express_parses_and_prints() {
        let every = "tcp and src host 192.0.2.1 and src port 1024 and dst host 2001:db8::1 and dst port 443";
        for text in [
            "",
            every,
            "icmp",
            "icmp6",
            "igmp",
            "gre",
            "esp",
            "ah",
            "sctp",
            "proto 200",
            "udp and dst port 53",
            "src port 0",
        ] {
            assert_eq!(text.parse::<Filter>().unwrap().to_string(), text);
        }
        for (text, same) in [
            ("tcp dst port https", "tcp and dst port 443"),
            ("(udp && dst port domain)", "udp and dst port 53"),
            (
                "udp and udp and src and dst port 53",
                "udp and src port 53 and dst port 53",
            ),
            ("src 192.0.2.1", "src host 192.0.2.1"),
        ] {
            assert_eq!(text.parse::<Filter>().unwrap().to_string(), same);
        }
    }

    #[test]
    fn what_it_cannot_is_pointed_at() {
        for (text, place, why) in [
            ("tcp and port 443", "port 443", "`dst port 443`"),
            ("host 192.0.2.1", "host 192.0.2.1", "`src host 192.0.2.1`"),
            ("udp or tcp", "udp or tcp", "no `or`"),
            ("udp and not src port 53", "not src port 53", "no `not`"),
            (
                "src net 192.0.2.0/24",
                "src net 192.0.2.0/24",
                "not networks",
            ),
            ("dst portrange 1-1023", "dst portrange 1-1023", "not ranges"),
            ("ip6", "ip6", "IPv4 from IPv6"),
            ("arp src 192.0.2.1", "arp src 192.0.2.1", "IP packets only"),
            ("udp and ip[8] < 64", "ip[8] < 64", "single bytes"),
            ("vlan 5 and udp", "vlan 5", "cannot express this"),
            ("tcp and udp", "udp", "a second protocol"),
            ("dst host example.com", "example.com", "address"),
        ] {
            let error = text.parse::<Filter>().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            let error = error.to_string();
            assert!(error.contains(why), "{error}");
            let caret = format!(
                "  {}{}",
                " ".repeat(text.find(place).unwrap()),
                "^".repeat(place.len())
            );
            assert_eq!(error.lines().nth(2), Some(caret.as_str()), "{error}");
        }
    }

    #[test]
    fn it_survives_the_wire() {
        let filter: Filter = "tcp and src host 192.0.2.1 and dst port 443"
            .parse()
            .unwrap();
        assert_eq!(Filter::from_api(&filter.to_api().unwrap()), Some(filter));
        assert!(Filter::default().to_api().is_none());
        let decode = |text| Filter::from_api(&serde_json::from_str(text).unwrap());
        assert_eq!(
            decode(r#"{"destination_port": 53.0, "source_address": ""}"#),
            Some(Filter::default().destination_port(53))
        );
        assert_eq!(decode(r#"{"destination_port": 70000}"#), None);
        assert_eq!(decode(r#"{"vlan": 7}"#), None);
    }
}
