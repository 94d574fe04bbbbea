//! The records of classic pcap files.

use std::io::Read;

use pcap_parser::{PcapHeader, pcap};

use crate::MAX_RECORD_LEN;
use crate::error::Error;
use crate::packet::{LinkType, Timestamp};
use crate::reader::{Format, Header, Record};
use crate::source::Source;

const FILE_HEADER_LEN: usize = 24;

/// The layout of the record headers.
#[derive(Clone, Copy)]
enum Layout {
    Little,
    Big,
    /// Kuznetzov's: little-endian with eight more bytes.
    Modified,
}

pub(crate) struct Pcap {
    header: Header,
    layout: Layout,
}

impl Pcap {
    pub(crate) fn new<R: Read>(source: &mut Source<R>) -> Result<Self, Error> {
        let bytes = source.fill(FILE_HEADER_LEN)?;
        let parsed = match pcap::parse_pcap_header(bytes) {
            Ok((_, parsed)) => parsed,
            Err(pcap_parser::nom::Err::Incomplete(_)) => return Err(source.truncated()),
            Err(_) => {
                let begins = match *bytes {
                    [a, b, c, d, ..] => format!("it begins with {a:02x} {b:02x} {c:02x} {d:02x}"),
                    _ => "it is too short".to_owned(),
                };
                return Err(source.not_a_capture(begins));
            }
        };
        let version = (parsed.version_major, parsed.version_minor);
        // Up to 2.3 the two lengths of a packet are, or may be, the other way round.
        if version < (2, 4) {
            return Err(source.too_old(version.0, version.1));
        }
        source.consume(FILE_HEADER_LEN);
        Ok(Self {
            header: Header {
                format: Format::Pcap,
                link_type: link_type(&parsed),
                snap_len: parsed.snaplen,
                nanoseconds: parsed.is_nanosecond_precision(),
            },
            layout: if parsed.is_modified_format() {
                Layout::Modified
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

    #[inline]
    pub(crate) fn next<R: Read>(&self, source: &mut Source<R>) -> Result<Option<Record>, Error> {
        let header_len = match self.layout {
            Layout::Little | Layout::Big => 16,
            Layout::Modified => 24,
        };
        let bytes = source.fill(header_len)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        let Some(&[a, b, c, d]) = bytes.get(8..12).filter(|_| bytes.len() >= header_len) else {
            return Err(source.truncated());
        };
        let claimed = match self.layout {
            Layout::Big => u32::from_be_bytes([a, b, c, d]),
            Layout::Little | Layout::Modified => u32::from_le_bytes([a, b, c, d]),
        };
        if claimed > MAX_RECORD_LEN {
            return Err(source.damaged(format!("its record claims {claimed} bytes")));
        }
        let len = claimed as usize;
        let bytes = source.fill(header_len + len)?;
        if bytes.len() < header_len + len {
            return Err(source.truncated());
        }
        let frame = match self.layout {
            Layout::Little => pcap::parse_pcap_frame(bytes),
            Layout::Big => pcap::parse_pcap_frame_be(bytes),
            Layout::Modified => pcap::parse_pcap_frame_modified(bytes),
        };
        // It cannot fail: all bytes are there.
        let Ok((_, frame)) = frame else {
            return Err(source.damaged("its record header makes no sense"));
        };
        let nanos = if self.header.nanoseconds {
            u64::from(frame.ts_usec)
        } else {
            u64::from(frame.ts_usec) * 1_000
        };
        let record = Record {
            // Below 2^63: it cannot overflow.
            timestamp: Timestamp::from_nanos(u64::from(frame.ts_sec) * 1_000_000_000 + nanos),
            link_type: self.header.link_type,
            original_len: frame.origlen.max(claimed),
            back: len,
            len,
        };
        source.consume(header_len + len);
        Ok(Some(record))
    }
}

/// The number without the bits above it, which hold the length of the frame check sequence.
fn link_type(header: &PcapHeader) -> LinkType {
    let [low, high, ..] = header.network.0.to_le_bytes();
    LinkType(u16::from_le_bytes([low, high]))
}
