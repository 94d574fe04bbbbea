//! The tables behind the charts: all numbers, whole.

use std::net::{IpAddr, SocketAddr};

use maud::{Markup, html};
use pcaps_file::{
    FlowTally, LayerTally, LinkType, PortTally, ProtocolTally, SizeTally, StepTally, Summary,
    Talker, Tally, TcpFlags, human::count,
};

use crate::time::Times;

/// What a column holds.
#[derive(Clone, Copy)]
pub(crate) enum Column {
    Text(&'static str),
    Number(&'static str),
}

use Column::{Number, Text};

/// A table in a box of its own, so that a wide one does not move the page. What it is called is unique on the page.
pub(crate) fn table(name: &str, columns: &[Column], rows: &[Vec<String>]) -> Markup {
    html! {
        div.box role="region" aria-label=(name) tabindex="0" {
            table {
                caption { (name) }
                thead {
                    tr {
                        @for column in columns {
                            @match column {
                                Text(title) => th scope="col" { (title) },
                                Number(title) => th.number scope="col" { (title) },
                            }
                        }
                    }
                }
                tbody {
                    @for row in rows {
                        tr {
                            @for (at, (cell, column)) in row.iter().zip(columns).enumerate() {
                                @match column {
                                    Text(_) if at == 0 => th scope="row" { bdi { (cell) } },
                                    Text(_) => td { bdi { (cell) } },
                                    Number(_) => td.number { (cell) },
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The same, to be opened.
pub(crate) fn folded(name: &str, columns: &[Column], rows: &[Vec<String>]) -> Markup {
    html! {
        details {
            summary { "Table: " (name) }
            (table(name, columns, rows))
        }
    }
}

/// The same, open: what is short is read on paper too.
pub(crate) fn opened(name: &str, columns: &[Column], rows: &[Vec<String>]) -> Markup {
    html! {
        details open {
            summary { "Table: " (name) }
            (table(name, columns, rows))
        }
    }
}

/// Packets and bytes of some tallies.
fn both<const N: usize>(tallies: [Tally; N]) -> impl Iterator<Item = String> {
    tallies
        .into_iter()
        .flat_map(|it| [count(it.packets), count(it.bytes_on_wire)])
}

fn row<const N: usize>(begin: &[String], tallies: [Tally; N]) -> Vec<String> {
    begin.iter().cloned().chain(both(tallies)).collect()
}

pub(crate) const STEPS: [Column; 11] = [
    Text("From"),
    Number("Packets"),
    Number("Bytes"),
    Number("TCP packets"),
    Number("TCP bytes"),
    Number("UDP packets"),
    Number("UDP bytes"),
    Number("ICMP packets"),
    Number("ICMP bytes"),
    Number("Other packets"),
    Number("Other bytes"),
];

/// The stretches of time that have packets.
pub(crate) fn steps(steps: &[StepTally], times: &Times) -> Vec<Vec<String>> {
    let step = |it: &StepTally| {
        let tallies = [it.tally(), it.tcp, it.udp, it.icmp, it.other];
        row(&[times.exact(it.time)], tallies)
    };
    let with_packets = steps.iter().filter(|it| it.tally().packets > 0);
    with_packets.map(step).collect()
}

pub(crate) const PROTOCOLS: [Column; 4] = [
    Text("Protocol"),
    Number("Number"),
    Number("Packets"),
    Number("Bytes"),
];

/// What is above IP, and what is not IP.
pub(crate) fn protocols(protocols: &[ProtocolTally], not_ip: Tally) -> Vec<Vec<String>> {
    let protocol = |it: &ProtocolTally| row(&[it.name.clone(), it.number.to_string()], [it.tally]);
    let mut rows: Vec<_> = protocols.iter().map(protocol).collect();
    rows.push(row(&["no IP header".to_owned(), String::new()], [not_ip]));
    rows
}

pub(crate) const LAYERS: [Column; 3] = [Text("Header"), Number("Packets"), Number("Bytes")];

/// The tree of headers, one in the other.
pub(crate) fn layers(trees: &[(LinkType, LayerTally)]) -> Vec<Vec<String>> {
    fn add(name: &str, layer: &LayerTally, depth: usize, rows: &mut Vec<Vec<String>>) {
        // Blanks at the beginning of a cell would not be seen.
        let name = format!("{}{name}", "\u{2003}".repeat(depth));
        rows.push(row(&[name], [layer.tally]));
        for inner in &layer.inside {
            add(&inner.name, inner, depth + 1, rows);
        }
    }
    let mut rows = Vec::new();
    for (link_type, layer) in trees {
        let name = format!("{} (link type {})", layer.name, link_type.0);
        add(&name, layer, 0, &mut rows);
    }
    rows
}

pub(crate) const SIZES: [Column; 2] = [Text("Bytes"), Number("Packets")];

pub(crate) fn sizes(sizes: &[SizeTally]) -> Vec<Vec<String>> {
    let row = |it: &SizeTally| vec![size(it), count(it.packets)];
    sizes.iter().map(row).collect()
}

/// `40 to 79`, `5,120 and more`.
pub(crate) fn size(range: &SizeTally) -> String {
    let from = count(range.from.into());
    match range.to {
        Some(to) => format!("{from} to {}", count(to.into())),
        None => format!("{from} and more"),
    }
}

pub(crate) const FLAGS: [Column; 2] = [Text("Flags"), Number("Packets")];

/// Packets of TCP by flag, as `pcaps stats` counts them.
pub(crate) fn flags(summary: &Summary) -> Vec<(&'static str, u64)> {
    let with = |set| summary.tcp_packets(set, TcpFlags::default());
    let both = TcpFlags(TcpFlags::SYN.0 | TcpFlags::ACK.0);
    vec![
        (
            "SYN, without ACK",
            summary.tcp_packets(TcpFlags::SYN, TcpFlags::ACK),
        ),
        ("SYN and ACK", with(both)),
        ("ACK", with(TcpFlags::ACK)),
        ("PSH", with(TcpFlags::PSH)),
        ("FIN", with(TcpFlags::FIN)),
        ("RST", with(TcpFlags::RST)),
        ("URG", with(TcpFlags::URG)),
        (
            "none",
            summary.tcp_packets(TcpFlags::default(), TcpFlags(u8::MAX)),
        ),
    ]
}

pub(crate) const TALKERS: [Column; 9] = [
    Text("Address"),
    Number("Packets"),
    Number("Bytes"),
    Number("Packets sent"),
    Number("Bytes sent"),
    Number("Packets received"),
    Number("Bytes received"),
    Number("Packets missed, at most"),
    Number("Bytes missed, at most"),
];

/// The last two columns, of what may have been missed, are for where anything may.
pub(crate) fn columns(columns: &'static [Column], exact: bool) -> &'static [Column] {
    let all = columns.len();
    columns
        .get(..all - if exact { 2 } else { 0 })
        .unwrap_or(columns)
}

pub(crate) fn talkers(talkers: &[Talker]) -> Vec<Vec<String>> {
    let talker = |it: &Talker| {
        let tallies = [it.tally(), it.sent, it.received, it.missed_at_most];
        row(&[it.address.to_string()], tallies)
    };
    talkers.iter().map(talker).collect()
}

pub(crate) const PORTS: [Column; 8] = [
    Text("Protocol"),
    Number("Port"),
    Number("Packets"),
    Number("Bytes"),
    Number("Packets from it"),
    Number("Bytes from it"),
    Number("Packets to it"),
    Number("Bytes to it"),
];

pub(crate) fn ports(ports: &[PortTally]) -> Vec<Vec<String>> {
    let port = |it: &PortTally| {
        let begin = [it.protocol_name(), it.port.to_string()];
        row(&begin, [it.tally(), it.sent, it.received])
    };
    ports.iter().map(port).collect()
}

pub(crate) const FLOWS: [Column; 11] = [
    Text("Protocol"),
    Text("One end"),
    Text("Other end"),
    Number("Packets"),
    Number("Bytes"),
    Number("Packets of one"),
    Number("Bytes of one"),
    Number("Packets of other"),
    Number("Bytes of other"),
    Number("Packets missed, at most"),
    Number("Bytes missed, at most"),
];

pub(crate) fn flows(flows: &[FlowTally]) -> Vec<Vec<String>> {
    let flow = |it: &FlowTally| {
        let begin = [it.protocol_name(), end(it.a), end(it.b)];
        let tallies = [it.tally(), it.from_a, it.from_b, it.missed_at_most];
        row(&begin, tallies)
    };
    flows.iter().map(flow).collect()
}

/// `192.0.2.1:53`, `[2001:db8::1]:53`, `192.0.2.1`.
pub(crate) fn end((address, port): (IpAddr, Option<u16>)) -> String {
    match port {
        Some(port) => SocketAddr::new(address, port).to_string(),
        None => address.to_string(),
    }
}
