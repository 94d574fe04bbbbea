//! The GRE tunnel in which the service carries packets to the customer's router, and gets them back (RFC 2784).

use etherparse::{IpNumber, Ipv4Header};

use super::conversation::{Ends, Way};

/// What it puts before a packet, in bytes: an IPv4 header, and a GRE header without checksum, key or number.
pub(super) const LEN: usize = Ipv4Header::MIN_LEN + 4;

/// Where it ends: on the internet's side at the service, on the protected side at the customer's router, which
/// is not in the protected prefix.
const ENDS: Ends<[u8; 4]> = Ends {
    client: [192, 0, 2, 1],
    server: [198, 51, 100, 1],
};

/// Hops left of 64 and 255, where the packets are seen.
const HOPS: Ends<u8> = Ends {
    client: 61,
    server: 247,
};

/// What goes before an IPv4 or IPv6 packet that has `total_len` bytes with it.
pub(super) fn header(way: Way, total_len: u16, is_v6: bool) -> [u8; LEN] {
    let [source, destination] = match way {
        Way::Up => [ENDS.client, ENDS.server],
        Way::Down => [ENDS.server, ENDS.client],
    };
    // No identification: it is never fragmented (RFC 6864).
    let mut outer = Ipv4Header {
        total_len,
        dont_fragment: true,
        time_to_live: *{ HOPS }.sender(way),
        protocol: IpNumber::GRE,
        source,
        destination,
        ..Ipv4Header::default()
    };
    outer.header_checksum = outer.calc_header_checksum();
    let mut header = [0; LEN];
    header[..Ipv4Header::MIN_LEN].copy_from_slice(&outer.to_bytes());
    let ether_type: u16 = if is_v6 { 0x86DD } else { 0x0800 };
    header[LEN - 2..].copy_from_slice(&ether_type.to_be_bytes());
    header
}
