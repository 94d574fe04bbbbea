use std::{fs, num::NonZeroU32};

use pcaps_file::Timestamp;

use super::*;
use crate::traffic::{ErrorKind, Traffic, TrafficPacket};

/// A packet of a file: microseconds, length on the wire, bytes.
type Entry<'a> = (u64, u32, &'a [u8]);

const ETHERNET: u8 = 1;

/// A classic pcap file, with microseconds.
fn pcap(link_type: u8, entries: &[Entry<'_>]) -> Vec<u8> {
    let mut file = Vec::new();
    let word = |file: &mut Vec<u8>, value: u64| {
        let value = u32::try_from(value).expect("fits a header field");
        file.extend(value.to_le_bytes());
    };
    for value in [0xA1B2_C3D4, 0x0004_0002, 0, 0, 65_535, link_type.into()] {
        word(&mut file, value);
    }
    for (micros, original_len, bytes) in entries {
        word(&mut file, micros / 1_000_000);
        word(&mut file, micros % 1_000_000);
        word(&mut file, bytes.len() as u64);
        word(&mut file, u64::from(*original_len));
        file.extend_from_slice(bytes);
    }
    file
}

fn stored(file: &[u8]) -> tempfile::NamedTempFile {
    let stored = tempfile::NamedTempFile::new().expect("a temporary file");
    fs::write(stored.path(), file).expect("written");
    stored
}

fn replay(entries: &[Entry<'_>]) -> Traffic {
    let file = stored(&pcap(ETHERNET, entries));
    Traffic::replay(file.path()).expect("a good file")
}

fn packets(traffic: &Traffic, from: u64, to: u64) -> Vec<TrafficPacket> {
    let window = Timestamp::from_nanos(from)..Timestamp::from_nanos(to);
    traffic.packets(window).collect()
}

fn times(traffic: &Traffic, from: u64, to: u64) -> Vec<u64> {
    let packets = packets(traffic, from, to);
    packets.iter().map(|one| one.timestamp.as_nanos()).collect()
}

#[test]
fn keeps_order_gaps_and_bytes() {
    let traffic = replay(&[
        (50_000_000, 4, b"once"),
        (50_000_007, 900, b"upon"),
        (51_500_000, 1, b"a"),
    ]);
    let packets = packets(&traffic, 2_000_000_000, 4_000_000_000);
    let got: Vec<_> = packets
        .iter()
        .map(|one| (one.timestamp.as_nanos(), one.original_len, &one.bytes[..]))
        .collect();
    assert_eq!(
        got,
        [
            (2_000_000_000, 4, &b"once"[..]),
            (2_000_007_000, 900, b"upon"),
            (3_500_000_000, 1, b"a"),
        ]
    );
    assert!(
        packets
            .iter()
            .all(|one| one.link_type == LinkType::ETHERNET)
    );
    assert_eq!(traffic.link_type(), LinkType::ETHERNET);
}

#[test]
fn leaves_out_what_lands_at_the_end_or_later() {
    let traffic = replay(&[(0, 1, b"a"), (10, 1, b"b"), (20, 1, b"c"), (15, 1, b"d")]);
    assert_eq!(times(&traffic, 0, 20_000), [0, 10_000, 15_000]);
    assert_eq!(times(&traffic, 0, 0), [0u64; 0]);
    assert_eq!(times(&traffic, 9, 3), [0u64; 0]);
}

#[test]
fn packets_come_in_the_order_of_their_times() {
    let second = 1_000_000;
    let traffic = replay(&[
        (100 * second, 1, b"c"),
        (90 * second, 1, b"a"),
        (95 * second, 1, b"b"),
        (101 * second, 1, b"e"),
        (100 * second, 1, b"d"),
    ]);
    let packets = packets(&traffic, 1_000_000_000_000, 1_012_000_000_000);
    let got: Vec<_> = packets
        .iter()
        .map(|one| (one.timestamp.as_nanos() / 1_000_000_000, &one.bytes[..]))
        .collect();
    assert_eq!(
        got,
        [
            (1_000, &b"a"[..]),
            (1_005, b"b"),
            // Of the same time: as in the file.
            (1_010, b"c"),
            (1_010, b"d"),
            (1_011, b"e"),
        ]
    );
}

#[test]
fn the_duration_is_from_the_earliest_to_the_latest() {
    let traffic = replay(&[
        (100, 1, b"b"),
        (90, 1, b"a"),
        (130, 1, b"d"),
        (110, 1, b"c"),
    ]);
    assert_eq!(traffic.duration(), Some(Duration::from_micros(40)));
    // A window has to be longer.
    assert_eq!(times(&traffic, 0, 40_000).len(), 3);
    assert_eq!(times(&traffic, 0, 40_001).len(), 4);
    assert_eq!(replay(&[]).duration(), Some(Duration::ZERO));
    assert_eq!(Traffic::synthetic(1).duration(), None);
}

/// Seconds as nanoseconds.
const SECOND: u64 = 1_000_000_000;

#[test]
fn repeats_after_the_mean_gap_to_the_end_of_the_window() {
    let traffic = replay(&[(7, 1, b"a"), (1_000_007, 1, b"b"), (4_000_007, 1, b"c")]);
    let packets = packets(&traffic, 100 * SECOND, 113 * SECOND + 1);
    let got: Vec<_> = packets
        .iter()
        .map(|one| (one.timestamp.as_nanos() / SECOND, &one.bytes[..]))
        .collect();
    let expected = [
        (100, &b"a"[..]),
        (101, b"b"),
        (104, b"c"),
        (106, b"a"),
        (107, b"b"),
        (110, b"c"),
        (112, b"a"),
        (113, b"b"),
    ];
    assert_eq!(got, expected);
    // The end is not in the window.
    assert_eq!(times(&traffic, 100 * SECOND, 112 * SECOND).len(), 6);
}

#[test]
fn what_is_shorter_than_a_second_is_repeated_once_a_second() {
    let one = replay(&[(42, 1, b"a")]);
    assert_eq!(times(&one, 0, 3 * SECOND), [0, SECOND, 2 * SECOND]);

    let same_moment = replay(&[(42, 1, b"a"), (42, 1, b"b")]);
    let expected = [0, 0, SECOND, SECOND];
    assert_eq!(times(&same_moment, 0, 2 * SECOND), expected);

    let short = replay(&[(0, 1, b"a"), (400_000, 1, b"b")]);
    let expected = [0, 400_000_000, SECOND, 1_400_000_000];
    assert_eq!(times(&short, 0, 2 * SECOND), expected);
    let longer = replay(&[(0, 1, b"a"), (600_000, 1, b"b")]);
    let expected = [0, 600_000_000, 1_200_000_000, 1_800_000_000];
    assert_eq!(times(&longer, 0, 2 * SECOND), expected);
}

#[test]
fn repetitions_do_not_meet() {
    // More packets than microseconds: the mean gap is nothing.
    let at = |offset| Recorded {
        offset,
        original_len: 0,
        bytes: Bytes::new(),
    };
    let mut packets: Vec<_> = (0..1_100_000).map(|_| at(0)).collect();
    packets.push(at(SECOND));
    let mut recording = Recording {
        link_type: LinkType::RAW,
        packets,
        period: 0,
        block: BytesMut::new(),
        size: 0,
    };
    recording.arrange();
    assert_eq!(recording.period, SECOND + MICRO);
}

#[test]
fn a_day_of_a_short_recording_is_walked_packet_by_packet() {
    let traffic = replay(&[(0, 1, b"a"), (1_000_000, 1, b"b")]);
    let day = Timestamp::from_nanos(5 * SECOND)..Timestamp::from_nanos((5 + 86_400) * SECOND);
    assert_eq!(traffic.packets(day.clone()).count(), 86_400);
    let last = traffic.packets(day).last().expect("packets");
    assert_eq!(last.timestamp.as_nanos(), (5 + 86_399) * SECOND);
    // Not gathered before: this one would not end.
    let ever = Timestamp::from_nanos(0)..Timestamp::from_nanos(u64::MAX);
    assert_eq!(
        traffic.packets(ever).nth(10_000).expect("packets").bytes,
        &b"a"[..]
    );
}

#[test]
fn sampling_counts_on_through_the_repetitions() {
    let traffic = replay(&[(0, 1, b"a"), (1_000_000, 1, b"b"), (2_000_000, 1, b"c")]);
    let seen = |one_in: u32, until: u64| -> Vec<u64> {
        let one_in = NonZeroU32::new(one_in).expect("not zero");
        let times = times(&traffic.clone().with_sampling(one_in), 0, until * SECOND);
        times.iter().map(|nanos| nanos / SECOND).collect()
    };
    assert_eq!(seen(2, 9), [0, 2, 4, 6, 8]);
    assert_eq!(seen(3, 9), [0, 3, 6]);
    assert_eq!(seen(7, 22), [0, 7, 14, 21]);
    assert_eq!(seen(u32::MAX, 22), [0]);
}

#[test]
fn the_end_of_time_ends_the_repetitions() {
    let traffic = replay(&[(0, 1, b"a"), (1, 1, b"b")]);
    let last = times(&traffic, u64::MAX - 3 * SECOND, u64::MAX);
    assert_eq!(last.len(), 6);
    assert!(last.is_sorted());
    let sparse = traffic.with_sampling(NonZeroU32::MAX);
    assert_eq!(times(&sparse, u64::MAX - SECOND, u64::MAX).len(), 1);
}

#[test]
fn lands_on_whole_microseconds_inside_the_window() {
    let traffic = replay(&[(0, 1, b"a"), (3, 1, b"b")]);
    assert_eq!(times(&traffic, 1_999, 9_000), [2_000, 5_000]);
}

#[test]
fn cuts_off_what_is_below_a_microsecond() {
    let mut file = pcap(ETHERNET, &[(0, 1, b"a"), (3, 1, b"b")]);
    // The magic number of nanoseconds.
    file[..4].copy_from_slice(&0xA1B2_3C4D_u32.to_le_bytes());
    let at = 24 + 17 + 4;
    file[at..at + 4].copy_from_slice(&3_999_u32.to_le_bytes());
    let file = stored(&file);
    let traffic = Traffic::replay(file.path()).expect("a good file");
    assert_eq!(times(&traffic, 0, 9_000), [0, 3_000]);
}

#[test]
fn sampling_takes_the_first_of_every_n() {
    let traffic = replay(&[
        (0, 1, b"a"),
        (1, 1, b"b"),
        (2, 1, b"c"),
        (3, 1, b"d"),
        (4, 1, b"e"),
    ]);
    let sampled = traffic.with_sampling(NonZeroU32::new(2).expect("not zero"));
    assert_eq!(times(&sampled, 0, 1_000_000), [0, 2_000, 4_000]);
}

#[test]
fn no_packets_is_no_error() {
    assert_eq!(times(&replay(&[]), 0, u64::MAX), [0u64; 0]);
}

#[test]
fn packets_longer_than_a_block_are_kept_whole() {
    let long: Vec<u8> = (0..=u8::MAX).cycle().take(60_000).collect();
    let entries: Vec<Entry<'_>> = (0..40).map(|at| (at, 60_000, &long[..])).collect();
    let packets = packets(&replay(&entries), 0, 40_000);
    assert_eq!(packets.len(), 40);
    assert!(packets.iter().all(|packet| packet.bytes == long));
}

#[test]
fn a_torn_file_is_an_error_at_every_cut() {
    let whole = pcap(ETHERNET, &[(0, 4, b"once"), (1, 4, b"upon")]);
    let ends = [24, 24 + 20, whole.len()];
    for cut in (0..whole.len()).filter(|cut| !ends.contains(cut)) {
        let file = stored(&whole[..cut]);
        let error = Traffic::replay(file.path()).expect_err("a torn file");
        assert_eq!(error.kind(), ErrorKind::Unreadable, "cut at {cut}");
    }
}

#[test]
fn no_capture_or_no_file_is_an_error() {
    let file = stored(b"<html>what is this doing here</html>");
    let error = Traffic::replay(file.path()).expect_err("no capture");
    assert_eq!(error.kind(), ErrorKind::Unreadable);
    assert!(error.to_string().contains("cannot replay"), "{error}");
    let error = Traffic::replay(&file.path().join("none")).expect_err("no file");
    assert_eq!(error.kind(), ErrorKind::Unreadable);
}

/// A pcapng file with an Ethernet interface and a raw IP interface, and a packet of each.
fn mixed() -> Vec<u8> {
    let mut file = Vec::new();
    let mut block = |kind: u32, body: &[u32]| {
        let len = u32::try_from(12 + 4 * body.len()).expect("short");
        for word in [&[kind, len], body, &[len]].concat() {
            file.extend(word.to_le_bytes());
        }
    };
    block(0x0A0D_0D0A, &[0x1A2B_3C4D, 1, u32::MAX, u32::MAX]);
    block(1, &[1, 0]);
    block(1, &[101, 0]);
    block(6, &[0, 0, 1, 4, 4, 0]);
    block(6, &[1, 0, 2, 4, 4, 0]);
    file
}

#[test]
fn mixed_link_types_are_an_error_that_names_both() {
    let file = stored(&mixed());
    let error = Traffic::replay(file.path()).expect_err("two link types");
    assert_eq!(error.kind(), ErrorKind::MixedLinkTypes);
    let text = error.to_string();
    assert!(text.contains("Ethernet and raw IP"), "{text}");
}

#[test]
fn too_large_is_an_error_that_names_the_limit() {
    let file = stored(&pcap(ETHERNET, &[(0, 4, b"once"), (1, 4, b"upon")]));
    assert!(Recording::read_within(file.path(), 2 * (OVERHEAD + 4)).is_ok());
    let Err(error) = Recording::read_within(file.path(), 2 * (OVERHEAD + 4) - 1) else {
        panic!("it fits");
    };
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert!(error.to_string().contains("135 bytes"), "{error}");
}

#[test]
fn a_walk_can_move_to_another_thread() {
    let packets = replay(&[(0, 1, b"a")]).packets(Timestamp::default()..Timestamp::from_nanos(1));
    let walked = std::thread::spawn(|| packets.count()).join();
    assert_eq!(walked.expect("no panic"), 1);
}

#[test]
fn debug_shows_no_packet_bytes() {
    let traffic = replay(&[(0, 6, b"secret")]);
    let packet = packets(&traffic, 0, 1_000);
    let shown = format!("{traffic:?} {packet:?}");
    assert!(shown.contains("packets: 1"), "{shown}");
    assert!(
        !shown.contains("secret") && !shown.contains("115"),
        "{shown}"
    );
}
