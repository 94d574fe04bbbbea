//! Files made by hand, and how to read them.

use std::io::Read;

use pcaps_file::{Error, Packet, Reader};

pub(crate) const DNS: &[u8] = include_bytes!("../data/dns.pcap");
pub(crate) const SECTIONS_BE: &[u8] = include_bytes!("../data/sections-be.pcapng");

/// A packet that owns its bytes: nanoseconds, link type, original length, bytes.
pub(crate) type Owned = (u64, u16, u32, Vec<u8>);

pub(crate) fn owned(packet: &Packet<'_>) -> Owned {
    let nanos = packet.timestamp.as_nanos();
    let bytes = packet.bytes.to_vec();
    (nanos, packet.link_type.0, packet.original_len, bytes)
}

/// All packets, and the error that ended them.
pub(crate) fn read_all<R: Read>(read: R) -> (Vec<Owned>, Option<Error>) {
    let mut packets = Vec::new();
    let mut reader = match Reader::new(read, "test") {
        Ok(reader) => reader,
        Err(error) => return (packets, Some(error)),
    };
    loop {
        match reader.next_packet() {
            Ok(Some(packet)) => packets.push(owned(&packet)),
            Ok(None) => return (packets, None),
            Err(error) => return (packets, Some(error)),
        }
    }
}

/// Gives one byte at a time.
pub(crate) struct Drip<'a>(pub(crate) &'a [u8]);

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let len = buffer.len().min(1);
        self.0.read(&mut buffer[..len])
    }
}

/// A pcapng block: its type, its body, both lengths.
pub(crate) fn block(big_endian: bool, block_type: u32, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len().next_multiple_of(4) + 12).expect("a short body");
    let number = |n: u32| {
        if big_endian {
            n.to_be_bytes()
        } else {
            n.to_le_bytes()
        }
    };
    let mut bytes = [number(block_type), number(len)].concat();
    bytes.extend(body);
    bytes.resize(len as usize - 4, 0);
    bytes.extend(number(len));
    bytes
}

/// A section header.
pub(crate) fn section(big_endian: bool) -> Vec<u8> {
    let mut body = if big_endian {
        vec![0x1a, 0x2b, 0x3c, 0x4d, 0, 1, 0, 0]
    } else {
        vec![0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0]
    };
    body.extend([0xff; 8]);
    block(big_endian, 0x0a0d_0d0a, &body)
}

/// An interface with the options given.
pub(crate) fn interface(
    big_endian: bool,
    link_type: u16,
    snap_len: u32,
    options: &[u8],
) -> Vec<u8> {
    let mut body = Vec::new();
    if big_endian {
        body.extend(link_type.to_be_bytes());
        body.extend([0, 0]);
        body.extend(snap_len.to_be_bytes());
    } else {
        body.extend(link_type.to_le_bytes());
        body.extend([0, 0]);
        body.extend(snap_len.to_le_bytes());
    }
    body.extend(options);
    block(big_endian, 1, &body)
}

/// An enhanced packet.
pub(crate) fn packet(
    big_endian: bool,
    interface: u32,
    ticks: u64,
    original_len: u32,
    bytes: &[u8],
) -> Vec<u8> {
    let high = u32::try_from(ticks >> 32).expect("32 bits");
    let low = u32::try_from(ticks & 0xffff_ffff).expect("32 bits");
    let len = u32::try_from(bytes.len()).expect("a short packet");
    let mut body = Vec::new();
    for number in [interface, high, low, len, original_len] {
        if big_endian {
            body.extend(number.to_be_bytes());
        } else {
            body.extend(number.to_le_bytes());
        }
    }
    body.extend(bytes);
    block(big_endian, 6, &body)
}

/// The header of a classic file: little-endian, microseconds, Ethernet.
pub(crate) fn pcap_header() -> Vec<u8> {
    let mut bytes = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0];
    bytes.extend([0; 8]);
    bytes.extend(160_u32.to_le_bytes());
    bytes.extend(1_u32.to_le_bytes());
    bytes
}

/// A classic file with these record headers and bytes after a header with this magic.
pub(crate) fn pcap(
    magic: [u8; 4],
    big_endian: bool,
    link_type: u32,
    records: &[[u32; 4]],
    more: usize,
) -> Vec<u8> {
    let number = |n: u32| {
        if big_endian {
            n.to_be_bytes()
        } else {
            n.to_le_bytes()
        }
    };
    let mut bytes = magic.to_vec();
    bytes.extend(if big_endian {
        [0, 2, 0, 4]
    } else {
        [2, 0, 4, 0]
    });
    for field in [0, 0, 160, link_type] {
        bytes.extend(number(field));
    }
    for record in records {
        bytes.extend(record.iter().flat_map(|&field| number(field)));
        bytes.resize(bytes.len() + more, 0xee);
        bytes.resize(bytes.len() + record[2] as usize, 0xaa);
    }
    bytes
}
