//! Files that are packed with gzip and zstd: the same packets, all that can be saved, and bounded memory.

#[expect(dead_code, reason = "each test file uses its part")]
mod common;

use std::io::{Read, Write as _};

use common::{DNS, Drip, Owned, SECTIONS_BE, owned, read_all};
use flate2::{Compression, write::GzEncoder};
use pcaps_file::{Error, ErrorKind, PushReader, Pushed, Reader};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).expect("memory")
}

type Pack = fn(&[u8]) -> Vec<u8>;
const PACKS: [Pack; 2] = [gzip, zstd];

/// What comes out when the bytes are pushed in pieces of this length.
fn push_all(file: &[u8], piece: usize) -> (Vec<Owned>, Option<Error>) {
    let mut reader = PushReader::new("test");
    let mut pieces = file.chunks(piece);
    let mut packets = Vec::new();
    loop {
        match reader.next_packet() {
            Ok(Pushed::Packet(packet)) => packets.push(owned(&packet)),
            Ok(Pushed::End) => return (packets, None),
            Ok(Pushed::More) => match pieces.next() {
                Some(piece) => reader.push(piece),
                None => reader.end(),
            },
            Err(error) => return (packets, Some(error)),
        }
    }
}

#[test]
fn the_same_packets_come_out() {
    for file in [DNS, SECTIONS_BE] {
        let (expected, _) = read_all(file);
        for pack in PACKS {
            let whole = pack(file);
            // In members or frames, some of them empty.
            let (first, rest) = file.split_at(1_001);
            let parts = [pack(&[]), pack(first), pack(&[]), pack(rest)].concat();
            for packed in [whole, parts] {
                for (packets, error) in [
                    read_all(&*packed),
                    read_all(Drip(&packed)),
                    push_all(&packed, 1),
                    push_all(&packed, 700),
                ] {
                    assert!(error.is_none(), "{error:?}");
                    assert_eq!(packets, expected);
                }
            }
        }
    }
}

#[test]
fn frames_to_step_over_are_stepped_over() {
    let skippable = [
        &[0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 7, 7, 7][..],
        &zstd(DNS),
    ]
    .concat();
    let (packets, error) = read_all(&*skippable);
    assert!(error.is_none() && packets.len() == 42, "{error:?}");
}

/// A long file, of which much can be lost.
fn long() -> Vec<u8> {
    let mut file = DNS.to_vec();
    for _ in 0..60 {
        file.extend(&DNS[24..]);
    }
    file
}

#[test]
fn cut_everywhere_it_gives_what_is_whole() {
    let (all, _) = read_all(DNS);
    for pack in PACKS {
        let parts: Vec<_> = DNS.chunks(700).map(pack).collect();
        let last = parts.last().map_or(0, Vec::len);
        let file = parts.concat();
        let ends: Vec<_> = parts
            .iter()
            .scan(0, |end, part| {
                *end += part.len();
                Some(*end)
            })
            .collect();
        let mut before = 0;
        for cut in 4..file.len() {
            let (packets, error) = read_all(&file[..cut]);
            assert_eq!(packets, all[..packets.len()]);
            assert!(packets.len() >= before, "cut at {cut}");
            before = packets.len();
            // Between two parts, it is a file that is cut where a packet may end.
            match error {
                None => assert!(ends.contains(&cut), "cut at {cut}"),
                Some(error) => {
                    assert!(error.is_truncated(), "cut at {cut}: {error}");
                    assert_eq!(error.packet_number(), Some(packets.len() as u64 + 1));
                    if cut % 50 == 0 {
                        let (pushed, other) = push_all(&file[..cut], 1);
                        assert_eq!(pushed, packets);
                        assert_eq!(other.map(|it| it.to_string()), Some(error.to_string()));
                    }
                }
            }
            // All that is in the parts before it.
            if cut == file.len() - last {
                assert!(before >= 38, "{before}");
            }
        }
    }
}

#[test]
fn what_comes_before_a_corrupt_place_is_delivered() {
    let file = long();
    let (all, _) = read_all(&*file);
    for pack in PACKS {
        // In parts, so that it is known what has to come out.
        let (first, rest) = file.split_at(200_000);
        let parts = [pack(first), pack(rest)];
        let mut packed = parts.concat();
        let at = parts[0].len() + parts[1].len() / 2;
        for byte in &mut packed[at..at + 8] {
            *byte ^= 0x5a;
        }
        let (packets, error) = read_all(&*packed);
        let error = error.expect("corrupt");
        // What is corrupt may look like something that goes on.
        assert!(
            error.kind() == ErrorKind::Damaged || error.is_truncated(),
            "{error}"
        );
        let least = read_all(first).0.len();
        assert!(packets.len() >= least, "{} of {least}", packets.len());
        assert_eq!(packets[..least], all[..least]);
        assert!(
            error.to_string().contains("of what it unpacks to"),
            "{error}"
        );
        // However it arrives.
        for piece in [1, 5_000] {
            let (pushed, other) = push_all(&packed, piece);
            assert_eq!(pushed.len(), packets.len());
            assert_eq!(other.map(|it| it.to_string()), Some(error.to_string()));
        }
        // What follows a member or a frame must be another.
        let more = [pack(DNS), b"more".to_vec()].concat();
        let (packets, error) = read_all(&*more);
        assert_eq!(packets.len(), 42);
        assert_eq!(error.map(|it| it.kind()), Some(ErrorKind::Damaged));
    }
}

/// What came out of a block stays when the next one, of the same frame, is corrupt.
#[test]
fn the_blocks_of_a_frame_are_delivered_one_by_one() {
    // Long, and not to be packed well.
    let records: Vec<_> = (0..3_000).map(|at| [at, 0, 150, 150]).collect();
    let mut file = common::pcap([0xd4, 0xc3, 0xb2, 0xa1], false, 1, &records, 0);
    let mut number = 1_u32;
    for byte in file[24..].chunks_mut(166).flat_map(|it| &mut it[16..]) {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *byte = number.to_be_bytes()[0] & 0x1f;
    }
    let mut packed = zstd(&file);
    // A frame has blocks of 128 KiB of what is unpacked; this is in the last of them.
    let end = packed.len();
    packed[end - 3_000..].fill(0xff);
    let (packets, error) = read_all(&*packed);
    assert!(error.is_some_and(|it| it.kind() == ErrorKind::Damaged));
    let least = read_all(&file[..file.len() / (128 << 10) * (128 << 10)])
        .0
        .len();
    assert!(packets.len() >= least - 1, "{} of {least}", packets.len());
}

#[test]
fn flipped_bytes_do_not_panic() {
    for pack in PACKS {
        let file = pack(DNS);
        for at in (0..file.len()).step_by(3) {
            let mut bytes = file.clone();
            bytes[at] ^= 0x81;
            read_all(&*bytes);
        }
    }
}

#[test]
fn what_is_packed_must_be_a_capture() {
    for pack in PACKS {
        for (content, says) in [
            (&b""[..], "it is empty"),
            (b"abc", "it is shorter than four bytes"),
            (b"<html>", "it begins with 3c 68 74 6d"),
            // Once is enough.
            (&gzip(DNS), "it begins with 1f 8b 08 00"),
        ] {
            let error = Reader::new(&*pack(content), "x").expect_err("not a capture");
            assert!(
                error.is_not_a_capture() && error.to_string().contains(says),
                "{error}"
            );
        }
    }
}

/// So much of a stream of zeros that nobody may keep it.
#[test]
fn a_bomb_needs_no_memory() {
    const BLOCK: usize = 1 << 20;
    const MIB: usize = 32;
    // One block of no interest that claims 4 GB, and zeros: pcapng steps over it.
    let mut head = common::section(false);
    head.extend(common::interface(false, 1, 0, &[]));
    head.extend(0xbad_u32.to_le_bytes());
    head.extend(0xffff_fff0_u32.to_le_bytes());
    let zeros = vec![0; BLOCK];
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    let mut zstd = zstd::Encoder::new(Vec::new(), 1).expect("memory");
    gzip.write_all(&head).expect("memory");
    zstd.write_all(&head).expect("memory");
    for _ in 0..MIB {
        gzip.write_all(&zeros).expect("memory");
        zstd.write_all(&zeros).expect("memory");
    }
    for bomb in [
        gzip.finish().expect("memory"),
        zstd.finish().expect("memory"),
    ] {
        assert!(bomb.len() < 50_000);
        let mut reader = Reader::new(&*bomb, "bomb").expect("a capture");
        let error = reader.next_packet().expect_err("it ends in the block");
        assert!(error.is_truncated());
        assert_eq!(error.offset(), Some((head.len() + MIB * BLOCK) as u64));
    }
}

#[test]
fn a_window_beyond_all_measure_is_refused() {
    // A frame's header that asks for a window of 2 GiB.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0, 0xa8, 1, 0, 0];
    let error = Reader::new(&frame[..], "x").expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::Damaged, "{error}");
    assert!(error.to_string().contains("memory"), "{error}");
}

#[test]
fn a_failed_read_is_passed_on_and_can_be_tried_again() {
    /// Fails with every second call.
    struct Stutter<'a>(&'a [u8], bool);
    impl Read for Stutter<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(std::io::ErrorKind::TimedOut.into());
            }
            let len = buffer.len().min(100);
            self.0.read(&mut buffer[..len])
        }
    }
    let file = gzip(DNS);
    // The beginning is read at once, so it must not fail there.
    let mut reader =
        Reader::new(file[..700].chain(Stutter(&file[700..], false)), "x").expect("a capture");
    let (mut packets, mut failures) = (0, 0);
    loop {
        match reader.next_packet() {
            Ok(Some(_)) => packets += 1,
            Ok(None) => break,
            Err(error) if error.is_io() => failures += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(packets == 42 && failures > 3, "{packets} {failures}");
}
