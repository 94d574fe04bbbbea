//! A small SYN flood: some seconds of every minute, from sources that do not exist.

use std::ops::Range;

use etherparse::TcpHeader;

use super::{
    conversation::{Addresses, Conversation, Ends, Way},
    network::FLOODED,
    slice::{Slice, hash},
    tcp::syn_options,
};

/// SYNs in a second of the flood.
const SYNS: Range<u32> = 25..45;

/// Adds the second's SYNs, if the second is one of the flood.
pub(super) fn syn(seed: u64, slice: &mut Slice) {
    if !seconds(seed, slice.second / 60).contains(&(slice.second % 60)) {
        return;
    }
    for _ in 0..slice.rng.u32(SYNS) {
        let rng = &mut slice.rng;
        // 198.18.0.0/15: the range set aside for benchmarks.
        let source = [198, rng.u8(18..=19), rng.u8(..), rng.u8(1..=254)];
        let ttl = rng.u8(40..250);
        let ends = Ends {
            client: ttl,
            server: ttl,
        };
        let ports = [rng.u16(1024..), 443];
        let mut between = Conversation::new(rng, Addresses::V4(source, FLOODED), ends, ports);
        let header = TcpHeader {
            syn: true,
            sequence_number: rng.u32(..),
            window_size: [1024, 8192, 29_200, 64_240][rng.usize(0..4)],
            options: syn_options(1460, 7),
            ..TcpHeader::default()
        };
        let packet = between.tcp(Way::Up, header, &[]);
        let at = slice.moment();
        slice.push(at, packet);
    }
}

/// The seconds of a minute in which the flood goes on.
fn seconds(seed: u64, minute: u64) -> Range<u64> {
    let chance = hash(!seed, minute);
    let start = chance % 48;
    start..start + 6 + (chance >> 32) % 6
}
