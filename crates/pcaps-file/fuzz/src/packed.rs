//! What is packed gives what was in it.

use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};

use crate::files::{NAME, is_beginning, read, readers_agree};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).expect("memory")
}

fn is_packed(file: &[u8]) -> bool {
    matches!(
        file,
        [0x1f, 0x8b, 8, _, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]
    )
}

/// A file that begins as a packed one does goes to the readers as it is. Of others, checksums would keep most changes
/// from arriving: the first byte says how to pack what is behind the first six, in how many parts, and whether to
/// spoil it; two bytes each say where the second part begins and where it is spoiled, and one how: it is cut there if
/// that is 0, and that is exclusive-ored to the byte there if not.
pub fn packed(bytes: &[u8]) {
    if is_packed(bytes) {
        return readers_agree(bytes);
    }
    let Some((&[how, part_low, part_high, low, high, change], file)) = bytes.split_first_chunk()
    else {
        return;
    };
    let place = |low, high, len: usize| usize::from(u16::from_le_bytes([low, high])) % (len + 1);
    let pack = if how & 1 == 0 { gzip } else { zstd };
    let mut packed = if how & 2 == 0 {
        pack(file)
    } else {
        let (first, second) = file.split_at(place(part_low, part_high, file.len()));
        [pack(first), pack(second)].concat()
    };
    if is_packed(file) {
        // Once is enough.
        assert_eq!(read(&packed, NAME).header, None);
        return readers_agree(&packed);
    }
    let unpacked = read(file, NAME);
    if how & 4 == 0 {
        let given = read(&packed, NAME);
        assert_eq!(given.header, unpacked.header);
        assert_eq!(given.packets, unpacked.packets);
        let kind = |it: &crate::files::Given| it.failure.as_ref().map(|it| it.kind);
        assert_eq!(kind(&given), kind(&unpacked));
    } else {
        let at = place(low, high, packed.len() - 1);
        if change == 0 {
            packed.truncate(at);
            let given = read(&packed, NAME);
            assert!(is_beginning(&given, &unpacked), "{given:?}, {unpacked:?}");
        } else {
            packed[at] ^= change;
        }
    }
    readers_agree(&packed);
}
