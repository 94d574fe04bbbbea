//! Files to be merged.

use std::{
    fs::{self, File},
    io::{BufWriter, Read as _, Write as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

/// The lengths of packets in a sample, in turn, and what they are on the wire.
const LENGTHS: [(u32, u32); 6] = [
    (60, 60),
    (90, 90),
    (110, 110),
    (120, 120),
    (160, 590),
    (160, 1_400),
];

/// So many packets in so many classic files, as several machines would write them at the same time: packets of one
/// file are some milliseconds apart, and those of all files are mixed.
pub(super) fn write(folder: &Path, packets: usize, files: usize) -> Result<()> {
    fs::create_dir_all(folder)?;
    let mut numbers = 1_u64;
    let mut below = |limit: u64| {
        numbers = numbers
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (numbers >> 33) % limit
    };
    // On average one packet in ten microseconds, of all files together.
    let step = 20 * files as u64;
    let body = [0x45; 160];
    for at in 0..files {
        let path = folder.join(format!("{at:04}.pcap"));
        let file =
            File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        let mut file = BufWriter::with_capacity(1 << 20, file);
        let mut header = Vec::new();
        for value in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 160, 101] {
            header.extend(value.to_le_bytes());
        }
        file.write_all(&header)?;
        let mut micros = 1_767_323_045_000_000 + below(step);
        for number in 0..packets / files {
            micros += below(step);
            let (len, on_wire) = LENGTHS[number % LENGTHS.len()];
            let mut record = [0; 16];
            let fields = [
                u32::try_from(micros / 1_000_000)?,
                u32::try_from(micros % 1_000_000)?,
                len,
                on_wire,
            ];
            for (room, field) in record.chunks_exact_mut(4).zip(fields) {
                room.copy_from_slice(&field.to_le_bytes());
            }
            file.write_all(&record)?;
            file.write_all(&body[..len as usize])?;
        }
        file.flush()?;
    }
    Ok(())
}

/// The classic files of Ethernet in a folder and below it, those that `mergecap` can make one such file of.
pub(in crate::bench) fn found(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let entries = fs::read_dir(folder);
    for entry in entries.with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(self::found(&path)?);
        } else if is_ethernet(&path)? {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Whether it begins as a little-endian file of Ethernet with microseconds.
fn is_ethernet(path: &Path) -> Result<bool> {
    let mut header = Vec::new();
    File::open(path)?.take(24).read_to_end(&mut header)?;
    Ok(header.starts_with(&[0xd4, 0xc3, 0xb2, 0xa1]) && header.ends_with(&[1, 0, 0, 0]))
}
