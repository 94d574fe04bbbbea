//! Dissection, summary and filters, of a packet.

use std::sync::LazyLock;

use pcaps_file::filter::{Program, parse};
use pcaps_file::{Dissection, LinkType, Packet, Summary, Timestamp, dissect};

use crate::LINK_TYPES;
use crate::files::Lens;
use crate::filter::{check, negation};

const EXPRESSIONS: [&str; 16] = [
    "host 192.0.2.1 or net 2001:db8::/32",
    "src net 10/8 and dst port 53",
    "portrange 1-1023 and not ip proto 17",
    "tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn",
    "tcp[(tcp[12]>>4)*4:4] = 0x47455420",
    "icmp[icmptype] = icmp-echo or icmp6[icmp6type] = icmp6-echo",
    "ip6 proto 6 or ip6[6] = 44",
    "ip[ip[2:2] - 1] != 0 or ip[0] & 0xf > 5",
    "len - ip[2:2] * ip[8] / ip[1] > 4",
    "arp or rarp or arp[7] < 2",
    "greater 60 and less 1500",
    "ip multicast or ip6 multicast",
    "vlan 100 and (vlan or ip and port 53)",
    "broadcast or ether host 00:00:5e:00:53:01",
    "ether proto 0x88cc or ether[0] & 1 = 1",
    "udp[4:2] > 100 and sctp[0:2] = 53 or igmp or pim or vrrp or gre",
];

/// The expressions and their opposites, for each link type that can have them.
static PROGRAMS: LazyLock<Vec<(LinkType, Program, Program)>> = LazyLock::new(|| {
    let mut programs = Vec::new();
    for expression in EXPRESSIONS {
        let expr = parse(expression).expect("an expression");
        let negation = negation(&expr).expect("not everything");
        for link_type in LINK_TYPES {
            if let Ok(program) = Program::new(&expr, link_type) {
                let negation = Program::new(&negation, link_type).expect("as it is");
                programs.push((link_type, program, negation));
            }
        }
    }
    programs
});

/// The first bytes give a time (eight of them) and how many bytes were cut off (two); the rest is a packet, of every
/// link type. Whatever they are: what is found in it fits together, and a summary says the same however it is made.
/// Summing up is a hundred times the work of the rest: it is done with one input of 32.
pub fn packet(bytes: &[u8]) {
    let is_summed = Lens::of(bytes).number().is_multiple_of(32);
    let Some((time, rest)) = bytes.split_first_chunk() else {
        return;
    };
    let Some((more, bytes)) = rest.split_first_chunk() else {
        return;
    };
    let more = u32::from(u16::from_le_bytes(*more));
    let original_len = u32::try_from(bytes.len()).expect("a short packet") + more;
    for link_type in LINK_TYPES {
        let found = dissect(link_type, bytes);
        assert_eq!(found.source.is_some(), found.destination.is_some());
        assert!(found.source.is_some() || found == Dissection::default());
        assert!(found.inner.is_none_or(|it| (1..=4).contains(&it.tunnels)));
    }
    for (_, program, negation) in &*PROGRAMS {
        check(program, Some(negation), bytes, original_len);
    }
    if is_summed {
        sum_up(u64::from_le_bytes(*time), original_len, bytes);
    }
}

/// As packets of every link type: the sums are right, and two parts make the whole, as JSON and as text.
fn sum_up(mut time: u64, original_len: u32, bytes: &[u8]) {
    let (mut not_ip, mut tunnelled) = (0, 0);
    let mut whole = Summary::default();
    let mut parts = [Summary::default(), Summary::default()];
    for (at, link_type) in LINK_TYPES.into_iter().enumerate() {
        let packet = Packet {
            timestamp: Timestamp::from_nanos(time),
            link_type,
            original_len,
            bytes,
        };
        let found = dissect(link_type, bytes);
        not_ip += u64::from(found.source.is_none());
        tunnelled += u64::from(found.inner.is_some());
        whole.add(&packet);
        parts[at % 2].add(&packet);
        // To the other end of what there is, and back.
        time = time.rotate_left(9);
    }
    let packets = LINK_TYPES.len() as u64;
    assert_eq!(whole.packets(), packets);
    assert_eq!(whole.bytes_on_wire(), packets * u64::from(original_len));
    assert_eq!(whole.not_ip().packets, not_ip);
    assert_eq!(whole.tunnelled().packets, tunnelled);

    let [mut merged, other] = parts;
    merged.merge(&other);
    let json = |it: &Summary| serde_json::to_value(it).expect("JSON");
    let expected = json(&whole);
    assert_eq!(json(&merged), expected);
    assert_eq!(expected["packets"], packets);
    assert_eq!(merged.to_string(), whole.to_string());
}
