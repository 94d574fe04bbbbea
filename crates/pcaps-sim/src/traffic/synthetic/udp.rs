//! Flows of UDP datagrams: QUIC at port 443, and a game.

use super::{
    conversation::{Conversation, Way},
    network::{self, Service},
    slice::Slice,
    tls::noise,
};

/// The port of the game server.
pub(super) const GAME_PORT: u16 = 7777;

/// The length of a datagram that opens a QUIC connection, in bytes.
const INITIAL: usize = 1_200;

/// Something that looks like a short QUIC connection: two Initial packets, a Handshake packet, then
/// packets with the short header. Nothing in it can be decrypted: there are no keys.
pub(super) fn quic(slice: &mut Slice) {
    let mut between = network::inbound(slice, Service::Web, 443);
    let client = noise(&mut slice.rng, 8);
    let server = noise(&mut slice.rng, 8);
    let mut now = slice.moment();

    let hello = long_header(slice, 0xC0, &server, &client);
    datagram(slice, &mut between, now, Way::Up, &hello);
    now += between.delay.server + slice.rng.u64(100..2_000);
    let answer = long_header(slice, 0xC0, &client, &server);
    datagram(slice, &mut between, now, Way::Down, &answer);
    now += slice.rng.u64(30..200);
    let handshake = long_header(slice, 0xE0, &client, &server);
    datagram(slice, &mut between, now, Way::Down, &handshake);
    now += between.delay.client;

    for _ in 0..slice.rng.u8(1..=3) {
        let length = slice.rng.usize(60..500);
        let request = short_header(slice, &server, length);
        datagram(slice, &mut between, now, Way::Up, &request);
        now += between.delay.server + slice.rng.u64(500..30_000);
        for _ in 0..slice.rng.u8(1..=8) {
            let part = short_header(slice, &client, INITIAL);
            datagram(slice, &mut between, now, Way::Down, &part);
            now += slice.rng.u64(10..120);
        }
        now += between.delay.client;
        let ack = short_header(slice, &server, 20);
        datagram(slice, &mut between, now, Way::Up, &ack);
        now += slice.rng.u64(500..90_000);
    }
}

/// A player's inputs and the server's updates, for up to two seconds.
pub(super) fn game(slice: &mut Slice) {
    let mut between = network::inbound(slice, Service::Game, GAME_PORT);
    let mut now = slice.moment();
    let first = slice.rng.u32(..0x0100_0000);
    for step in 0..slice.rng.u32(8..24) {
        let length = slice.rng.usize(24..64);
        let input = numbered(slice, first + step, length);
        datagram(slice, &mut between, now, Way::Up, &input);
        let length = slice.rng.usize(60..420);
        let update = numbered(slice, step, length);
        let answered = now + between.delay.server;
        datagram(slice, &mut between, answered, Way::Down, &update);
        now += slice.rng.u64(60_000..80_000);
    }
}

fn datagram(slice: &mut Slice, between: &mut Conversation, at: u64, way: Way, payload: &[u8]) {
    slice.push(at, between.udp(way, payload));
}

/// A QUIC packet of version 1 with a long header (RFC 9000, section 17.2).
fn long_header(slice: &mut Slice, first: u8, to: &[u8], from: &[u8]) -> Vec<u8> {
    let mut packet = vec![first | slice.rng.u8(0..16), 0, 0, 0, 1, 8];
    packet.extend_from_slice(to);
    packet.push(8);
    packet.extend_from_slice(from);
    if first == 0xC0 {
        packet.push(0); // no token
    }
    let rest = u16::try_from(INITIAL - packet.len() - 2).unwrap_or_default();
    packet.extend((0x4000 | rest).to_be_bytes());
    packet.extend(noise(&mut slice.rng, usize::from(rest)));
    packet
}

/// A QUIC packet with a short header (RFC 9000, section 17.3).
fn short_header(slice: &mut Slice, to: &[u8], len: usize) -> Vec<u8> {
    let mut packet = vec![0x40 | slice.rng.u8(0..64)];
    packet.extend_from_slice(to);
    packet.extend(noise(&mut slice.rng, len));
    packet
}

fn numbered(slice: &mut Slice, number: u32, len: usize) -> Vec<u8> {
    let mut payload = noise(&mut slice.rng, len);
    payload[..4].copy_from_slice(b"Arna");
    payload[4..8].copy_from_slice(&number.to_be_bytes());
    payload
}
