//! The imaginary network: a protected prefix, and the internet that talks to it.
//!
//! Every address is from a range set aside for documentation (RFC 5737, RFC 3849) or for
//! benchmarks (RFC 2544).

use std::ops::RangeInclusive;

use super::{
    conversation::{Addresses, Conversation, Ends},
    slice::Slice,
};

/// Hosts behind the service, of 203.0.113.0/24 and `2001:db8:203::/48`.
#[derive(Clone, Copy, Debug)]
pub(super) enum Service {
    /// A web server.
    Web,
    /// The name server that answers for the protected zone.
    NameServer,
    /// A game server.
    Game,
    /// A host that answers pings.
    Host,
}

/// Names served from the protected prefix.
pub(super) const NAMES: [&str; 6] = [
    "www.example.com",
    "example.com",
    "api.example.com",
    "static.example.net",
    "shop.example.org",
    "mail.example.org",
];

/// Ports that clients speak from: the part of the ephemeral range that no known protocol is told by,
/// so that a dissector that goes by port numbers is not misled.
pub(super) const CLIENT_PORTS: RangeInclusive<u16> = 60_100..=65_535;

/// A new conversation of a client on the internet with a protected service at `port`.
pub(super) fn inbound(slice: &mut Slice, service: Service, port: u16) -> Conversation {
    let host = match service {
        Service::Web => 10 + slice.rng.u8(0..4),
        Service::NameServer => 53,
        Service::Game => 77,
        Service::Host => slice.rng.u8(1..120),
    };
    // Two of the documentation ranges hold clients, above the servers and the tunnel's ends. A quarter of the
    // traffic is IPv6.
    let addresses = if slice.rng.u8(0..4) == 0 {
        Addresses::V6(client_v6(slice), protected_v6(host))
    } else {
        let client = if slice.rng.u8(0..3) == 0 {
            [192, 0, 2, slice.rng.u8(2..=254)]
        } else {
            [198, 51, 100, slice.rng.u8(2..=254)]
        };
        Addresses::V4(client, [203, 0, 113, host])
    };
    converse(slice, addresses, port)
}

/// A new conversation of a protected host with a server on the internet at `port`.
pub(super) fn outbound(slice: &mut Slice, port: u16) -> Conversation {
    let host = slice.rng.u8(1..120);
    let server = [53, 123, 200][slice.rng.usize(0..3)];
    let addresses = if slice.rng.u8(0..4) == 0 {
        let mut address = v6(0xFFFF, 0);
        address[15] = server;
        Addresses::V6(protected_v6(host), address)
    } else {
        Addresses::V4([203, 0, 113, host], [192, 0, 2, server])
    };
    converse(slice, addresses, port)
}

fn converse(slice: &mut Slice, addresses: Addresses, port: u16) -> Conversation {
    // Systems begin at 64 or 128 hops; some were used up on the way.
    let first = [64, 64, 128][slice.rng.usize(0..3)];
    let ends = Ends {
        client: first - slice.rng.u8(6..22),
        server: 64 - slice.rng.u8(1..4),
    };
    let client_port = slice.rng.u16(CLIENT_PORTS);
    let between = Conversation::new(&mut slice.rng, addresses, ends, [client_port, port]);
    // Some of it is seen on its way through the tunnel.
    if slice.rng.u8(0..6) == 0 {
        between.in_tunnel()
    } else {
        between
    }
}

fn client_v6(slice: &mut Slice) -> [u8; 16] {
    v6(slice.rng.u16(1..0x40), slice.rng.u64(..))
}

fn protected_v6(host: u8) -> [u8; 16] {
    v6(0x203, u64::from(host))
}

/// An address in `2001:db8::/32`.
fn v6(site: u16, interface: u64) -> [u8; 16] {
    let address = (0x2001_0DB8_u128 << 96) | (u128::from(site) << 80) | u128::from(interface);
    address.to_be_bytes()
}
