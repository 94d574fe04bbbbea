//! One file out of many, in the simplest format that holds all packets.

use std::collections::HashMap;
use std::io::Write;

use crate::error::{Error, ErrorKind};
use crate::packet::Packet;
use crate::reader::{Format, Header};
use crate::writer::{InterfaceId, PcapNgWriter, Writer, WriterOptions};

/// The file that is written.
pub(crate) enum Output<W: Write> {
    Pcap(Writer<W>),
    PcapNg(Box<PcapNg<W>>),
}

pub(crate) struct PcapNg<W: Write> {
    writer: PcapNgWriter<W>,
    interfaces: HashMap<WriterOptions, InterfaceId>,
    /// For each input, the interfaces of its sorts of packets, as far as they have come up.
    of_input: Vec<Vec<Option<InterfaceId>>>,
}

/// Where a packet comes from.
#[derive(Clone, Copy)]
pub(crate) struct Origin {
    /// The number of the input, in the order of the headers.
    pub(crate) input: usize,
    /// Which of the input's sorts of packets it is.
    pub(crate) sort: u32,
}

impl<W: Write> Output<W> {
    /// Begins a file for the packets of inputs with these headers: a classic one, without a buffer of its own, where
    /// they agree in all.
    ///
    /// # Errors
    ///
    /// If there is no input, or the file cannot be written.
    pub(crate) fn begin(headers: &[Header], write: W) -> Result<Self, Error> {
        let Some(first) = headers.first() else {
            return Err(Error::nothing());
        };
        if first.format == Format::Pcap && headers.iter().all(|it| it == first) {
            return Writer::unbuffered(write, (*first).into()).map(Self::Pcap);
        }
        Ok(Self::PcapNg(Box::new(PcapNg {
            writer: PcapNgWriter::unbuffered(write)?,
            interfaces: HashMap::new(),
            of_input: vec![Vec::new(); headers.len()],
        })))
    }

    /// Adds a packet, all of its bytes, and says whether the file can hold it. `sort` is asked what sort of packet it
    /// is when the first of that origin comes.
    #[inline]
    pub(crate) fn write(
        &mut self,
        origin: Origin,
        sort: impl FnOnce() -> WriterOptions,
        packet: &Packet<'_>,
    ) -> Result<bool, Error> {
        let written = match self {
            Self::Pcap(writer) => writer.write_up_to(u32::MAX, packet),
            Self::PcapNg(pcapng) => {
                let interface = pcapng.interface(origin, sort)?;
                pcapng.writer.write_up_to(0, interface, packet)
            }
        };
        match written {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::Refused => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn finish(self) -> Result<Format, Error> {
        match self {
            Self::Pcap(writer) => writer.finish().map(|_| Format::Pcap),
            Self::PcapNg(pcapng) => pcapng.writer.finish().map(|_| Format::PcapNg),
        }
    }
}

impl<W: Write> PcapNg<W> {
    /// The interface for packets of this origin.
    #[inline]
    fn interface(
        &mut self,
        origin: Origin,
        sort: impl FnOnce() -> WriterOptions,
    ) -> Result<InterfaceId, Error> {
        let known = self.of_input.get(origin.input);
        match known.and_then(|it| it.get(origin.sort as usize)) {
            Some(Some(interface)) => Ok(*interface),
            _ => self.add(origin, sort()),
        }
    }

    #[cold]
    fn add(&mut self, origin: Origin, options: WriterOptions) -> Result<InterfaceId, Error> {
        let interface = if let Some(interface) = self.interfaces.get(&options) {
            *interface
        } else {
            let interface = self.writer.add_interface(options)?;
            self.interfaces.insert(options, interface);
            interface
        };
        if let Some(known) = self.of_input.get_mut(origin.input) {
            let sort = origin.sort as usize;
            known.resize(known.len().max(sort + 1), None);
            if let Some(known) = known.get_mut(sort) {
                *known = Some(interface);
            }
        }
        Ok(interface)
    }
}
