//! An endless timeline of made-up traffic, the same for the same seed.
//!
//! Time is cut into slices of one second. What starts in a slice (connections, questions and their
//! answers, pings) follows from the seed and the slice's number alone, and is over within
//! [`HORIZON_SECS`]. So the packets of a moment depend on few slices, whatever window is asked for:
//! windows that meet hold together exactly what the whole window holds, and memory stays constant.

mod attacks;
mod conversation;
mod dns;
mod game;
mod icmp;
mod mix;
mod network;
mod ntp;
mod quic;
mod slice;
mod tcp;
mod timeline;
mod tls;
mod tunnel;
mod web;

pub(super) use timeline::Timeline;

#[cfg(test)]
mod tests;

/// How long anything lives after the beginning of the slice it starts in, in seconds.
const HORIZON_SECS: u64 = 8;

/// Microseconds in a second.
const SECOND: u64 = 1_000_000;
