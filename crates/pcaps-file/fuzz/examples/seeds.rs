//! Writes what fuzzing begins with, a folder for each target.
//!
//! `cargo run --example seeds -- seeds` writes the seeds that are checked in: a few of everything.
//! `cargo run --example seeds -- OUTPUT CAPTURES` writes the capture files below the folder `CAPTURES`, and packets of
//! them.

#[expect(dead_code, reason = "the tests' own; here it is a part")]
#[path = "../../tests/common/mod.rs"]
mod common;
#[expect(dead_code, reason = "the tests' own; here it is a part")]
#[path = "../../tests/common/expressions.rs"]
mod expressions;
#[expect(dead_code, reason = "the tests' own; here it is a part")]
#[path = "../../tests/common/packets.rs"]
mod packets;

use std::collections::HashSet;
use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use common::{DNS, SECTIONS_BE, block, interface, packet, pcap, section};
use flate2::{Compression, write::GzEncoder};
use pcaps_file::Reader;
use pcaps_fuzz::{LINK_TYPES, SEPARATOR};

type Outcome = Result<(), Box<dyn Error>>;

/// Magic number, byte order, and what a record header has beyond 16 bytes.
const MAGICS: [(&str, [u8; 4], bool, usize); 6] = [
    ("micros-le", [0xd4, 0xc3, 0xb2, 0xa1], false, 0),
    ("micros-be", [0xa1, 0xb2, 0xc3, 0xd4], true, 0),
    ("nanos-le", [0x4d, 0x3c, 0xb2, 0xa1], false, 0),
    ("nanos-be", [0xa1, 0xb2, 0x3c, 0x4d], true, 0),
    ("modified-le", [0x34, 0xcd, 0xb2, 0xa1], false, 8),
    ("modified-be", [0xa1, 0xb2, 0xcd, 0x34], true, 8),
];

/// Seconds, fraction, length, length on the wire.
const RECORDS: [[u32; 4]; 4] = [
    [1_700_000_000, 999_999, 5, 60],
    [1_700_000_000, 3_000_000_000, 0, 0],
    [u32::MAX, 0, 40, 20],
    [0, 1, 1, u32::MAX],
];

fn main() -> Outcome {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let output = arguments.next().ok_or("which folder?")?;
    match arguments.next() {
        None => own(&output),
        Some(captures) => of_others(&output, &captures),
    }
}

fn put(output: &Path, target: &str, name: &str, bytes: &[u8]) -> Outcome {
    let folder = output.join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), bytes)?;
    Ok(())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 19).expect("memory")
}

fn own(output: &Path) -> Outcome {
    for (name, file) in classic() {
        put(output, "classic", &name, &file)?;
    }
    for (name, file) in pcapng() {
        put(output, "pcapng", &name, &file)?;
    }
    for (name, file) in packed() {
        put(output, "packed", &name, &file)?;
    }
    for (number, expression) in expressions::LIST.iter().enumerate() {
        put(
            output,
            "filter",
            &format!("{number:03}"),
            expression.as_bytes(),
        )?;
    }
    for (number, frame) in packets::ethernet().iter().enumerate() {
        // The frame, and what it carries as raw IP.
        for (what, bytes) in [("frame", &frame[..]), ("payload", &frame[14..])] {
            put(
                output,
                "packets",
                &format!("{what}-{number:02}"),
                &one_packet(1_700_000_000_000_000_000, 0, bytes),
            )?;
        }
    }
    put(
        output,
        "packets",
        "empty",
        &one_packet(u64::MAX, u16::MAX, &[]),
    )?;
    for (name, how, files) in merges() {
        put(
            output,
            "merge",
            name,
            &[&[how][..], &files.join(SEPARATOR)].concat(),
        )?;
    }
    Ok(())
}

/// As the target `packets` takes it.
fn one_packet(time: u64, more: u16, bytes: &[u8]) -> Vec<u8> {
    [&time.to_le_bytes()[..], &more.to_le_bytes(), bytes].concat()
}

fn classic() -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for (name, magic, big_endian, more) in MAGICS {
        let file = pcap(magic, big_endian, 1, &RECORDS, more);
        files.push((format!("{name}-header"), file[..24].to_vec()));
        files.push((format!("{name}-cut"), file[..60].to_vec()));
        files.push((name.to_owned(), file));
    }
    let mut named = |name: &str, file: &[u8]| files.push((name.to_owned(), file.to_vec()));
    named("empty", &[]);
    named("short", &DNS[..3]);
    named("dns", &DNS[..1_500]);
    let absurd = pcap(MAGICS[0].1, false, 1, &[], 0);
    named("absurd", &[&absurd[..], &[0xff; 16]].concat());
    let mut old = absurd;
    old[6] = 3;
    named("old", &old);
    files
}

fn pcapng() -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for (order, big_endian) in [("le", false), ("be", true)] {
        let number = |n: u16| {
            if big_endian {
                n.to_be_bytes()
            } else {
                n.to_le_bytes()
            }
        };
        let option = |code: u16, value: &[u8]| {
            let len = u16::try_from(value.len()).expect("short");
            let mut bytes = [&number(code)[..], &number(len), value].concat();
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            bytes
        };
        let offset = if big_endian {
            5_i64.to_be_bytes()
        } else {
            5_i64.to_le_bytes()
        };
        let len = if big_endian {
            [0, 0, 0, 9]
        } else {
            [9, 0, 0, 0]
        };
        let mut obsolete = [number(0), number(7)].concat();
        obsolete.extend([0; 8]);
        obsolete.extend([len, len].concat());
        obsolete.extend([5; 9]);
        let resolutions = [
            vec![],
            option(9, &[9]),
            option(9, &[0x8a]),
            [option(9, &[6]), option(14, &offset)].concat(),
        ];
        let mut file = section(big_endian);
        let header = file.clone();
        for (id, options) in resolutions.iter().enumerate() {
            file.extend(interface(big_endian, [1, 101, 113, 276][id], 96, options));
        }
        let described = file.clone();
        for id in 0..4 {
            file.extend(packet(
                big_endian,
                id,
                0x0006_0a24_181e_4000,
                60,
                &[0x45; 21],
            ));
        }
        file.extend(block(big_endian, 3, &[&len[..], &[6; 9]].concat()));
        file.extend(block(big_endian, 2, &obsolete));
        file.extend(block(big_endian, 5, &[0; 12]));
        file.extend(block(big_endian, 0xbad, &[1; 30]));
        // Another section, in the other order.
        let two = [
            &file[..],
            &section(!big_endian),
            &interface(!big_endian, 1, 0, &[]),
            &packet(!big_endian, 0, 1, 1, &[1]),
        ]
        .concat();
        let undescribed = [&header[..], &packet(big_endian, 0, 1, 1, &[1])].concat();
        let comment = [
            &described[..],
            &block(
                big_endian,
                6,
                &[
                    &[0; 12][..],
                    &len,
                    &len,
                    &[5; 9],
                    &[0; 3],
                    &option(1, b"hi"),
                    &[0; 4],
                ]
                .concat(),
            ),
        ]
        .concat();
        for (name, file) in [
            ("header", header),
            ("interfaces", described),
            ("cut", file[..file.len() - 5].to_vec()),
            ("all", file),
            ("sections", two),
            ("undescribed", undescribed),
            ("options", comment),
        ] {
            files.push((format!("{name}-{order}"), file));
        }
    }
    files.push(("real".to_owned(), SECTIONS_BE.to_vec()));
    files
}

/// Packed files as they are, and files for the target to pack.
fn packed() -> Vec<(String, Vec<u8>)> {
    let small = pcap(MAGICS[0].1, false, 1, &RECORDS, 0);
    let blocks = &SECTIONS_BE[..600];
    // Longer than any buffer.
    let long = pcap(
        MAGICS[0].1,
        false,
        1,
        &[[1, 2, 200_000, 200_000], [2, 3, 5, 5]],
        0,
    );
    let parts =
        |pack: fn(&[u8]) -> Vec<u8>| [pack(&[]), pack(&small[..50]), pack(&small[50..])].concat();
    let mut named_gzip = vec![0x1f, 0x8b, 8, 0x1c, 0, 0, 0, 0, 0, 3, 2, 0, 9, 9];
    named_gzip.extend(b"name\0comment\0");
    named_gzip.extend(&gzip(&small)[10..]);
    let skippable = [
        &[0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 7, 7, 7][..],
        &zstd(&small),
    ]
    .concat();
    let mut files = vec![
        ("gzip".to_owned(), gzip(&small)),
        ("gzip-parts".to_owned(), parts(gzip)),
        ("gzip-long".to_owned(), gzip(&long)),
        ("gzip-names".to_owned(), named_gzip),
        ("gzip-pcapng".to_owned(), gzip(blocks)),
        ("gzip-twice".to_owned(), gzip(&gzip(&small))),
        (
            "gzip-more".to_owned(),
            [gzip(&small), b"more".to_vec()].concat(),
        ),
        ("zstd".to_owned(), zstd(&small)),
        ("zstd-parts".to_owned(), parts(zstd)),
        ("zstd-long".to_owned(), zstd(&long)),
        ("zstd-skippable".to_owned(), skippable),
        ("zstd-pcapng".to_owned(), zstd(blocks)),
        (
            "zstd-window".to_owned(),
            vec![0x28, 0xb5, 0x2f, 0xfd, 0, 0xa8, 1, 0, 0],
        ),
    ];
    for how in 0..8 {
        for (change, file) in [(0, &small[..]), (0x5a, blocks)] {
            let bytes = [&[how, 60, 0, 70, 0, change], file].concat();
            files.push((format!("how-{how}-{change}"), bytes));
        }
    }
    files
}

fn merges() -> Vec<(&'static str, u8, Vec<Vec<u8>>)> {
    let of = |magic: usize, link_type, times: &[u32]| {
        let (_, magic, big_endian, more) = MAGICS[magic];
        let records: Vec<_> = times.iter().map(|&time| [time, 7, 6, 60]).collect();
        pcap(magic, big_endian, link_type, &records, more)
    };
    let one = || of(0, 1, &[1, 5, 5, 9]);
    vec![
        ("one", 0, vec![one()]),
        ("empty", 0, vec![vec![], one(), vec![]]),
        ("nothing", 0, vec![vec![], vec![]]),
        ("alike", 0, vec![one(), of(1, 1, &[2, 5]), one()]),
        ("link-types", 0, vec![one(), of(0, 101, &[3, 4])]),
        (
            "resolutions",
            0,
            vec![of(2, 1, &[3]), one(), of(5, 1, &[3, 3])],
        ),
        ("disordered", 0, vec![of(0, 1, &[9, 1, 5, 2, 8]), one()]),
        ("torn", 0, vec![one()[..70].to_vec(), one()]),
        ("damaged", 0, vec![[one(), vec![0xff; 20]].concat(), one()]),
        ("no-capture", 0, vec![b"<html>".to_vec(), one()]),
        ("pcapng", 0, vec![SECTIONS_BE[..700].to_vec(), one()]),
        (
            "packed",
            0,
            vec![gzip(&one()), zstd(&one()), gzip(&one()[..60])],
        ),
        (
            "times",
            0,
            vec![of(0, 1, &[u32::MAX, 0]), pcapng().swap_remove(3).1],
        ),
        ("dedup", 128 + 30, vec![one(), one(), of(1, 1, &[5])]),
        (
            "dedup-far",
            255,
            vec![one(), SECTIONS_BE[..700].to_vec(), one()],
        ),
    ]
}

/// Captures below a folder: whole ones for the readers, in pairs for merges, and some packets of each.
fn of_others(output: &Path, captures: &Path) -> Outcome {
    let mut folders = vec![captures.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.is_file() {
                files.push(path);
            }
        }
    }
    files.sort();
    let mut before = Vec::new();
    let mut known = HashSet::new();
    for (number, path) in files.iter().enumerate() {
        let mut file = fs::read(path)?;
        let Ok(mut reader) = Reader::new(&*file, "a capture") else {
            continue;
        };
        let name = format!("{number:05}");
        for _ in 0..20 {
            let Ok(Some(packet)) = reader.next_packet() else {
                break;
            };
            // One of each sort is enough, as far as its beginning tells.
            let begins = packet.bytes.iter().skip(12).take(30).step_by(2).copied();
            if LINK_TYPES.contains(&packet.link_type)
                && known.insert((packet.bytes.len() / 64, begins.collect::<Vec<_>>()))
            {
                let bytes = &packet.bytes[..packet.bytes.len().min(1_500)];
                let sort = known.len();
                put(
                    output,
                    "packets",
                    &format!("{name}-{sort}"),
                    &one_packet(packet.timestamp.as_nanos(), 0, bytes),
                )?;
            }
        }
        // The beginning of a long one does.
        file.truncate(20_000);
        let target = match file[..] {
            [0x0a, 0x0d, 0x0d, 0x0a, ..] => "pcapng",
            [0x1f, 0x8b, ..] | [0x28, 0xb5, ..] => "packed",
            _ => "classic",
        };
        put(output, target, &name, &file)?;
        if file.len() < 2_000 {
            let how = u8::try_from(number % 8)?;
            put(
                output,
                "packed",
                &format!("{name}-{how}"),
                &[&[how, 99, 0, 200, 0, 0], &file[..]].concat(),
            )?;
        }
        if file.len() + before.len() < 20_000 {
            put(
                output,
                "merge",
                &name,
                &[&[0], &before[..], SEPARATOR, &file].concat(),
            )?;
        }
        before = file;
    }
    Ok(())
}
