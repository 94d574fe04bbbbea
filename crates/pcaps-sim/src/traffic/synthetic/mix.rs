//! How much of everything there is.

use super::{attacks, dns, game, icmp, ntp, quic, slice::Slice, web};

/// Flows that start in a second, in thousandths. Together with the attacks they come to about 45
/// packets a second, so five minutes hold somewhat more than a sample capture's 10,000 packets.
mod rate {
    pub(super) const HTTPS: u32 = 580;
    pub(super) const HTTP: u32 = 320;
    pub(super) const DNS: u32 = 1_800;
    pub(super) const NTP: u32 = 300;
    pub(super) const PING: u32 = 350;
    pub(super) const QUIC: u32 = 150;
    pub(super) const GAME: u32 = 120;
}

/// Starts everything that starts in this slice's second.
pub(super) fn fill(slice: &mut Slice) {
    times(slice, rate::HTTPS, web::https);
    times(slice, rate::HTTP, web::http);
    times(slice, rate::DNS, dns::exchange);
    times(slice, rate::NTP, ntp::exchange);
    times(slice, rate::PING, icmp::ping);
    times(slice, rate::QUIC, quic::connection);
    times(slice, rate::GAME, game::session);
    attacks::fill(slice);
}

/// Starts `flow` as often as its rate says.
fn times(slice: &mut Slice, per_mille: u32, flow: fn(&mut Slice)) {
    for _ in 0..slice.events(per_mille) {
        flow(slice);
    }
}
