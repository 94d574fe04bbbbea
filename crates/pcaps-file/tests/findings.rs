//! What looks like an attack: in made traffic, and in what only resembles it.

use std::net::Ipv4Addr;

use pcaps_file::{Finding, FindingKind, LinkType, Packet, Reader, Summary, TcpFlags, Timestamp};

const SYN: u8 = TcpFlags::SYN.0;
const ACK: u8 = TcpFlags::ACK.0;
const FIN_ACK: u8 = TcpFlags::FIN.0 | ACK;
const RST: u8 = TcpFlags::RST.0;

const VICTIM: u32 = 0xcb00_710a;
const SERVER: u32 = 0xc000_0201;

/// Packets as they are made.
#[derive(Default)]
struct Made {
    summary: Summary,
    number: u32,
}

impl Made {
    fn packet(&mut self, protocol: u8, source: u32, destination: u32, above: &[u8], len: u32) {
        let mut bytes = vec![0x45, 0];
        let total = u16::try_from(20 + above.len()).expect("short");
        bytes.extend(total.to_be_bytes());
        bytes.extend([0, 0, 0, 0, 64, protocol, 0, 0]);
        bytes.extend(source.to_be_bytes());
        bytes.extend(destination.to_be_bytes());
        bytes.extend(above);
        self.number += 1;
        self.summary.add(&Packet {
            timestamp: Timestamp::from_parts(self.number / 1_000, self.number % 1_000 * 1_000),
            link_type: LinkType::RAW,
            original_len: len,
            bytes: &bytes,
        });
    }

    fn tcp(&mut self, from: (u32, u16), to: (u32, u16), flags: u8) {
        let mut header = [from.1.to_be_bytes(), to.1.to_be_bytes()].concat();
        header.extend([0, 0, 0, 1, 0, 0, 0, 2, 0x50, flags, 1, 0, 0, 0, 0, 0]);
        self.packet(6, from.0, to.0, &header, 40);
    }

    fn udp(&mut self, from: (u32, u16), to: (u32, u16), len: u32) {
        let mut header = [from.1.to_be_bytes(), to.1.to_be_bytes()].concat();
        header.extend([0, 8, 0, 0]);
        self.packet(17, from.0, to.0, &header, len);
    }

    /// A connection of a few packets, as a client's browser makes it.
    fn connection(&mut self, client: (u32, u16), server: (u32, u16)) {
        self.tcp(client, server, SYN);
        self.tcp(server, client, SYN | ACK);
        for _ in 0..6 {
            self.tcp(client, server, ACK);
            self.tcp(server, client, ACK);
        }
        self.tcp(client, server, FIN_ACK);
        self.tcp(server, client, FIN_ACK);
        self.tcp(client, server, ACK);
    }

    /// Connections of so many clients.
    fn ordinary(&mut self, connections: u32) {
        for number in 0..connections {
            self.connection((0x0a00_0000 + number, 40_000), (VICTIM, 443));
        }
    }

    fn kinds(&self) -> Vec<FindingKind> {
        self.summary.findings().iter().map(|it| it.kind).collect()
    }

    /// The only finding.
    fn only(&self) -> Finding {
        let mut findings = self.summary.findings();
        let finding = findings.pop().expect("a finding");
        assert_eq!(findings, [], "and {finding}");
        finding
    }
}

fn figures(finding: &Finding) -> Vec<(&str, u64)> {
    finding
        .figures
        .iter()
        .map(|(&name, &it)| (name, it))
        .collect()
}

fn syns(made: &mut Made, number: u32) {
    for number in 0..number {
        made.tcp((0xc612_0000 + number, 1_024), (VICTIM, 443), SYN);
    }
}

#[test]
fn a_syn_flood() {
    let mut made = Made::default();
    syns(&mut made, 99);
    assert_eq!(made.kinds(), []);
    syns(&mut made, 1);
    let finding = made.only();
    assert_eq!(finding.kind, FindingKind::SynFlood);
    assert_eq!(finding.address, Ipv4Addr::from_bits(VICTIM));
    assert_eq!(finding.port, Some(443));
    let figures = figures(&finding);
    assert_eq!(figures[0], ("ends", 0));
    assert_eq!(figures[1], ("received", 100));
    assert_eq!(figures[4], ("syns", 100));
    assert!((85..=100).contains(&figures[3].1), "{figures:?}");
}

/// On a server that has clients too.
#[test]
fn a_syn_flood_among_connections() {
    let mut made = Made::default();
    made.ordinary(100);
    assert_eq!(made.kinds(), []);
    syns(&mut made, 300);
    assert_eq!(made.only().kind, FindingKind::SynFlood);
    // Until there are so many of these that it is a small part.
    made.ordinary(400);
    assert_eq!(made.kinds(), []);
}

/// Clients that reset connections at once, as checks of a load balancer do, close what they open.
#[test]
fn checks_are_no_flood() {
    let mut made = Made::default();
    for number in 0..500 {
        let client = (SERVER + number % 3, 50_000);
        made.tcp(client, (VICTIM, 443), SYN);
        made.tcp(client, (VICTIM, 443), RST);
    }
    assert_eq!(made.kinds(), []);
}

/// Only what comes in is seen, and connections live longer than the capture.
#[test]
fn clients_that_come_back_are_no_flood() {
    let mut made = Made::default();
    for number in 0..500 {
        let client = (0x0a00_0000 + number, 50_000);
        made.tcp(client, (VICTIM, 443), SYN);
        for _ in 0..5 {
            made.tcp(client, (VICTIM, 443), ACK);
        }
    }
    // As all that is seen goes to one address, that is told, and what else it may be.
    let finding = made.only();
    assert_eq!(finding.kind, FindingKind::OneDestination);
    assert!(finding.reason().contains(ONE_WAY), "{finding}");
}

const ONE_WAY: &str = "hardly anything was seen in both directions";

/// What is told of the direction that was not captured depends on whether there is one.
#[test]
fn one_direction_is_told() {
    let flood = |others: u32| {
        let mut made = Made::default();
        made.ordinary(others);
        for number in 0..5_000 {
            made.udp((0xc613_0000 + number % 60, 7_000), (SERVER, 8_000), 1_000);
        }
        made.only()
    };
    assert!(flood(0).reason().contains(ONE_WAY));
    let both = flood(20);
    assert!(!both.reason().contains(ONE_WAY), "{both}");
    assert_eq!(both.figures["both_ways"], 20 * 17);

    // A resolver of which only the answers are seen.
    let mut made = Made::default();
    amplification(&mut made, 53, 1_200, 500, 50);
    assert!(made.only().reason().contains(ONE_WAY));
}

/// Its flows are equal, and more than there is room for: none is counted in the end.
#[test]
fn a_spoofed_flood() {
    let of = |sources: std::ops::Range<u32>| {
        let mut made = Made::default();
        for number in sources {
            made.udp((0x1400_0000 + number, 7_000), (VICTIM, 8_000), 1_000);
        }
        made
    };
    for many in [14_336, 14_337, 40_000] {
        let finding = of(0..many).only();
        assert_eq!(finding.kind, FindingKind::OneDestination, "{many}");
        assert_eq!(finding.figures["sources"], 1_000, "{many}");
    }
    let mut whole = of(0..10_000);
    let half = of(10_000..20_000);
    whole.summary.merge(&half.summary);
    let finding = whole.only();
    assert_eq!(finding.kind, FindingKind::OneDestination);
    assert_eq!(finding.figures["sources"], 1_000);
    assert_eq!(finding.figures["packets"], 20_000);
}

/// Each unused address gets its share of what always goes through the Internet; a flood over a whole /24 is one.
#[test]
fn background_is_no_flood() {
    let over = |addresses| {
        let mut made = Made::default();
        for number in 0..addresses * 120 {
            made.tcp(
                (0xc612_0000 + number, 1_024),
                (0xcb00_0000 + number % addresses, 23),
                SYN,
            );
        }
        made.kinds()
    };
    assert_eq!(over(1_024), []);
    assert_eq!(over(256), [FindingKind::SynFlood; 256]);
}

/// Bots have kernels, which answer the SYN-ACK that they did not expect.
#[test]
fn a_syn_flood_with_resets() {
    let mut made = Made::default();
    for number in 0..400 {
        let bot = (0xc612_0000 + number, 50_000);
        made.tcp(bot, (VICTIM, 443), SYN);
        made.tcp(bot, (VICTIM, 443), RST);
    }
    let finding = made.only();
    assert_eq!(finding.kind, FindingKind::SynFlood);
    assert_eq!(
        (finding.figures["ends"], finding.figures["resets"]),
        (400, 400)
    );
}

/// What is not TCP says nothing of connections.
#[test]
fn a_syn_flood_beside_another() {
    let mut made = Made::default();
    syns(&mut made, 2_000);
    for number in 0..9_000 {
        made.udp((0xc613_0000 + number % 60, 7_000), (VICTIM, 8_000), 1_000);
    }
    let kinds = made.kinds();
    assert_eq!(kinds, [FindingKind::SynFlood, FindingKind::OneDestination]);
    assert_eq!(made.summary.findings()[0].figures["received"], 2_000);
}

/// Clients that close at once are none, whichever port is higher.
#[test]
fn a_service_on_a_high_port() {
    let mut made = Made::default();
    for number in 0..300 {
        let client = (0x0a00_0000 + number, 40_000);
        made.tcp(client, (VICTIM, 60_000), SYN);
        made.tcp(client, (VICTIM, 60_000), ACK);
        made.tcp(client, (VICTIM, 60_000), FIN_ACK);
    }
    assert_eq!(made.kinds(), []);
}

/// Each is a SYN, an ACK and a RST.
#[test]
fn checks_of_many_servers_are_no_scan() {
    let mut made = Made::default();
    for number in 0..100 {
        let server = (SERVER + number, 443);
        made.tcp((VICTIM, 50_000), server, SYN);
        made.tcp((VICTIM, 50_000), server, ACK);
        made.tcp((VICTIM, 50_000), server, RST);
    }
    assert_eq!(made.kinds(), []);
}

fn amplification(made: &mut Made, port: u16, len: u32, answers: u32, servers: u32) {
    for number in 0..answers {
        let server = (0xc613_0000 + number % servers, port);
        made.udp(server, (VICTIM, 40_000), len);
    }
}

#[test]
fn amplifications() {
    for (port, mean, kind) in [
        (53, 500, FindingKind::DnsAmplification),
        (123, 200, FindingKind::NtpAmplification),
    ] {
        let of = |len, answers, servers| {
            let mut made = Made::default();
            amplification(&mut made, port, len, answers, servers);
            made
        };
        let made = of(mean, 100, 50);
        let finding = made.only();
        assert_eq!((finding.kind, finding.port), (kind, Some(port)));
        assert_eq!(finding.address, Ipv4Addr::from_bits(VICTIM));
        assert_eq!(finding.figures["answers"], 100);
        assert_eq!(finding.figures["bytes_on_wire"], 100 * u64::from(mean));
        assert_eq!(finding.figures["questions"], 0);
        for made in [of(mean - 1, 100, 50), of(mean, 99, 50), of(mean, 100, 5)] {
            assert_eq!(made.kinds(), []);
        }
    }
}

/// Who asks gets long answers too.
#[test]
fn a_resolver_is_not_amplified() {
    let mut made = Made::default();
    for number in 0..1_000 {
        let server = (SERVER + number % 100, 53);
        made.udp((VICTIM, 53), server, 80);
        made.udp(server, (VICTIM, 53), 1_200);
    }
    assert_eq!(made.kinds(), []);
}

#[test]
fn a_port_scan() {
    let scanner = (0xc613_8001, 60_000);
    let mut made = Made::default();
    for port in 0..100 {
        made.tcp(scanner, (VICTIM, 1_000 + port), SYN);
        made.tcp((VICTIM, 1_000 + port), scanner, RST | ACK);
    }
    let finding = made.only();
    assert_eq!(finding.kind, FindingKind::PortScan);
    assert_eq!(finding.address, Ipv4Addr::from_bits(scanner.0));
    assert_eq!(finding.port, None);
    assert_eq!(
        (finding.figures["hosts"], finding.figures["sent"]),
        (1, 100)
    );
    assert!(
        (85..=115).contains(&finding.figures["targets"]),
        "{finding}"
    );
    assert!((85..=115).contains(&finding.figures["ports"]), "{finding}");
}

/// One port of many, a sweep, and what is no sweep: a client of as many servers.
#[test]
fn a_sweep() {
    let mut made = Made::default();
    for number in 0..200 {
        made.tcp((0xc613_8001, 60_000), (0xcb00_7100 + number, 22), SYN);
    }
    let finding = made.only();
    assert_eq!(finding.kind, FindingKind::PortScan);
    assert_eq!(finding.figures["ports"], 1);

    let mut made = Made::default();
    for number in 0..200 {
        made.connection((VICTIM, 40_000), (SERVER + number, 443));
    }
    assert_eq!(made.kinds(), []);
}

/// Some other hosts that talk to each other.
fn others(made: &mut Made, addresses: u32) {
    for number in 0..addresses / 2 {
        made.udp(
            (0x0a00_0000 + number, 5_000),
            (0x0a01_0000 + number, 6_000),
            100,
        );
    }
}

#[test]
fn one_source() {
    let source = (0xc613_8002, 7_000);
    let mut made = Made::default();
    others(&mut made, 18);
    for _ in 0..1_000 {
        made.udp(source, (VICTIM, 8_000), 1_000);
    }
    // Among twenty addresses, and of course the victim has one source only.
    assert_eq!(made.kinds(), []);
    others(&mut made, 20);
    let finding = made.only();
    assert_eq!(finding.kind, FindingKind::OneSource);
    assert_eq!(finding.address, Ipv4Addr::from_bits(source.0));
    assert_eq!(finding.figures["packets"], 1_000);
    assert_eq!(finding.figures["destinations"], 1);
    // A download is answered.
    for _ in 0..101 {
        made.udp((VICTIM, 8_000), source, 40);
    }
    assert_eq!(made.kinds(), []);
}

#[test]
fn one_destination() {
    let mut made = Made::default();
    for number in 0..1_000 {
        made.udp((0xc613_0000 + number % 60, 7_000), (VICTIM, 8_000), 1_000);
    }
    let finding = made.only();
    assert_eq!(finding.kind, FindingKind::OneDestination);
    assert_eq!(finding.address, Ipv4Addr::from_bits(VICTIM));
    let sources = finding.figures["sources"];
    assert!((54..=66).contains(&sources), "{finding}");
    assert_eq!(finding.figures["all_packets"], 1_000);
    // Not if as much goes elsewhere: neither in packets nor in bytes.
    for number in 0..1_001 {
        made.udp(
            (0x0a00_0000 + number, 5_000),
            (0x0b00_0000 + number, 6_000),
            1_000,
        );
    }
    assert_eq!(made.kinds(), []);
}

#[test]
fn a_stream_to_many_has_no_victim() {
    let mut made = Made::default();
    for number in 0..2_000 {
        made.udp(
            (0x0a00_0000 + number % 60, 7_000),
            (0xef01_0101, 5_004),
            1_300,
        );
    }
    assert_eq!(made.kinds(), []);
}

/// More keys than there is room for: what is heavy is found all the same.
#[test]
fn a_large_flood_hides_no_scan() {
    let of = |numbers: std::ops::Range<u32>| {
        let mut made = Made::default();
        for number in numbers {
            made.tcp((0x1400_0000 + number, 1_024), (VICTIM, 443), SYN);
            if number % 1_000 == 0 {
                let port = 1_000 + u16::try_from(number / 1_000).expect("few");
                made.tcp((0xc613_8001, 60_000), (SERVER, port), SYN);
            }
        }
        made
    };
    let both = [
        FindingKind::SynFlood,
        FindingKind::PortScan,
        FindingKind::OneDestination,
    ];
    let mut halves = of(0..100_000);
    halves.summary.merge(&of(100_000..200_000).summary);
    assert_eq!(halves.kinds(), both);
    let made = of(0..200_000);
    assert_eq!(made.kinds(), both);
    let flood = &made.summary.findings()[0];
    assert_eq!(flood.figures["syns"], 200_000);
    assert_eq!(flood.figures["sources"], 1_000);
    insta::assert_snapshot!(flood);
}

/// A file that two threads sum up: each has a part of the flood, and of the scan.
#[test]
fn a_long_file_is_like_a_short_one() {
    let mut file = [0xa1b2_c3d4_u32, 0x0002_0004, 0, 0, 65_535, 101]
        .map(u32::to_be_bytes)
        .concat();
    let mut packet = |number: u32, protocol: u32, ends: [u32; 2], above: &[u8]| {
        let len = u32::try_from(20 + above.len()).expect("short");
        file.extend(
            [number / 1_000, 0, len, 1_000]
                .map(u32::to_be_bytes)
                .concat(),
        );
        file.extend(
            [0x4500_0000 | len, 0, 0x4000_0000 | (protocol << 16)]
                .map(u32::to_be_bytes)
                .concat(),
        );
        file.extend(ends.map(u32::to_be_bytes).concat());
        file.extend(above);
    };
    let many = 120_000;
    for number in 0..many {
        let udp = [0x1b58_1f40_u32, 0x0008_0000]
            .map(u32::to_be_bytes)
            .concat();
        packet(number, 17, [0x1400_0000 + number, VICTIM], &udp);
        if number % 1_000 == 0 {
            let tcp = [0xea60_0000 | (number / 1_000), 1, 0, 0x5002_0100, 0].map(u32::to_be_bytes);
            packet(number, 6, [0xc613_8001, SERVER], &tcp.concat());
        }
    }
    assert!(file.len() > 5 << 20, "long enough for two threads");
    let mut reader = Reader::new(&file[..], "made").expect("a capture");
    let summary = Summary::read(&mut reader).expect("whole");
    assert_eq!(summary.packets(), u64::from(many) + 120);
    let findings = summary.findings();
    let kinds: Vec<_> = findings.iter().map(|it| it.kind).collect();
    assert_eq!(kinds, [FindingKind::PortScan, FindingKind::OneDestination]);
    assert_eq!(findings[0].figures["syns"], 120);
    assert_eq!(findings[1].figures["sources"], 1_000);
    let packets = findings[1].figures["packets"];
    assert!(packets > u64::from(many) * 9 / 10, "{packets}");
}

/// One kind does not push out the others: what there is of each is told, and the heaviest of it.
#[test]
fn many_of_a_kind() {
    let mut made = Made::default();
    for number in 0..256 * 120 {
        let victim = (0xcb00_7100 + number % 256, 443);
        made.tcp((0x1400_0000 + number, 1_024), victim, SYN);
    }
    for port in 1_000..1_100 {
        made.tcp((0xc613_8001, 60_000), (SERVER, port), SYN);
    }
    let text = made.summary.to_string();
    assert_eq!(text.matches("SYN flood on").count(), 3, "{text}");
    assert!(
        text.contains("and 253 more of this kind: SYN flood"),
        "{text}"
    );
    assert!(text.contains("port scan by 198.19.128.1"), "{text}");
    let json = serde_json::to_value(&made.summary).expect("JSON");
    assert_eq!(json["finding_count"], 257);
    assert_eq!(json["finding_counts"]["syn_flood"], 256);
    assert_eq!(json["finding_counts"]["port_scan"], 1);
    let listed = json["findings"].as_array().expect("an array");
    assert_eq!(listed.len(), 26);
    assert_eq!(listed[25]["kind"], "port_scan");
}

/// Silence means something only where a rule could have applied.
#[test]
fn too_little_to_tell() {
    let mut made = Made::default();
    made.ordinary(3);
    made.udp((SERVER, 53), (VICTIM, 53), 60);
    assert_eq!(made.number, 52);
    let enough = |made: &Made| {
        let text = made.summary.to_string();
        let is_enough = made.summary.is_enough_for_findings();
        assert_ne!(is_enough, text.contains("too few packets of IP to tell"));
        assert_eq!(
            is_enough,
            text.contains("none of the rules for attacks applies")
        );
        is_enough
    };
    assert!(enough(&made));
    // What is not IP says nothing.
    for packets in [468, 1] {
        for _ in 0..packets {
            made.summary.add(&Packet {
                timestamp: Timestamp::from_parts(1, 0),
                link_type: LinkType(147),
                original_len: 60,
                bytes: &[],
            });
        }
        assert_eq!(enough(&made), packets == 468);
    }
    let mut made = Made::default();
    for number in 0..49 {
        made.udp((SERVER, 53), (VICTIM, 10_000 + number), 60);
    }
    assert!(!enough(&made));
}

#[test]
fn in_words() {
    let mut made = Made::default();
    made.ordinary(20);
    syns(&mut made, 1_500);
    amplification(&mut made, 53, 1_400, 4_000, 300);
    amplification(&mut made, 123, 482, 150, 40);
    for port in 0..100 {
        made.tcp(
            (0xc613_8001, 60_000),
            (SERVER + u32::from(port) % 4, port),
            SYN,
        );
    }
    let text = |it: &Finding| format!("{it}\n");
    insta::assert_snapshot!(made.summary.findings().iter().map(text).collect::<String>());
}

#[test]
fn rules_in_words() {
    let text = |it: FindingKind| {
        format!(
            "{it} ({})\n  {}\n  {}\n",
            it.as_str(),
            it.rule(),
            it.false_alarms()
        )
    };
    insta::assert_snapshot!(FindingKind::ALL.map(text).concat());
}
