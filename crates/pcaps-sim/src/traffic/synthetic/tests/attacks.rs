//! What there is to be found, where the documentation of [`Traffic::synthetic`] says that it is.
//!
//! [`Traffic::synthetic`]: crate::traffic::Traffic::synthetic

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
};

use etherparse::{NetHeaders, TcpHeader, TransportHeader};

use super::{Packets, START, nanos, parse, window};

/// A packet from or to one of 198.18.0.0/15, where the attackers are.
struct Attack {
    second: u64,
    source: Ipv4Addr,
    destination: Ipv4Addr,
    transport: TransportHeader,
    payload: Vec<u8>,
}

/// The attacks in a whole minute of the clock.
fn minute(seed: u64, minute: u64) -> Vec<Attack> {
    let begin = START + minute * 60;
    let packets: Packets = window(seed, nanos(begin, 0), nanos(begin + 60, 0));
    let attacks = packets.iter().filter_map(|(nanos, packet)| {
        let parsed = parse(packet);
        let NetHeaders::Ipv4(ip, _) = &parsed.net else {
            return None;
        };
        let attack = Attack {
            second: nanos / 1_000_000_000 - begin,
            source: ip.source.into(),
            destination: ip.destination.into(),
            transport: parsed.transport,
            payload: parsed.payload.to_vec(),
        };
        let ends = [ip.source, ip.destination];
        ends.iter()
            .any(|it| matches!(it, [198, 18 | 19, ..]))
            .then_some(attack)
    });
    attacks.collect()
}

/// Some minutes, of some seeds.
fn minutes() -> impl Iterator<Item = Vec<Attack>> {
    (0..4).flat_map(|seed| (0..5).map(move |count| minute(seed, count)))
}

fn tcp(attack: &Attack) -> Option<&TcpHeader> {
    match &attack.transport {
        TransportHeader::Tcp(tcp) => Some(tcp),
        _ => None,
    }
}

/// How many different seconds there are from the first to the last.
fn span<'a>(attacks: impl IntoIterator<Item = &'a Attack>) -> u64 {
    let seconds: BTreeSet<_> = attacks.into_iter().map(|attack| attack.second).collect();
    let [first, last] = [seconds.first(), seconds.last()].map(|it| *it.expect("an attack"));
    assert_eq!(seconds.len() as u64, last - first + 1, "{seconds:?}");
    last - first + 1
}

#[test]
fn a_flood_is_in_every_minute() {
    for attacks in minutes() {
        let flood: Vec<_> = attacks
            .iter()
            .filter(|it| it.source.octets()[1] == 18)
            .collect();
        assert!(flood.len() >= 150, "{}", flood.len());
        assert!((6..12).contains(&span(flood.iter().copied())));
        for attack in &flood {
            let tcp = tcp(attack).expect("TCP");
            assert!(tcp.syn && !tcp.ack);
            let to = (attack.destination, tcp.destination_port);
            assert_eq!(to, (Ipv4Addr::new(203, 0, 113, 10), 443));
        }
        let sources: BTreeSet<_> = flood.iter().map(|it| it.source).collect();
        assert!(sources.len() * 10 > flood.len() * 9);
    }
}

#[test]
fn an_amplification_is_in_every_minute() {
    for attacks in minutes() {
        let answers: Vec<_> = attacks
            .iter()
            .filter(|it| it.source.octets()[1] == 19 && it.source.octets()[2] < 128)
            .collect();
        assert!(answers.len() >= 80, "{}", answers.len());
        assert!((4..7).contains(&span(answers.iter().copied())));
        let mut kinds = BTreeMap::<_, usize>::new();
        for attack in &answers {
            let TransportHeader::Udp(udp) = &attack.transport else {
                panic!("{:?}", attack.transport);
            };
            assert_eq!(udp.source_port, 53);
            assert_eq!(attack.destination, Ipv4Addr::new(203, 0, 113, 20));
            // Much longer than the question would have been.
            let len = attack.payload.len();
            assert!((1_000..=1_472).contains(&len), "{len}");
            // Of the question behind the message's header: 13 bytes of name, the type.
            *kinds.entry(attack.payload[26]).or_default() += 1;
        }
        assert_eq!(kinds.keys().collect::<Vec<_>>(), [&16, &48, &255]);
        let sources: BTreeSet<_> = answers.iter().map(|it| it.source).collect();
        assert!(sources.len() > 50, "{}", sources.len());
        // Nobody asked.
        assert!(
            attacks
                .iter()
                .all(|it| it.source != Ipv4Addr::new(203, 0, 113, 20))
        );
    }
}

#[test]
fn a_port_scan_is_in_every_minute() {
    for attacks in minutes() {
        let scan: Vec<_> = attacks
            .iter()
            .filter(|it| {
                [it.source, it.destination]
                    .iter()
                    .any(|it| matches!(it.octets(), [198, 19, 128..=255, _]))
            })
            .collect();
        let mut probed = BTreeMap::<_, BTreeSet<u16>>::new();
        let mut scanners = BTreeSet::new();
        let mut open = BTreeSet::new();
        let (mut refusals, mut resets) = (0, 0);
        for attack in &scan {
            let tcp = tcp(attack).expect("TCP");
            match (tcp.syn, tcp.ack, tcp.rst) {
                (true, false, false) => {
                    scanners.insert(attack.source);
                    let ports = probed.entry(attack.destination).or_default();
                    assert!(ports.insert(tcp.destination_port), "tried twice");
                }
                (true, true, false) => {
                    open.insert((attack.source, tcp.source_port));
                }
                (false, true, true) => refusals += 1,
                (false, false, true) => resets += 1,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(scanners.len(), 1);
        assert_eq!(probed.len(), 4);
        assert!(probed.values().all(|ports| ports.len() == 25));
        assert!(
            probed
                .keys()
                .all(|host| host.octets().starts_with(&[203, 0, 113]))
        );
        assert_eq!((refusals, resets), (97, 3));
        let ports: BTreeSet<_> = open.iter().map(|(_, port)| *port).collect();
        assert_eq!(ports, BTreeSet::from([53, 80, 443]));
    }
}
