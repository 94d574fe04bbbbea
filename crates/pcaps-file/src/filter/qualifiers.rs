//! What stands before the value of a primitive.

use super::ast::{Direction, IpVersion};
use crate::protocol;

/// What stands before a value.
#[derive(Clone, Copy)]
pub(super) struct Qualifiers {
    /// `ip` or `ip6`.
    pub(super) version: Option<IpVersion>,
    /// `tcp`, `udp` or `sctp`.
    pub(super) protocol: Option<u8>,
    pub(super) direction: Direction,
    pub(super) of: Type,
}

/// What a value is.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Type {
    Host,
    Net,
    Port,
    PortRange,
    Protocol,
}

impl Qualifiers {
    /// Whether they go together; tcpdump refuses the same ones.
    pub(super) fn check(self, has_direction: bool) -> Result<(), String> {
        let is_port = matches!(self.of, Type::Port | Type::PortRange);
        let has_ports = [protocol::TCP, protocol::UDP, protocol::SCTP];
        match self.protocol {
            Some(number) if !is_port => {
                let name = protocol::name(number).to_lowercase();
                return Err(format!(
                    "`{name}` goes only before a port: write `{name} and …` for the rest"
                ));
            }
            Some(number) if !has_ports.contains(&number) => {
                let name = protocol::name(number);
                return Err(format!(
                    "{name} has no ports: write `tcp`, `udp` or `sctp`, or none"
                ));
            }
            _ => {}
        }
        if is_port && let Some(version) = self.version {
            let word = match version {
                IpVersion::V4 => "ip",
                IpVersion::V6 => "ip6",
            };
            return Err(format!(
                "`{word}` does not go before a port: write `{word} and port …`"
            ));
        }
        if self.of == Type::Protocol && has_direction {
            return Err("a protocol has no direction: leave out `src` and `dst`".to_owned());
        }
        Ok(())
    }
}

impl Type {
    /// What to say when its value is missing.
    pub(super) fn expected(self) -> &'static str {
        match self {
            Self::Host => "expected an address here, as in `host 192.0.2.1`",
            Self::Net => "expected a network here, as in `net 192.0.2.0/24`",
            Self::Port => "expected a port here, as in `port 443`",
            Self::PortRange => "expected a range of ports here, as in `portrange 8000-8080`",
            Self::Protocol => "expected a protocol here, as in `proto 17`",
        }
    }
}
