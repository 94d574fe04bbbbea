//! Files that are packed: gzip and zstd, told by their first bytes.

use std::io;

use flate2::{Decompress, FlushDecompress, Status};
use zstd::stream::raw::{self, InBuffer, Operation, OutBuffer};

use crate::error::Fault;

/// A window of 2^15 bytes, and 16 for the wrapping of gzip, as zlib counts.
const GZIP_WINDOW_BITS: u8 = 15;
/// The length of a block's header in zstd, in bytes.
const ZSTD_BLOCK_HEADER: usize = 3;
/// Packed bytes that are read at once.
const CAPACITY: usize = 64 * 1024;

/// Unpacks a file piece by piece: several members of gzip, or frames of zstd, follow each other in one.
///
/// Memory does not grow with what comes out: 64 KiB for gzip; for zstd what its window asks for, and a file that asks
/// for more than 128 MiB is damaged.
pub(crate) struct Unpack {
    codec: Codec,
    /// Packed bytes that were read and not yet taken: `start..end`.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Whether a member or frame may begin here, or the file end.
    between: bool,
    /// Why it cannot go on. It says so again when it is asked again.
    failed: Option<String>,
}

enum Codec {
    Gzip(Box<Decompress>),
    Zstd {
        decoder: raw::Decoder<'static>,
        /// How many bytes it wants next: a block, if it is that, and the header of the block that follows.
        wanted: usize,
    },
}

/// Why nothing came out.
pub(crate) enum Stopped {
    /// The packed file cannot be read.
    Io(io::Error),
    /// It is cut, or corrupt.
    Fault(Fault),
}

impl Unpack {
    /// Whether a file that begins so is packed.
    pub(crate) fn is_packed(magic: [u8; 4]) -> bool {
        is_gzip(magic) || is_zstd(magic)
    }

    /// For a file that begins with `magic`, of which the bytes `read` were read; `None` if it is not packed.
    pub(crate) fn recognise(magic: [u8; 4], read: &[u8]) -> Result<Option<Self>, Fault> {
        let codec = if is_gzip(magic) {
            Codec::gzip()
        } else if is_zstd(magic) {
            let decoder = raw::Decoder::new().map_err(|error| damaged(&error));
            Codec::Zstd {
                decoder: decoder.map_err(Fault::Damaged)?,
                wanted: 0,
            }
        } else {
            return Ok(None);
        };
        let mut buffer = vec![0; CAPACITY.max(read.len())];
        if let Some(room) = buffer.get_mut(..read.len()) {
            room.copy_from_slice(read);
        }
        Ok(Some(Self {
            codec,
            buffer,
            start: 0,
            end: read.len(),
            between: true,
            failed: None,
        }))
    }

    /// Unpacked bytes into `room`, of the packed ones that `read` gives: 0 at the end of the file.
    pub(crate) fn read(
        &mut self,
        read: &mut impl io::Read,
        room: &mut [u8],
    ) -> Result<usize, Stopped> {
        loop {
            if let Some(failed) = &self.failed {
                return Err(Stopped::Fault(Fault::Damaged(failed.clone())));
            }
            let (out, needs_more) = self.step(room);
            if out > 0 {
                return Ok(out);
            }
            if self.failed.is_some() || !needs_more {
                continue;
            }
            self.start = 0;
            self.end = 0;
            match read.read(&mut self.buffer) {
                Ok(0) if self.between => return Ok(0),
                Ok(0) => return Err(Stopped::Fault(Fault::Truncated)),
                // A faulty reader could claim more than it was given room for.
                Ok(count) => self.end = count.min(self.buffer.len()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Stopped::Io(error)),
            }
        }
    }

    /// How many bytes came out, and whether no more will before more come in. What came out before a mistake in the
    /// file is counted; the mistake is kept for the next call.
    fn step(&mut self, room: &mut [u8]) -> (usize, bool) {
        let mut packed = self.buffer.get(self.start..self.end).unwrap_or_default();
        if packed.is_empty() && self.between {
            return (0, true);
        }
        let (taken, out, ended) = match &mut self.codec {
            Codec::Gzip(inflate) => {
                let (taken, out) = (inflate.total_in(), inflate.total_out());
                let ended = inflate.decompress(packed, room, FlushDecompress::None);
                // Counted also when it fails. Both are of this call, and no longer than its slices.
                let counted =
                    |now: u64, before| usize::try_from(now - before).unwrap_or(usize::MAX);
                (
                    counted(inflate.total_in(), taken),
                    counted(inflate.total_out(), out),
                    match ended {
                        Ok(status) => Ok(status == Status::StreamEnd),
                        // What it says depends on how much it was given at once.
                        Err(_) => Err("what is packed with gzip cannot be unpacked".to_owned()),
                    },
                )
            }
            Codec::Zstd { decoder, wanted } => {
                // It forgets what came out of a block when it fails over what follows in the same call, or in the same
                // frame when that is there as a whole: so it gets one block at a time, or one header.
                let one = match *wanted {
                    0 => 1,
                    header @ 1..=ZSTD_BLOCK_HEADER => header,
                    block => block - ZSTD_BLOCK_HEADER,
                };
                packed = packed.get(..one).unwrap_or(packed);
                let (mut from, mut to) = (InBuffer::around(packed), OutBuffer::around(room));
                let ended = match decoder.run(&mut from, &mut to) {
                    Ok(hint) => {
                        *wanted = hint;
                        Ok(hint == 0)
                    }
                    Err(error) => Err(damaged(&error)),
                };
                (from.pos(), to.pos(), ended)
            }
        };
        let was_between = std::mem::replace(&mut self.between, false);
        self.start += taken;
        match ended {
            Ok(true) => {
                self.between = true;
                if let Codec::Gzip(_) = self.codec {
                    self.codec = Codec::gzip();
                }
            }
            // Nothing moved.
            Ok(false) if taken == 0 && out == 0 => self.between = was_between,
            Ok(false) => {}
            Err(what) => self.failed = Some(what),
        }
        (out, self.start >= self.end)
    }
}

impl Codec {
    fn gzip() -> Self {
        Self::Gzip(Box::new(Decompress::new_gzip(GZIP_WINDOW_BITS)))
    }
}

fn is_gzip(magic: [u8; 4]) -> bool {
    matches!(magic, [0x1f, 0x8b, 8, _])
}

/// A frame, or one to step over.
fn is_zstd(magic: [u8; 4]) -> bool {
    matches!(
        magic,
        [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18]
    )
}

#[cold]
fn damaged(error: &io::Error) -> String {
    format!("what is packed with zstd cannot be unpacked ({error})")
}
