//! Packets into a classic pcap file.

mod pcapng;

use std::fmt;
use std::io::{BufWriter, IntoInnerError, Write};

use crate::error::{Error, Refusal};
use crate::packet::{LinkType, Packet};
use crate::reader::Header;

pub use pcapng::{InterfaceId, PcapNgWriter};

/// What the snap length 0 stands for, in tcpdump too.
const WHOLE_PACKETS: u32 = 262_144;
/// How many bytes are gathered before they are written.
const GATHERED: usize = 256 * 1024;
const MICROS_MAGIC: u32 = 0xa1b2_c3d4;
const NANOS_MAGIC: u32 = 0xa1b2_3c4d;

/// What a pcap file is to say about all its packets, or a pcapng file about those of one interface.
///
/// A [`Header`] converts to it, so that a file like another one can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WriterOptions {
    /// The link type that all packets have.
    pub link_type: LinkType,
    /// How many bytes of each packet to keep at most; 0 stands for 262,144, as it does for tcpdump.
    pub snap_len: u32,
    /// Whether to write times in nanoseconds, and not in microseconds.
    pub nanoseconds: bool,
}

impl WriterOptions {
    /// Packets of this link type, up to 262,144 bytes of each, with times in microseconds.
    pub const fn new(link_type: LinkType) -> Self {
        Self {
            link_type,
            snap_len: WHOLE_PACKETS,
            nanoseconds: false,
        }
    }
}

impl From<Header> for WriterOptions {
    fn from(header: Header) -> Self {
        Self {
            link_type: header.link_type,
            snap_len: header.snap_len,
            nanoseconds: header.nanoseconds,
        }
    }
}

/// Writes a classic pcap file, little-endian.
///
/// It gathers small writes itself: a `BufWriter` around the file gains nothing. Call
/// [`finish`](Writer::finish) at the end; a writer that is merely dropped loses errors of the last write.
pub struct Writer<W: Write> {
    output: Output<W>,
    options: WriterOptions,
}

impl<W: Write> Writer<W> {
    /// Begins a file.
    ///
    /// # Errors
    ///
    /// [`is_io`](Error::is_io) if the file's header cannot be written.
    pub fn new(write: W, options: WriterOptions) -> Result<Self, Error> {
        Self::begin(GATHERED, write, options)
    }

    /// Begins a file that is written to at once, with two small writes for each packet: for files in memory, where
    /// nothing is gained by gathering, and for many files at a time, which would take 256 KiB each.
    ///
    /// # Errors
    ///
    /// [`is_io`](Error::is_io) if the file's header cannot be written.
    pub fn unbuffered(write: W, options: WriterOptions) -> Result<Self, Error> {
        Self::begin(0, write, options)
    }

    /// What it writes to. Of a writer that is not [`unbuffered`](Self::unbuffered), the last 256 KiB may not have
    /// arrived there.
    pub fn get_ref(&self) -> &W {
        self.output.inner.get_ref()
    }

    /// What it writes to, to take away what has arrived there. The next packet is written to whatever is there then.
    pub fn get_mut(&mut self) -> &mut W {
        self.output.inner.get_mut()
    }

    fn begin(capacity: usize, write: W, options: WriterOptions) -> Result<Self, Error> {
        let options = WriterOptions {
            snap_len: match options.snap_len {
                0 => WHOLE_PACKETS,
                snap_len => snap_len,
            },
            ..options
        };
        let magic = if options.nanoseconds {
            NANOS_MAGIC
        } else {
            MICROS_MAGIC
        };
        let mut header = [0; 24];
        header[0..4].copy_from_slice(&magic.to_le_bytes());
        header[4..6].copy_from_slice(&2_u16.to_le_bytes());
        header[6..8].copy_from_slice(&4_u16.to_le_bytes());
        header[16..20].copy_from_slice(&options.snap_len.to_le_bytes());
        header[20..24].copy_from_slice(&u32::from(options.link_type.0).to_le_bytes());
        let mut output = Output::new(capacity, write);
        output.put(&header)?;
        Ok(Self { output, options })
    }

    /// Adds a packet, cut at the snap length. Its original length is kept.
    ///
    /// # Errors
    ///
    /// [`Refused`](crate::ErrorKind::Refused), with nothing written, if the packet's link type differs
    /// from the file's, if its time lies after 2106-02-07T06:28:15Z or has digits that the file cannot
    /// keep, or if it has 4 GiB or more. [`is_io`](Error::is_io) if writing fails; the file may then end
    /// in the middle of a record.
    pub fn write(&mut self, packet: &Packet<'_>) -> Result<(), Error> {
        self.write_up_to(self.options.snap_len, packet)
    }

    /// Adds a packet with so many bytes of it at most.
    #[inline]
    pub(crate) fn write_up_to(&mut self, snap_len: u32, packet: &Packet<'_>) -> Result<(), Error> {
        let refused = |refusal| Err(self.output.refused(refusal));
        if packet.link_type != self.options.link_type {
            return refused(Refusal::LinkType {
                file: self.options.link_type.0,
                packet: packet.link_type.0,
            });
        }
        let nanos = packet.timestamp.as_nanos();
        let Ok(seconds) = u32::try_from(nanos / 1_000_000_000) else {
            return refused(Refusal::Seconds(nanos / 1_000_000_000));
        };
        // Below 10^9, so it fits.
        let nanos = (nanos % 1_000_000_000) as u32;
        let fraction = if self.options.nanoseconds {
            nanos
        } else if nanos.is_multiple_of(1_000) {
            nanos / 1_000
        } else {
            return refused(Refusal::Digits(nanos % 1_000));
        };
        let Ok(len) = u32::try_from(packet.bytes.len()) else {
            return refused(Refusal::Len(packet.bytes.len()));
        };
        let captured = len.min(snap_len);
        let mut header = [0; 16];
        header[0..4].copy_from_slice(&seconds.to_le_bytes());
        header[4..8].copy_from_slice(&fraction.to_le_bytes());
        header[8..12].copy_from_slice(&captured.to_le_bytes());
        header[12..16].copy_from_slice(&packet.original_len.max(len).to_le_bytes());
        let bytes = packet.bytes.get(..captured as usize);
        self.output
            .record(&header, bytes.unwrap_or(packet.bytes), &[])
    }

    /// Writes out what is still held back, and gives the inner writer.
    ///
    /// # Errors
    ///
    /// [`is_io`](Error::is_io) if that fails. Which packets did not get into the file is not known then: the
    /// error has no offset and no packet number.
    pub fn finish(self) -> Result<W, Error> {
        self.output.finish()
    }
}

/// A file being written, that knows where it is and can say so in errors.
struct Output<W: Write> {
    inner: BufWriter<W>,
    packets: u64,
    offset: u64,
}

impl<W: Write> Output<W> {
    fn new(capacity: usize, write: W) -> Self {
        Self {
            inner: BufWriter::with_capacity(capacity, write),
            packets: 0,
            offset: 0,
        }
    }

    /// Adds a packet's record, in three parts.
    #[inline]
    fn record(&mut self, header: &[u8], bytes: &[u8], tail: &[u8]) -> Result<(), Error> {
        let begin = self.offset;
        let parts = [header, bytes, tail];
        let written = if self.inner.capacity() == 0 {
            // Past the `BufWriter`, which is slow where it has no room.
            let write = self.inner.get_mut();
            parts.into_iter().try_for_each(|it| write.write_all(it))
        } else {
            parts
                .into_iter()
                .try_for_each(|it| self.inner.write_all(it))
        };
        written.map_err(|error| Error::write(self.packets + 1, begin, error))?;
        self.offset += (header.len() + bytes.len() + tail.len()) as u64;
        self.packets += 1;
        Ok(())
    }

    /// Adds what is not a packet.
    fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let written = self.inner.write_all(bytes);
        written.map_err(|error| Error::write(self.packets + 1, self.offset, error))?;
        self.offset += bytes.len() as u64;
        Ok(())
    }

    #[cold]
    fn refused(&self, refusal: Refusal) -> Error {
        Error::refused(self.packets + 1, self.offset, refusal)
    }

    fn finish(self) -> Result<W, Error> {
        let flushed = self
            .inner
            .into_inner()
            .map_err(IntoInnerError::into_error)
            .and_then(|mut write| write.flush().map(|()| write));
        flushed.map_err(Error::finish)
    }
}

impl<W: Write> fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("options", &self.options)
            .field("packets", &self.output.packets)
            .finish_non_exhaustive()
    }
}
