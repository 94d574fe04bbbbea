//! Files that end too soon.

#[expect(dead_code, reason = "each test file uses its part")]
mod common;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use common::{Owned, owned, read_all};
use flate2::{Compression, write::GzEncoder};
use pcaps_file::Reader;

/// How much of each file is cut at every byte.
const CUT_BELOW: usize = 4_096;

/// All files below the folders.
fn files(mut folders: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder);
        for entry in entries.unwrap_or_else(|it| panic!("{}: {it}", folder.display())) {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.is_file() {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// Where the packets of a file end, by lengths alone; `None` of a packed file. No further than it makes sense.
fn ends(file: &[u8]) -> Option<Vec<usize>> {
    let magic: [u8; 4] = *file.first_chunk()?;
    let mut big_endian = matches!(magic, [0xa1, 0xb2, ..]);
    let number = |at: usize, big_endian| {
        let &four = file.get(at..)?.first_chunk()?;
        let number = if big_endian {
            u32::from_be_bytes(four)
        } else {
            u32::from_le_bytes(four)
        };
        usize::try_from(number).ok()
    };
    let mut ends = Vec::new();
    match magic {
        [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => {
            return None;
        }
        [0x0a, 0x0d, 0x0d, 0x0a] => {
            let mut at = 0;
            while let Some(section) = file.get(at..at + 12) {
                if section.starts_with(&magic) {
                    big_endian = section.ends_with(&[0x1a, 0x2b, 0x3c, 0x4d]);
                }
                let kind = number(at, big_endian);
                let len = number(at + 4, big_endian).filter(|len| *len >= 12);
                let Some(end) = len.map(|len| at + len).filter(|end| *end <= file.len()) else {
                    break;
                };
                if matches!(kind, Some(2 | 3 | 6)) {
                    ends.push(end);
                }
                at = end;
            }
        }
        _ => {
            let more = match magic {
                [0x34, 0xcd, ..] | [.., 0xcd, 0x34] => 8,
                _ => 0,
            };
            let mut at = 24;
            while let Some(len) = number(at + 8, big_endian) {
                at += 16 + more + len;
                if at > file.len() {
                    break;
                }
                ends.push(at);
            }
        }
    }
    Some(ends)
}

/// How many of the packets come out of `file`, and no others.
fn count(file: &[u8], all: &[Owned], place: &str) -> usize {
    let Ok(mut reader) = Reader::new(file, "cut") else {
        return 0;
    };
    let mut count = 0;
    while let Ok(Some(packet)) = reader.next_packet() {
        let expected = all
            .get(count)
            .unwrap_or_else(|| panic!("{place}: one more"));
        assert_eq!(owned(&packet), *expected, "{place}: packet {count}");
        count += 1;
    }
    count
}

/// Packs the beginning of a file: what comes out wherever that is cut is what the file begins with, and ever more of
/// it. Says at how many places it was cut.
fn cut_packed(file: &[u8], place: &str) -> usize {
    let file = &file[..file.len().min(8 * CUT_BELOW)];
    let (all, _) = read_all(file);
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(file).expect("memory");
    let gzip = gzip.finish().expect("memory");
    let zstd = zstd::encode_all(file, 1).expect("memory");
    let mut cuts = 0;
    for (how, packed) in [("gzip", gzip), ("zstd", zstd)] {
        let mut before = 0;
        for cut in 0..packed.len().min(CUT_BELOW) {
            let place = format!("{place} in {how} cut at {cut}");
            let found = count(&packed[..cut], &all, &place);
            assert!(found >= before, "{place}");
            before = found;
            cuts += 1;
        }
        assert_eq!(count(&packed, &all, place), all.len(), "{place} in {how}");
    }
    cuts
}

/// Of our own files, and of those below the folder that `PCAPS_CAPTURES` names, if it does.
#[test]
fn every_real_file_cut_below_4_kib() {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let more = std::env::var_os("PCAPS_CAPTURES").map(PathBuf::from);
    let (mut seen, mut cuts, mut packed) = (0, 0, 0);
    for path in files([Some(own), more].into_iter().flatten().collect()) {
        let bytes = fs::read(&path).expect("there");
        if Reader::new(&*bytes, "whole").is_err_and(|it| it.is_not_a_capture()) {
            // Text, for example; its beginnings are none either.
            continue;
        }
        let (all, _) = read_all(&*bytes);
        let ends = ends(&bytes);
        let mut before = 0;
        for cut in 0..bytes.len().min(CUT_BELOW) {
            let place = format!("{} cut at {cut}", path.display());
            let found = count(&bytes[..cut], &all, &place);
            match &ends {
                // What is whole, unless the file is damaged before.
                Some(ends) => {
                    let whole = ends.partition_point(|end| *end <= cut);
                    assert_eq!(found, whole.min(all.len()), "{place}");
                }
                None => assert!(found >= before, "{place}"),
            }
            before = found;
            cuts += 1;
        }
        if ends.is_some() {
            packed += cut_packed(&bytes, &path.display().to_string());
        }
        seen += 1;
    }
    println!(
        "{seen} files cut at {cuts} places, and packed at {packed}: all whole packets came out"
    );
    assert!(seen >= 2);
}
