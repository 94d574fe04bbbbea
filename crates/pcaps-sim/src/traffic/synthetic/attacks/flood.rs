//! A small SYN flood from sources that do not exist, at a web server that no longer answers them.

use std::ops::Range;

use etherparse::TcpHeader;

use super::{
    super::{
        conversation::{Addresses, Conversation, Ends, Way},
        slice::Slice,
        tcp::syn_options,
    },
    Attack, FLOODED, burst, flooder,
};

/// How long it goes on, in seconds.
const SECONDS: Range<u64> = 6..12;

/// SYNs in a second of it.
const SYNS: Range<u32> = 25..45;

/// Adds the second's SYNs, if the second is one of the flood.
pub(super) fn syns(slice: &mut Slice) {
    if burst(slice, Attack::Flood, SECONDS).is_none() {
        return;
    }
    for _ in 0..slice.rng.u32(SYNS) {
        let rng = &mut slice.rng;
        let addresses = Addresses::V4(flooder(rng), FLOODED);
        let ttl = rng.u8(40..250);
        let ends = Ends {
            client: ttl,
            server: ttl,
        };
        let ports = [rng.u16(1024..), 443];
        let mut between = Conversation::new(rng, addresses, ends, ports);
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
