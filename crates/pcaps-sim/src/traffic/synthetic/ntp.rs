//! Protected hosts that ask for the time (RFC 5905).

use super::{SECOND, conversation::Way, network, slice::Slice};

/// Seconds from 1900 to 1970.
const ERA: u64 = 2_208_988_800;

/// A question for the time and its answer.
pub(super) fn exchange(slice: &mut Slice) {
    let mut between = network::outbound(slice, 123);
    let asked = slice.moment();
    let delay = between.delay.server;
    let answered = asked + delay + slice.rng.u64(10..60);
    let base = slice.second * SECOND;
    let seen = base + asked + delay / 2;

    let mut query = [0; 48];
    query[0] = 0x23; // version 4, client
    query[2] = 6;
    query[3] = 0xEC;
    query[40..].copy_from_slice(&time(base + asked));

    let mut reply = [0; 48];
    reply[0] = 0x24; // version 4, server
    reply[1] = 2;
    reply[2] = 6;
    reply[3] = 0xE9;
    reply[4..8].copy_from_slice(&[0, 0, 5, 0x1A]);
    reply[8..12].copy_from_slice(&[0, 0, 1, 0x90]);
    reply[12..16].copy_from_slice(&[192, 0, 2, 1]);
    reply[16..24].copy_from_slice(&time(seen.saturating_sub(37 * SECOND)));
    reply[24..32].copy_from_slice(&time(base + asked));
    reply[32..40].copy_from_slice(&time(seen));
    reply[40..].copy_from_slice(&time(seen + 20));

    slice.push(asked, between.udp(Way::Up, &query));
    slice.push(answered, between.udp(Way::Down, &reply));
}

/// Microseconds since 1970 as seconds since 1900 and a fraction, 32 bits each.
fn time(micros: u64) -> [u8; 8] {
    let seconds = (micros / SECOND).wrapping_add(ERA);
    let fraction = ((micros % SECOND) << 32) / SECOND;
    ((seconds << 32) | fraction).to_be_bytes()
}
