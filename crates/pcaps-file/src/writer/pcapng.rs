//! Packets into a pcapng file.

use std::fmt;
use std::io::Write;

use super::{GATHERED, Output, WriterOptions};
use crate::MAX_RECORD_LEN;
use crate::error::{Error, Refusal};
use crate::packet::Packet;

/// Section header: its type, length, byte-order mark, version 1.0, a length that is not known, its length again.
const SECTION: [u32; 7] = [0x0a0d_0d0a, 28, 0x1a2b_3c4d, 1, u32::MAX, u32::MAX, 28];
const INTERFACE_DESCRIPTION: u32 = 1;
const ENHANCED_PACKET: u32 = 6;
/// What an enhanced packet block has beside the packet.
const PACKET_OVERHEAD: u32 = 32;
/// The option `if_tsresol`, of one byte, which is 9: nanoseconds; and the end of the options.
const NANOS: [u32; 3] = [9 | 1 << 16, 9, 0];

/// Writes a pcapng file, little-endian: one section, with as many interfaces as there are sorts of packets.
///
/// For packets of one sort a classic file, by [`Writer`](crate::Writer), is read by more programs. It gathers small
/// writes itself: a `BufWriter` around the file gains nothing. Call [`finish`](PcapNgWriter::finish) at the end; a
/// writer that is merely dropped loses errors of the last write.
///
/// # Examples
///
/// ```
/// use pcaps_file::{LinkType, Packet, PcapNgWriter, Reader, Timestamp, WriterOptions};
///
/// # fn main() -> Result<(), pcaps_file::Error> {
/// let mut writer = PcapNgWriter::new(Vec::new())?;
/// let raw = writer.add_interface(WriterOptions {
///     nanoseconds: true,
///     ..WriterOptions::new(LinkType::RAW)
/// })?;
/// let packet = Packet {
///     timestamp: Timestamp::from_parts(1_700_000_000, 1),
///     link_type: LinkType::RAW,
///     original_len: 1_500,
///     bytes: &[0x45, 0, 0x05, 0xdc],
/// };
/// writer.write(raw, &packet)?;
/// let file = writer.finish()?;
///
/// assert_eq!(Reader::new(&*file, "made here")?.next_packet()?, Some(packet));
/// # Ok(())
/// # }
/// ```
pub struct PcapNgWriter<W: Write> {
    output: Output<W>,
    interfaces: Vec<WriterOptions>,
}

/// An interface of the file that it was added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InterfaceId(u32);

impl<W: Write> PcapNgWriter<W> {
    /// Begins a file.
    ///
    /// # Errors
    ///
    /// [`is_io`](Error::is_io) if the file's header cannot be written.
    pub fn new(write: W) -> Result<Self, Error> {
        Self::begin(GATHERED, write)
    }

    /// Begins a file that is written to at once, with three small writes for each packet: for files in memory, where
    /// nothing is gained by gathering, and for packets that should not wait for others.
    ///
    /// # Errors
    ///
    /// [`is_io`](Error::is_io) if the file's header cannot be written.
    pub fn unbuffered(write: W) -> Result<Self, Error> {
        Self::begin(0, write)
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

    fn begin(capacity: usize, write: W) -> Result<Self, Error> {
        let mut output = Output::new(capacity, write);
        output.put(&SECTION.map(u32::to_le_bytes).concat())?;
        Ok(Self {
            output,
            interfaces: Vec::new(),
        })
    }

    /// Describes packets that are to come: their link type, snap length and resolution. It may be called at any time.
    /// A snap length of 0 is no limit.
    ///
    /// # Errors
    ///
    /// [`is_io`](Error::is_io) if it cannot be written, and [`Refused`](crate::ErrorKind::Refused) if there are
    /// 65,536 already, which is as many as [`Reader`](crate::Reader) takes.
    pub fn add_interface(&mut self, options: WriterOptions) -> Result<InterfaceId, Error> {
        let id = u32::try_from(self.interfaces.len()).unwrap_or(u32::MAX);
        if id >= 65_536 {
            return Err(self.output.refused(Refusal::Interfaces));
        }
        let resolution: &[u32] = if options.nanoseconds { &NANOS } else { &[] };
        let len = 20 + 4 * if options.nanoseconds { 3 } else { 0 };
        let mut block = vec![
            INTERFACE_DESCRIPTION,
            len,
            u32::from(options.link_type.0),
            options.snap_len,
        ];
        block.extend(resolution);
        block.push(len);
        let block: Vec<u8> = block.into_iter().flat_map(u32::to_le_bytes).collect();
        self.output.put(&block)?;
        self.interfaces.push(options);
        Ok(InterfaceId(id))
    }

    /// Adds a packet of this interface, cut at its snap length. Its original length is kept.
    ///
    /// # Errors
    ///
    /// [`Refused`](crate::ErrorKind::Refused), with nothing written, if the interface is of another file, if the packet's
    /// link type differs from its, if the time has digits that it cannot keep, or if the packet does not fit into a
    /// block of [`MAX_RECORD_LEN`] bytes. [`is_io`](Error::is_io) if writing fails; the file may then end in the
    /// middle of a block.
    pub fn write(&mut self, interface: InterfaceId, packet: &Packet<'_>) -> Result<(), Error> {
        let snap_len = self
            .interfaces
            .get(interface.0 as usize)
            .map_or(0, |it| it.snap_len);
        self.write_up_to(snap_len, interface, packet)
    }

    /// Adds a packet with so many bytes of it at most; 0 is no limit.
    pub(crate) fn write_up_to(
        &mut self,
        snap_len: u32,
        interface: InterfaceId,
        packet: &Packet<'_>,
    ) -> Result<(), Error> {
        let id = interface.0;
        let Some(options) = self.interfaces.get(id as usize) else {
            return Err(self.output.refused(Refusal::Interface(id)));
        };
        if packet.link_type != options.link_type {
            return Err(self.output.refused(Refusal::LinkType {
                file: options.link_type.0,
                packet: packet.link_type.0,
            }));
        }
        let nanos = packet.timestamp.as_nanos();
        let ticks = if options.nanoseconds {
            nanos
        } else if nanos.is_multiple_of(1_000) {
            nanos / 1_000
        } else {
            let digits = u32::try_from(nanos % 1_000).unwrap_or_default();
            return Err(self.output.refused(Refusal::Digits(digits)));
        };
        let original = packet.bytes.len();
        let kept = match snap_len {
            0 => original,
            snap_len => original.min(snap_len as usize),
        };
        let fits = u32::try_from(kept)
            .ok()
            .filter(|kept| *kept <= MAX_RECORD_LEN - PACKET_OVERHEAD);
        let (Some(captured), Ok(least)) = (fits, u32::try_from(original)) else {
            return Err(self.output.refused(Refusal::Block(original)));
        };
        let padding = captured.next_multiple_of(4) - captured;
        let len = PACKET_OVERHEAD + captured + padding;
        let [low, high] =
            [ticks & 0xffff_ffff, ticks >> 32].map(|half| u32::try_from(half).unwrap_or(u32::MAX));
        let head = [
            ENHANCED_PACKET,
            len,
            id,
            high,
            low,
            captured,
            packet.original_len.max(least),
        ];
        let mut header = [0; 28];
        for (room, field) in header.chunks_exact_mut(4).zip(head) {
            room.copy_from_slice(&field.to_le_bytes());
        }
        let bytes = packet.bytes.get(..kept).unwrap_or(packet.bytes);
        // Up to three zeros before the length.
        let mut tail = [0; 8];
        tail[4..].copy_from_slice(&len.to_le_bytes());
        let tail = tail.get(4 - padding as usize..).unwrap_or(&tail);
        self.output.record(&header, bytes, tail)
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

impl<W: Write> fmt::Debug for PcapNgWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PcapNgWriter")
            .field("interfaces", &self.interfaces.len())
            .field("packets", &self.output.packets)
            .finish_non_exhaustive()
    }
}
