//! The summary as text and as JSON.

#[expect(dead_code, reason = "each test file uses its part")]
mod common;

use std::net::Ipv4Addr;

use common::DNS;
use pcaps_file::{LinkType, Packet, Reader, Summary, Timestamp};

/// An IPv4 packet without payload.
fn ipv4(protocol: u8, source: u32) -> [u8; 20] {
    let [a, b, c, d] = Ipv4Addr::from_bits(source).octets();
    [
        0x45, 0, 0, 20, 0, 0, 0, 0, 64, protocol, 0, 0, a, b, c, d, 192, 0, 2, 1,
    ]
}

fn add(summary: &mut Summary, seconds: u32, link_type: LinkType, original_len: u32, bytes: &[u8]) {
    summary.add(&Packet {
        timestamp: Timestamp::from_parts(seconds, 500),
        link_type,
        original_len,
        bytes,
    });
}

/// Fifteen protocols, fifteen sources, three link types, one packet that is not IP.
fn varied() -> Summary {
    let mut summary = Summary::default();
    for number in 0..15_u8 {
        let bytes = ipv4(number * 17, 0x0a00_0000 + u32::from(number));
        for packet in 0..=u32::from(number) {
            add(
                &mut summary,
                5_000 - 200 * packet,
                LinkType::RAW,
                1_500,
                &bytes,
            );
        }
    }
    add(&mut summary, 6_000, LinkType::ETHERNET, 60, &[0xff; 60]);
    add(&mut summary, 6_000, LinkType(147), 60, &[]);
    summary
}

/// More sources than there is room for.
fn flooded() -> Summary {
    let mut summary = Summary::default();
    for number in 0..50_000 {
        let source = if number % 5 == 0 {
            0x0a00_0001
        } else {
            0x1400_0000 + number
        };
        add(
            &mut summary,
            number / 10_000,
            LinkType::RAW,
            40,
            &ipv4(6, source),
        );
    }
    summary
}

#[test]
fn a_real_capture_as_text() {
    let mut reader = Reader::new(DNS, "dns.pcap").expect("a capture");
    let summary = Summary::read(&mut reader).expect("sound");
    insta::assert_snapshot!(summary);
}

#[test]
fn a_real_capture_as_json() {
    let mut reader = Reader::new(DNS, "dns.pcap").expect("a capture");
    let summary = Summary::read(&mut reader).expect("sound");
    insta::assert_snapshot!(serde_json::to_string_pretty(&summary).expect("JSON"));
}

#[test]
fn variety_as_text() {
    insta::assert_snapshot!(varied());
}

#[test]
fn a_flood_as_text() {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"about (38|39|40|41),\d{3}", "about [40,000]");
    settings.bind(|| insta::assert_snapshot!(flooded()));
}

#[test]
fn a_flood_as_json() {
    let mut json = serde_json::to_value(flooded()).expect("JSON");
    for list in ["talkers", "flows"] {
        let list = json[list].as_array_mut().expect("an array");
        assert_eq!(list.len(), 100);
        list.truncate(1);
    }
    // An estimate.
    for count in ["talker_count", "flow_count"] {
        let count = json[count].take().as_u64().expect("a number");
        assert!((38_800..=41_200).contains(&count), "{count}");
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&json).expect("JSON"));
}

#[test]
fn nothing_as_text_and_json() {
    let json = serde_json::to_string_pretty(&Summary::default()).expect("JSON");
    insta::assert_snapshot!(format!("{}{json}", Summary::default()));
}

#[test]
fn a_torn_file_has_a_summary() {
    let mut reader = Reader::new(&DNS[..6_000], "torn.pcap").expect("a capture");
    let mut summary = Summary::default();
    let error = summary.add_all(&mut reader).expect_err("torn");
    assert!(error.is_truncated());
    assert_eq!(error.packet_number(), Some(summary.packets() + 1));
    assert_eq!(summary.packets(), 41);
}

/// What is counted of a tunnel's packets is what they carry.
#[test]
fn a_tunnel_is_looked_into() {
    let inner = ipv4(6, 0x0a00_0001);
    let mut tunnel = ipv4(47, 0xcb00_7101).to_vec();
    let len = u8::try_from(20 + 4 + inner.len()).expect("short");
    tunnel[3] = len;
    tunnel.extend([0, 0, 0x08, 0x00]);
    tunnel.extend(inner);
    let mut summary = Summary::default();
    add(&mut summary, 1, LinkType::RAW, 1_500, &tunnel);
    add(&mut summary, 1, LinkType::RAW, 40, &inner);
    assert_eq!(summary.tunnelled().packets, 1);
    assert_eq!(summary.protocols()[0].number, 6);
    let talkers: Vec<_> = summary
        .talkers(9)
        .iter()
        .map(|talker| (talker.address.to_string(), talker.tally().packets))
        .collect();
    assert_eq!(talkers, [("10.0.0.1".into(), 2), ("192.0.2.1".into(), 2)]);
    insta::assert_snapshot!(summary);
}

/// However packets are dealt out to summaries, together they make the same one.
#[test]
fn parts_make_the_whole() {
    let mut reader = Reader::new(DNS, "dns.pcap").expect("a capture");
    let mut parts = [Summary::default(), Summary::default(), Summary::default()];
    let mut number = 0;
    while let Some(packet) = reader.next_packet().expect("sound") {
        parts[number % 3].add(&packet);
        number += 1;
    }
    let mut merged = varied();
    let mut whole = varied();
    for part in &parts {
        merged.merge(part);
    }
    whole
        .add_all(&mut Reader::new(DNS, "dns.pcap").expect("a capture"))
        .expect("sound");
    let json = |summary: &Summary| serde_json::to_string_pretty(summary).expect("JSON");
    assert_eq!(json(&merged), json(&whole));
}
