//! The records of classic pcap files.

use std::io::Read;

use pcap_parser::{PcapHeader, pcap};

use crate::MAX_RECORD_LEN;
use crate::error::{Error, Fault};
use crate::packet::{LinkType, Packet, Timestamp};
use crate::reader::{Format, Header, Record};
use crate::source::Source;
use crate::writer::WriterOptions;

/// The layout of the record headers.
#[derive(Clone, Copy)]
enum Layout {
    Little,
    Big,
    /// Kuznetzov's: with eight more bytes.
    ModifiedLittle,
    ModifiedBig,
}

/// The magic number of Kuznetzov's files, in big-endian, which pcap-parser does not know; and the usual one.
const MODIFIED_BIG: [u8; 4] = [0xa1, 0xb2, 0xcd, 0x34];
const USUAL_BIG: [u8; 4] = [0xa1, 0xb2, 0xc3, 0xd4];

/// What the beginning of a file says: how to read its records.
#[derive(Clone, Copy)]
pub(crate) struct Pcap {
    header: Header,
    /// The one sort of packets.
    sort: [WriterOptions; 1],
    layout: Layout,
}

impl Pcap {
    /// The length of what a file begins with.
    pub(crate) const FILE_HEADER_LEN: usize = 24;
    /// The length of the longest header, of the file or of a record.
    pub(crate) const MAX_HEADER_LEN: usize = 24;

    pub(crate) fn open<R: Read>(source: &mut Source<R>) -> Result<Self, Error> {
        let bytes = source.fill(Self::FILE_HEADER_LEN)?;
        let header = bytes.get(..Self::FILE_HEADER_LEN).unwrap_or(bytes);
        let this = Self::parse(header).map_err(|fault| source.fault(fault))?;
        source.consume(Self::FILE_HEADER_LEN);
        source.in_header = false;
        Ok(this)
    }

    /// From the first [`FILE_HEADER_LEN`](Self::FILE_HEADER_LEN) bytes of a file. Fewer are
    /// [`Truncated`](Fault::Truncated), unless the magic number tells already that it is no such file.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Fault> {
        // But for the records, the two are the same.
        let mut usual = [0; Self::FILE_HEADER_LEN];
        let is_modified_big = bytes.starts_with(&MODIFIED_BIG);
        let parsed = match usual.get_mut(..bytes.len()) {
            Some(usual) if is_modified_big => {
                usual.copy_from_slice(bytes);
                usual[..4].copy_from_slice(&USUAL_BIG);
                pcap::parse_pcap_header(usual)
            }
            _ => pcap::parse_pcap_header(bytes),
        };
        let parsed = match parsed {
            Ok((_, parsed)) => parsed,
            Err(pcap_parser::nom::Err::Incomplete(_)) => return Err(Fault::Truncated),
            Err(_) => {
                let begins = match *bytes {
                    [a, b, c, d, ..] => format!("it begins with {a:02x} {b:02x} {c:02x} {d:02x}"),
                    _ => "it is too short".to_owned(),
                };
                return Err(Fault::NotACapture(begins));
            }
        };
        let (major, minor) = (parsed.version_major, parsed.version_minor);
        // Up to 2.3 the two lengths of a packet are, or may be, the other way round.
        if (major, minor) < (2, 4) {
            return Err(Fault::TooOld { major, minor });
        }
        let header = Header {
            format: Format::Pcap,
            link_type: link_type(&parsed),
            snap_len: parsed.snaplen,
            nanoseconds: parsed.is_nanosecond_precision(),
        };
        Ok(Self {
            header,
            sort: [header.into()],
            layout: if is_modified_big {
                Layout::ModifiedBig
            } else if parsed.is_modified_format() {
                Layout::ModifiedLittle
            } else if parsed.is_bigendian() {
                Layout::Big
            } else {
                Layout::Little
            },
        })
    }

    pub(crate) fn header(&self) -> Header {
        self.header
    }

    pub(crate) fn sorts(&self) -> &[WriterOptions] {
        &self.sort
    }

    #[inline]
    pub(crate) fn next<R: Read>(&self, source: &mut Source<R>) -> Result<Option<Record>, Error> {
        let header_len = self.record_header_len();
        let bytes = source.fill(header_len)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let header = bytes.first_chunk().filter(|_| bytes.len() >= header_len);
        let Some(header) = header else {
            return Err(source.truncated());
        };
        let record = match self.record(header) {
            Ok(record) => record,
            Err(claims) => return Err(source.fault(claims.into())),
        };
        let whole = header_len + record.len;
        if source.fill(whole)?.len() < whole {
            return Err(source.truncated());
        }
        source.consume(whole);
        Ok(Some(record))
    }

    /// How many records stand whole at the beginning of these bytes, and how long they are together. It looks at their lengths
    /// only, because another thread may be waiting for it.
    pub(crate) fn whole(&self, bytes: &[u8]) -> (u64, usize) {
        let (mut count, mut end) = (0, 0);
        while let Some(header) = bytes.get(end..).and_then(|it| it.first_chunk())
            && let Ok(len) = self.len(header)
            && let next = end + self.record_header_len() + len
            && next <= bytes.len()
        {
            count += 1;
            end = next;
        }
        (count, end)
    }

    /// The record that these bytes begin with, if it is whole and sound, its packet in front of what follows it.
    #[inline]
    pub(crate) fn split<'a>(&self, bytes: &'a [u8]) -> Option<(Packet<'a>, &'a [u8])> {
        let record = self.record(bytes.first_chunk()?).ok()?;
        let (bytes, rest) = bytes
            .get(self.record_header_len()..)?
            .split_at_checked(record.len)?;
        let packet = Packet {
            timestamp: record.timestamp,
            link_type: record.link_type,
            original_len: record.original_len,
            bytes,
        };
        Some((packet, rest))
    }

    /// How many bytes stand before each packet.
    #[inline]
    pub(crate) fn record_header_len(&self) -> usize {
        match self.layout {
            Layout::Little | Layout::Big => 16,
            Layout::ModifiedLittle | Layout::ModifiedBig => 24,
        }
    }

    /// The numbers that a record header begins with, whatever the layout: seconds, the fraction of a second, how many bytes
    /// were captured, and how many there were on the wire.
    #[inline]
    fn fields(&self, header: &[u8; 16]) -> [u32; 4] {
        let field = |at: usize| header[at..].first_chunk().copied().unwrap_or_default();
        let fields = [field(0), field(4), field(8), field(12)];
        match self.layout {
            Layout::Big | Layout::ModifiedBig => fields.map(u32::from_be_bytes),
            Layout::Little | Layout::ModifiedLittle => fields.map(u32::from_le_bytes),
        }
    }

    /// How many bytes of its packet follow a record header.
    #[inline]
    fn len(&self, header: &[u8; 16]) -> Result<usize, Claims> {
        let [_, _, claimed, _] = self.fields(header);
        let is_sound = claimed <= MAX_RECORD_LEN;
        is_sound.then_some(claimed as usize).ok_or(Claims(claimed))
    }

    /// What a record header says of the record that it begins.
    #[inline]
    pub(crate) fn record(&self, header: &[u8; 16]) -> Result<Record, Claims> {
        let len = self.len(header)?;
        let [seconds, fraction, captured, original_len] = self.fields(header);
        let nanos = if self.header.nanoseconds {
            u64::from(fraction)
        } else {
            u64::from(fraction) * 1_000
        };
        Ok(Record {
            // Below 2^63: it cannot overflow.
            timestamp: Timestamp::from_nanos(u64::from(seconds) * 1_000_000_000 + nanos),
            link_type: self.header.link_type,
            sort: 0,
            original_len: original_len.max(captured),
            back: len,
            len,
        })
    }
}

/// A record claims so many bytes: more than any may have.
pub(crate) struct Claims(u32);

impl From<Claims> for Fault {
    #[cold]
    fn from(Claims(bytes): Claims) -> Self {
        Self::Damaged(format!("its record claims {bytes} bytes"))
    }
}

/// The number without the bits above it, which hold the length of the frame check sequence.
fn link_type(header: &PcapHeader) -> LinkType {
    let [low, high, ..] = header.network.0.to_le_bytes();
    LinkType(u16::from_le_bytes([low, high]))
}
