//! Connections that add up: what one end sends is what the other acknowledges.

use std::{collections::HashMap, net::IpAddr};

use etherparse::{TcpHeader, TransportHeader};

use super::{super::network::CLIENT_PORTS, parse, seconds};

/// What is known of a connection.
#[derive(Default)]
struct Seen {
    /// The number of the next byte of each end.
    next: [Option<u32>; 2],
    syns: usize,
    fins: usize,
}

fn check(tcp: &TcpHeader, own: Option<u32>, other: Option<u32>) {
    if let Some(own) = own {
        assert_eq!(tcp.sequence_number, own, "a gap or a repetition: {tcp:?}");
    }
    if let Some(other) = other.filter(|_| tcp.ack) {
        let behind = other.wrapping_sub(tcp.acknowledgment_number);
        assert!(
            behind < 64 * 1_024,
            "acknowledges what was not sent: {tcp:?}"
        );
    }
}

#[test]
fn connections_add_up() {
    let mut seen: HashMap<[(IpAddr, u16); 2], Seen> = HashMap::new();
    // Connections that began before the window are told by their missing SYN.
    for (_, packet) in seconds(9, 60) {
        let parsed = parse(&packet);
        let TransportHeader::Tcp(tcp) = &parsed.transport else {
            continue;
        };
        let [source, destination] = parsed.addresses();
        let mut ends = [
            (source, tcp.source_port),
            (destination, tcp.destination_port),
        ];
        let way = usize::from(!CLIENT_PORTS.contains(&tcp.source_port));
        if way == 1 {
            ends.reverse();
        }
        if tcp.syn && !tcp.ack {
            seen.insert(ends, Seen::default());
        }
        let Some(connection) = seen.get_mut(&ends) else {
            continue;
        };
        check(tcp, connection.next[way], connection.next[1 - way]);
        connection.syns += usize::from(tcp.syn);
        connection.fins += usize::from(tcp.fin);
        let len = u32::try_from(parsed.payload.len()).expect("a short payload");
        let flags = u32::from(tcp.syn) + u32::from(tcp.fin);
        connection.next[way] = Some(tcp.sequence_number.wrapping_add(len + flags));
    }
    let whole = seen.values().filter(|one| one.syns == 2 && one.fins == 2);
    assert!(whole.count() > 30);
}
