//! The blocks of pcapng files.
//!
//! Blocks are framed here and not by pcap-parser's own reader: that reader tells a file that ends too
//! soon from one that ends well only with help, loses the cause of a failed read, and allocates for
//! each packet that has options.

mod clock;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::Read;

use pcap_parser::pcapng::{
    OptionCode, parse_interfacedescriptionblock_be, parse_interfacedescriptionblock_le,
    parse_sectionheaderblock,
};

use crate::MAX_RECORD_LEN;
use crate::error::{Error, Fault};
use crate::packet::{LinkType, Timestamp};
use crate::reader::{Format, Header, Record};
use crate::source::Source;
use crate::writer::WriterOptions;
use clock::Clock;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;

/// What a block has at least: its type, its length, and its length again.
const MIN_BLOCK_LEN: u32 = 12;
/// More interfaces in one section than any machine has: keeps the memory of a hostile file bounded.
const MAX_INTERFACES: usize = 65_536;

/// Where we are in a pcapng file.
pub(crate) struct PcapNg {
    header: Option<Header>,
    /// The byte order of the current section.
    big_endian: bool,
    /// The interfaces of the current section.
    interfaces: Vec<Interface>,
    /// The sorts of packets that the interfaces of all sections had so far, each once.
    sorts: Vec<WriterOptions>,
    /// Where each of them is.
    sort_of: HashMap<WriterOptions, u32>,
    /// Bytes of a block of no interest that are still ahead.
    skip: u32,
    /// What [`PcapNg::annotations`] says.
    annotations: u64,
}

struct Interface {
    link_type: LinkType,
    sort: u32,
    snap_len: u32,
    clock: Clock,
}

/// What one block was.
enum Step {
    Packet(Record),
    Other,
    End,
}

impl PcapNg {
    /// What every pcapng file begins with: the type of its section header.
    pub(crate) const MAGIC: [u8; 4] = SECTION_HEADER.to_le_bytes();

    pub(crate) fn new() -> Self {
        Self {
            header: None,
            big_endian: false,
            interfaces: Vec::new(),
            sorts: Vec::new(),
            sort_of: HashMap::new(),
            skip: 0,
            annotations: 0,
        }
    }

    /// Reads on to the first interface. When reading fails it can be called again, and goes on from there.
    pub(crate) fn open<R: Read>(&mut self, source: &mut Source<R>) -> Result<(), Error> {
        // A packet before the first interface is an error, so nothing is lost here.
        while self.header.is_none() {
            if let Step::End = self.step(source)? {
                break;
            }
        }
        source.in_header = false;
        Ok(())
    }

    pub(crate) fn header(&self) -> Header {
        self.header.unwrap_or(Header::UNKNOWN)
    }

    pub(crate) fn sorts(&self) -> &[WriterOptions] {
        &self.sorts
    }

    /// How many comments came by, and blocks that are neither packets nor about them nor statistics.
    pub(crate) fn annotations(&self) -> u64 {
        self.annotations
    }

    #[inline]
    pub(crate) fn next<R: Read>(
        &mut self,
        source: &mut Source<R>,
    ) -> Result<Option<Record>, Error> {
        loop {
            match self.step(source)? {
                Step::Packet(record) => return Ok(Some(record)),
                Step::Other => {}
                Step::End => return Ok(None),
            }
        }
    }

    /// Takes one block.
    #[inline]
    fn step<R: Read>(&mut self, source: &mut Source<R>) -> Result<Step, Error> {
        if self.skip > 0 {
            self.skip(source)?;
        }
        let bytes = source.fill(MIN_BLOCK_LEN as usize)?;
        if bytes.is_empty() {
            return Ok(Step::End);
        }
        if bytes.len() < MIN_BLOCK_LEN as usize {
            return Err(source.truncated());
        }
        match byte_order(bytes) {
            None => {}
            Some(ByteOrder::Little) => self.big_endian = false,
            Some(ByteOrder::Big) => self.big_endian = true,
            Some(ByteOrder::Unknown) if source.at_start() => {
                let what = "it begins like pcapng but has no byte-order mark";
                return Err(source.fault(Fault::NotACapture(what.to_owned())));
            }
            Some(ByteOrder::Unknown) => {
                return Err(source.damaged("its section header has no byte-order mark"));
            }
        }
        let block_type = self.u32_at(bytes, 0);
        let block_len = self.u32_at(bytes, 4);
        if block_len < MIN_BLOCK_LEN || !block_len.is_multiple_of(4) {
            return Err(source.damaged(format!("its block claims {block_len} bytes")));
        }
        if !matches!(
            block_type,
            SECTION_HEADER
                | INTERFACE_DESCRIPTION
                | OBSOLETE_PACKET
                | SIMPLE_PACKET
                | ENHANCED_PACKET
        ) {
            self.skip = block_len;
            self.annotations += u64::from(block_type != INTERFACE_STATISTICS);
            self.skip(source)?;
            return Ok(Step::Other);
        }
        if block_len > MAX_RECORD_LEN {
            return Err(source.damaged(format!("its block claims {block_len} bytes")));
        }
        let len = block_len as usize;
        let bytes = source.fill(len)?;
        let Some(block) = bytes.get(..len) else {
            return Err(source.truncated());
        };
        if self.u32_at(block, len - 4) != block_len {
            return Err(
                source.damaged("its block has another length at its end than at its beginning")
            );
        }
        let taken = match block_type {
            SECTION_HEADER => self.section(block).map(|()| Step::Other),
            INTERFACE_DESCRIPTION => self.interface(block).map(|()| Step::Other),
            SIMPLE_PACKET => self.simple_packet(block).map(Step::Packet),
            _ => self.packet(block, block_type).map(Step::Packet),
        };
        let step = taken.map_err(|what| source.damaged(what))?;
        source.consume(len);
        Ok(step)
    }

    /// Steps over the rest of a block of no interest, of any length. A file that ends in it stays so.
    fn skip<R: Read>(&mut self, source: &mut Source<R>) -> Result<(), Error> {
        while self.skip > 0 {
            let there = source.fill(1)?.len();
            if there == 0 {
                return Err(source.truncated());
            }
            let count = u32::try_from(there).map_or(self.skip, |there| there.min(self.skip));
            source.consume(count as usize);
            self.skip -= count;
        }
        Ok(())
    }

    /// A new section: the interfaces of the one before are void.
    fn section(&mut self, block: &[u8]) -> Result<(), &'static str> {
        let (_, section) =
            parse_sectionheaderblock(block).map_err(|_| "its section header makes no sense")?;
        if section.major_version != 1 {
            return Err("its section header is of another version than 1");
        }
        self.annotations += self.comments_in(block, 24);
        self.interfaces.clear();
        Ok(())
    }

    fn interface(&mut self, block: &[u8]) -> Result<(), &'static str> {
        let parsed = if self.big_endian {
            parse_interfacedescriptionblock_be(block)
        } else {
            parse_interfacedescriptionblock_le(block)
        };
        let (_, parsed) = parsed.map_err(|_| "its interface description makes no sense")?;
        if self.interfaces.len() == MAX_INTERFACES {
            return Err("its section describes more than 65536 interfaces");
        }
        let offset = parsed
            .options
            .iter()
            .find(|option| option.code == OptionCode::IfTsoffset)
            // The crate's own `ts_offset` is wrong for big-endian sections.
            .and_then(|option| option.value.first_chunk::<8>())
            .map_or(0, |&bytes| {
                if self.big_endian {
                    i64::from_be_bytes(bytes)
                } else {
                    i64::from_le_bytes(bytes)
                }
            });
        self.annotations += self.comments_in(block, 16);
        let clock = Clock::new(parsed.if_tsresol, offset);
        let [low, high, ..] = parsed.linktype.0.to_le_bytes();
        let header = Header {
            format: Format::PcapNg,
            link_type: LinkType(u16::from_le_bytes([low, high])),
            snap_len: parsed.snaplen,
            nanoseconds: clock.is_finer_than_micros(),
        };
        let sort = match self.sort_of.entry(header.into()) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(_) if self.sorts.len() == MAX_INTERFACES => {
                return Err("its sections describe more than 65536 different interfaces");
            }
            Entry::Vacant(vacant) => {
                let next = u32::try_from(self.sorts.len()).unwrap_or(u32::MAX);
                self.sorts.push(*vacant.key());
                *vacant.insert(next)
            }
        };
        self.header.get_or_insert(header);
        self.interfaces.push(Interface {
            link_type: header.link_type,
            sort,
            snap_len: header.snap_len,
            clock,
        });
        Ok(())
    }

    /// An enhanced packet, or its obsolete forerunner, which differs in the width of the interface.
    #[inline]
    fn packet(&mut self, block: &[u8], block_type: u32) -> Result<Record, &'static str> {
        const HEADER_LEN: usize = 28;
        if block.len() < HEADER_LEN + 4 {
            return Err("its packet block is too short");
        }
        let id = match (block_type, self.big_endian) {
            (ENHANCED_PACKET, _) => self.u32_at(block, 8),
            (_, false) => self.u32_at(block, 8) & 0xffff,
            (_, true) => self.u32_at(block, 8) >> 16,
        };
        let Some(interface) = self.interfaces.get(id as usize) else {
            return Err("its packet is of an interface that is not described");
        };
        let ticks = u64::from(self.u32_at(block, 12)) << 32 | u64::from(self.u32_at(block, 16));
        let claimed = self.u32_at(block, 20);
        let len = claimed as usize;
        if len > block.len() - HEADER_LEN - 4 {
            return Err("its packet claims more bytes than its block has");
        }
        let record = Record {
            timestamp: interface.clock.timestamp(ticks),
            link_type: interface.link_type,
            sort: interface.sort,
            original_len: self.u32_at(block, 24).max(claimed),
            back: block.len() - HEADER_LEN,
            len,
        };
        let options = HEADER_LEN + len.next_multiple_of(4);
        if options + 4 < block.len() {
            self.annotations += self.comments_in(block, options);
        }
        Ok(record)
    }

    /// How many of a block's options, which begin at `at`, are comments.
    #[cold]
    fn comments_in(&self, block: &[u8], at: usize) -> u64 {
        let mut count = 0;
        let mut options = block.get(at..block.len() - 4).unwrap_or_default();
        while let Some((head, rest)) = options.split_first_chunk::<4>() {
            let [code, len] = [[head[0], head[1]], [head[2], head[3]]].map(|two| {
                if self.big_endian {
                    u16::from_be_bytes(two)
                } else {
                    u16::from_le_bytes(two)
                }
            });
            if code == OptionCode::EndOfOpt.0 {
                break;
            }
            count += u64::from(code == OptionCode::Comment.0);
            let len = usize::from(len).next_multiple_of(4);
            options = rest.get(len..).unwrap_or_default();
        }
        count
    }

    /// A simple packet: of the first interface, without a time, cut at the snap length.
    fn simple_packet(&self, block: &[u8]) -> Result<Record, &'static str> {
        const HEADER_LEN: usize = 12;
        if block.len() < HEADER_LEN + 4 {
            return Err("its packet block is too short");
        }
        let Some(interface) = self.interfaces.first() else {
            return Err("its packet is of an interface that is not described");
        };
        let original_len = self.u32_at(block, 8);
        let claimed = match interface.snap_len {
            0 => original_len,
            snap_len => original_len.min(snap_len),
        };
        let len = claimed as usize;
        if len > block.len() - HEADER_LEN - 4 {
            return Err("its packet claims more bytes than its block has");
        }
        Ok(Record {
            timestamp: Timestamp::default(),
            link_type: interface.link_type,
            sort: interface.sort,
            original_len,
            back: block.len() - HEADER_LEN,
            len,
        })
    }

    /// The number at `at` in the section's byte order; 0 beyond the end, which callers have excluded.
    #[inline]
    fn u32_at(&self, bytes: &[u8], at: usize) -> u32 {
        let Some(&four) = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()) else {
            return 0;
        };
        if self.big_endian {
            u32::from_be_bytes(four)
        } else {
            u32::from_le_bytes(four)
        }
    }
}

#[derive(PartialEq)]
enum ByteOrder {
    Little,
    Big,
    Unknown,
}

/// The byte order that a section header declares; `None` of other blocks, and of one that is cut.
#[inline]
fn byte_order(block: &[u8]) -> Option<ByteOrder> {
    if block.first_chunk::<4>() != Some(&PcapNg::MAGIC) {
        return None;
    }
    Some(match block.get(8..12)? {
        [0x4d, 0x3c, 0x2b, 0x1a] => ByteOrder::Little,
        [0x1a, 0x2b, 0x3c, 0x4d] => ByteOrder::Big,
        _ => ByteOrder::Unknown,
    })
}
