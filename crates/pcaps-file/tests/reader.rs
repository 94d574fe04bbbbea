//! Files of all formats, good, cut and hostile.

mod common;

use std::error::Error as _;
use std::io::{self, Read};

use common::{
    DNS, Drip, SECTIONS_BE, block, interface, packet, pcap, pcap_header, read_all, section,
};
use pcaps_file::{ErrorKind, Format, Header, LinkType, Reader, dissect};

#[test]
fn a_real_capture() {
    let mut reader = Reader::new(DNS, "dns.pcap").expect("a capture");
    assert_eq!(
        reader.header(),
        Header {
            format: Format::Pcap,
            link_type: LinkType::ETHERNET,
            snap_len: 65_535,
            nanoseconds: false
        }
    );
    let (mut packets, mut queries) = (0, 0);
    let mut first = None;
    while let Some(packet) = reader.next_packet().expect("sound") {
        packets += 1;
        first.get_or_insert(packet.timestamp);
        let found = dissect(packet.link_type, packet.bytes);
        queries += i32::from(found.protocol == Some(17) && found.destination_port == Some(53));
    }
    assert_eq!((packets, queries), (42, 21));
    assert_eq!(
        first.map(|time| time.to_string()).as_deref(),
        Some("2019-10-23T20:58:40.639715Z")
    );
}

#[test]
fn a_real_pcapng() {
    let mut reader = Reader::new(SECTIONS_BE, "sections-be.pcapng").expect("a capture");
    assert_eq!(reader.header().format, Format::PcapNg);
    let mut seen = Vec::new();
    while let Some(packet) = reader.next_packet().expect("sound") {
        let time = packet.timestamp.to_string();
        seen.push((
            time,
            packet.link_type.0,
            packet.original_len,
            packet.bytes.len(),
        ));
    }
    insta::assert_debug_snapshot!(seen);
}

#[test]
fn classic_in_both_byte_orders_and_resolutions() {
    let cases = [
        ([0xd4, 0xc3, 0xb2, 0xa1], false, 0, 7_000_005_000),
        ([0xa1, 0xb2, 0xc3, 0xd4], true, 0, 7_000_005_000),
        ([0x4d, 0x3c, 0xb2, 0xa1], false, 0, 7_000_000_005),
        ([0xa1, 0xb2, 0x3c, 0x4d], true, 0, 7_000_000_005),
        // Kuznetzov's.
        ([0x34, 0xcd, 0xb2, 0xa1], false, 8, 7_000_005_000),
        ([0xa1, 0xb2, 0xcd, 0x34], true, 8, 7_000_005_000),
    ];
    for (magic, big_endian, more, nanos) in cases {
        // The link type has FCS bits above it; the second packet claims to be longer than it was.
        let records = [[7, 5, 3, 1_500], [7, 5, 4, 2]];
        let file = pcap(magic, big_endian, 0x5400_0065, &records, more);
        let (packets, error) = read_all(&*file);
        assert!(error.is_none(), "{error:?}");
        assert_eq!(
            packets,
            [
                (nanos, 101, 1_500, vec![0xaa; 3]),
                (nanos, 101, 4, vec![0xaa; 4])
            ]
        );
    }
}

#[test]
fn pcapng_with_sections_interfaces_and_clocks() {
    let nanoseconds = [9, 0, 1, 0, 9, 0, 0, 0];
    // 2^-10 s, and 100 s later, in big-endian.
    let binary = [
        0, 9, 0, 1, 0x8a, 0, 0, 0, 0, 14, 0, 8, 0, 0, 0, 0, 0, 0, 0, 100,
    ];
    let simple = [&9_u32.to_le_bytes()[..], &[5; 4]].concat();
    let mut obsolete = vec![0, 1, 0xff, 0xff];
    obsolete.extend([0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 1, 0, 0, 0, 2, 6, 0, 0, 0]);
    let file = [
        section(false),
        block(false, 0xbad, &[1; 100]),
        interface(false, 1, 4, &[]),
        interface(false, 101, 0, &nanoseconds),
        packet(false, 0, 1_000_001, 60, &[1, 2, 3]),
        packet(false, 1, 1_000_001, 5, &[1, 2, 3, 4, 5]),
        block(false, 3, &simple),
        block(false, 5, &[0; 12]),
        section(true),
        interface(true, 228, 0, &[]),
        interface(true, 229, 0, &binary),
        packet(true, 1, 1_536, 1, &[7]),
        block(true, 2, &obsolete),
    ]
    .concat();
    let expected = [
        (1_000_001_000, 1, 60, vec![1, 2, 3]),
        (1_000_001, 101, 5, vec![1, 2, 3, 4, 5]),
        (0, 1, 9, vec![5; 4]),
        (101_500_000_000, 229, 1, vec![7]),
        (101_000_000_000, 229, 2, vec![6]),
    ];
    for (packets, error) in [read_all(&*file), read_all(Drip(&file))] {
        assert!(error.is_none(), "{error:?}");
        assert_eq!(packets, expected);
    }
    let header = Reader::new(&*file, "test").expect("a capture").header();
    assert_eq!((header.link_type, header.snap_len), (LinkType::ETHERNET, 4));
}

/// Whatever the place of the cut: all whole packets, and then a clean end or a truncated file.
fn cut_everywhere(file: &[u8]) {
    let (all, error) = read_all(file);
    assert!(error.is_none(), "{error:?}");
    let mut clean_ends = 0;
    let mut before = 0;
    for cut in 4..=file.len() {
        let (packets, error) = read_all(&file[..cut]);
        assert_eq!(packets, all[..packets.len()], "cut at {cut}");
        assert!(packets.len() >= before, "cut at {cut} lost a packet");
        if packets.len() > before {
            assert!(error.is_none(), "cut at {cut}, after a whole packet");
        }
        before = packets.len();
        match error {
            None => clean_ends += 1,
            Some(error) => {
                assert!(error.is_truncated(), "cut at {cut}: {error}");
                assert!(error.offset().is_some_and(|offset| offset <= cut as u64));
                assert_eq!(error.packet_number(), Some(packets.len() as u64 + 1));
            }
        }
    }
    assert_eq!(before, all.len());
    assert!(clean_ends > all.len(), "also after the file's header");
    for cut in 0..4 {
        let (_, error) = read_all(&file[..cut]);
        assert!(error.is_some_and(|error| error.is_not_a_capture()));
    }
}

#[test]
fn pcap_cut_at_every_offset() {
    cut_everywhere(DNS);
    for (magic, big_endian) in [
        ([0x34, 0xcd, 0xb2, 0xa1], false),
        ([0xa1, 0xb2, 0xcd, 0x34], true),
    ] {
        cut_everywhere(&pcap(magic, big_endian, 1, &[[1, 2, 3, 4]; 3], 8));
    }
}

#[test]
fn pcapng_cut_at_every_offset() {
    cut_everywhere(SECTIONS_BE);
}

#[test]
fn a_block_larger_than_the_buffer_is_skipped() {
    let file = [
        section(false),
        interface(false, 1, 0, &[]),
        block(false, 0xbad, &vec![0; 20_000_000]),
        packet(false, 0, 0, 1, &[1]),
    ]
    .concat();
    let (packets, error) = read_all(&*file);
    assert!(error.is_none() && packets.len() == 1, "{error:?}");

    let mut reader = Reader::new(&file[..10_000_000], "test").expect("a capture");
    for _ in 0..2 {
        let error = reader.next_packet().expect_err("cut in the block");
        assert!(error.is_truncated(), "also when asked again");
    }
}

#[test]
fn a_long_packet_is_read_through_a_growing_buffer() {
    let mut file = pcap_header();
    for _ in 0..3 {
        file.extend([0; 8]);
        file.extend(3_000_000_u32.to_le_bytes());
        file.extend(3_000_000_u32.to_le_bytes());
        file.resize(file.len() + 3_000_000, 9);
    }
    let (packets, error) = read_all(&*file);
    assert!(error.is_none() && packets.len() == 3, "{error:?}");
    assert!(packets.iter().all(|(.., bytes)| bytes.len() == 3_000_000));
}

#[test]
fn a_header_alone_has_no_packets() {
    for file in [pcap_header(), section(false), section(true)] {
        let (packets, error) = read_all(&*file);
        assert!(packets.is_empty() && error.is_none(), "{error:?}");
    }
    let header = Reader::new(&*section(true), "test")
        .expect("a capture")
        .header();
    assert_eq!((header.link_type, header.snap_len), (LinkType::NULL, 0));
}

#[test]
fn what_is_not_a_capture() {
    let unmarked = [&section(false)[..8], &[0; 20]].concat();
    // The first bytes of gzip and zstd are not enough.
    for bytes in [
        &b""[..],
        b"abc",
        b"\x1f\x8b\x00\x00",
        b"\x28\xb5\x2f\xfe",
        b"PK\x03\x04 and more",
        b"<html>",
        &unmarked,
    ] {
        let error = Reader::new(bytes, "x").expect_err("not a capture");
        assert!(error.is_not_a_capture(), "{error}");
        assert_eq!(error.packet_number(), None);
    }
}

/// The same moment: Wireshark and tcpdump show such times in ways that nobody can have meant.
#[test]
fn a_fraction_of_a_second_or_more_is_carried_over() {
    for (magic, nanos) in [
        ([0xd4, 0xc3, 0xb2, 0xa1], 13_000_000_000),
        ([0x4d, 0x3c, 0xb2, 0xa1], 10_003_000_000),
    ] {
        let file = pcap(magic, false, 1, &[[10, 3_000_000, 1, 1]], 0);
        assert_eq!(read_all(&*file).0[0].0, nanos);
    }
    // The furthest that there is fits.
    let file = pcap(
        [0xd4, 0xc3, 0xb2, 0xa1],
        false,
        1,
        &[[u32::MAX, u32::MAX, 0, 0]],
        0,
    );
    assert_eq!(
        read_all(&*file).0[0].0,
        4_294_967_295_000_000_000 + 4_294_967_295_000
    );
}

#[test]
fn a_packet_beyond_the_snap_length_is_whole() {
    // The header says 160.
    let file = pcap([0xd4, 0xc3, 0xb2, 0xa1], false, 1, &[[1, 2, 500, 1_500]], 0);
    let (packets, error) = read_all(&*file);
    assert!(error.is_none());
    assert_eq!((packets[0].2, packets[0].3.len()), (1_500, 500));
}

#[test]
fn older_versions_are_refused_by_name() {
    // Before 2.4 the two lengths of a packet were, or may have been, the other way round.
    for (version, big_endian) in [(2, false), (3, false), (3, true)] {
        let magic = if big_endian {
            [0xa1, 0xb2, 0xc3, 0xd4]
        } else {
            [0xd4, 0xc3, 0xb2, 0xa1]
        };
        let mut file = pcap(magic, big_endian, 1, &[[1, 2, 60, 60]], 0);
        file[if big_endian { 7 } else { 6 }] = version;
        let error = Reader::new(&*file, "old.pcap").expect_err("an old version");
        assert!(error.is_not_a_capture(), "{error}");
        assert_eq!(error.packet_number(), None);
        assert!(
            error.to_string().contains(&format!("version 2.{version}")),
            "{error}"
        );
    }
}

#[test]
fn damaged_records_are_errors_after_the_packets_before_them() {
    let good = pcap([0xd4, 0xc3, 0xb2, 0xa1], false, 1, &[[1, 2, 3, 4]], 0);
    let three_gigabytes = [
        good,
        vec![0; 8],
        3_000_000_000_u32.to_le_bytes().to_vec(),
        vec![0; 4],
    ];
    let good = || {
        [
            section(false),
            interface(false, 1, 0, &[]),
            packet(false, 0, 0, 1, &[1]),
        ]
        .concat()
    };
    let huge = [6_u32.to_le_bytes(), 3_000_000_000_u32.to_le_bytes()].concat();
    let odd = [6_u32.to_le_bytes(), 33_u32.to_le_bytes(), [0; 4]].concat();
    let mut unequal = packet(false, 0, 0, 1, &[1]);
    if let Some(last) = unequal.last_mut() {
        *last = 1;
    }
    let mut overlong = packet(false, 0, 0, 1, &[1]);
    overlong[20] = 200;
    let mut version_2 = section(false);
    version_2[12] = 2;
    let files = [
        three_gigabytes.concat(),
        [good(), huge, vec![0; 4]].concat(),
        [good(), odd].concat(),
        [good(), unequal].concat(),
        [good(), overlong].concat(),
        [good(), version_2].concat(),
        [good(), packet(false, 1, 0, 1, &[1])].concat(),
        [good(), section(false), packet(false, 0, 0, 1, &[1])].concat(),
        [good(), block(false, 6, &[0; 4])].concat(),
        [good(), block(false, 3, &[])].concat(),
        // A simple packet that claims 1,000 bytes and has four.
        [good(), block(false, 3, &[0xe8, 3, 0, 0, 1, 2, 3, 4])].concat(),
        [good(), block(false, 1, &[])].concat(),
        [good(), block(false, 0x0a0d_0d0a, &[0; 16])].concat(),
    ];
    for (at, file) in files.iter().enumerate() {
        let (packets, error) = read_all(&**file);
        assert_eq!(packets.len(), 1, "file {at}");
        let error = error.unwrap_or_else(|| panic!("file {at} is damaged"));
        assert_eq!(error.kind(), ErrorKind::Damaged, "file {at}: {error}");
        assert_eq!(error.packet_number(), Some(2), "file {at}");
    }
}

#[test]
fn flipped_bytes_do_not_panic() {
    for file in [DNS, SECTIONS_BE] {
        for at in 0..file.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut bytes = file.to_vec();
                bytes[at] ^= flip;
                read_all(&*bytes);
            }
        }
    }
}

#[test]
fn messages() {
    let mut file = pcap_header();
    file.extend([0; 8]);
    file.extend(3_000_000_000_u32.to_le_bytes());
    file.extend([0; 4]);
    let failing = DNS[..100].chain(Failing);
    let mut version_2_2 = DNS.to_vec();
    version_2_2[6] = 2;
    let messages: Vec<String> = [
        read_all(&b""[..]).1,
        read_all(&b"PK\x03\x04"[..]).1,
        read_all(&DNS[..6_000]).1,
        read_all(&DNS[..20]).1,
        read_all(&section(false)[..20]).1,
        read_all(&*version_2_2).1,
        read_all(&*file).1,
        read_all(failing).1,
        Reader::open("no/such/file.pcap").err(),
    ]
    .into_iter()
    .flatten()
    .map(|error| error.to_string())
    .collect();
    insta::assert_snapshot!(messages.join("\n"));
}

struct Failing;

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the disk is on fire"))
    }
}

#[test]
fn a_failed_read_keeps_its_cause() {
    let (packets, error) = read_all(DNS[..200].chain(Failing));
    assert_eq!(packets.len(), 1);
    let error = error.expect("a failed read");
    assert!(error.is_io());
    assert_eq!(
        error.source().map(ToString::to_string).as_deref(),
        Some("the disk is on fire")
    );
}
