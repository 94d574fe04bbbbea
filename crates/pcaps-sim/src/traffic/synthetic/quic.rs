//! QUIC at port 443 (RFC 9000, RFC 9001), as it looks from outside.
//!
//! Anybody on the way can read the packets that open a connection, for their keys follow from what is in them
//! (RFC 9001, section 5.2). So they are true, down to the TLS hellos. What comes after them is noise, because
//! nobody without the ends' keys can tell.

use rustls::{
    Side,
    crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256,
    quic::{DirectionalKeys, Keys, Version},
};

use super::{
    conversation::{Conversation, Way},
    network::{self, NAMES, Service},
    slice::Slice,
    tls::{self, noise},
};

/// The length of a datagram that opens a connection, in bytes.
const OPENING: usize = 1_200;

/// The authentication tag behind a packet, in bytes.
const TAG: usize = 16;

/// Bytes of a connection id.
const ID: u8 = 8;

/// The first bytes of packets, before their protection.
const INITIAL: u8 = 0xC0;
const HANDSHAKE: u8 = 0xE0;

/// That the other end's packet 0 has arrived, and none before it.
const ACK: [u8; 5] = [2, 0, 0, 0, 0];

/// Why protecting never fails.
const FITS: &str =
    "an opening packet has a number of one byte, and enough behind it to take a sample of";

/// Why there are keys.
const QUIC_SUITE: &str = "AES-128-GCM is what opening packets are protected with";

/// A connection with one to three requests.
pub(super) fn connection(slice: &mut Slice) {
    let mut between = network::inbound(slice, Service::Web, 443);
    let name = NAMES[slice.rng.usize(0..NAMES.len())];
    let [client, server, first] = [(); 3].map(|()| noise(&mut slice.rng, ID.into()));
    let suite = TLS13_AES_128_GCM_SHA256.tls13().expect(QUIC_SUITE);
    let suite = suite.quic_suite().expect(QUIC_SUITE);
    let keys = suite.keys(&first, Side::Client, Version::V1);
    let Keys { local, remote } = keys;
    let mut now = slice.moment();

    let hello = tls::quic_client_hello(&mut slice.rng, name, &client);
    let opening = initial(&local, [&first, &client], 0, crypto(&hello), OPENING);
    datagram(slice, &mut between, now, Way::Up, &opening);
    now += between.delay.server + slice.rng.u64(100..2_000);

    // The server's hello, and its certificate behind it and in a second datagram.
    let hello = tls::server_hello(&mut slice.rng, &[]);
    let frames = [&ACK[..], &crypto(&hello)].concat();
    let mut answer = initial(&remote, [&client, &server], 0, frames, 0);
    let rest = OPENING - answer.len();
    answer.extend(handshake(slice, [&client, &server], rest));
    datagram(slice, &mut between, now, Way::Down, &answer);
    now += slice.rng.u64(30..200);
    let certificate = handshake(slice, [&client, &server], OPENING);
    datagram(slice, &mut between, now, Way::Down, &certificate);
    now += between.delay.client;

    // The client's last word of the handshake.
    let finished = handshake(slice, [&server, &client], 79);
    let len = OPENING - finished.len();
    let mut last = initial(&local, [&server, &client], 1, ACK.to_vec(), len);
    last.extend(finished);
    datagram(slice, &mut between, now, Way::Up, &last);
    now += slice.rng.u64(100..900);
    requests(slice, &mut between, now, &client, &server);
}

/// What is said when the connection is open.
fn requests(
    slice: &mut Slice,
    between: &mut Conversation,
    mut now: u64,
    client: &[u8],
    server: &[u8],
) {
    for _ in 0..slice.rng.u8(1..=3) {
        let length = slice.rng.usize(60..500);
        let request = short(slice, server, length);
        datagram(slice, between, now, Way::Up, &request);
        now += between.delay.server + slice.rng.u64(500..30_000);
        for _ in 0..slice.rng.u8(1..=8) {
            let part = short(slice, client, OPENING);
            datagram(slice, between, now, Way::Down, &part);
            now += slice.rng.u64(10..120);
        }
        now += between.delay.client;
        let ack = short(slice, server, 25);
        datagram(slice, between, now, Way::Up, &ack);
        now += slice.rng.u64(500..90_000);
    }
}

fn datagram(slice: &mut Slice, between: &mut Conversation, at: u64, way: Way, payload: &[u8]) {
    slice.push(at, between.udp(way, payload));
}

/// The header of a packet of version 1 up to its length, which is that of all that follows it.
fn long_header(kind: u8, [to, from]: [&[u8]; 2]) -> Vec<u8> {
    let mut header = vec![kind, 0, 0, 0, 1, ID];
    header.extend_from_slice(to);
    header.push(ID);
    header.extend_from_slice(from);
    if kind == INITIAL {
        header.push(0); // no token
    }
    header
}

/// A packet that opens a connection, with frames that are padded until it has `len` bytes.
fn initial(
    keys: &DirectionalKeys,
    ids: [&[u8]; 2],
    number: u8,
    mut frames: Vec<u8>,
    len: usize,
) -> Vec<u8> {
    let mut packet = long_header(INITIAL, ids);
    let without = packet.len() + 3 + TAG;
    frames.resize(frames.len().max(len.saturating_sub(without)), 0);
    packet.extend(varint(1 + frames.len() + TAG));
    packet.push(number);
    let tag = keys
        .packet
        .encrypt_in_place(number.into(), &packet, &mut frames)
        .expect(FITS);
    // The sample begins four bytes behind the beginning of the packet's number.
    let sample = frames.get(3..3 + keys.header.sample_len()).expect(FITS);
    if let [first, .., number] = &mut packet[..] {
        keys.header
            .encrypt_in_place(sample, first, std::slice::from_mut(number))
            .expect(FITS);
    }
    packet.extend(frames);
    packet.extend_from_slice(tag.as_ref());
    packet
}

/// A packet of `len` bytes that carries a part of the handshake which nobody can read.
fn handshake(slice: &mut Slice, ids: [&[u8]; 2], len: usize) -> Vec<u8> {
    let mut packet = long_header(HANDSHAKE | slice.rng.u8(0..16), ids);
    let rest = len - packet.len() - 2;
    packet.extend(varint(rest));
    packet.extend(noise(&mut slice.rng, rest));
    packet
}

/// A packet of an open connection.
fn short(slice: &mut Slice, to: &[u8], len: usize) -> Vec<u8> {
    let mut packet = vec![0x40 | slice.rng.u8(0..64)];
    packet.extend_from_slice(to);
    packet.extend(noise(&mut slice.rng, len));
    packet
}

/// The frame of the first bytes of the handshake.
fn crypto(bytes: &[u8]) -> Vec<u8> {
    [&[6, 0][..], &varint(bytes.len()), bytes].concat()
}

/// A number below 16,384, in two bytes.
fn varint(number: usize) -> [u8; 2] {
    (0x4000 | u16::try_from(number).unwrap_or_default()).to_be_bytes()
}
