//! A port scan: one source sends SYNs to many ports of several hosts, and breaks off where somebody answers.

use etherparse::{TcpHeader, TcpOptionElement, TcpOptions};
use fastrand::Rng;

use super::{
    super::{
        conversation::{Addresses, Conversation, Ends, Way},
        network::CLIENT_PORTS,
        slice::Slice,
    },
    Attack, burst, scanner,
};

/// How long it takes, in seconds.
const SECONDS: u64 = 5;

/// Ports that are tried in a second.
const PROBES: usize = 20;

/// Ports of a host that are tried.
const PORTS: usize = 25;

/// What is tried of every host.
const ALWAYS: [u16; 4] = [22, 53, 80, 443];

/// What is tried of some: what else scanners try first.
const OFTEN: [u16; 60] = [
    21, 23, 25, 81, 110, 111, 113, 135, 139, 143, 179, 199, 389, 427, 444, 445, 465, 513, 514, 515,
    543, 548, 554, 587, 631, 646, 873, 990, 993, 995, 1025, 1026, 1027, 1110, 1433, 1720, 1723,
    1755, 1900, 2000, 2049, 2121, 2717, 3000, 3128, 3306, 3389, 3986, 4899, 5000, 5060, 5432, 5900,
    6000, 6646, 8000, 8008, 8080, 8443, 8888,
];

/// Adds the second's probes and what comes of them, if the second is one of the scan.
pub(super) fn probes(slice: &mut Slice) {
    let Some(burst) = burst(slice, Attack::Scan, SECONDS..SECONDS + 1) else {
        return;
    };
    let mut chance = burst.rng;
    let source = scanner(&mut chance);
    let source_port = chance.u16(CLIENT_PORTS);
    let ttl = Ends {
        client: chance.u8(38..58),
        server: 62,
    };
    let begin = usize::try_from(burst.elapsed).unwrap_or_default() * PROBES;
    for (host, port) in targets(&mut chance).into_iter().skip(begin).take(PROBES) {
        let addresses = Addresses::V4(source, [203, 0, 113, host]);
        let ports = [source_port, port];
        let mut between = Conversation::new(&mut slice.rng, addresses, ttl, ports);
        probe(slice, &mut between, is_open(host, port));
    }
}

/// The ports of hosts that are tried in a minute, in the order in which they are.
fn targets(chance: &mut Rng) -> Vec<(u8, u16)> {
    let hosts = [
        chance.u8(10..14), // a web server
        53,                // the name server
        chance.u8(21..50),
        chance.u8(80..120),
    ];
    let mut often = OFTEN;
    chance.shuffle(&mut often);
    let ports = ALWAYS.into_iter().chain(often).take(PORTS);
    let mut targets: Vec<_> = ports
        .flat_map(|port| hosts.map(|host| (host, port)))
        .collect();
    chance.shuffle(&mut targets);
    targets
}

/// Whether a host takes connections at a port.
fn is_open(host: u8, port: u16) -> bool {
    match host {
        10..14 => matches!(port, 80 | 443),
        53 => port == 53,
        _ => false,
    }
}

/// One port: SYN and RST, or SYN, SYN-ACK and RST.
fn probe(slice: &mut Slice, between: &mut Conversation, is_open: bool) {
    let first = slice.rng.u32(..);
    let begin = slice.moment();
    let answered = begin + between.delay.server;
    let syn = TcpHeader {
        syn: true,
        sequence_number: first,
        window_size: 1024,
        options: longest_segment(1460),
        ..TcpHeader::default()
    };
    let acknowledges = TcpHeader {
        ack: true,
        acknowledgment_number: first.wrapping_add(1),
        ..TcpHeader::default()
    };
    slice.push(begin, between.tcp(Way::Up, syn, &[]));
    if !is_open {
        let refusal = TcpHeader {
            rst: true,
            ..acknowledges
        };
        slice.push(answered, between.tcp(Way::Down, refusal, &[]));
        return;
    }
    let answer = TcpHeader {
        syn: true,
        sequence_number: slice.rng.u32(..),
        window_size: 64_240,
        options: longest_segment(1436),
        ..acknowledges
    };
    slice.push(answered, between.tcp(Way::Down, answer, &[]));
    // The scanner's system knows of no connection.
    let reset = TcpHeader {
        rst: true,
        sequence_number: first.wrapping_add(1),
        ..TcpHeader::default()
    };
    let at = answered + between.delay.client;
    slice.push(at, between.tcp(Way::Up, reset, &[]));
}

fn longest_segment(bytes: u16) -> TcpOptions {
    let options = [TcpOptionElement::MaximumSegmentSize(bytes)];
    TcpOptions::try_from_elements(&options).unwrap_or_default()
}
