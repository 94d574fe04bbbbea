//! TCP connections from the first SYN to the last ACK.

use etherparse::{TcpHeader, TcpOptionElement as Opt, TcpOptions};

use super::{
    conversation::{Conversation, Ends, MTU, Way},
    slice::Slice,
    tunnel,
};

/// Segments that are sent before an acknowledgment is waited for.
const ROUND: usize = 10;

/// What one end of a connection keeps.
#[derive(Clone, Copy, Debug)]
struct End {
    /// The number of the next byte it sends.
    seq: u32,
    /// The longest segment it takes, in bytes.
    mss: u16,
    /// The window it offers after the handshake, in units of its scale.
    window: u16,
    /// The scale of that window.
    scale: u8,
}

/// A connection whose packets go into a slice as they are sent.
#[derive(Debug)]
pub(super) struct Connection<'s> {
    slice: &'s mut Slice,
    between: Conversation,
    ends: Ends<End>,
    /// Microseconds from the slice's beginning.
    now: u64,
}

impl<'s> Connection<'s> {
    /// Opens a connection at a chance moment of the slice: SYN, SYN-ACK, ACK.
    pub(super) fn open(slice: &'s mut Slice, between: Conversation) -> Self {
        let headers = if between.is_v6() { 60 } else { 40 };
        let mss = |mtu: usize| u16::try_from(mtu - headers).unwrap_or(536);
        let now = slice.moment();
        let (window, scale) = [(1026, 8), (502, 7), (2058, 6)][slice.rng.usize(0..3)];
        let ends = Ends {
            client: End {
                seq: slice.rng.u32(..),
                mss: mss(between.mtu()),
                window,
                scale,
            },
            // The protected side leaves room for the tunnel's headers, as the service asks for.
            server: End {
                seq: slice.rng.u32(..),
                mss: mss(MTU - tunnel::LEN),
                window: 509,
                scale: 7,
            },
        };
        let mut connection = Self {
            slice,
            between,
            ends,
            now,
        };
        connection.syn(Way::Up);
        connection.now += connection.between.delay.server;
        connection.syn(Way::Down);
        connection.now += connection.between.delay.client;
        connection.control(Way::Up, false);
        connection.pause(20..900);
        connection
    }

    /// Lets a chance number of microseconds pass.
    pub(super) fn pause(&mut self, micros: std::ops::Range<u64>) {
        self.now += self.slice.rng.u64(micros);
    }

    /// The chance of the slice.
    pub(super) fn rng(&mut self) -> &mut fastrand::Rng {
        &mut self.slice.rng
    }

    /// Sends bytes as segments that the other end acknowledges; until the last of them is.
    pub(super) fn send(&mut self, way: Way, bytes: &[u8]) {
        let mss = usize::from(self.ends.sender(way.back()).mss);
        let delay = *self.between.delay.sender(way.back());
        let segments = bytes.len().div_ceil(mss);
        let mut acked = self.now;
        for (index, segment) in bytes.chunks(mss).enumerate() {
            let is_last = index + 1 == segments;
            let header = TcpHeader {
                psh: is_last,
                ..self.header(way)
            };
            self.emit(self.now, way, header, segment);
            let end = self.ends.sender(way);
            end.seq = end.seq.wrapping_add(length(segment));
            if index % 2 == 1 || is_last {
                acked = self.now + delay;
                let ack = self.header(way.back());
                self.emit(acked, way.back(), ack, &[]);
            }
            if is_last || (index + 1) % ROUND == 0 {
                self.now = acked;
            }
            self.pause(12..110);
        }
    }

    /// Closes the connection, the client first or the server: FIN, FIN, ACK.
    pub(super) fn close(mut self) {
        self.pause(50..40_000);
        let first = if self.slice.rng.u8(0..10) < 7 {
            Way::Up
        } else {
            Way::Down
        };
        self.control(first, true);
        self.now += *self.between.delay.sender(first.back());
        self.control(first.back(), true);
        self.now += *self.between.delay.sender(first);
        self.control(first, false);
    }

    /// A segment without data: a FIN, or a mere acknowledgment.
    fn control(&mut self, way: Way, fin: bool) {
        let header = TcpHeader {
            fin,
            ..self.header(way)
        };
        self.emit(self.now, way, header, &[]);
        if fin {
            let end = self.ends.sender(way);
            end.seq = end.seq.wrapping_add(1);
        }
    }

    fn syn(&mut self, way: Way) {
        let is_answer = way == Way::Down;
        let ack = self.ends.sender(way.back()).seq;
        let end = self.ends.sender(way);
        let header = TcpHeader {
            syn: true,
            ack: is_answer,
            sequence_number: end.seq,
            acknowledgment_number: if is_answer { ack } else { 0 },
            window_size: 64_240,
            options: syn_options(end.mss, end.scale),
            ..TcpHeader::default()
        };
        end.seq = end.seq.wrapping_add(1);
        self.emit(self.now, way, header, &[]);
    }

    /// The header of a segment of an open connection.
    fn header(&mut self, way: Way) -> TcpHeader {
        let acknowledgment_number = self.ends.sender(way.back()).seq;
        let end = self.ends.sender(way);
        TcpHeader {
            ack: true,
            sequence_number: end.seq,
            acknowledgment_number,
            window_size: end.window,
            ..TcpHeader::default()
        }
    }

    fn emit(&mut self, at: u64, way: Way, header: TcpHeader, payload: &[u8]) {
        let packet = self.between.tcp(way, header, payload);
        self.slice.push(at, packet);
    }
}

/// The options of a SYN: longest segment, selective acknowledgments, window scale.
pub(super) fn syn_options(mss: u16, scale: u8) -> TcpOptions {
    let options = [
        Opt::MaximumSegmentSize(mss),
        Opt::Noop,
        Opt::WindowScale(scale),
        Opt::Noop,
        Opt::Noop,
        Opt::SelectiveAcknowledgementPermitted,
    ];
    TcpOptions::try_from_elements(&options).unwrap_or_default()
}

/// How far a segment moves the sequence number.
fn length(segment: &[u8]) -> u32 {
    u32::try_from(segment.len()).unwrap_or_default()
}
