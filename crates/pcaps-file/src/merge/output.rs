//! The one file, in the simplest format that holds all packets.

use std::collections::HashMap;
use std::io::Write;

use super::stream::{Head, Stream};
use crate::error::{Error, ErrorKind};
use crate::packet::Packet;
use crate::reader::Format;
use crate::writer::{InterfaceId, PcapNgWriter, Writer, WriterOptions};

/// The file that is written.
pub(super) enum Output<W: Write> {
    Pcap(Writer<W>),
    PcapNg(Box<PcapNg<W>>),
}

pub(super) struct PcapNg<W: Write> {
    writer: PcapNgWriter<W>,
    interfaces: HashMap<WriterOptions, InterfaceId>,
    /// For each stream, the interfaces of its sorts of packets, as far as they have come up.
    of_stream: Vec<Vec<Option<InterfaceId>>>,
}

impl<W: Write> Output<W> {
    pub(super) fn begin(streams: &[(usize, Stream)], write: W) -> Result<Self, Error> {
        let mut headers = streams.iter().map(|(_, stream)| stream.header());
        let Some(first) = headers.next() else {
            return Err(Error::nothing());
        };
        if first.format == Format::Pcap && headers.all(|it| it == first) {
            return Writer::new(write, first.into()).map(Self::Pcap);
        }
        Ok(Self::PcapNg(Box::new(PcapNg {
            writer: PcapNgWriter::new(write)?,
            interfaces: HashMap::new(),
            of_stream: vec![Vec::new(); streams.len()],
        })))
    }

    /// Adds a packet, and says whether the file can hold it.
    #[inline]
    pub(super) fn write(
        &mut self,
        number: usize,
        stream: &Stream,
        head: &Head,
        packet: &Packet<'_>,
    ) -> Result<bool, Error> {
        let written = match self {
            Self::Pcap(writer) => writer.write_up_to(u32::MAX, packet),
            Self::PcapNg(pcapng) => {
                let interface = pcapng.interface(number, stream, head.sort)?;
                pcapng.writer.write_up_to(0, interface, packet)
            }
        };
        match written {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::Refused => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(super) fn finish(self) -> Result<Format, Error> {
        match self {
            Self::Pcap(writer) => writer.finish().map(|_| Format::Pcap),
            Self::PcapNg(pcapng) => pcapng.writer.finish().map(|_| Format::PcapNg),
        }
    }
}

impl<W: Write> PcapNg<W> {
    /// The interface for packets of this sort of this stream.
    #[inline]
    fn interface(
        &mut self,
        number: usize,
        stream: &Stream,
        sort: u32,
    ) -> Result<InterfaceId, Error> {
        let known = self
            .of_stream
            .get(number)
            .and_then(|it| it.get(sort as usize));
        match known {
            Some(Some(interface)) => Ok(*interface),
            _ => self.add(number, stream, sort),
        }
    }

    #[cold]
    fn add(&mut self, number: usize, stream: &Stream, sort: u32) -> Result<InterfaceId, Error> {
        // Every packet is of a sort that was described before it.
        let options = stream.sort(sort).unwrap_or(stream.header().into());
        let interface = if let Some(interface) = self.interfaces.get(&options) {
            *interface
        } else {
            let interface = self.writer.add_interface(options)?;
            self.interfaces.insert(options, interface);
            interface
        };
        if let Some(known) = self.of_stream.get_mut(number) {
            let sort = sort as usize;
            known.resize(known.len().max(sort + 1), None);
            if let Some(known) = known.get_mut(sort) {
                *known = Some(interface);
            }
        }
        Ok(interface)
    }
}
