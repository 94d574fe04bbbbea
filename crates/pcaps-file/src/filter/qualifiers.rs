//! What stands before the value of a primitive.

use super::ast::{Direction, Header, Network};
use crate::protocol;

/// What stands before a value.
#[derive(Clone, Copy)]
pub(super) struct Qualifiers {
    /// `ether`, `ip`, `tcp` and the like.
    pub(super) header: Option<Header>,
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
        match self.header {
            Some(header @ Header::Transport(_)) if !is_port => {
                let name = header.word();
                return Err(format!(
                    "`{name}` goes only before a port: write `{name} and …` for the rest"
                ));
            }
            Some(Header::Transport(number)) if !has_ports.contains(&number) => {
                let name = protocol::name(number);
                return Err(format!(
                    "{name} has no ports: write `tcp`, `udp` or `sctp`, or none"
                ));
            }
            Some(header @ (Header::Link | Header::Network(_))) if is_port => {
                let word = header.word();
                return Err(format!(
                    "`{word}` does not go before a port: write `{word} and port …`"
                ));
            }
            Some(Header::Link) if self.of == Type::Net => {
                return Err("Ethernet has no networks: write `ether host …`".to_owned());
            }
            Some(Header::Network(network @ (Network::Arp | Network::Rarp)))
                if self.of == Type::Protocol =>
            {
                let word = network.word();
                return Err(format!("`{word}` carries no other protocol"));
            }
            _ => {}
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
