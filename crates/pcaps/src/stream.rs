//! Capture files, one after the other, as one pcapng file to a writer.

use std::{collections::HashMap, fs::File, io::Write, path::Path};

use pcaps_file::{InterfaceId, LinkType, Packet, PcapNgWriter, Reader, Timestamp, WriterOptions};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt as _},
    task::spawn_blocking,
};

use crate::{Error, ErrorKind, collect::stopped};

/// How many bytes are written at once.
const PIECE: usize = 256 * 1024;

/// A pcapng file with an interface for each link type. Times have all their digits, packets all their bytes.
pub(crate) struct Made<W: Write> {
    writer: PcapNgWriter<W>,
    interfaces: HashMap<LinkType, InterfaceId>,
}

impl<W: Write> Made<W> {
    pub(crate) fn begin(write: W) -> Result<Self, pcaps_file::Error> {
        Ok(Self {
            writer: PcapNgWriter::unbuffered(write)?,
            interfaces: HashMap::new(),
        })
    }

    pub(crate) fn add(&mut self, packet: &Packet<'_>) -> Result<(), pcaps_file::Error> {
        let interface = if let Some(known) = self.interfaces.get(&packet.link_type) {
            *known
        } else {
            let new = self.writer.add_interface(WriterOptions {
                link_type: packet.link_type,
                // No limit: packets say their lengths.
                snap_len: 0,
                nanoseconds: true,
            })?;
            self.interfaces.insert(packet.link_type, new);
            new
        };
        self.writer.write(interface, packet)
    }

    pub(crate) fn finish(self) -> Result<W, pcaps_file::Error> {
        self.writer.finish()
    }
}

/// The same, made of files and sent to a writer.
pub(crate) struct PacketStream<W> {
    to: W,
    /// Always there, but while a piece is made.
    made: Option<Made<Vec<u8>>>,
}

impl<W: AsyncWrite + Unpin> PacketStream<W> {
    /// Writes the beginning, which whoever reads waits for.
    pub(crate) async fn begin(to: W) -> Result<Self, Error> {
        let made = Made::begin(Vec::new()).map_err(unmade)?;
        let mut this = Self {
            to,
            made: Some(made),
        };
        this.send().await?;
        Ok(this)
    }

    /// Writes the packets of a file, or those from a moment on, and says how many there were.
    pub(crate) async fn append(
        &mut self,
        file: &Path,
        from: Option<Timestamp>,
    ) -> Result<u64, Error> {
        let path = file.to_owned();
        let opened = spawn_blocking(move || Reader::open(path)).await;
        let mut reader = opened.map_err(stopped)?.map_err(unmade)?;
        let mut packets = 0;
        loop {
            let Some(made) = self.made.take() else {
                // It has failed before.
                return Err(Error::new(ErrorKind::Io, "the stream of packets has ended"));
            };
            let making = spawn_blocking(move || piece(reader, made, from)).await;
            let piece = making.map_err(stopped)?.map_err(unmade)?;
            self.made = Some(piece.made);
            packets += piece.packets;
            self.send().await?;
            match piece.rest {
                Some(rest) => reader = rest,
                None => return Ok(packets),
            }
        }
    }

    /// Sends what has been made.
    async fn send(&mut self) -> Result<(), Error> {
        if let Some(made) = &mut self.made {
            let bytes = made.writer.get_mut();
            let sent = self.to.write_all(bytes).await;
            bytes.clear();
            sent.map_err(unsent)?;
        }
        self.to.flush().await.map_err(unsent)
    }

    /// Says that there is no more.
    pub(crate) async fn end(&mut self) -> Result<(), Error> {
        self.to.shutdown().await.map_err(unsent)
    }
}

/// A piece of the stream.
struct Batch {
    made: Made<Vec<u8>>,
    packets: u64,
    /// If there is more in the file.
    rest: Option<Reader<File>>,
}

fn piece(
    mut reader: Reader<File>,
    mut made: Made<Vec<u8>>,
    from: Option<Timestamp>,
) -> Result<Batch, pcaps_file::Error> {
    let mut packets = 0;
    while made.writer.get_ref().len() < PIECE {
        let Some(packet) = reader.next_packet()? else {
            return Ok(Batch {
                made,
                packets,
                rest: None,
            });
        };
        if from.is_none_or(|it| packet.timestamp >= it) {
            made.add(&packet)?;
            packets += 1;
        }
    }
    Ok(Batch {
        made,
        packets,
        rest: Some(reader),
    })
}

/// What has been checked before cannot be read, or not be expressed.
fn unmade(error: pcaps_file::Error) -> Error {
    let what = "the packets have arrived, and cannot be passed on";
    Error::new(ErrorKind::Io, what).because(error)
}

fn unsent(error: std::io::Error) -> Error {
    let what = "the packets cannot be written to where they should go";
    Error::new(ErrorKind::Io, what).because(error)
}
