//! What looks like an attack, in made-up traffic: all that is planted there, and nothing else.

use std::net::{IpAddr, Ipv4Addr};

use pcaps_file::{FindingKind, Packet, Summary, Timestamp, dissect};
use pcaps_sim::traffic::{Traffic, TrafficPacket};

const MINUTE: u64 = 60_000_000_000;
/// What a sample has of a packet, and how many of them.
const SNAP_LEN: usize = 160;
const MOST: usize = 10_000;

/// So many minutes of traffic.
fn minutes(seed: u64, number: u64) -> impl Iterator<Item = TrafficPacket> {
    let from = 1_767_225_600_000_000_000 + seed * 1_000 * MINUTE;
    let window = Timestamp::from_nanos(from)..Timestamp::from_nanos(from + number * MINUTE);
    Traffic::synthetic(seed).packets(window)
}

/// As a sample has them.
fn sum_up(packets: impl Iterator<Item = TrafficPacket>) -> Summary {
    let mut summary = Summary::default();
    for packet in packets {
        let packet = packet.as_packet();
        let len = packet.bytes.len().min(SNAP_LEN);
        summary.add(&Packet {
            bytes: &packet.bytes[..len],
            ..packet
        });
    }
    summary
}

/// Whether an end of it is one of the attackers'.
fn is_attack(packet: &TrafficPacket) -> bool {
    let found = dissect(packet.link_type, &packet.bytes);
    let is_attacker = |address: Option<IpAddr>| matches!(address, Some(IpAddr::V4(it)) if matches!(it.octets(), [198, 18 | 19, ..]));
    is_attacker(found.source) || is_attacker(found.destination)
}

#[test]
fn the_attacks_in_a_sample_are_found() {
    for seed in 0..5 {
        let findings = sum_up(minutes(seed, 5).take(MOST)).findings();
        let of = |kind| {
            findings
                .iter()
                .filter(move |it| it.kind == kind)
                .collect::<Vec<_>>()
        };
        let [flood] = of(FindingKind::SynFlood)[..] else {
            panic!("{findings:?}");
        };
        assert_eq!(flood.address, Ipv4Addr::new(203, 0, 113, 10));
        assert_eq!(flood.port, Some(443));
        let [amplification] = of(FindingKind::DnsAmplification)[..] else {
            panic!("{findings:?}");
        };
        assert_eq!(amplification.address, Ipv4Addr::new(203, 0, 113, 20));
        let scans = of(FindingKind::PortScan);
        // One a minute; of a minute that is cut, too little may be there.
        assert!((3..=5).contains(&scans.len()), "{findings:?}");
        for scan in &scans {
            let IpAddr::V4(scanner) = scan.address else {
                panic!("{scan}");
            };
            assert!(
                matches!(scanner.octets(), [198, 19, 128..=255, _]),
                "{scan}"
            );
        }
        assert_eq!(findings.len(), 2 + scans.len(), "{findings:?}");
    }
}

#[test]
fn what_is_ordinary_is_none() {
    for seed in 0..5 {
        let findings = sum_up(minutes(seed, 5).filter(|it| !is_attack(it))).findings();
        assert_eq!(findings, []);
    }
}

/// As Magic Transit shows it by default: what the network answers takes another way.
#[test]
fn what_is_ordinary_and_comes_in_is_none() {
    for seed in 0..5 {
        let comes_in = |packet: &TrafficPacket| {
            let found = dissect(packet.link_type, &packet.bytes);
            matches!(found.destination, Some(IpAddr::V4(it)) if it.octets()[..3] == [203, 0, 113])
        };
        let packets = minutes(seed, 5).filter(|it| !is_attack(it) && comes_in(it));
        let summary = sum_up(packets);
        assert!(summary.packets() > 1_000);
        assert_eq!(summary.findings(), []);
    }
}

#[test]
fn the_readme_has_the_rules() {
    let readme = std::fs::read_to_string(crate::support::root().join("README.md")).unwrap();
    for kind in FindingKind::ALL {
        let row = format!("| {kind} | {} | {} |", kind.rule(), kind.false_alarms());
        assert!(readme.contains(&row), "README.md lacks this line:\n{row}");
    }
}
