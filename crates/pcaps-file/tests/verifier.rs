//! The verifier and the reader agree on every file, however it arrives.

#[expect(dead_code, reason = "each test file uses its part")]
mod common;

use std::io::Write as _;

use common::{DNS, SECTIONS_BE, block, interface, packet, pcap, section};
use pcaps_file::{Error, ErrorKind, Header, MAX_RECORD_LEN, Reader, Timestamp, Verified, Verifier};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// What a whole file holds: header, packets, bytes captured, bytes on the wire, earliest and latest time.
type Whole = (Header, u64, u64, u64, Option<Timestamp>, Option<Timestamp>);

/// What an error says.
#[derive(Debug, PartialEq)]
struct Failure {
    kind: ErrorKind,
    offset: Option<u64>,
    packet: Option<u64>,
    text: String,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            kind: error.kind(),
            offset: error.offset(),
            packet: error.packet_number(),
            text: error.to_string(),
        }
    }
}

fn read(file: &[u8]) -> Result<Whole, Error> {
    let mut reader = Reader::new(file, "the download")?;
    let (mut packets, mut captured, mut on_wire) = (0, 0, 0);
    let mut times = Vec::new();
    while let Some(packet) = reader.next_packet()? {
        packets += 1;
        captured += packet.bytes.len() as u64;
        on_wire += u64::from(packet.original_len);
        times.push(packet.timestamp);
    }
    let first = times.iter().min().copied();
    let last = times.iter().max().copied();
    Ok((reader.header(), packets, captured, on_wire, first, last))
}

fn whole(verified: &Verified) -> Whole {
    (
        verified.header,
        verified.packets,
        verified.bytes_captured,
        verified.bytes_on_wire,
        verified.first_time,
        verified.last_time,
    )
}

/// Pushes `file` in pieces of these lengths, over and over. An error must come again, whatever follows.
fn verify(file: &[u8], lens: &[usize]) -> Result<Whole, Failure> {
    let mut check = Verifier::new("the download");
    let mut failed: Option<Failure> = None;
    let mut rest = file;
    let mut lens = lens.iter().copied().cycle();
    while !rest.is_empty() {
        let len = lens.next().unwrap_or(rest.len()).min(rest.len());
        let (piece, after) = rest.split_at(len);
        rest = after;
        match (check.push(piece), &failed) {
            (Ok(()), None) => {}
            (Ok(()), Some(failed)) => panic!("a push went well after {failed:?}"),
            (Err(error), None) => failed = Some(error.into()),
            (Err(error), Some(failed)) => assert_eq!(Failure::from(error), *failed),
        }
    }
    match (check.finish(), failed) {
        (Ok(verified), None) => Ok(whole(&verified)),
        (Ok(_), Some(failed)) => panic!("it ended well after {failed:?}"),
        (Err(error), Some(failed)) => {
            assert_eq!(Failure::from(error), failed);
            Err(failed)
        }
        (Err(error), None) => {
            let text = error.to_string();
            let short = text.contains("it is empty") || text.contains("shorter than four");
            assert!(short || error.is_truncated(), "known before: {error}");
            Err(error.into())
        }
    }
}

/// The rule: whatever the bytes and the pieces, the verifier says what the reader says.
fn agree(file: &[u8], lens: &[usize]) -> Result<Whole, Failure> {
    let verified = verify(file, lens);
    assert_eq!(verified, read(file).map_err(Failure::from));
    verified
}

/// Magic number, byte order, and what a record header has beyond 16 bytes.
const MAGICS: [([u8; 4], bool, usize); 6] = [
    ([0xd4, 0xc3, 0xb2, 0xa1], false, 0),
    ([0xa1, 0xb2, 0xc3, 0xd4], true, 0),
    ([0x4d, 0x3c, 0xb2, 0xa1], false, 0),
    ([0xa1, 0xb2, 0x3c, 0x4d], true, 0),
    ([0x34, 0xcd, 0xb2, 0xa1], false, 8),
    ([0xa1, 0xb2, 0xcd, 0x34], true, 8),
];

/// Mostly short, sometimes longer than any buffer.
fn len() -> impl Strategy<Value = u32> {
    prop_oneof![30 => 0..80_u32, 1 => 60_000..300_000_u32]
}

fn classic() -> impl Strategy<Value = Vec<u8>> {
    let record = (any::<u32>(), any::<u32>(), len(), 0..2_000_u32)
        .prop_map(|(seconds, fraction, len, original)| [seconds, fraction, len, original]);
    (select(&MAGICS[..]), any::<u32>(), vec(record, 0..8)).prop_map(
        |((magic, big_endian, more), link_type, records)| {
            pcap(magic, big_endian, link_type, &records, more)
        },
    )
}

/// A block that may stand in a section; the order of the section's bytes comes later.
#[derive(Clone, Debug)]
enum Block {
    Section(bool),
    Interface(u16, u32, Vec<u8>),
    Packet(u32, u64, u32, u32),
    Simple(u32),
    Other(u32, Vec<u8>),
}

fn blocks() -> impl Strategy<Value = Vec<u8>> {
    let options = prop_oneof![
        6 => Just(vec![]),
        6 => Just(vec![9, 0, 1, 0, 9, 0, 0, 0]),
        6 => Just(vec![0, 9, 0, 1, 0x8a, 0, 0, 0]),
        1 => vec(any::<u8>(), 0..16),
    ];
    let block = prop_oneof![
        1 => any::<bool>().prop_map(Block::Section),
        3 => (any::<u16>(), select(vec![0, 96]), options)
            .prop_map(|(link, snap, options)| Block::Interface(link, snap, options)),
        9 => (0..2_u32, any::<u64>(), len(), 0..2_000_u32)
            .prop_map(|(interface, ticks, len, original)| Block::Packet(interface, ticks, len, original)),
        1 => len().prop_map(Block::Simple),
        1 => (0..12_u32, vec(any::<u8>(), 0..40)).prop_map(|(kind, body)| Block::Other(kind, body)),
        1 => len().prop_map(|len| Block::Other(0xbad, vec![6; len as usize])),
    ];
    (
        any::<bool>(),
        select(vec![0, 1, 2, 2, 2]),
        vec(block, 0..10),
    )
        .prop_map(|(big_endian, interfaces, blocks)| {
            let mut file = section(big_endian);
            for _ in 0..interfaces {
                file.extend(interface(big_endian, 1, 96, &[]));
            }
            file.extend(encode(big_endian, &blocks));
            file
        })
}

fn encode(mut big_endian: bool, blocks: &[Block]) -> Vec<u8> {
    let mut file = Vec::new();
    for it in blocks {
        file.extend(match it {
            Block::Section(order) => {
                big_endian = *order;
                section(big_endian)
            }
            Block::Interface(link, snap, options) => interface(big_endian, *link, *snap, options),
            Block::Packet(id, ticks, len, original) => {
                let bytes = vec![5; *len as usize];
                packet(big_endian, *id, *ticks, *original, &bytes)
            }
            Block::Simple(len) => {
                let mut body = if big_endian {
                    len.to_be_bytes().to_vec()
                } else {
                    len.to_le_bytes().to_vec()
                };
                body.resize(body.len() + *len as usize, 4);
                block(big_endian, 3, &body)
            }
            Block::Other(kind, body) => block(big_endian, *kind, body),
        });
    }
    file
}

#[derive(Clone, Debug)]
enum Mutation {
    Flip(Index, u8),
    Cut(Index),
    Drop(Index, usize),
    Insert(Index, Vec<u8>),
    Extend(Vec<u8>),
    /// A number where one may stand.
    Number(Index, u32, bool),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let numbers = vec![0, 1, 12, 16, MAX_RECORD_LEN, MAX_RECORD_LEN + 1, u32::MAX];
    prop_oneof![
        (any::<Index>(), 1..=u8::MAX).prop_map(|(at, bits)| Mutation::Flip(at, bits)),
        any::<Index>().prop_map(Mutation::Cut),
        (any::<Index>(), 1..30_usize).prop_map(|(at, len)| Mutation::Drop(at, len)),
        (any::<Index>(), vec(any::<u8>(), 1..30)).prop_map(|(at, it)| Mutation::Insert(at, it)),
        vec(any::<u8>(), 1..60).prop_map(Mutation::Extend),
        (any::<Index>(), select(numbers), any::<bool>())
            .prop_map(|(at, number, big_endian)| Mutation::Number(at, number, big_endian)),
    ]
}

fn mutate(file: &mut Vec<u8>, mutation: Mutation) {
    // Most of the places that matter are near the beginning.
    let near = |at: Index, file: &[u8]| at.index(file.len().min(400) + 1);
    match mutation {
        Mutation::Flip(at, bits) => {
            let at = near(at, file);
            if let Some(byte) = file.get_mut(at) {
                *byte ^= bits;
            }
        }
        Mutation::Cut(at) => file.truncate(at.index(file.len() + 1)),
        Mutation::Drop(at, len) => {
            let at = near(at, file);
            file.drain(at..file.len().min(at + len));
        }
        Mutation::Insert(at, bytes) => {
            let at = near(at, file);
            file.splice(at..at, bytes);
        }
        Mutation::Extend(bytes) => file.extend(bytes),
        Mutation::Number(at, number, big_endian) => {
            let at = near(at, file) / 4 * 4;
            let bytes = if big_endian {
                number.to_be_bytes()
            } else {
                number.to_le_bytes()
            };
            if let Some(room) = file.get_mut(at..at + 4) {
                room.copy_from_slice(&bytes);
            }
        }
    }
}

fn files() -> impl Strategy<Value = Vec<u8>> {
    let real = select(vec![DNS.to_vec(), SECTIONS_BE.to_vec()]);
    let noise = vec(any::<u8>(), 0..60);
    let made = prop_oneof![9 => classic(), 9 => blocks(), 1 => real, 1 => noise];
    let packing = select(vec![
        Packing::None,
        Packing::None,
        Packing::Gzip,
        Packing::Zstd,
    ]);
    let mutations = || vec(mutation(), 0..3);
    (made, mutations(), packing, any::<Index>(), mutations()).prop_map(
        |(mut file, mutations, packing, at, more)| {
            for mutation in mutations {
                mutate(&mut file, mutation);
            }
            let (first, second) = file.split_at(at.index(file.len() + 1));
            let mut file = match packing {
                Packing::None => return file,
                Packing::Gzip => [gzip(first), gzip(second)].concat(),
                Packing::Zstd => [first, second]
                    .map(|it| zstd::encode_all(it, 1).expect("memory"))
                    .concat(),
            };
            for mutation in more {
                mutate(&mut file, mutation);
            }
            file
        },
    )
}

#[derive(Clone, Copy, Debug)]
enum Packing {
    None,
    Gzip,
    Zstd,
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// The lengths of the pieces: the first is never empty, so that there is an end.
fn pieces() -> impl Strategy<Value = Vec<usize>> {
    let len = prop_oneof![4 => 0..40_usize, 2 => 0..3_000_usize, 1 => 0..300_000_usize];
    (1..3_000_usize, vec(len, 0..6)).prop_map(|(first, mut rest)| {
        rest.push(first);
        rest
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_reader_and_the_verifier_agree(file in files(), lens in pieces()) {
        let _ = agree(&file, &lens);
    }
}

#[test]
fn real_files_in_pieces_of_every_length() {
    for file in [DNS, SECTIONS_BE] {
        for len in (1..100).chain([1_000, file.len()]) {
            let held = agree(file, &[len]).expect("whole");
            assert!(held.1 > 0 && held.4.is_some());
        }
    }
}

#[test]
fn real_files_cut_at_every_offset() {
    for file in [DNS, SECTIONS_BE] {
        for cut in 0..file.len() {
            let _ = agree(&file[..cut], &[cut / 2 + 1]);
        }
    }
}

#[test]
fn what_a_whole_file_held() {
    let records = [[9, 0, 4, 60], [7, 5, 0, 0]];
    let file = pcap([0xa1, 0xb2, 0xc3, 0xd4], true, 1, &records, 0);
    let mut check = Verifier::new("the download");
    check.push(&file).expect("sound");
    let verified = check.finish().expect("whole");
    let header = Reader::new(&*file, "x").expect("a capture").header();
    let first = Some(Timestamp::from_nanos(7_000_005_000));
    let last = Some(Timestamp::from_parts(9, 0));
    assert_eq!(whole(&verified), (header, 2, 4, 60, first, last));
}

/// How many bytes had come when it failed.
fn fails_after(file: &[u8]) -> Option<usize> {
    let mut check = Verifier::new("the download");
    let mut pieces = file.chunks(1);
    let before = pieces.position(|byte| check.push(byte).is_err());
    before.map(|before| before + 1)
}

#[test]
fn it_fails_with_the_first_byte_that_tells() {
    assert_eq!(fails_after(b"<html>"), Some(4));
    let unmarked = [&section(false)[..8], &[0; 20]].concat();
    assert_eq!(fails_after(&unmarked), Some(12));

    let mut old = DNS.to_vec();
    old[6] = 3;
    assert_eq!(fails_after(&old), Some(24));

    let mut huge = pcap([0xd4, 0xc3, 0xb2, 0xa1], false, 1, &[[1, 2, 3, 4]; 2], 0);
    huge[24 + 16 + 3 + 8..][..4].copy_from_slice(&(MAX_RECORD_LEN + 1).to_le_bytes());
    assert_eq!(fails_after(&huge), Some(24 + 16 + 3 + 16));

    let good = [section(false), interface(false, 1, 0, &[])].concat();
    let huge = [6_u32.to_le_bytes(), 0x7fff_fff0_u32.to_le_bytes(), [0; 4]].concat();
    let file = [&*good, &huge].concat();
    assert_eq!(fails_after(&file), Some(file.len()));
    assert_eq!(fails_after(&good), None);
}

#[test]
fn the_longest_records() {
    let records = [[1, 2, MAX_RECORD_LEN, 4]; 2];
    let classic = pcap([0xd4, 0xc3, 0xb2, 0xa1], false, 1, &records, 0);
    let body = vec![5; MAX_RECORD_LEN as usize - 32];
    let blocks = [
        section(false),
        interface(false, 1, 0, &[]),
        packet(false, 0, 1, 1, &body),
        block(false, 0xbad, &vec![0; 20_000_000]),
        packet(false, 0, 1, 1, &body),
    ]
    .concat();
    for file in [classic, blocks] {
        // Many small pieces too: what came before is not moved for each of them.
        for lens in [&[file.len()][..], &[1_000]] {
            assert_eq!(agree(&file, lens).expect("whole").1, 2);
        }
        let failure = agree(&file[..file.len() - 1], &[100_000]).expect_err("cut");
        assert_eq!(failure.packet, Some(2));
    }
}

#[test]
fn it_can_be_sent_and_shows_no_packets() {
    fn sent<T: Send + std::fmt::Debug>(it: &T) -> String {
        format!("{it:?}")
    }
    let mut check = Verifier::new("the download");
    check.push(DNS).expect("sound");
    assert_eq!(sent(&check), r#"Verifier { name: "the download", .. }"#);
}
