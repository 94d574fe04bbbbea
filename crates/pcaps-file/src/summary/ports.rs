//! Packets by port: exact, in a table for each protocol, which is made when it is needed.

use super::counters::union_of_top;
use super::flows::Flow;
use super::{PortTally, Tally};
use crate::protocol;

/// The protocols with ports.
const PROTOCOLS: [u8; 3] = [protocol::TCP, protocol::UDP, protocol::SCTP];

/// What was sent from a port, and to it.
type Ends = [Tally; 2];

/// A table of all ports, or an empty one, for each of [`PROTOCOLS`].
#[derive(Clone, Debug, Default)]
pub(super) struct Ports([Vec<Ends>; 3]);

impl Ports {
    /// The table of a protocol with ports.
    #[inline]
    fn table(&mut self, protocol: u8) -> Option<&mut [Ends]> {
        let at = PROTOCOLS.iter().position(|&it| it == protocol)?;
        let table = self.0.get_mut(at)?;
        if table.is_empty() {
            *table = vec![Ends::default(); 1 << 16];
        }
        Some(table)
    }

    /// Adds both ends of a flow, if it has ports.
    #[inline]
    pub(super) fn add_flow<A: Copy + Ord>(&mut self, flow: &Flow<A>, sent: Tally, received: Tally) {
        if let Some([a, b]) = flow.ports()
            && let Some(table) = self.table(flow.protocol())
        {
            add(table, a, [sent, received]);
            add(table, b, [received, sent]);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (protocol, port, [from, to]) in other.iter() {
            if let Some(table) = self.table(protocol) {
                add(table, port, [from, to]);
            }
        }
    }

    /// Those with packets.
    fn iter(&self) -> impl Iterator<Item = (u8, u16, Ends)> + Clone {
        PROTOCOLS
            .into_iter()
            .zip(&self.0)
            .flat_map(|(protocol, table)| {
                (0..=u16::MAX)
                    .zip(table)
                    .filter(|(_, ends)| **ends != Ends::default())
                    .map(move |(port, &ends)| (protocol, port, ends))
            })
    }

    /// See [`union_of_top`].
    pub(super) fn top(&self, most: usize) -> Vec<PortTally> {
        let all = self.iter();
        let all = all.map(|(protocol, port, ends)| ((protocol, port), ends));
        union_of_top(all, most, |&[from, to]| from + to)
            .into_iter()
            .map(|((protocol, port), [sent, received])| PortTally {
                protocol,
                port,
                sent,
                received,
            })
            .collect()
    }

    /// How many there are with packets.
    pub(super) fn count(&self) -> u64 {
        self.iter().count() as u64
    }
}

/// Adds what a port sent and received.
#[inline]
fn add(table: &mut [Ends], port: u16, [sent, received]: Ends) {
    if let Some([from, to]) = table.get_mut(usize::from(port)) {
        *from += sent;
        *to += received;
    }
}
