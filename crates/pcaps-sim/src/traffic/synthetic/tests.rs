mod attacks;
mod connections;
mod kinds;
mod quic;
mod tunnel;

use std::{net::IpAddr, num::NonZeroU32};

use bytes::Bytes;
use etherparse::{IpNumber, Ipv4Header, NetHeaders, PacketHeaders, PayloadSlice, TransportHeader};

use super::{SECOND, Timeline};

/// 2026-01-01T00:00:00Z.
const START: u64 = 1_767_225_600;

type Packets = Vec<(u64, Bytes)>;

fn nanos(second: u64, micros: u64) -> u64 {
    (second * SECOND + micros) * 1_000
}

fn window(seed: u64, from: u64, to: u64) -> Packets {
    Timeline::new(seed, NonZeroU32::MIN, from..to).collect()
}

fn seconds(seed: u64, count: u64) -> Packets {
    window(seed, nanos(START, 0), nanos(START + count, 0))
}

/// A packet's headers; those of what is in the tunnel, if it is seen there.
struct Parsed<'a> {
    /// The outer IP header and the GRE header.
    tunnel: Option<(Ipv4Header, &'a [u8])>,
    net: NetHeaders,
    transport: TransportHeader,
    payload: &'a [u8],
}

impl Parsed<'_> {
    /// Source and destination, IPv4 or IPv6.
    fn addresses(&self) -> [IpAddr; 2] {
        match &self.net {
            NetHeaders::Ipv4(ip, _) => [ip.source.into(), ip.destination.into()],
            NetHeaders::Ipv6(ip, _) => [ip.source.into(), ip.destination.into()],
            other @ NetHeaders::Arp(_) => panic!("not IP: {other:?}"),
        }
    }

    /// How long it says that it is, in bytes, with the tunnel's headers.
    fn len(&self) -> usize {
        match (&self.tunnel, &self.net) {
            (Some((outer, _)), _) => usize::from(outer.total_len),
            (None, net) => net_len(net),
        }
    }
}

fn net_len(net: &NetHeaders) -> usize {
    match net {
        NetHeaders::Ipv4(ip, _) => usize::from(ip.total_len),
        NetHeaders::Ipv6(ip, _) => 40 + usize::from(ip.payload_length),
        other @ NetHeaders::Arp(_) => panic!("not IP: {other:?}"),
    }
}

fn parse(packet: &[u8]) -> Parsed<'_> {
    let mut headers = PacketHeaders::from_ip_slice(packet).expect("headers");
    let mut tunnel = None;
    if let PayloadSlice::Ip(payload) = &headers.payload
        && payload.ip_number == IpNumber::GRE
    {
        let Some(NetHeaders::Ipv4(outer, _)) = headers.net else {
            panic!("not IPv4: {:?}", headers.net);
        };
        let (gre, inner) = payload.payload.split_at(4);
        tunnel = Some((outer, gre));
        headers = PacketHeaders::from_ip_slice(inner).expect("inner headers");
    }
    let payload = match headers.payload {
        PayloadSlice::Tcp(payload)
        | PayloadSlice::Udp(payload)
        | PayloadSlice::Icmpv4(payload)
        | PayloadSlice::Icmpv6(payload) => payload,
        other => panic!("neither TCP, UDP nor ICMP: {other:?}"),
    };
    Parsed {
        tunnel,
        net: headers.net.expect("an IP header"),
        transport: headers.transport.expect("a transport header"),
        payload,
    }
}

fn assert_checksums(parsed: &Parsed<'_>) {
    let payload = parsed.payload;
    match (&parsed.net, &parsed.transport) {
        (NetHeaders::Ipv4(ip, _), transport) => {
            assert_eq!(ip.header_checksum, ip.calc_header_checksum());
            let (found, right) = match transport {
                TransportHeader::Tcp(tcp) => (tcp.checksum, tcp.calc_checksum_ipv4(ip, payload)),
                TransportHeader::Udp(udp) => (udp.checksum, udp.calc_checksum_ipv4(ip, payload)),
                TransportHeader::Icmpv4(icmp) => {
                    (icmp.checksum, Ok(icmp.icmp_type.calc_checksum(payload)))
                }
                other => panic!("not over IPv4: {other:?}"),
            };
            assert_eq!(found, right.expect("a short payload"));
        }
        (NetHeaders::Ipv6(ip, _), transport) => {
            let (found, right) = match transport {
                TransportHeader::Tcp(tcp) => (tcp.checksum, tcp.calc_checksum_ipv6(ip, payload)),
                TransportHeader::Udp(udp) => (udp.checksum, udp.calc_checksum_ipv6(ip, payload)),
                TransportHeader::Icmpv6(icmp) => (
                    icmp.checksum,
                    icmp.icmp_type
                        .calc_checksum(ip.source, ip.destination, payload),
                ),
                other => panic!("not over IPv6: {other:?}"),
            };
            assert_eq!(found, right.expect("a short payload"));
        }
        (other, _) => panic!("not IP: {other:?}"),
    }
}

#[test]
fn same_seed_same_packets() {
    assert_eq!(seconds(7, 5), seconds(7, 5));
    assert_ne!(seconds(7, 5), seconds(8, 5));
}

#[test]
fn windows_that_meet_hold_what_the_whole_holds() {
    let mut rng = fastrand::Rng::with_seed(42);
    for case in 0..60 {
        let seed = rng.u64(..);
        // The edge cases: the beginning of time, and cuts at whole seconds and between.
        let second = if case % 10 == 0 { 0 } else { START };
        let mut cuts = [0; 4].map(|_| nanos(second, rng.u64(0..30 * SECOND)) + rng.u64(0..1_000));
        if case % 3 == 0 {
            cuts[1] = nanos(second, 12 * SECOND);
        }
        cuts.sort_unstable();
        let whole = window(seed, cuts[0], cuts[3]);
        let parts = cuts.windows(2).flat_map(|cut| window(seed, cut[0], cut[1]));
        assert_eq!(
            parts.collect::<Packets>(),
            whole,
            "seed {seed}, cuts {cuts:?}"
        );
    }
}

#[test]
fn sampled_windows_meet_too() {
    let three = NonZeroU32::new(3).expect("not zero");
    let [a, b, c] = [0, 7_500_000, 20_000_000].map(|micros| nanos(START, micros));
    let whole: Packets = Timeline::new(1, three, a..c).collect();
    let parts = Timeline::new(1, three, a..b).chain(Timeline::new(1, three, b..c));
    assert_eq!(parts.collect::<Packets>(), whole);

    let all = window(1, a, c);
    assert!(whole.iter().all(|packet| all.contains(packet)));
    let third = all.len() / 3;
    assert!((third * 7 / 10..third * 13 / 10).contains(&whole.len()));
}

#[test]
fn oldest_first_inside_the_window_on_whole_microseconds() {
    let [from, to] = [nanos(START, 250_000) + 1, nanos(START + 90, 750_000)];
    let packets = window(3, from, to);
    assert!(packets.is_sorted_by_key(|(nanos, _)| *nanos));
    assert!(packets.iter().all(|(at, _)| (from..to).contains(at)));
    assert!(packets.iter().all(|(at, _)| at.is_multiple_of(1_000)));
}

#[test]
fn empty_and_reversed_windows_hold_nothing() {
    let [from, to] = [nanos(START, 0), nanos(START + 5, 0)];
    assert!(window(1, from, from).is_empty());
    assert!(window(1, to, from).is_empty());
}

#[test]
fn the_end_of_time_ends_the_timeline() {
    let last = window(1, u64::MAX - 2_000_000_000, u64::MAX);
    assert!(!last.is_empty());
}

#[test]
fn five_minutes_exceed_the_packet_limit_modestly() {
    for seed in 0..4 {
        let count = seconds(seed, 300).len();
        assert!((11_500..16_000).contains(&count), "{count} packets");
    }
}

#[test]
fn checksums_and_lengths_are_right() {
    for (_, packet) in seconds(11, 120) {
        assert!(packet.len() <= 1_500);
        let parsed = parse(&packet);
        assert_checksums(&parsed);
        assert_eq!(parsed.len(), packet.len());
    }
}
