//! The columns: their names, types and meaning, which are a promise.

use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::errors::Result;
use parquet::schema::types::{Type, TypePtr};
use serde::Serialize;

/// The version of the schema. It grows when a column goes away, or changes its name, type or meaning; new columns may come
/// without.
pub const SCHEMA_VERSION: u32 = 1;

/// What a table is: the document that says so to people and programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct TableSchema {
    /// The version of the schema.
    pub version: u32,
    /// The columns that stand in the names of folders (`capture_id=…/date=…/hour=…`), the outermost first, and not in the
    /// files.
    pub partitions: Vec<ColumnSchema>,
    /// The columns of the files, in their order.
    pub columns: Vec<ColumnSchema>,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ColumnSchema {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// Whether it may be null.
    pub nullable: bool,
    /// What it says, and in which unit.
    pub meaning: &'static str,
}

/// A type that every engine has. Numbers are signed, because not every engine has others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schemars", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ColumnType {
    /// A moment, in microseconds since 1970 in UTC: `TIMESTAMP(MICROS, UTC)` in Parquet.
    Timestamp,
    /// A day. It stands in the name of a folder only.
    Date,
    /// A number of 32 bits with a sign.
    Int32,
    /// A number of 64 bits with a sign.
    Int64,
    /// True or false.
    Boolean,
    /// Text in UTF-8.
    String,
}

/// The columns of the files, by their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    Ts,
    TsNs,
    Colo,
    File,
    FrameNumber,
    CapturedLen,
    OriginalLen,
    LinkType,
    VlanId,
    IpVersion,
    SrcAddr,
    DstAddr,
    Protocol,
    ProtocolName,
    SrcPort,
    DstPort,
    Ttl,
    Dscp,
    FragmentId,
    FragmentOffset,
    MoreFragments,
    TcpFlags,
    TcpSeq,
    TcpWindow,
    IcmpType,
    IcmpCode,
    DnsQueryName,
    DnsQueryType,
    PayloadLen,
    Tunnels,
    OuterProtocol,
    OuterSrcAddr,
    OuterDstAddr,
}

/// How many there are.
pub(crate) const COLUMNS: usize = Column::OuterDstAddr as usize + 1;

/// What decides whether a column has a value in a row: a bit for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Presence(pub(crate) u16);

impl Presence {
    pub(crate) const ALWAYS: Self = Self(0);
    pub(crate) const VLAN: Self = Self(1);
    pub(crate) const IP: Self = Self(1 << 1);
    pub(crate) const PORTS: Self = Self(1 << 2);
    pub(crate) const TCP: Self = Self(1 << 3);
    pub(crate) const ICMP: Self = Self(1 << 4);
    pub(crate) const FRAGMENT: Self = Self(1 << 5);
    pub(crate) const DNS: Self = Self(1 << 6);
    pub(crate) const PAYLOAD: Self = Self(1 << 7);
    pub(crate) const OUTER: Self = Self(1 << 8);
    pub(crate) const COLO: Self = Self(1 << 9);
    /// How many bits there are.
    pub(crate) const BITS: usize = 10;
}

/// What the number is that a row has for a column, and how a column of them is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// Microseconds. They have a place of their own in the rows, of 64 bits.
    Time,
    /// The distance from the first frame of the rows.
    Frame,
    /// A number, mostly a small one that comes again.
    Number,
    /// A number that hardly ever comes again.
    Sequence,
    /// 0 or 1.
    Flag,
    /// The number of an address in the rows' list.
    Address,
    /// The number of a name in the rows' list.
    Name,
    /// The name of the protocol with this number.
    ProtocolName,
    /// The same text in all rows.
    Constant,
}

/// All that there is to know of a column.
pub(crate) struct Specification {
    pub(crate) column: Column,
    pub(crate) name: &'static str,
    pub(crate) kind: ColumnType,
    pub(crate) presence: Presence,
    pub(crate) coding: Coding,
    meaning: &'static str,
}

const fn column(
    column: Column,
    name: &'static str,
    kind: ColumnType,
    presence: Presence,
    coding: Coding,
    meaning: &'static str,
) -> Specification {
    Specification {
        column,
        name,
        kind,
        presence,
        coding,
        meaning,
    }
}

/// The columns of the files, in their order.
#[rustfmt::skip]
pub(crate) const SPECIFICATIONS: [Specification; COLUMNS] = {
    use Coding::{Address, Constant, Flag, Frame, Name, Number, Sequence, Time};
    use ColumnType::{Boolean, Int32, Int64, String, Timestamp};
    use Presence as P;
    [
        column(Column::Ts, "ts", Timestamp, P::ALWAYS, Time,
            "When the packet was captured, in microseconds"),
        column(Column::TsNs, "ts_ns", Int32, P::ALWAYS, Number,
            "The nanoseconds of that time below the microsecond, 0 to 999"),
        column(Column::Colo, "colo", String, P::COLO, Constant,
            "The data centre, if it was given to the export"),
        column(Column::File, "file", String, P::ALWAYS, Constant,
            "The capture file: its path on the machine that read it, or its URI"),
        column(Column::FrameNumber, "frame_number", Int64, P::ALWAYS, Frame,
            "The packet's place in the file, from 1"),
        column(Column::CapturedLen, "captured_len", Int32, P::ALWAYS, Number,
            "How many bytes of the packet were captured"),
        column(Column::OriginalLen, "original_len", Int64, P::ALWAYS, Number,
            "How many bytes it had on the wire, from its first header on"),
        column(Column::LinkType, "link_type", Int32, P::ALWAYS, Number,
            "What its first header is: a number of https://www.tcpdump.org/linktypes.html, 1 for Ethernet"),
        column(Column::VlanId, "vlan_id", Int32, P::VLAN, Number,
            "The id in the outermost VLAN tag, 0 to 4095"),
        column(Column::IpVersion, "ip_version", Int32, P::IP, Number,
            "The version of the innermost IP header, 4 or 6; this and all further columns up to payload_len are of that header \
             and what is above it"),
        column(Column::SrcAddr, "src_addr", String, P::IP, Address,
            "The source address, as 192.0.2.1 or 2001:db8::1"),
        column(Column::DstAddr, "dst_addr", String, P::IP, Address,
            "The destination address"),
        column(Column::Protocol, "protocol", Int32, P::IP, Number,
            "IANA's number of the protocol above IP, behind IPv6's extension headers: 6 for TCP, 17 for UDP"),
        column(Column::ProtocolName, "protocol_name", String, P::IP, Coding::ProtocolName,
            "Its name, as TCP or UDP, or `protocol N`"),
        column(Column::SrcPort, "src_port", Int32, P::PORTS, Number,
            "The source port of TCP, UDP or SCTP; later fragments have none"),
        column(Column::DstPort, "dst_port", Int32, P::PORTS, Number,
            "The destination port of TCP, UDP or SCTP"),
        column(Column::Ttl, "ttl", Int32, P::IP, Number,
            "The time to live, or the hop limit, 0 to 255"),
        column(Column::Dscp, "dscp", Int32, P::IP, Number,
            "The differentiated services code point, 0 to 63"),
        column(Column::FragmentId, "fragment_id", Int64, P::FRAGMENT, Sequence,
            "What the fragments of one packet have in common; null, as the next two, unless it is a fragment"),
        column(Column::FragmentOffset, "fragment_offset", Int32, P::FRAGMENT, Number,
            "Where in the packet the fragment belongs, in bytes"),
        column(Column::MoreFragments, "more_fragments", Boolean, P::FRAGMENT, Flag,
            "Whether others come behind it"),
        column(Column::TcpFlags, "tcp_flags", Int32, P::TCP, Number,
            "The flags of TCP, as the byte tcp[13] of tcpdump: 1 FIN, 2 SYN, 4 RST, 8 PSH, 16 ACK, 32 URG, 64 ECE, 128 CWR"),
        column(Column::TcpSeq, "tcp_seq", Int64, P::TCP, Sequence,
            "The sequence number of TCP as it was sent, 0 to 4294967295"),
        column(Column::TcpWindow, "tcp_window", Int32, P::TCP, Number,
            "The window of TCP as it was sent, 0 to 65535, not scaled"),
        column(Column::IcmpType, "icmp_type", Int32, P::ICMP, Number,
            "The type of ICMP or ICMPv6, 0 to 255"),
        column(Column::IcmpCode, "icmp_code", Int32, P::ICMP, Number,
            "The code of ICMP or ICMPv6, 0 to 255"),
        column(Column::DnsQueryName, "dns_query_name", String, P::DNS, Name,
            "The name that a DNS or mDNS message asks for first, if the captured bytes hold all of it (over TCP, all of the \
             message); what is not printable ASCII is escaped as \\xNN, a dot within a label as \\., a backslash as \\\\; the root is ."),
        column(Column::DnsQueryType, "dns_query_type", Int32, P::DNS, Number,
            "The type that it asks for: 1 for A, 28 for AAAA, 255 for ANY"),
        column(Column::PayloadLen, "payload_len", Int32, P::PAYLOAD, Number,
            "How many bytes this packet carries above the header of TCP or UDP, and above IP's with any other protocol, by what \
             its headers say, captured or not; null where they do not"),
        column(Column::Tunnels, "tunnels", Int32, P::IP, Number,
            "How many tunnels (GRE, IP in IP) are around the innermost IP header, 0 to 4"),
        column(Column::OuterProtocol, "outer_protocol", Int32, P::OUTER, Number,
            "The protocol of the outermost IP header: 47 for GRE, 4 or 41 for IP in IP; null, as the next two, without a tunnel"),
        column(Column::OuterSrcAddr, "outer_src_addr", String, P::OUTER, Address,
            "The source address of the outermost IP header"),
        column(Column::OuterDstAddr, "outer_dst_addr", String, P::OUTER, Address,
            "The destination address of the outermost IP header"),
    ]
};

impl TableSchema {
    /// The schema that this version writes.
    ///
    /// ```
    /// let schema = pcaps_table::TableSchema::current();
    /// assert_eq!(schema.columns[0].name, "ts");
    /// ```
    pub fn current() -> Self {
        let partition = |name, kind, meaning| ColumnSchema {
            name,
            kind,
            nullable: false,
            meaning,
        };
        Self {
            version: SCHEMA_VERSION,
            partitions: vec![
                partition(
                    "capture_id",
                    ColumnType::String,
                    "The capture's id, of 32 hexadecimal digits, if the file's name has one; else what was given to the \
                     export, or the file's name without its ending. What an engine would take for a number or a date has \
                     `id-` before it",
                ),
                partition(
                    "date",
                    ColumnType::Date,
                    "The day of ts in UTC, as 2026-11-29",
                ),
                partition("hour", ColumnType::Int32, "The hour of ts in UTC, 0 to 23"),
            ],
            columns: SPECIFICATIONS
                .iter()
                .map(|it| ColumnSchema {
                    name: it.name,
                    kind: it.kind,
                    nullable: it.is_nullable(),
                    meaning: it.meaning,
                })
                .collect(),
        }
    }
}

impl Specification {
    pub(crate) fn is_nullable(&self) -> bool {
        self.presence != Presence::ALWAYS
    }

    pub(crate) fn physical(&self) -> Physical {
        match self.kind {
            ColumnType::Int32 | ColumnType::Date => Physical::INT32,
            ColumnType::Int64 | ColumnType::Timestamp => Physical::INT64,
            ColumnType::Boolean => Physical::BOOLEAN,
            ColumnType::String => Physical::BYTE_ARRAY,
        }
    }

    fn logical(&self) -> Option<LogicalType> {
        match self.kind {
            ColumnType::Timestamp => Some(LogicalType::timestamp(true, TimeUnit::MICROS)),
            ColumnType::String => Some(LogicalType::String),
            ColumnType::Date => Some(LogicalType::Date),
            ColumnType::Int32 | ColumnType::Int64 | ColumnType::Boolean => None,
        }
    }
}

/// The schema as Parquet writes it.
pub(crate) fn parquet_type() -> Result<TypePtr> {
    let field = |it: &Specification| {
        let repetition = if it.is_nullable() {
            Repetition::OPTIONAL
        } else {
            Repetition::REQUIRED
        };
        Type::primitive_type_builder(it.name, it.physical())
            .with_repetition(repetition)
            .with_logical_type(it.logical())
            .build()
            .map(Arc::new)
    };
    let fields = SPECIFICATIONS.iter().map(field).collect::<Result<_>>()?;
    let schema = Type::group_type_builder("packets").with_fields(fields);
    schema.build().map(Arc::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_column_stands_in_its_place() {
        for (place, it) in SPECIFICATIONS.iter().enumerate() {
            assert_eq!(it.column as usize, place, "{}", it.name);
        }
    }
}
