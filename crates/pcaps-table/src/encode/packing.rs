//! Parquet's encodings of whole numbers: runs and packed bits, and packed differences.
//!
//! The format: <https://parquet.apache.org/docs/file-format/data-pages/encodings/>.

/// How many equal values make a run worth while: packed bits come in eights.
const RUN: usize = 8;

/// How many differences have their least in common, and how many of those their width.
const BLOCK: usize = 128;
const MINIBLOCK: usize = 32;

/// How many bits each number gets where this is the largest: as many as divide a byte, or whole bytes. Equal numbers are
/// equal bytes then, of which zstd makes more than packing gains: files are a twelfth smaller. There is one bit at least,
/// because not every reader takes none.
pub(super) fn width(largest: u32) -> u8 {
    match 32 - largest.leading_zeros() {
        0 | 1 => 1,
        2 => 2,
        3 | 4 => 4,
        5..=8 => 8,
        9..=16 => 16,
        17..=24 => 24,
        _ => 32,
    }
}

/// Numbers of `width` bits, as runs of equal ones and packed bits: `RLE`.
pub(super) fn hybrid(values: &[u32], width: u8, to: &mut Vec<u8>) {
    let mut rest = values;
    // How many of the rest are to be packed, because no run begins before.
    let mut packed = 0;
    while let Some(eight) = rest.get(packed..).and_then(<[u32]>::first_chunk::<RUN>) {
        if !all_are(eight[0], eight) {
            packed += RUN;
            continue;
        }
        let (before, from_run) = rest.split_at(packed);
        let run = run(from_run);
        pack(before, width, to);
        equal(eight[0], run, width, to);
        rest = &from_run[run..];
        packed = 0;
    }
    pack(rest, width, to);
}

/// Without a jump for each, as there are many.
fn all_are(value: u32, values: &[u32; RUN]) -> bool {
    values.iter().fold(0, |odd, it| odd | (it ^ value)) == 0
}

/// How many values are equal to the first.
fn run(values: &[u32]) -> usize {
    let Some(first) = values.first() else {
        return 0;
    };
    let (eights, _) = values.as_chunks();
    let whole = eights.iter().take_while(|it| all_are(*first, it)).count() * RUN;
    let rest = values.iter().skip(whole);
    whole + rest.take_while(|it| *it == first).count()
}

/// A run of one number.
pub(super) fn equal(value: u32, count: usize, width: u8, to: &mut Vec<u8>) {
    varint((count as u64) << 1, to);
    let bytes = usize::from(width.div_ceil(8));
    to.extend_from_slice(&value.to_le_bytes()[..bytes]);
}

fn pack(values: &[u32], width: u8, to: &mut Vec<u8>) {
    if values.is_empty() {
        return;
    }
    let eights = values.len().div_ceil(RUN);
    varint((eights as u64) << 1 | 1, to);
    let end = to.len() + eights * usize::from(width);
    let (mut bits, mut count) = (0_u64, 0);
    for value in values {
        bits |= u64::from(*value) << count;
        count += width;
        if count >= 32 {
            to.extend_from_slice(&bits.to_le_bytes()[..4]);
            bits >>= 32;
            count -= 32;
        }
    }
    to.extend_from_slice(&bits.to_le_bytes());
    // What the last eight lack is 0.
    to.resize(end, 0);
}

/// Numbers by their differences: `DELTA_BINARY_PACKED`.
pub(super) fn differences(values: &[i64], to: &mut Vec<u8>) {
    varint(BLOCK as u64, to);
    varint((BLOCK / MINIBLOCK) as u64, to);
    varint(values.len() as u64, to);
    zigzag(values.first().copied().unwrap_or_default(), to);
    let mut room = [0; BLOCK];
    let mut before = values.first().copied().unwrap_or_default();
    for block in values.get(1..).unwrap_or_default().chunks(BLOCK) {
        let differences = &mut room[..block.len()];
        for (it, value) in differences.iter_mut().zip(block) {
            *it = value.wrapping_sub(before);
            before = *value;
        }
        let base = differences.iter().copied().min().unwrap_or_default();
        zigzag(base, to);
        let above = |it: &i64| it.wrapping_sub(base).cast_unsigned();
        let widths = to.len();
        to.extend([0; BLOCK / MINIBLOCK]);
        for (place, miniblock) in differences.chunks(MINIBLOCK).enumerate() {
            let all = miniblock.iter().fold(0, |all, it| all | above(it));
            let width = 64 - all.leading_zeros();
            // At most 64.
            to[widths + place] = u8::try_from(width).unwrap_or(64);
            let end = to.len() + MINIBLOCK / 8 * width as usize;
            let (mut bits, mut count) = (0_u128, 0);
            for it in miniblock {
                bits |= u128::from(above(it)) << count;
                count += width;
                if count >= 64 {
                    to.extend_from_slice(&bits.to_le_bytes()[..8]);
                    bits >>= 64;
                    count -= 64;
                }
            }
            to.extend_from_slice(&bits.to_le_bytes());
            to.resize(end, 0);
        }
    }
}

fn varint(mut value: u64, to: &mut Vec<u8>) {
    while value > 0x7f {
        to.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    to.push(value.to_le_bytes()[0]);
}

fn zigzag(value: i64, to: &mut Vec<u8>) {
    varint(((value << 1) ^ (value >> 63)).cast_unsigned(), to);
}

#[cfg(test)]
mod tests {
    use std::iter::repeat_n;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_standards_examples() {
        let mut packed = Vec::new();
        hybrid(&[0, 1, 2, 3, 4, 5, 6, 7], 3, &mut packed);
        assert_eq!(packed, [3, 0b1000_1000, 0b1100_0110, 0b1111_1010]);
        let mut run = Vec::new();
        hybrid(&[7; 100], 3, &mut run);
        assert_eq!(run, [200, 1, 7]);
    }

    #[test]
    fn a_run_lends_to_what_stands_before_it() {
        let mut packed = Vec::new();
        hybrid(&[[1; 3].as_slice(), &[0; 20]].concat(), 1, &mut packed);
        assert_eq!(packed, [3, 0b0000_0111, 30, 0]);
        // Too short then to be one.
        packed.clear();
        hybrid(&[[1; 3].as_slice(), &[0; 10]].concat(), 1, &mut packed);
        assert_eq!(packed, [5, 0b0000_0111, 0]);
    }

    /// The same, told another way: every run of equal numbers is looked at, whatever it begins at.
    fn by_runs(values: &[u32], width: u8, to: &mut Vec<u8>) {
        let (mut done, mut at) = (0_usize, 0_usize);
        for run in values.chunk_by(|one, other| one == other) {
            // What is packed before the run takes of it what fills its last eight.
            let filler = (at - done).next_multiple_of(RUN) - (at - done);
            let rest = run.len().saturating_sub(filler);
            if rest >= RUN {
                pack(&values[done..at + filler], width, to);
                equal(run[0], rest, width, to);
                done = at + run.len();
            }
            at += run.len();
        }
        pack(&values[done..], width, to);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn runs_of_all_lengths_at_all_places(runs in prop::collection::vec((0..4_u32, 0..36_usize), 0..6)) {
            let runs = runs.into_iter();
            let values: Vec<u32> = runs.flat_map(|(value, len)| repeat_n(value, len)).collect();
            let (mut found, mut expected) = (Vec::new(), Vec::new());
            hybrid(&values, 2, &mut found);
            by_runs(&values, 2, &mut expected);
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn differences_of_the_standard() {
        let mut packed = Vec::new();
        differences(&[1, 2, 3, 4, 5], &mut packed);
        assert_eq!(packed, [128, 1, 4, 5, 2, 2, 0, 0, 0, 0]);
    }
}
