//! A game over UDP.

use super::{
    conversation::{Conversation, Way},
    network::{self, Service},
    slice::Slice,
    tls::noise,
};

/// The port of the game server.
pub(super) const PORT: u16 = 7777;

/// A player's inputs and the server's updates, for up to two seconds.
pub(super) fn session(slice: &mut Slice) {
    let mut between = network::inbound(slice, Service::Game, PORT);
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

fn numbered(slice: &mut Slice, number: u32, len: usize) -> Vec<u8> {
    let mut payload = noise(&mut slice.rng, len);
    payload[..4].copy_from_slice(b"Arna");
    payload[4..8].copy_from_slice(&number.to_be_bytes());
    payload
}
