//! Many files to one: in order, without loss, whatever the files are.

#[expect(dead_code, reason = "each test file uses its part")]
mod common;

use std::fs;
use std::io::Write as _;
use std::slice;
use std::time::Duration;

use common::{DNS, Owned, SECTIONS_BE, block, interface, owned, packet, pcap, read_all, section};
use pcaps_file::merge::{Input, Merge, Merged, Remark};
use pcaps_file::{
    ErrorKind, Format, LinkType, NewFile, Packet, PcapNgWriter, Reader, Timestamp, Writer,
    WriterOptions,
};
use proptest::collection::vec;
use proptest::prelude::*;

const LITTLE: [u8; 4] = [0xd4, 0xc3, 0xb2, 0xa1];
const NANOS: [u8; 4] = [0x4d, 0x3c, 0xb2, 0xa1];

/// Merges files that are in memory.
fn merge_by(merge: &Merge, files: &[Vec<u8>]) -> (Merged, Vec<u8>) {
    let inputs = files.iter().enumerate().map(|(at, file)| {
        let file = std::io::Cursor::new(file.clone());
        Input::reader(file, format!("file {at}"))
    });
    let mut output = Vec::new();
    let merged = merge.run(inputs, &mut output).expect("something to merge");
    (merged, output)
}

fn merge(files: &[Vec<u8>]) -> (Merged, Vec<Owned>) {
    let (merged, output) = merge_by(&Merge::new(), files);
    let (packets, error) = read_all(&*output);
    assert!(error.is_none(), "{error:?}");
    assert_eq!(merged.packets, packets.len() as u64);
    (merged, packets)
}

/// A classic file, in which each packet holds its number in the file and the file's.
fn file(number: u8, times: &[u64]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), WriterOptions::new(LinkType::RAW)).expect("memory");
    for (at, time) in times.iter().enumerate() {
        let mut bytes = vec![number];
        bytes.extend(at.to_le_bytes());
        let packet = Packet {
            timestamp: Timestamp::from_nanos(time * 1_000),
            link_type: LinkType::RAW,
            original_len: 1_500,
            bytes: &bytes,
        };
        writer.write(&packet).expect("fits");
    }
    writer.finish().expect("memory")
}

/// All packets in the order that is promised.
fn expected(files: &[Vec<u8>]) -> Vec<Owned> {
    let mut all: Vec<Owned> = files.iter().flat_map(|it| read_all(&**it).0).collect();
    all.sort_by_key(|it| it.0);
    all
}

#[test]
fn by_time_then_file_then_position() {
    let files = [
        file(0, &[5, 5, 9]),
        file(1, &[1, 5, 5, 9, 10]),
        file(2, &[5]),
    ];
    let (merged, packets) = merge(&files);
    assert_eq!(packets, expected(&files));
    assert_eq!(merged.format, Format::Pcap);
    let counts: Vec<u64> = merged.files.iter().map(|it| it.packets).collect();
    assert_eq!(counts, [3, 5, 1]);
    assert_eq!(merged.first_time, Some(Timestamp::from_nanos(1_000)));
    assert_eq!(merged.last_time, Some(Timestamp::from_nanos(10_000)));
}

/// So many that two threads read on, each of a file that is longer than its buffer.
#[test]
fn hundreds_of_files_in_rounds() {
    let files: Vec<_> = (0..200_u64)
        .map(|at| {
            let times = (0..1_000).map(|it| it * 200 + (at * 37 + it * 13) % 200);
            file(u8::try_from(at).expect("small"), &times.collect::<Vec<_>>())
        })
        .collect();
    let (merged, packets) = merge(&files);
    assert!(packets == expected(&files));
    assert!(
        merged
            .files
            .iter()
            .all(|it| it.packets == 1_000 && it.reordered + it.late == 0)
    );
}

#[test]
fn files_that_agree_give_a_classic_file_with_their_header() {
    for magic in [LITTLE, NANOS] {
        let one = pcap(magic, false, 1, &[[1, 2, 500, 1_500]], 0);
        let (_, output) = merge_by(&Merge::new(), &[one.clone(), one.clone()]);
        let header = |file: &[u8]| Reader::new(file, "x").expect("a capture").header();
        assert_eq!(header(&output), header(&one));
        // Longer than the snap length, and whole all the same.
        assert!(read_all(&*output).0.iter().all(|it| it.3.len() == 500));
    }
}

#[test]
fn files_that_differ_give_pcapng_without_a_loss() {
    let files = [
        pcap(LITTLE, false, 1, &[[1, 2, 3, 4]], 0),
        pcap(NANOS, false, 1, &[[1, 2_001, 3, 4]], 0),
        pcap(LITTLE, false, 101, &[[1, 2, 3, 4]], 0),
        SECTIONS_BE.to_vec(),
    ];
    for others in 1..files.len() {
        let files = [files[0].clone(), files[others].clone()];
        let (merged, packets) = merge(&files);
        assert_eq!(merged.format, Format::PcapNg);
        assert_eq!(packets, expected(&files));
    }
    let mut longer = files[0].clone();
    longer[16..20].copy_from_slice(&65_535_u32.to_le_bytes());
    assert_eq!(merge(&[files[0].clone(), longer]).0.format, Format::PcapNg);
}

#[test]
fn interfaces_that_appear_late_are_described() {
    let nanoseconds = [9, 0, 1, 0, 9, 0, 0, 0];
    let late = [
        section(false),
        interface(false, 1, 0, &[]),
        packet(false, 0, 1, 60, &[1]),
        interface(false, 101, 96, &nanoseconds),
        packet(false, 1, 5_001, 60, &[2]),
        section(true),
        interface(true, 228, 0, &[]),
        packet(true, 0, 9, 60, &[3]),
    ]
    .concat();
    let files = [late, file(1, &[0, 7])];
    assert_eq!(merge(&files).1, expected(&files));
}

/// Comments of sections, interfaces and packets, names and secrets, in either byte order.
#[test]
fn what_is_not_a_packet_is_counted() {
    for big_endian in [false, true] {
        let option = |code: u16, value: &[u8]| {
            let numbers = [code, u16::try_from(value.len()).expect("short")];
            let number = |it: u16| {
                if big_endian {
                    it.to_be_bytes()
                } else {
                    it.to_le_bytes()
                }
            };
            let mut bytes = numbers.map(number).concat();
            bytes.extend(value);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            bytes
        };
        let with = |mut block: Vec<u8>, options: &[Vec<u8>]| {
            let kind = block[..4].try_into().expect("four bytes");
            let kind = if big_endian {
                u32::from_be_bytes(kind)
            } else {
                u32::from_le_bytes(kind)
            };
            block.truncate(block.len() - 4);
            block.extend(options.concat());
            common::block(big_endian, kind, &block[8..])
        };
        let (comment, flags, end) = (option(1, b"seen"), option(2, &[0; 4]), option(0, &[]));
        let plain = packet(big_endian, 0, 7, 60, &[1, 2, 3, 4, 5]);
        let file = [
            with(
                section(big_endian),
                &[comment.clone(), end.clone(), comment.clone()],
            ),
            with(
                interface(big_endian, 101, 0, &[]),
                slice::from_ref(&comment),
            ),
            plain.clone(),
            with(plain.clone(), &[flags.clone(), end.clone()]),
            // Two of them, and none: what comes after the end is not read.
            with(
                plain.clone(),
                &[flags, comment.clone(), comment.clone(), end.clone()],
            ),
            with(plain.clone(), &[end, comment.clone()]),
            // Names, secrets, and statistics, which would not be true of another file.
            block(big_endian, 4, &[0; 8]),
            block(big_endian, 10, &[0; 8]),
            block(big_endian, 5, &[0; 12]),
            // Cut within its option.
            with(plain, &[comment[..4].to_vec()]),
        ]
        .concat();
        let (merged, packets) = merge(&[file, DNS.to_vec()]);
        assert_eq!(packets.len(), 5 + 42);
        let annotations: Vec<u64> = merged.files.iter().map(|it| it.annotations).collect();
        assert_eq!(annotations, [1 + 1 + 2 + 2 + 1, 0]);
        assert!(!merged.files[0].is_partial());
    }
}

#[test]
fn a_torn_file_loses_what_is_torn() {
    let whole = file(1, &[2, 4, 6, 8]);
    let torn = DNS[..DNS.len() - 1].to_vec();
    let (merged, packets) = merge(&[whole.clone(), torn, b"not a capture".to_vec()]);
    assert_eq!(packets.len(), 4 + 41);
    let [whole, torn, other] = &merged.files[..] else {
        panic!("{merged:?}");
    };
    assert!(!whole.is_partial() && torn.is_partial() && other.is_partial());
    let error = torn.error.as_ref().expect("torn");
    assert!(error.is_truncated());
    assert_eq!(
        (error.offset(), error.packet_number()),
        (Some(5_764), Some(42))
    );
    assert!(error.to_string().contains("`file 1`"), "{error}");
    assert!(
        other
            .error
            .as_ref()
            .is_some_and(pcaps_file::Error::is_not_a_capture)
    );
}

#[test]
fn nothing_in_a_file_is_no_error() {
    let (merged, packets) = merge(&[vec![], DNS[..24].to_vec(), DNS.to_vec()]);
    assert_eq!(packets.len(), 42);
    let remarks: Vec<_> = merged.files.iter().map(|it| it.remark.clone()).collect();
    assert_eq!(
        remarks,
        [Some(Remark::Empty), Some(Remark::NoPackets), None]
    );
    assert!(merged.files.iter().all(|it| !it.is_partial()));
    // But something must say what packets they would be.
    let nothing = Input::reader(&b""[..], "empty");
    let error = Merge::new()
        .run([nothing], Vec::new())
        .expect_err("nothing");
    assert!(error.is_not_a_capture(), "{error}");
    let other = Input::reader(&b"<html>"[..], "page");
    let error = Merge::new()
        .run([other], Vec::new())
        .expect_err("no capture");
    assert!(error.to_string().contains("`page`"), "{error}");
}

#[test]
fn what_is_out_of_order_is_put_in_order() {
    let files = [file(0, &[3, 1, 2, 9, 8]), file(1, &[1, 4])];
    let (merged, packets) = merge(&files);
    assert_eq!(packets, expected(&files));
    assert_eq!((merged.files[0].reordered, merged.files[0].late), (3, 0));
    assert_eq!((merged.files[1].reordered, merged.files[1].late), (0, 0));
}

/// Many buffers of each, with many packets at the same times, some files far busier than others, and packets that stand
/// a little behind later ones.
#[test]
fn long_files_of_all_rates() {
    let mut state = 1_u64;
    let mut below = |limit: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % limit
    };
    for count in [2_u8, 20, 150] {
        let files: Vec<Vec<u8>> = (0..count)
            .map(|number| {
                let pause = [1, 3, 40, 2_000][usize::from(number) % 4];
                let mut time = 1_000;
                let mut times = Vec::new();
                while time < 12_000 {
                    time += below(pause + 1);
                    times.push(time - below(3));
                }
                file(number, &times)
            })
            .collect();
        let (merged, packets) = merge(&files);
        assert!(packets == expected(&files), "of {count} files");
        assert!(merged.files.iter().all(|it| it.late == 0));
        assert!(merged.files.iter().any(|it| it.reordered > 100));
    }
}

#[test]
fn one_wrong_time_does_not_hold_up_a_file() {
    let many: Vec<u64> = (0..200_000).map(|it| it * 10).collect();
    let mut wrong = many.clone();
    wrong[10] = 4_000_000_000;
    wrong[100_000] = 0;
    let files = [file(0, &wrong), file(1, &many)];
    let (merged, packets) = merge(&files);
    assert_eq!(packets.len(), 400_000);
    // The packet from the past and the one from the future are out of order, and nothing else is.
    let steps = packets.windows(2).filter(|it| it[0].0 > it[1].0).count();
    assert!(steps <= 2, "{steps}");
    assert_eq!(merged.files[0].late, 2);
    let mut sorted = packets;
    sorted.sort();
    let mut expected = expected(&files);
    expected.sort();
    assert!(sorted == expected, "every packet is there");
}

#[test]
fn a_file_that_runs_backwards_is_kept_whole() {
    let backwards: Vec<u64> = (0..60_000).rev().collect();
    let (merged, packets) = merge(&[file(0, &backwards), file(1, &[5])]);
    assert_eq!(packets.len(), 60_001);
    assert!(merged.files[0].late > 0);
}

#[test]
fn duplicates_of_other_files_are_left_out() {
    let record = |time, len| [0, time, len, len];
    let files = [
        pcap(
            LITTLE,
            false,
            1,
            &[record(10, 5), record(11, 5), record(900, 5)],
            0,
        ),
        pcap(
            LITTLE,
            false,
            1,
            &[record(12, 5), record(13, 5), record(14, 5), record(15, 6)],
            0,
        ),
        pcap(LITTLE, false, 1, &[record(20, 5), record(2_000, 5)], 0),
    ];
    let dedup = Merge::new().dedup(Duration::from_micros(100));
    let (merged, output) = merge_by(&dedup, &files);
    let times: Vec<u64> = read_all(&*output).0.iter().map(|it| it.0 / 1_000).collect();
    // The third of the second file has no counterpart left in the first, and 900 and 2,000 are too far off.
    assert_eq!(times, [10, 11, 14, 15, 900, 2_000]);
    assert_eq!(merged.duplicates, 3);
    let counts: Vec<u64> = merged.files.iter().map(|it| it.duplicates).collect();
    assert_eq!(counts, [0, 2, 1]);
    assert!(!merged.dedup_is_short);
}

#[test]
fn the_window_of_duplicates_is_bounded_and_that_is_told() {
    let records: Vec<_> = (0..300_000).map(|it| [0, it % 7, 4, it]).collect();
    let one = pcap(LITTLE, false, 1, &records, 0);
    let dedup = Merge::new().dedup(Duration::from_secs(1));
    assert!(merge_by(&dedup, &[one]).0.dedup_is_short);
}

#[test]
fn what_the_format_cannot_hold_is_counted() {
    // Carried over, it is after the last second that a classic file has.
    let file = pcap(
        LITTLE,
        false,
        1,
        &[[1, 2, 3, 4], [u32::MAX, 1_000_000, 3, 4]],
        0,
    );
    let (merged, packets) = merge(&[file]);
    assert_eq!(packets.len(), 1);
    assert_eq!(merged.files[0].refused, 1);
    assert!(merged.files[0].is_partial());
}

/// Packed files beyond the fourth are unpacked to one temporary file: few of them, longer than their buffers, and so many that
/// two threads read from it.
#[test]
fn long_packed_files() {
    let folder = tempfile::tempdir().expect("a folder");
    for (count, packets) in [(7, 20_000), (200, 1_000)] {
        let files: Vec<_> = (0..count)
            .map(|at| {
                let times = (0..packets).map(|it| it * 200 + (at * 37 + it * 13) % 200);
                // The last ones are short: they must not be where others are.
                let times = times.take(if at + 2 >= count { 3 } else { usize::MAX });
                file(u8::try_from(at).expect("small"), &times.collect::<Vec<_>>())
            })
            .collect();
        let inputs = files.iter().enumerate().map(|(at, file)| {
            let path = folder.path().join(format!("{at:03}.pcap.gz"));
            let output = fs::File::create(&path).expect("space");
            let mut gzip = flate2::write::GzEncoder::new(output, flate2::Compression::fast());
            gzip.write_all(file).expect("space");
            gzip.finish().expect("space");
            Input::path(path)
        });
        let mut output = Vec::new();
        let merged = Merge::new().run(inputs, &mut output).expect("merged");
        assert!(merged.files.iter().all(|it| !it.is_partial()));
        let (packets, error) = read_all(&*output);
        assert!(error.is_none());
        assert!(packets == expected(&files), "{count} files");
    }
}

/// A packed pipe cannot be begun again, however many there are.
#[cfg(target_os = "linux")]
#[test]
fn packed_pipes() {
    use std::os::fd::AsRawFd as _;

    let files: Vec<_> = (0..7).map(|at| file(at, &[1, 2, 3])).collect();
    let pipes: Vec<_> = files
        .iter()
        .map(|file| {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(file).expect("memory");
            let (pipe, mut writer) = std::io::pipe().expect("a pipe");
            // Less than it holds.
            let packed = gzip.finish().expect("memory");
            writer.write_all(&packed).expect("room");
            pipe
        })
        .collect();
    let inputs = pipes
        .iter()
        .map(|it| Input::path(format!("/proc/self/fd/{}", it.as_raw_fd())));
    let mut output = Vec::new();
    let merged = Merge::new().run(inputs, &mut output).expect("merged");
    assert!(merged.files.iter().all(|it| it.packets == 3), "{merged:?}");
}

/// By its bytes, whatever its name; one that only begins alike is another file, and so are those without packets.
#[test]
fn a_copy_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let long: Vec<u64> = (0..5_000).collect();
    let one = file(0, &long);
    let mut other = one.clone();
    *other.last_mut().expect("bytes") ^= 1;
    let mut middle = one.clone();
    middle[one.len() / 2] ^= 1;
    let files = [
        ("one", &one[..]),
        ("other", &other),
        ("middle", &middle),
        ("short", &one[..one.len() - 1]),
        ("empty", b""),
        ("copy", &one),
        ("void", b""),
        ("header", &one[..24]),
        ("head", &one[..24]),
        ("third", &one),
    ];
    let path = |name: &str| folder.path().join(name);
    for (name, bytes) in files {
        fs::write(path(name), bytes).expect("space");
    }
    let inputs = || files.map(|(name, _)| Input::path(path(name)).called(name));
    let told = |merged: &Merged| {
        let copies = merged.files.iter().filter_map(|it| match &it.remark {
            Some(Remark::CopyOf(first)) => Some((it.name.clone(), first.clone(), it.packets)),
            _ => None,
        });
        copies.collect::<Vec<_>>()
    };
    let of = |packets| ["copy", "third"].map(|it| (it.to_owned(), "one".to_owned(), packets));
    let merged = Merge::new().run(inputs(), Vec::new()).expect("merged");
    assert_eq!(told(&merged), of(5_000));
    assert_eq!(merged.packets, 6 * 5_000 - 1);
    for remark in [Remark::Empty, Remark::NoPackets] {
        let files = merged.files.iter();
        assert_eq!(
            files
                .filter(|it| it.remark.as_ref() == Some(&remark))
                .count(),
            2
        );
    }
    let merge = Merge::new().dedup(Duration::ZERO);
    let merged = merge.run(inputs(), Vec::new()).expect("merged");
    assert_eq!(told(&merged), of(0));
}

/// The same file by two names is one file; more packed files than are unpacked at once; more files than may be open.
#[test]
fn files_on_the_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    let mut inputs = Vec::new();
    for at in 0..700_u64 {
        let path = path(&format!("{at}.pcap"));
        fs::write(&path, file(0, &[at, at + 1_000, at + 2_000])).expect("space");
        inputs.push(path);
    }
    for at in 0..10_u64 {
        let path = path(&format!("{at}.gz"));
        let packet = file(0, &[at, at * 3_000]);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&packet).expect("memory");
        let mut small = gzip.finish().expect("memory");
        if at == 9 {
            small.truncate(small.len() - 1);
        }
        fs::write(&path, small).expect("space");
        inputs.push(path);
    }
    inputs.push(folder.path().join(".").join("3.pcap"));
    if cfg!(unix) {
        fs::hard_link(&inputs[3], path("again.pcap")).expect("a link");
        inputs.push(path("again.pcap"));
    }

    let target = path("all.pcap");
    let output = NewFile::create(&target).expect("a file");
    let merged = Merge::new().run(inputs.iter().map(Input::path), output.open().expect("open"));
    let merged = merged.expect("merged");
    assert!(!target.exists(), "not before it is whole");
    output.put_in_place().expect("in place");
    let (packets, error) = read_all(fs::File::open(&target).expect("there"));
    assert!(error.is_none());
    assert_eq!(packets.len(), 700 * 3 + 10 * 2);
    assert!(packets.is_sorted_by_key(|it| it.0));
    for again in merged.files.iter().skip(710) {
        let first = inputs[3].display().to_string();
        assert_eq!(again.remark, Some(Remark::SameAs(first)));
    }
    let errors: Vec<_> = merged
        .files
        .iter()
        .filter_map(|it| it.error.as_ref())
        .collect();
    assert_eq!(errors.len(), 1);
    assert!(
        errors[0].is_truncated() && errors[0].to_string().contains("9.gz"),
        "{}",
        errors[0]
    );

    let missing = Merge::new().run([Input::path(path("missing"))], Vec::new());
    assert_eq!(missing.expect_err("missing").kind(), ErrorKind::Io);
    let a_folder = Merge::new().run([Input::path(folder.path())], Vec::new());
    assert_eq!(a_folder.expect_err("a folder").kind(), ErrorKind::Io);
}

#[test]
fn a_new_file_that_is_given_up_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.pcap");
    fs::write(&path, "before").expect("space");
    drop(NewFile::create(&path).expect("a file"));
    NewFile::check(&path).expect("a file");
    assert_eq!(fs::read(&path).expect("there"), b"before");
    assert_eq!(fs::read_dir(folder.path()).expect("there").count(), 1);
    let refused = NewFile::create(folder.path()).expect_err("a folder");
    assert!(refused.is_io());
    let same = NewFile::check(folder.path()).expect_err("a folder");
    assert_eq!(same.to_string(), refused.to_string());
}

fn packets() -> impl Strategy<Value = Vec<Owned>> {
    let time = prop_oneof![0..2_000_000_000_u64, 0..50_u64];
    let link = prop_oneof![Just(1_u16), Just(101)];
    vec((time, link, any::<u32>(), vec(any::<u8>(), 0..200)), 0..60)
}

fn view(it: &Owned) -> Packet<'_> {
    Packet {
        timestamp: Timestamp::from_nanos(it.0),
        link_type: LinkType(it.1),
        original_len: it.2.max(u32::try_from(it.3.len()).expect("short")),
        bytes: &it.3,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(packets in packets(), nanoseconds in any::<bool>()) {
        let mut pcapng = PcapNgWriter::new(Vec::new()).expect("memory");
        let options = |link_type| WriterOptions { nanoseconds, ..WriterOptions::new(link_type) };
        let ids = [LinkType(1), LinkType(101)].map(|it| pcapng.add_interface(options(it)).expect("memory"));
        let mut classic = Writer::new(Vec::new(), options(LinkType(1))).expect("memory");
        let mut expected = Vec::new();
        for it in &packets {
            let mut packet = view(it);
            if !nanoseconds {
                packet.timestamp = Timestamp::from_nanos(it.0 / 1_000 * 1_000);
            }
            pcapng.write(ids[usize::from(it.1 != 1)], &packet).expect("fits");
            expected.push(owned(&packet));
            if it.1 == 1 {
                classic.write(&packet).expect("fits");
            }
        }
        let (found, error) = read_all(&*pcapng.finish().expect("memory"));
        prop_assert!(error.is_none());
        prop_assert_eq!(&found, &expected);
        expected.retain(|it| it.1 == 1);
        let (found, error) = read_all(&*classic.finish().expect("memory"));
        prop_assert!(error.is_none());
        prop_assert_eq!(&found, &expected);
    }

    /// Dealt to several files, of both formats, and merged, the packets are what they were.
    #[test]
    fn a_merge_of_a_split_is_the_whole(mut packets in packets(), deal in vec(0..4_usize, 60), of_one_link in any::<bool>()) {
        packets.sort_by_key(|it| it.0);
        let nanos = |link| WriterOptions { nanoseconds: true, ..WriterOptions::new(LinkType(link)) };
        let mut classic = [0; 4].map(|_| Writer::new(Vec::new(), nanos(1)).expect("memory"));
        let mut pcapng = [0; 4].map(|_| PcapNgWriter::new(Vec::new()).expect("memory"));
        let mut expected = Vec::new();
        for (it, &to) in packets.iter_mut().zip(&deal) {
            if of_one_link {
                it.1 = 1;
                classic[to].write(&view(it)).expect("fits");
            } else {
                let id = pcapng[to].add_interface(nanos(it.1)).expect("memory");
                pcapng[to].write(id, &view(it)).expect("fits");
            }
            // Of equal times, the file decides.
            expected.push((it.0, to, owned(&view(it))));
        }
        expected.sort_by_key(|it| (it.0, it.1));
        let expected: Vec<Owned> = expected.into_iter().map(|it| it.2).collect();
        let files: Vec<Vec<u8>> = if of_one_link {
            classic.into_iter().map(|it| it.finish().expect("memory")).collect()
        } else {
            pcapng.into_iter().map(|it| it.finish().expect("memory")).collect()
        };
        prop_assert_eq!(merge(&files).1, expected);
    }
}
