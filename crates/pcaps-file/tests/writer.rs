//! What is written can be read again.

#[expect(dead_code, reason = "each test file uses its part")]
mod common;

use std::io;

use common::{DNS, owned, read_all};
use pcaps_file::{ErrorKind, LinkType, Packet, Reader, Timestamp, Writer, WriterOptions};

const RAW: WriterOptions = WriterOptions::new(LinkType::RAW);

fn packet(nanos: u64, bytes: &[u8]) -> Packet<'_> {
    Packet {
        timestamp: Timestamp::from_nanos(nanos),
        link_type: LinkType::RAW,
        original_len: 1_500,
        bytes,
    }
}

#[test]
fn a_copy_is_the_same_file() {
    let mut reader = Reader::new(DNS, "dns.pcap").expect("a capture");
    let mut writer = Writer::new(Vec::new(), reader.header().into()).expect("memory");
    while let Some(packet) = reader.next_packet().expect("sound") {
        writer.write(&packet).expect("fits");
    }
    assert_eq!(writer.finish().expect("memory"), DNS);
}

#[test]
fn packets_are_cut_at_the_snap_length() {
    let options = WriterOptions { snap_len: 3, ..RAW };
    let mut writer = Writer::new(Vec::new(), options).expect("memory");
    let whole = Packet {
        original_len: 4,
        ..packet(0, &[1, 2, 3, 4])
    };
    writer.write(&whole).expect("fits");
    let file = writer.finish().expect("memory");
    let (packets, error) = read_all(&*file);
    assert!(error.is_none());
    assert_eq!(packets, [(0, 101, 4, vec![1, 2, 3])]);
}

#[test]
fn a_snap_length_of_zero_cuts_nothing() {
    let options = WriterOptions { snap_len: 0, ..RAW };
    let mut writer = Writer::new(Vec::new(), options).expect("memory");
    writer.write(&packet(0, &[7; 1_500])).expect("fits");
    let file = writer.finish().expect("memory");
    let reader = Reader::new(&*file, "test").expect("a capture");
    assert_eq!(reader.header().snap_len, 262_144);
    assert_eq!(read_all(&*file).0[0].3.len(), 1_500);
}

#[test]
fn nanoseconds_survive() {
    let options = WriterOptions {
        nanoseconds: true,
        ..RAW
    };
    let mut writer = Writer::new(Vec::new(), options).expect("memory");
    let last = u64::from(u32::MAX) * 1_000_000_000 + 999_999_999;
    for nanos in [0, 1, last] {
        writer.write(&packet(nanos, &[1])).expect("fits");
    }
    let file = writer.finish().expect("memory");
    let mut reader = Reader::new(&*file, "test").expect("a capture");
    assert!(reader.header().nanoseconds);
    for nanos in [0, 1, last] {
        let read = reader
            .next_packet()
            .expect("sound")
            .map(|packet| owned(&packet));
        assert_eq!(read, Some(owned(&packet(nanos, &[1]))));
    }
}

#[test]
fn what_does_not_fit_is_refused_and_leaves_no_trace() {
    let mut writer = Writer::new(Vec::new(), RAW).expect("memory");
    writer.write(&packet(1_000, &[1])).expect("fits");
    let other_link = Packet {
        link_type: LinkType::ETHERNET,
        ..packet(0, &[1])
    };
    let refused = [
        other_link,
        packet(1_001, &[1]),
        packet(4_294_967_296_000_000_000, &[1]),
    ];
    let mut messages = Vec::new();
    for packet in &refused {
        let error = writer.write(packet).expect_err("does not fit");
        assert_eq!(error.kind(), ErrorKind::Refused);
        assert_eq!((error.packet_number(), error.offset()), (Some(2), Some(41)));
        messages.push(error.to_string());
    }
    insta::assert_snapshot!(messages.join("\n"));
    let (packets, error) = read_all(&*writer.finish().expect("memory"));
    assert!(packets.len() == 1 && error.is_none());
}

/// A disk without space.
#[derive(Debug)]
struct Full;

impl io::Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_an_error_of_finish() {
    let mut writer = Writer::new(Full, RAW).expect("still in the buffer");
    writer.write(&packet(0, &[1])).expect("still in the buffer");
    let error = writer.finish().expect_err("no space");
    assert!(error.is_io());
    // Which of the packets that were held back did not get there is not known.
    assert_eq!((error.packet_number(), error.offset()), (None, None));
    insta::assert_snapshot!(error, @"cannot write the last part of the file: check the space that is left");
}

#[test]
fn a_full_disk_is_an_error_of_the_packet_that_meets_it() {
    let mut writer = Writer::new(Full, RAW).expect("still in the buffer");
    writer.write(&packet(0, &[1])).expect("still in the buffer");
    // Its header still fits in the buffer, its bytes do not.
    let error = writer
        .write(&packet(0, &vec![7; 300_000]))
        .expect_err("no space");
    assert!(error.is_io());
    assert_eq!((error.packet_number(), error.offset()), (Some(2), Some(41)));
    insta::assert_snapshot!(error, @"cannot write packet 2 at byte 41: check the space that is left");
}
