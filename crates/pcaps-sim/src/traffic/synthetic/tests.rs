use std::{collections::HashMap, num::NonZeroU32};

use bytes::Bytes;
use etherparse::{
    Icmpv4Type, Icmpv6Type, NetHeaders, PacketHeaders, PayloadSlice, TcpHeader, TransportHeader,
};

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

/// A packet's headers, its checksums checked.
struct Parsed<'a> {
    net: NetHeaders,
    transport: TransportHeader,
    payload: &'a [u8],
}

fn parse(packet: &[u8]) -> Parsed<'_> {
    let headers = PacketHeaders::from_ip_slice(packet).expect("headers");
    let payload = match headers.payload {
        PayloadSlice::Tcp(payload)
        | PayloadSlice::Udp(payload)
        | PayloadSlice::Icmpv4(payload)
        | PayloadSlice::Icmpv6(payload) => payload,
        other => panic!("neither TCP, UDP nor ICMP: {other:?}"),
    };
    Parsed {
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
        assert!((11_000..17_000).contains(&count), "{count} packets");
    }
}

#[test]
fn checksums_and_lengths_are_right() {
    for (_, packet) in seconds(11, 120) {
        assert!(packet.len() <= 1_500);
        let parsed = parse(&packet);
        assert_checksums(&parsed);
        let len = match &parsed.net {
            NetHeaders::Ipv4(ip, _) => usize::from(ip.total_len),
            NetHeaders::Ipv6(ip, _) => 40 + usize::from(ip.payload_length),
            other @ NetHeaders::Arp(_) => panic!("not IP: {other:?}"),
        };
        assert_eq!(len, packet.len());
    }
}

#[test]
fn every_address_is_set_aside_for_examples() {
    let is_example_v4 = |address: [u8; 4]| {
        matches!(
            address,
            [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [198, 18..=19, _, _]
        )
    };
    for (_, packet) in seconds(5, 60) {
        match parse(&packet).net {
            NetHeaders::Ipv4(ip, _) => {
                assert!(is_example_v4(ip.source), "{:?}", ip.source);
                assert!(is_example_v4(ip.destination), "{:?}", ip.destination);
            }
            NetHeaders::Ipv6(ip, _) => {
                assert!(ip.source.starts_with(&[0x20, 0x01, 0x0D, 0xB8]));
                assert!(ip.destination.starts_with(&[0x20, 0x01, 0x0D, 0xB8]));
            }
            other @ NetHeaders::Arp(_) => panic!("not IP: {other:?}"),
        }
    }
}

/// What sort of packet it is, as a line of the list below.
fn kind(parsed: &Parsed<'_>) -> &'static str {
    let is_v6 = matches!(parsed.net, NetHeaders::Ipv6(..));
    let spoofed = matches!(&parsed.net, NetHeaders::Ipv4(ip, _) if ip.source[..1] == [198]
        && ip.source[1] != 51);
    match &parsed.transport {
        TransportHeader::Tcp(tcp) => match (tcp.source_port, tcp.destination_port) {
            _ if spoofed => "flood",
            (_, 443) if is_v6 => "https up v6",
            (443, _) if is_v6 => "https down v6",
            (_, 443) => "https up",
            (443, _) => "https down",
            (_, 80) if parsed.payload.starts_with(b"GET ") => "http request",
            (80, _) if parsed.payload.starts_with(b"HTTP/1.1 ") => "http answer",
            _ => "http",
        },
        TransportHeader::Udp(udp) => match (udp.source_port, udp.destination_port) {
            (_, 53) if is_v6 => "dns query v6",
            (53, _) if is_v6 => "dns answer v6",
            (_, 53) => "dns query",
            (53, _) => "dns answer",
            (_, 123) => "ntp query",
            (123, _) => "ntp answer",
            (_, 443) => "quic up",
            (443, _) => "quic down",
            (_, super::udp::GAME_PORT) => "game up",
            (super::udp::GAME_PORT, _) => "game down",
            ports => panic!("UDP from and to {ports:?}"),
        },
        TransportHeader::Icmpv4(icmp) => match icmp.icmp_type {
            Icmpv4Type::EchoRequest(_) => "echo request",
            Icmpv4Type::EchoReply(_) => "echo reply",
            ref other => panic!("ICMP {other:?}"),
        },
        TransportHeader::Icmpv6(icmp) => match icmp.icmp_type {
            Icmpv6Type::EchoRequest(_) => "echo request v6",
            Icmpv6Type::EchoReply(_) => "echo reply v6",
            ref other => panic!("ICMPv6 {other:?}"),
        },
        other @ TransportHeader::Igmp(_) => panic!("{other:?}"),
    }
}

#[test]
fn every_kind_of_traffic_is_in_a_minute() {
    for seed in 0..8 {
        let packets = seconds(seed, 60);
        let mut kinds: Vec<_> = packets
            .iter()
            .map(|(_, packet)| kind(&parse(packet)))
            .collect();
        kinds.sort_unstable();
        kinds.dedup();
        let all = [
            "dns answer",
            "dns answer v6",
            "dns query",
            "dns query v6",
            "echo reply",
            "echo reply v6",
            "echo request",
            "echo request v6",
            "flood",
            "game down",
            "game up",
            "http",
            "http answer",
            "http request",
            "https down",
            "https down v6",
            "https up",
            "https up v6",
            "ntp answer",
            "ntp query",
            "quic down",
            "quic up",
        ];
        assert_eq!(kinds, all, "seed {seed}");
    }
}

/// What is known of a connection.
#[derive(Default)]
struct Seen {
    /// The number of the next byte of each end.
    next: [Option<u32>; 2],
    syns: usize,
    fins: usize,
}

fn check(tcp: &TcpHeader, own: Option<u32>, other: Option<u32>) {
    if let Some(own) = own {
        assert_eq!(tcp.sequence_number, own, "a gap or a repetition: {tcp:?}");
    }
    if let Some(other) = other.filter(|_| tcp.ack) {
        let behind = other.wrapping_sub(tcp.acknowledgment_number);
        assert!(
            behind < 64 * 1_024,
            "acknowledges what was not sent: {tcp:?}"
        );
    }
}

#[test]
fn connections_add_up() {
    let mut seen: HashMap<(Vec<u8>, u16), Seen> = HashMap::new();
    // Connections that began before the window are told by their missing SYN.
    for (_, packet) in seconds(9, 60) {
        let parsed = parse(&packet);
        let TransportHeader::Tcp(tcp) = &parsed.transport else {
            continue;
        };
        let (source, destination) = match &parsed.net {
            NetHeaders::Ipv4(ip, _) => (ip.source.to_vec(), ip.destination.to_vec()),
            NetHeaders::Ipv6(ip, _) => (ip.source.to_vec(), ip.destination.to_vec()),
            other @ NetHeaders::Arp(_) => panic!("not IP: {other:?}"),
        };
        let is_up = tcp.destination_port < 1_024;
        let (client, way) = if is_up {
            ((source, tcp.source_port), 0)
        } else {
            ((destination, tcp.destination_port), 1)
        };
        if tcp.syn && !tcp.ack {
            seen.insert(client.clone(), Seen::default());
        }
        let Some(connection) = seen.get_mut(&client) else {
            continue;
        };
        check(tcp, connection.next[way], connection.next[1 - way]);
        connection.syns += usize::from(tcp.syn);
        connection.fins += usize::from(tcp.fin);
        let len = u32::try_from(parsed.payload.len()).expect("a short payload");
        let flags = u32::from(tcp.syn) + u32::from(tcp.fin);
        connection.next[way] = Some(tcp.sequence_number.wrapping_add(len + flags));
    }
    let whole = seen.values().filter(|one| one.syns == 2 && one.fins == 2);
    assert!(whole.count() > 30);
}
