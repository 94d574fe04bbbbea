//! Pings, ICMP and `ICMPv6`.

use super::{
    SECOND,
    conversation::Way,
    network::{self, Service},
    slice::Slice,
};

/// One to three echo requests, a second apart, with their replies.
pub(super) fn ping(slice: &mut Slice) {
    let mut between = network::inbound(slice, Service::Host, 0);
    let id = slice.rng.u16(1..);
    let count = slice.rng.u16(1..=3);
    let mut sent = slice.moment();
    for seq in 1..=count {
        let mut payload: Vec<u8> = (0x08..0x40).collect();
        let micros = slice.second * SECOND + sent;
        payload[..8].copy_from_slice(&(micros / SECOND).to_le_bytes());
        payload[8..16].copy_from_slice(&(micros % SECOND).to_le_bytes());
        let answered = sent + between.delay.server + slice.rng.u64(5..200);
        slice.push(sent, between.echo(Way::Up, id, seq, &payload));
        slice.push(answered, between.echo(Way::Down, id, seq, &payload));
        sent += SECOND + slice.rng.u64(0..1_500);
    }
}
