//! Whether bytes that stream by are a whole capture file.

use std::fmt;

use crate::error::{Error, Fault, Place};
use crate::packet::Timestamp;
use crate::pcap::Pcap;
use crate::pcapng::PcapNg;
use crate::push::{PushReader, Pushed};
use crate::reader::{Header, Record};
use crate::unpack::Unpack;

/// How much of a piece is handed to the reader at once.
const CHUNK: usize = 64 * 1024;

/// Checks a capture file while it streams by, as for a download: bytes are pushed as they arrive, in
/// pieces of any size, and at the end it says whether they were a whole file.
///
/// It accepts the files that a [`Reader`](crate::Reader) reads to the end without an error, with the same
/// packets, and refuses all others with the error that the reader gives.
///
/// Of classic pcap it looks at the headers of records only, and keeps at most one of them: packets cost
/// nothing, however long they are. pcapng, and what is packed with gzip or zstd, it reads as the reader does, with
/// memory for one record.
///
/// # Examples
///
/// ```
/// use pcaps_file::{LinkType, Packet, Timestamp, Verifier, Writer, WriterOptions};
///
/// # fn main() -> Result<(), pcaps_file::Error> {
/// let mut writer = Writer::new(Vec::new(), WriterOptions::new(LinkType::RAW))?;
/// writer.write(&Packet {
///     timestamp: Timestamp::from_parts(1_700_000_000, 0),
///     link_type: LinkType::RAW,
///     original_len: 1_500,
///     bytes: &[0x45, 0, 0x05, 0xdc],
/// })?;
/// let file = writer.finish()?;
///
/// let mut check = Verifier::new("the download");
/// for piece in file.chunks(7) {
///     check.push(piece)?;
/// }
/// let verified = check.finish()?;
/// assert_eq!((verified.packets, verified.bytes_on_wire), (1, 1_500));
///
/// let mut check = Verifier::new("the download");
/// check.push(&file[..42])?;
/// assert!(check.finish().is_err_and(|error| error.is_truncated()));
/// # Ok(())
/// # }
/// ```
pub struct Verifier {
    name: String,
    stage: Stage,
}

/// What a [`Verifier`] learned of a whole file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verified {
    /// What the beginning of the file says.
    pub header: Header,
    /// How many packets.
    pub packets: u64,
    /// How many bytes the file holds of them.
    pub bytes_captured: u64,
    /// How many bytes they had on the wire.
    pub bytes_on_wire: u64,
    /// The earliest packet's time, which need not be the first one's; `None` without packets.
    pub first_time: Option<Timestamp>,
    /// The latest packet's time; `None` without packets.
    pub last_time: Option<Timestamp>,
}

enum Stage {
    /// What the file begins with is not whole yet.
    Opening(Held),
    Pcap(Records),
    Other(Box<Blocks>),
}

impl Verifier {
    /// Begins a file. `name` is for errors.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            stage: Stage::Opening(Held::default()),
        }
    }

    /// Takes the next bytes of the file, as many as there are.
    ///
    /// # Errors
    ///
    /// As soon as what came cannot begin a capture file, whatever follows:
    /// [`is_not_a_capture`](Error::is_not_a_capture) if it is something else, or pcap of a version before
    /// 2.4, [`Damaged`](crate::ErrorKind::Damaged) if a record is damaged (also one that claims more than
    /// [`MAX_RECORD_LEN`](crate::MAX_RECORD_LEN) bytes). Once it has failed, every other call fails alike,
    /// whatever is pushed.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let mut rest = bytes;
        if let Stage::Opening(held) = &mut self.stage {
            held.fill(&mut rest, Pcap::FILE_HEADER_LEN);
            let bytes = held.bytes();
            let Some(&magic) = bytes.first_chunk() else {
                return Ok(());
            };
            self.stage = if magic == PcapNg::MAGIC || Unpack::is_packed(magic) {
                let mut blocks = Blocks::new(self.name.clone());
                blocks.reader.push(bytes);
                Stage::Other(Box::new(blocks))
            } else {
                match Pcap::parse(bytes) {
                    Ok(pcap) => Stage::Pcap(Records::new(pcap)),
                    Err(Fault::Truncated) => return Ok(()),
                    Err(fault) => return Err(self.opening(fault)),
                }
            };
        }
        match &mut self.stage {
            Stage::Opening(_) => Ok(()),
            Stage::Pcap(records) => match records.push(rest) {
                Ok(()) => Ok(()),
                Err(fault) => Err(records.error(&self.name, fault)),
            },
            Stage::Other(blocks) => blocks.push(rest),
        }
    }

    /// Ends the file: says what it held, if it was whole.
    ///
    /// # Errors
    ///
    /// [`is_truncated`](Error::is_truncated) if it ends in the middle of its header or of a record,
    /// [`is_not_a_capture`](Error::is_not_a_capture) if it is empty or shorter than four bytes, and those of
    /// [`push`](Verifier::push) if one of them failed before.
    pub fn finish(mut self) -> Result<Verified, Error> {
        // What failed before fails again.
        self.push(&[])?;
        match self.stage {
            Stage::Opening(ref held) => {
                let fault = match held.bytes().len() {
                    0 => Fault::empty(),
                    1..4 => Fault::too_short(),
                    _ => Fault::Truncated,
                };
                Err(self.opening(fault))
            }
            Stage::Pcap(records) if records.is_between() => Ok(records.seen),
            Stage::Pcap(records) => Err(records.error(&self.name, Fault::Truncated)),
            Stage::Other(blocks) => blocks.finish(),
        }
    }

    fn opening(&self, fault: Fault) -> Error {
        let place = Place {
            name: self.name.clone(),
            offset: 0,
            packet: 1,
            in_header: true,
            unpacked: false,
        };
        Error::at(place, fault)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Verified {
    fn new(header: Header) -> Self {
        Self {
            header,
            packets: 0,
            bytes_captured: 0,
            bytes_on_wire: 0,
            first_time: None,
            last_time: None,
        }
    }

    #[inline]
    fn add(&mut self, time: Timestamp, len: usize, original_len: u32) {
        self.packets += 1;
        self.bytes_captured = self.bytes_captured.saturating_add(len as u64);
        let on_wire = u64::from(original_len);
        self.bytes_on_wire = self.bytes_on_wire.saturating_add(on_wire);
        self.first_time = Some(self.first_time.map_or(time, |first| first.min(time)));
        self.last_time = Some(self.last_time.map_or(time, |last| last.max(time)));
    }
}

/// The beginning of a header whose end is still to come.
#[derive(Default)]
struct Held {
    bytes: [u8; Pcap::MAX_HEADER_LEN],
    len: usize,
}

impl Held {
    /// Takes from the front of `more` what is missing to `need` bytes, and says whether they are there.
    #[inline]
    fn fill(&mut self, more: &mut &[u8], need: usize) -> bool {
        let missing = need.saturating_sub(self.len).min(more.len());
        let (taken, rest) = more.split_at(missing);
        if let Some(room) = self.bytes.get_mut(self.len..self.len + missing) {
            room.copy_from_slice(taken);
            self.len += missing;
        }
        *more = rest;
        self.len >= need
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// Where we are in a classic file.
struct Records {
    pcap: Pcap,
    seen: Verified,
    /// Where the current record begins.
    offset: u64,
    /// Its header, until that is whole. One that makes no sense stays.
    held: Held,
    /// What its header says, as soon as that is whole.
    record: Option<Record>,
    /// How many bytes of its packet are still to come.
    left: usize,
}

impl Records {
    fn new(pcap: Pcap) -> Self {
        Self {
            pcap,
            seen: Verified::new(pcap.header()),
            offset: Pcap::FILE_HEADER_LEN as u64,
            held: Held::default(),
            record: None,
            left: 0,
        }
    }

    fn push(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
        let header_len = self.pcap.record_header_len();
        loop {
            if let Some(record) = &self.record {
                let step = self.left.min(bytes.len());
                (_, bytes) = bytes.split_at(step);
                self.left -= step;
                if self.left > 0 {
                    return Ok(());
                }
                self.seen
                    .add(record.timestamp, record.len, record.original_len);
                self.offset += (header_len + record.len) as u64;
                self.record = None;
            }
            // Mostly the next header is there as a whole, and need not be held.
            if self.held.len == 0
                && let Some((header, rest)) = bytes.split_at_checked(header_len)
                && let Some(header) = header.first_chunk()
                && let Ok(record) = self.pcap.record(header)
            {
                bytes = rest;
                self.begin(record);
                continue;
            }
            if !self.held.fill(&mut bytes, header_len) {
                return Ok(());
            }
            let Some(header) = self.held.bytes.first_chunk() else {
                return Ok(());
            };
            let record = self.pcap.record(header)?;
            self.held.len = 0;
            self.begin(record);
        }
    }

    #[inline]
    fn begin(&mut self, record: Record) {
        self.left = record.len;
        self.record = Some(record);
    }

    /// Whether the file may end here.
    fn is_between(&self) -> bool {
        self.record.is_none() && self.held.len == 0
    }

    fn error(&self, name: &str, fault: Fault) -> Error {
        let place = Place {
            name: name.to_owned(),
            offset: self.offset,
            packet: self.seen.packets + 1,
            in_header: false,
            unpacked: false,
        };
        Error::at(place, fault)
    }
}

/// Where we are in a file of another sort: the reader's own code, over bytes that come later.
struct Blocks {
    reader: PushReader,
    seen: Verified,
}

impl Blocks {
    fn new(name: String) -> Self {
        Self {
            reader: PushReader::new(name),
            seen: Verified::new(Header::UNKNOWN),
        }
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), Error> {
        // Also when nothing comes: what was fed before may be more than was read.
        self.read_on()?;
        for chunk in bytes.chunks(CHUNK) {
            self.reader.push(chunk);
            self.read_on()?;
        }
        Ok(())
    }

    /// Takes all packets that are whole.
    fn read_on(&mut self) -> Result<(), Error> {
        while let Pushed::Packet(packet) = self.reader.next_packet()? {
            self.seen
                .add(packet.timestamp, packet.bytes.len(), packet.original_len);
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Verified, Error> {
        self.reader.end();
        self.read_on()?;
        self.seen.header = self.reader.header().unwrap_or(Header::UNKNOWN);
        Ok(self.seen)
    }
}
