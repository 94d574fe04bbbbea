//! Packets as rows, column by column, until there are enough of them to be written.

use pcaps_file::{Detail, IpHeader, Packet, detail};

use crate::dns;
use crate::list::{Addresses, Names};
use crate::schema::{COLUMNS, Coding, Column, Presence, SPECIFICATIONS};

/// How many rows are written together at most: a row group. Engines skip those whose times or addresses are not asked for,
/// and read as many at once as they have processors. The memory of an export goes with it.
pub(crate) const MAX_ROWS: usize = 1 << 17;

/// How many bytes of names are kept at most before what there is is written.
const MAX_NAME_BYTES: usize = 4 << 20;

const MICROS_OF_HOUR: i64 = 3_600_000_000;

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;
const SCTP: u8 = 132;
/// The ports of DNS, and of mDNS, whose messages look the same.
const DNS_PORTS: [u16; 2] = [53, 5353];

/// Rows of one file.
pub(crate) struct Rows {
    len: usize,
    pub(crate) times: Vec<i64>,
    /// Which of the bits of [`Presence`] each row has.
    pub(crate) present: Vec<u16>,
    /// For each column as many numbers as there are rows. Where a row has no value, anything may stand.
    pub(crate) columns: [Vec<u32>; COLUMNS],
    pub(crate) addresses: Addresses,
    pub(crate) names: Names,
    /// The number of the frame that a 0 in the column is.
    pub(crate) first_frame: u64,
    next_frame: u64,
    is_sorted: bool,
    /// A name on its way to the list.
    name: Vec<u8>,
}

impl Rows {
    pub(crate) fn new() -> Self {
        let has_numbers = |it: Coding| !matches!(it, Coding::Time | Coding::Constant);
        Self {
            len: 0,
            times: vec![0; MAX_ROWS],
            present: vec![0; MAX_ROWS],
            columns: std::array::from_fn(|at| {
                let is_there = SPECIFICATIONS
                    .get(at)
                    .is_some_and(|it| has_numbers(it.coding));
                vec![0; if is_there { MAX_ROWS } else { 0 }]
            }),
            addresses: Addresses::default(),
            names: Names::default(),
            first_frame: 1,
            next_frame: 1,
            is_sorted: true,
            name: Vec::new(),
        }
    }

    /// Whether they have to be written before another one comes.
    pub(crate) fn is_full(&self) -> bool {
        self.len == MAX_ROWS || self.names.bytes() > MAX_NAME_BYTES
    }

    /// Makes room for the next rows.
    pub(crate) fn clear(&mut self) {
        self.len = 0;
        self.is_sorted = true;
        self.addresses.clear();
        self.names.clear();
        self.first_frame = self.next_frame;
    }

    /// Adds a packet. There must be room.
    pub(crate) fn push(&mut self, packet: &Packet<'_>) {
        let row = self.len;
        let nanos = packet.timestamp.as_nanos();
        // Of 64 bits of nanoseconds: a thousandth fits.
        let micros = i64::try_from(nanos / 1_000).unwrap_or(i64::MAX);
        self.is_sorted &= row == 0 || self.times.get(row - 1).is_some_and(|it| *it <= micros);
        if let Some(time) = self.times.get_mut(row) {
            *time = micros;
        }
        self.set(Column::TsNs, number(nanos % 1_000));
        self.set(
            Column::FrameNumber,
            number(self.next_frame - self.first_frame),
        );
        self.set(Column::CapturedLen, number(packet.bytes.len() as u64));
        self.set(Column::OriginalLen, packet.original_len);
        self.set(Column::LinkType, packet.link_type.0.into());
        let detail = detail(packet.link_type, packet.bytes);
        let present = self.headers(&detail);
        if let Some(it) = self.present.get_mut(row) {
            *it = present;
        }
        self.next_frame += 1;
        self.len += 1;
    }

    fn set(&mut self, column: Column, value: u32) {
        if let Some(place) = self.columns[column as usize].get_mut(self.len) {
            *place = value;
        }
    }

    /// What the headers say; and which columns have values by that.
    fn headers(&mut self, detail: &Detail<'_>) -> u16 {
        let mut present = 0;
        if let Some(vlan) = detail.vlan {
            present |= Presence::VLAN.0;
            self.set(Column::VlanId, vlan.into());
        }
        let Some(ip) = &detail.ip else {
            return present;
        };
        present |= Presence::IP.0;
        let source = self.addresses.number(ip.source);
        let destination = self.addresses.number(ip.destination);
        self.set(Column::IpVersion, if ip.source.is_ipv4() { 4 } else { 6 });
        self.set(Column::SrcAddr, source);
        self.set(Column::DstAddr, destination);
        self.set(Column::Protocol, ip.protocol.into());
        self.set(Column::ProtocolName, ip.protocol.into());
        self.set(Column::Ttl, ip.hops.into());
        self.set(Column::Dscp, (ip.traffic_class >> 2).into());
        self.set(Column::Tunnels, detail.tunnels.into());
        if let Some(fragment) = ip.fragment {
            present |= Presence::FRAGMENT.0;
            self.set(Column::FragmentId, fragment.id);
            self.set(Column::FragmentOffset, fragment.offset);
            self.set(Column::MoreFragments, fragment.has_more.into());
        }
        if let Some(outer) = &detail.outer {
            present |= Presence::OUTER.0;
            let source = self.addresses.number(outer.source);
            let destination = self.addresses.number(outer.destination);
            self.set(Column::OuterProtocol, outer.protocol.into());
            self.set(Column::OuterSrcAddr, source);
            self.set(Column::OuterDstAddr, destination);
        }
        present | self.above(ip)
    }

    /// What is above IP.
    fn above(&mut self, ip: &IpHeader<'_>) -> u16 {
        let mut present = 0;
        let is_later = ip.fragment.is_some_and(|it| it.offset > 0);
        // How long the header is that payload is behind.
        let mut header = Some(0);
        match ip.protocol {
            TCP | UDP | SCTP => {
                let ports = ip
                    .above
                    .first_chunk::<4>()
                    .map(|&[a, b, c, d]| [u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])]);
                if let Some([source, destination]) = ports {
                    present |= Presence::PORTS.0;
                    self.set(Column::SrcPort, source.into());
                    self.set(Column::DstPort, destination.into());
                }
                let is_dns = ports.is_some_and(|it| it.iter().any(|it| DNS_PORTS.contains(it)));
                match ip.protocol {
                    TCP if !is_later => {
                        header = ip.above.get(12).map(|it| usize::from(it >> 4) * 4);
                        present |= self.tcp(ip.above);
                        if let (true, Some(header)) = (is_dns, header) {
                            present |= self.dns(over_tcp(ip, header));
                        }
                    }
                    UDP if !is_later => {
                        header = Some(8);
                        if is_dns {
                            present |= self.dns(over_udp(ip.above));
                        }
                    }
                    _ => {}
                }
            }
            ICMP | ICMPV6 => {
                if let Some(&[kind, code]) = ip.above.first_chunk() {
                    present |= Presence::ICMP.0;
                    self.set(Column::IcmpType, kind.into());
                    self.set(Column::IcmpCode, code.into());
                }
            }
            _ => {}
        }
        let header = header.and_then(|it| u32::try_from(it).ok());
        let payload = ip.payload_len.zip(header);
        if let Some(len) = payload.and_then(|(len, header)| len.checked_sub(header)) {
            present |= Presence::PAYLOAD.0;
            self.set(Column::PayloadLen, len);
        }
        present
    }

    fn tcp(&mut self, header: &[u8]) -> u16 {
        let Some(&[_, _, _, _, a, b, c, d, _, _, _, _, _, flags, high, low]) = header.first_chunk()
        else {
            return 0;
        };
        self.set(Column::TcpSeq, u32::from_be_bytes([a, b, c, d]));
        self.set(Column::TcpFlags, flags.into());
        self.set(Column::TcpWindow, u16::from_be_bytes([high, low]).into());
        Presence::TCP.0
    }

    fn dns(&mut self, message: Option<&[u8]>) -> u16 {
        let mut name = std::mem::take(&mut self.name);
        let kind = message.and_then(|it| dns::question(it, &mut name));
        let present = kind.map_or(0, |kind| {
            let number = self.names.number(&name);
            self.set(Column::DnsQueryName, number);
            self.set(Column::DnsQueryType, kind.into());
            Presence::DNS.0
        });
        self.name = name;
        present
    }

    /// Puts the rows in the order of their times; those of one time stay as they came.
    pub(crate) fn sort(&mut self) {
        if self.is_sorted {
            return;
        }
        let times = self.times.get(..self.len).unwrap_or_default();
        let mut order: Vec<usize> = (0..times.len()).collect();
        order.sort_by_key(|it| times.get(*it));
        reorder(&mut self.times, &order);
        reorder(&mut self.present, &order);
        for column in &mut self.columns {
            if !column.is_empty() {
                reorder(column, &order);
            }
        }
        self.is_sorted = true;
    }

    /// The rows by the hours that they are of, as numbers since 1970. They must be in order.
    pub(crate) fn hours(&self) -> Vec<(i64, std::ops::Range<usize>)> {
        let times = self.times.get(..self.len).unwrap_or_default();
        let hour = |it: &i64| it.div_euclid(MICROS_OF_HOUR);
        let mut begin = 0;
        let same = times.chunk_by(|one, other| hour(one) == hour(other));
        let ranges = same.map(|it| {
            let range = begin..begin + it.len();
            begin = range.end;
            (it.first().map_or(0, hour), range)
        });
        ranges.collect()
    }
}

fn reorder<T: Copy>(values: &mut [T], order: &[usize]) {
    let sorted: Vec<T> = order
        .iter()
        .filter_map(|it| values.get(*it))
        .copied()
        .collect();
    if let Some(place) = values.get_mut(..sorted.len()) {
        place.copy_from_slice(&sorted);
    }
}

/// A DNS message above UDP's header, without what is not of it.
fn over_udp(above: &[u8]) -> Option<&[u8]> {
    let len = usize::from(u16::from_be_bytes(*above.get(4..)?.first_chunk()?));
    let datagram = above.get(..len).unwrap_or(above);
    datagram.get(8..)
}

/// A DNS message over TCP that begins with its segment. It stands behind its length.
fn over_tcp<'a>(ip: &IpHeader<'a>, header: usize) -> Option<&'a [u8]> {
    let (&len, message) = ip.above.get(header..)?.split_first_chunk()?;
    let len = usize::from(u16::from_be_bytes(len));
    let carried = (ip.payload_len? as usize).checked_sub(header + 2)?;
    // What is in the middle of a message begins with no length.
    (len <= carried && len > 12).then(|| message.get(..len).unwrap_or(message))
}

/// A number of which is known that it fits.
fn number(it: u64) -> u32 {
    u32::try_from(it).unwrap_or(u32::MAX)
}
