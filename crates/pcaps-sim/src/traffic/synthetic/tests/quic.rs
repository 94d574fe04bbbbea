//! How a QUIC connection opens, read as anybody on the way can read it.

use etherparse::TransportHeader;
use rustls::{
    Side,
    crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256,
    quic::{DirectionalKeys, Keys, Version},
};

use super::{super::network::NAMES, parse, seconds};

/// The payloads of datagrams to a QUIC server, or from one.
fn datagrams(is_from: bool) -> Vec<Vec<u8>> {
    let packets = seconds(6, 120);
    let payloads = packets.iter().filter_map(|(_, packet)| {
        let parsed = parse(packet);
        let TransportHeader::Udp(udp) = &parsed.transport else {
            return None;
        };
        let port = if is_from {
            udp.source_port
        } else {
            udp.destination_port
        };
        (port == 443).then(|| parsed.payload.to_vec())
    });
    payloads.collect()
}

/// The connection ids of a packet with a long header: destination and source, of 8 bytes each.
fn ids(packet: &[u8]) -> [&[u8]; 2] {
    assert_eq!((packet[5], packet[14]), (8, 8));
    [&packet[6..14], &packet[15..23]]
}

/// An Initial packet's number and frames.
fn open(keys: &DirectionalKeys, datagram: &[u8]) -> (u8, Vec<u8>) {
    let mut datagram = datagram.to_vec();
    // The first byte, the version, the connection ids, no token, two bytes of length, then the number.
    let number = 1 + 4 + 9 + 9 + 1 + 2;
    assert_eq!(datagram[1..5], [0, 0, 0, 1]);
    assert_eq!(datagram[number - 3], 0);
    let len = usize::from(u16::from_be_bytes([
        datagram[number - 2],
        datagram[number - 1],
    ]));
    datagram.truncate(number + (len & 0x3FFF));

    let sample = datagram[number + 4..number + 20].to_vec();
    let (first, rest) = datagram.split_at_mut(1);
    keys.header
        .decrypt_in_place(&sample, &mut first[0], &mut rest[number - 1..number])
        .expect("a good sample");
    assert_eq!(datagram[0], 0xC0);
    let (header, payload) = datagram.split_at_mut(number + 1);
    let sequence = header[number];
    let frames = keys
        .packet
        .decrypt_in_place(sequence.into(), header, payload)
        .expect("the right key");
    (sequence, frames.to_vec())
}

fn keys(first: &[u8]) -> Keys {
    let suite = TLS13_AES_128_GCM_SHA256.tls13().expect("TLS 1.3");
    let suite = suite.quic_suite().expect("QUIC");
    suite.keys(first, Side::Server, Version::V1)
}

#[test]
fn its_first_packets_can_be_read_by_all() {
    let (up, down) = (datagrams(false), datagrams(true));
    let mut opened = 0;
    for opening in up.iter().filter(|it| it[0] & 0xF0 == 0xC0) {
        let [first, client] = ids(opening);
        let keys = keys(first);
        // The client's second opening packet goes to the id that the server chose.
        let Some(answer) = down
            .iter()
            .find(|it| it[0] & 0xF0 == 0xC0 && ids(it)[0] == client)
        else {
            continue;
        };
        let server = ids(answer)[1];
        if first == server {
            continue;
        }
        assert_eq!(opening.len(), 1_200);
        assert_eq!(answer.len(), 1_200);

        let (number, frames) = open(&keys.remote, opening);
        // A CRYPTO frame with a ClientHello, which names the server.
        assert_eq!((number, &frames[..2], frames[4]), (0, &[6, 0][..], 1));
        let is_named = |name: &&str| frames.windows(name.len()).any(|it| it == name.as_bytes());
        assert!(NAMES.iter().any(is_named));

        let (number, frames) = open(&keys.local, answer);
        // An ACK frame, then a CRYPTO frame with a ServerHello.
        assert_eq!((number, frames[0], frames[5], frames[9]), (0, 2, 6, 2));

        let last = up
            .iter()
            .find(|it| it[0] & 0xF0 == 0xC0 && ids(it)[0] == server);
        let (number, frames) = open(&keys.remote, last.expect("a third packet"));
        assert_eq!((number, frames[0]), (1, 2));
        opened += 1;
    }
    assert!(opened > 5, "{opened}");
}
