//! A merge gives the packets of its inputs.

use std::io::Cursor;
use std::time::Duration;

use pcaps_file::merge::{Input, Merge};

use crate::files::{Failure, Given, read};

/// What stands between two files.
pub const SEPARATOR: &[u8] = b"FUZZ";
/// More are left away.
const MOST: usize = 16;

/// The first byte says whether packets are to be left out that were seen before, and within what time; the rest is
/// files, with a [`SEPARATOR`] between each and the next. Whatever they are: the report is true, no packet is lost, and
/// they are in order if the report says so.
pub fn merge(bytes: &[u8]) {
    let Some((&how, rest)) = bytes.split_first() else {
        return;
    };
    let files = split(rest);
    let given: Vec<Given> = files
        .iter()
        .enumerate()
        .map(|(at, file)| read(file, &name(at)))
        .collect();
    let merge = match how {
        0..128 => Merge::new(),
        _ => Merge::new().dedup(Duration::from_nanos(1 << (how % 64))),
    };
    let inputs = files
        .iter()
        .enumerate()
        .map(|(at, file)| Input::reader(Cursor::new(file.to_vec()), name(at)));
    let mut output = Vec::new();
    let merged = match merge.run(inputs, &mut output) {
        Ok(merged) => merged,
        Err(error) => {
            assert!(!error.is_io(), "{error}");
            assert!(given.iter().all(|it| it.header.is_none()), "{error}");
            return;
        }
    };
    assert_eq!(merged.files.len(), files.len());
    for (file, given) in merged.files.iter().zip(&given) {
        let packets = file.packets + file.duplicates + file.refused;
        assert_eq!(packets, given.packets.len() as u64, "{file:?}");
    }
    let sum = |what: fn(&pcaps_file::merge::MergedFile) -> u64| {
        merged.files.iter().map(what).sum::<u64>()
    };
    assert_eq!(merged.packets, sum(|it| it.packets));
    assert_eq!(merged.duplicates, sum(|it| it.duplicates));

    let written = read(&output, "the output");
    assert_eq!(written.failure, None);
    assert_eq!(written.packets.len() as u64, merged.packets);
    assert_eq!(written.header.map(|it| it.format), Some(merged.format));
    let times = || written.packets.iter().map(|it| it.0);
    assert_eq!(merged.first_time, times().min());
    assert_eq!(merged.last_time, times().max());

    if merged.duplicates + sum(|it| it.refused) == 0 {
        let mut expected: Vec<_> = given.iter().flat_map(|it| it.packets.clone()).collect();
        let mut packets = written.packets;
        if sum(|it| it.late) == 0 {
            // The order is (time, file, position).
            expected.sort_by_key(|it| it.0);
        } else {
            expected.sort();
            packets.sort();
        }
        assert!(
            packets == expected,
            "{merged:?}: {packets:?}, expected {expected:?}"
        );
    }
    for (file, given) in merged.files.into_iter().zip(given) {
        // An empty file is no failure.
        if file.remark.is_none() {
            assert_eq!(file.error.map(Failure::from), given.failure);
        }
    }
}

fn name(at: usize) -> String {
    format!("file {at}")
}

fn split(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut files = Vec::new();
    while files.len() < MOST - 1
        && let Some(at) = bytes
            .windows(SEPARATOR.len())
            .position(|it| it == SEPARATOR)
    {
        files.push(&bytes[..at]);
        bytes = &bytes[at + SEPARATOR.len()..];
    }
    files.push(bytes);
    files
}
