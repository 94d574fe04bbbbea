//! Capture files: read and write them, look into their packets, sum them up, and choose
//! them by filters. No network, nothing asynchronous, and memory that does not grow with the file.
//!
//! - [`Reader`] streams the packets of a pcap or pcapng file, also one that is packed with gzip or zstd, and
//!   [`PushReader`] those of one that arrives piece by piece.
//! - [`Writer`] makes a pcap file, [`PcapNgWriter`] a pcapng file, and [`NewFile`] puts either in its place when it
//!   is whole.
//! - [`Verifier`] checks a file while it streams by.
//! - [`merge`] makes one file of many, in the order of time.
//! - [`select`] copies the packets that are wanted into another file.
//! - [`dissect`] finds the addresses, the protocol and the ports of one packet, [`detail`] its IP headers with all that they
//!   say.
//! - [`Summary`] is what a person wants to know first about a file, as text and as JSON.
//! - [`filter`] parses the common part of tcpdump's filter language, and runs it over packets.
//!
//! Files are taken to be hostile: whatever their bytes are, the answer is packets or an [`Error`].
//!
//! # Examples
//!
//! ```
//! use pcaps_file::{LinkType, Packet, Reader, Summary, Timestamp, Writer, WriterOptions};
//!
//! # fn main() -> Result<(), pcaps_file::Error> {
//! let mut writer = Writer::new(Vec::new(), WriterOptions::new(LinkType::RAW))?;
//! writer.write(&Packet {
//!     timestamp: Timestamp::from_parts(1_700_000_000, 0),
//!     link_type: LinkType::RAW,
//!     original_len: 1_500,
//!     bytes: &[0x45, 0, 0x05, 0xdc],
//! })?;
//! let file = writer.finish()?;
//!
//! let mut reader = Reader::new(file.as_slice(), "made here")?;
//! let mut summary = Summary::default();
//! while let Some(packet) = reader.next_packet()? {
//!     summary.add(&packet);
//! }
//! assert_eq!(summary.bytes_on_wire(), 1_500);
//! # Ok(())
//! # }
//! ```

mod behind;
mod detail;
mod dissect;
mod error;
pub mod filter;
pub mod human;
mod ip;
mod layers;
mod link;
pub mod merge;
mod new_file;
mod output;
mod packet;
mod pcap;
mod pcapng;
mod pieces;
mod positional;
mod protocol;
mod push;
mod reader;
mod select;
mod source;
mod stop;
mod summary;
mod tunnel;
mod turns;
mod unpack;
mod verifier;
mod writer;

pub use detail::{Detail, Fragment, IpHeader, detail};
pub use dissect::{Dissection, Inner, TcpFlags, dissect};
pub use error::{Error, ErrorKind};
pub use new_file::NewFile;
pub use packet::{LinkType, Packet, Timestamp};
pub use protocol::name as protocol_name;
pub use push::{PushReader, Pushed};
pub use reader::{Format, Header, Reader};
pub use select::{Selected, select};
pub use stop::{StopOnDrop, StopSignal, StoppableWriter};
pub use summary::{
    Finding, FindingKind, FlowTally, LayerTally, PortTally, ProtocolTally, SizeTally, StepTally,
    Summary, Talker, Tally,
};
pub use verifier::{Verified, Verifier};
pub use writer::{InterfaceId, PcapNgWriter, Writer, WriterOptions};

/// The most bytes that one record of a file may claim: 16 MiB. A file that claims more is damaged, and
/// nothing is allocated for it.
pub const MAX_RECORD_LEN: u32 = 16 * 1024 * 1024;
