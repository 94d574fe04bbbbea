//! The summary as text and as JSON.

#[expect(dead_code, reason = "each test file uses its part")]
mod common;

use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use common::DNS;
use pcaps_file::{LinkType, Packet, Reader, Summary, Timestamp, Writer, WriterOptions};
use tempfile::TempDir;

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
    assert_eq!(json(&merged), json(&whole));
}

/// A classic file of some 12 MB, longer than what one thread sums up: packets of so many sources in turn, and one
/// that is longer than the first buffer.
fn long(sources: u32) -> Vec<u8> {
    let options = WriterOptions::new(LinkType::RAW);
    let mut writer = Writer::new(Vec::new(), options).expect("a header");
    for number in 0..40_000 {
        let mut bytes = ipv4(6, 0x0a00_0000 + number % sources).to_vec();
        bytes.resize(300 + number as usize % 7, 0);
        if number == 100 {
            bytes.resize(200_000, 0);
        }
        let packet = Packet {
            timestamp: Timestamp::from_parts(number / 100, number * 1_000),
            link_type: LinkType::RAW,
            original_len: 1_000_000,
            bytes: &bytes,
        };
        writer.write(&packet).expect("it fits");
    }
    writer.finish().expect("written")
}

/// What came of a file, and what ended it.
type Ended = (Summary, Option<pcaps_file::Error>);

/// The whole of it, by which threads read at several places where it is a file.
fn whole<R: Read + Send>(reader: &mut Reader<R>) -> Ended {
    let mut summary = Summary::default();
    let ended = summary.add_all(reader);
    (summary, ended.err())
}

/// Its packets one by one.
fn single(file: &[u8]) -> Ended {
    let mut reader = Reader::new(file, "long.pcap").expect("a capture");
    let mut summary = Summary::default();
    loop {
        match reader.next_packet() {
            Ok(Some(packet)) => summary.add(&packet),
            Ok(None) => return (summary, None),
            Err(error) => return (summary, Some(error)),
        }
    }
}

/// A file of this name with these bytes, which goes with its folder.
fn on_disk(file: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("long.pcap");
    fs::write(&path, file).expect("room");
    (folder, path)
}

/// What comes of bytes as a whole, of a file as a whole, and of its packets one by one.
fn every_way(file: &[u8]) -> [Ended; 3] {
    let (_folder, path) = on_disk(file);
    [
        whole(&mut Reader::new(file, path.display().to_string()).expect("a capture")),
        whole(&mut Reader::open(&path).expect("a capture")),
        single(file),
    ]
}

fn json(summary: &Summary) -> String {
    serde_json::to_string_pretty(summary).expect("JSON")
}

/// The same packets with another magic number: in either byte order, and with Kuznetzov's eight more bytes before each.
fn as_with(magic: u32, is_big: bool, file: &[u8]) -> Vec<u8> {
    let number = |it: u32| {
        if is_big {
            it.to_be_bytes()
        } else {
            it.to_le_bytes()
        }
    };
    let mut made = Vec::new();
    let version = if is_big { 0x0002_0004 } else { 0x0004_0002 };
    for it in [magic, version, 0, 0, 262_144, 101] {
        made.extend(number(it));
    }
    let mut reader = Reader::new(file, "long.pcap").expect("a capture");
    while let Some(packet) = reader.next_packet().expect("sound") {
        let nanos = packet.timestamp.as_nanos();
        let seconds = u32::try_from(nanos / 1_000_000_000).expect("few");
        let rest = u32::try_from(nanos % 1_000_000_000).expect("few");
        let fraction = if magic == 0xa1b2_3c4d {
            rest
        } else {
            rest / 1_000
        };
        let len = u32::try_from(packet.bytes.len()).expect("few");
        for it in [seconds, fraction, len, packet.original_len] {
            made.extend(number(it));
        }
        if magic == 0xa1b2_cd34 {
            made.extend([0; 8]);
        }
        made.extend(packet.bytes);
    }
    made
}

#[test]
fn pieces_are_whole_in_every_layout() {
    let file = long(100);
    let (expected, _) = single(&file);
    for magic in [0xa1b2_c3d4, 0xa1b2_3c4d, 0xa1b2_cd34] {
        for is_big in [false, true] {
            for (summary, ended) in every_way(&as_with(magic, is_big, &file)) {
                assert!(ended.is_none(), "{magic:x} {is_big}");
                assert_eq!(json(&summary), json(&expected), "{magic:x} {is_big}");
            }
        }
    }
}

#[test]
fn threads_find_what_one_would() {
    let [ways @ .., (single, _)] = every_way(&long(14_000));
    for (whole, ended) in ways {
        assert!(ended.is_none());
        assert_eq!(whole.packets(), 40_000);
        assert_eq!(json(&whole), json(&single));
    }
}

/// Records that are longer than what threads read at a time, and such as hardly fit into the room for what goes on in the next
/// piece, wherever they are in theirs.
#[test]
fn records_of_any_length_are_found() {
    let mut writer = Writer::new(Vec::new(), WriterOptions::new(LinkType::RAW)).expect("a header");
    let lengths = [60, 1_500, 131_056, 131_072, 262_144];
    for number in 0..2_000_u32 {
        let longest = match number % 40 {
            at @ 0..5 => lengths[at as usize],
            _ => 9_000,
        };
        let mut bytes = ipv4(17, 0x0a00_0000 + number).to_vec();
        bytes.resize(longest - number as usize % 13, 0);
        let packet = Packet {
            timestamp: Timestamp::from_parts(number, 0),
            link_type: LinkType::RAW,
            original_len: 300_000,
            bytes: &bytes,
        };
        writer.write(&packet).expect("it fits");
    }
    let file = writer.finish().expect("written");
    let [ways @ .., (single, _)] = every_way(&file);
    for (whole, ended) in ways {
        assert!(ended.is_none(), "{ended:?}");
        assert_eq!(json(&whole), json(&single));
    }
}

/// With more flows than there is room for, what is approximate is so within the same bounds.
#[test]
fn threads_are_approximate_within_the_same_bounds() {
    let [ways @ .., (single, _)] = every_way(&long(30_000));
    for (whole, _) in ways {
        assert_eq!(whole.protocols(), single.protocols());
        assert_eq!(whole.sizes(), single.sizes());
        for flow in whole.flows(100) {
            let (seen, missed) = (flow.tally().packets, flow.missed_at_most.packets);
            let IpAddr::V4(source) = flow.b.0.min(flow.a.0) else {
                panic!("{flow:?}");
            };
            // Of the first 10,000 sources there are two packets each.
            let there = if source.to_bits() - 0x0a00_0000 < 10_000 {
                2
            } else {
                1
            };
            assert!((seen..=seen + missed).contains(&there), "{flow:?}");
            assert!(missed <= 40_000 / 4_096);
        }
        assert!((29_100..=30_900).contains(&whole.flow_count()));
    }
}

/// Bytes, and then an error that is told once: as when a connection is reset.
struct Reset<'a>(&'a [u8], bool);

impl Read for Reset<'_> {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self.0.read(room) {
            Ok(0) if !self.1 => {
                self.1 = true;
                Err(io::ErrorKind::ConnectionReset.into())
            }
            read => read,
        }
    }
}

#[test]
fn an_error_that_does_not_come_twice_is_not_an_end() {
    for file in [DNS, &long(5)] {
        let mut reader = Reader::new(Reset(file, false), "a connection").expect("a capture");
        let mut summary = Summary::default();
        let ended = summary.add_all(&mut reader).expect_err("it broke");
        assert!(ended.is_io(), "{ended}");
        assert_eq!(ended.packet_number(), Some(summary.packets() + 1));
    }
}

#[test]
fn what_ends_a_long_file_loses_nothing_before_it() {
    let file = long(5);
    let len = |number| match number {
        100 => 200_000,
        _ => 300 + number % 7,
    };
    let mut at = 24;
    for number in 0..40_000 {
        let next = at + 16 + len(number);
        if [0, 99, 100, 101, 9_999, 23_456, 39_999].contains(&number) {
            let mut claims_too_much = file.clone();
            claims_too_much[at + 8..][..4].copy_from_slice(&u32::MAX.to_le_bytes());
            let torn = file[..next - 100].to_vec();
            for (file, is_torn) in [(claims_too_much, false), (torn, true)] {
                for (summary, ended) in every_way(&file) {
                    assert_eq!(summary.packets(), number as u64);
                    let ended = ended.expect("an end");
                    assert_eq!(ended.is_truncated(), is_torn, "{ended}");
                    assert_eq!(ended.offset(), Some(at as u64));
                    assert_eq!(ended.packet_number(), Some(number as u64 + 1));
                }
            }
        }
        at = next;
    }
}

/// A reader is where the packets ended, however they were read: it goes on when the file does.
#[test]
fn a_file_that_grows_is_read_on() {
    let file = long(5);
    for cut in [0, 1, 100, 315, 1_000_000, 5_000_000] {
        let (torn, rest) = file.split_at(file.len() - cut);
        let (_folder, path) = on_disk(torn);
        let mut reader = Reader::open(&path).expect("a capture");
        let (mut summary, _) = whole(&mut reader);
        let mut growing = File::options().append(true).open(&path).expect("a file");
        growing.write_all(rest).expect("room");
        summary.add_all(&mut reader).expect("the rest");
        assert_eq!(json(&summary), json(&single(&file).0), "{cut}");
    }
}
