//! What is counted of addresses: of each version of IP on its own, because small keys make for small tables.

use std::hash::Hash;
use std::hint::select_unpredictable;

use super::answers::Answers;
use super::counters::{Counter, Counters, union_of_top};
use super::flows::Flow;
use super::openings::Openings;
use super::peers::Peers;
use super::ports::Ports;
use super::tally::{Talker, Tally};
use crate::ip::Address;

/// What is counted of one version of IP.
#[derive(Clone, Debug)]
pub(super) struct Family<A> {
    /// The flows that are counted now.
    pub(super) flows: Counters<Flow<A>>,
    /// What went through flows that are no longer counted.
    gone: Ended<A>,
    pub(super) openings: Openings<A>,
}

/// What comes of flows when they are no longer counted.
#[derive(Clone, Debug)]
pub(super) struct Ended<A> {
    pub(super) talkers: Counters<A>,
    pub(super) answers: Answers<A>,
    pub(super) peers: Peers<A>,
}

impl<A> Default for Family<A> {
    fn default() -> Self {
        Self {
            flows: Counters::default(),
            gone: Ended::default(),
            openings: Openings::default(),
        }
    }
}

impl<A> Default for Ended<A> {
    fn default() -> Self {
        Self {
            talkers: Counters::default(),
            answers: Answers::default(),
            peers: Peers::default(),
        }
    }
}

impl<A: Copy + Ord + Hash> Family<A> {
    #[expect(
        clippy::inline_always,
        reason = "as a call, what it is given goes through memory"
    )]
    #[inline(always)]
    pub(super) fn add(&mut self, (flow, is_reply): (Flow<A>, bool), len: u32, ports: &mut Ports) {
        let add = |counter: &mut Counter| {
            let Counter { sent, received, .. } = counter;
            select_unpredictable(is_reply, received, sent).add(len);
        };
        self.flows.add(flow, add, |went| self.gone.add(went, ports));
    }

    pub(super) fn merge(&mut self, other: &Self, ports: &mut Ports) {
        self.gone.talkers.merge(&other.gone.talkers, |_| {});
        self.gone.answers.merge(&other.gone.answers);
        self.gone.peers.merge(&other.gone.peers);
        let gone = &mut self.gone;
        self.flows.merge(&other.flows, |went| gone.add(went, ports));
        self.openings.merge(&other.openings);
    }

    /// All flows ended.
    fn ended(&self, ports: &mut Ports) -> Ended<A> {
        let mut ended = self.gone.clone();
        ended.add(self.flows.all(), ports);
        ended
    }
}

impl<A: Copy + Ord + Hash> Ended<A> {
    /// Sums up what was counted of flows.
    fn add(&mut self, flows: &[(Flow<A>, Counter)], ports: &mut Ports) {
        // Ports on their own: what waits for memory alone waits for much of it at once. Peers with talkers, who tell them which
        // addresses matter.
        for (flow, counter) in flows {
            ports.add_flow(flow, counter.sent, counter.received);
            self.answers.add_flow(flow, counter.sent, counter.received);
        }
        for (flow, counter) in flows {
            let (from_a, from_b) = (counter.sent, counter.received);
            if from_a.packets > 0 && from_b.packets > 0 {
                self.peers.both_ways += counter.total().packets;
            }
            let [a, b] = flow.addresses();
            self.add_end([a, b], flow.protocol(), [from_a, from_b]);
            self.add_end([b, a], flow.protocol(), [from_b, from_a]);
        }
    }

    /// Adds what one end of a flow sent to the other and got from it.
    #[inline]
    fn add_end(&mut self, ends: [A; 2], protocol: u8, way: [Tally; 2]) {
        let [sent, received] = way;
        let mut bytes = 0;
        let add = |talker: &mut Counter| {
            talker.sent += sent;
            talker.received += received;
            bytes = talker.total().bytes_on_wire;
        };
        self.talkers.add(ends[0], add, |_| {});
        self.peers.add(ends, protocol, way, bytes);
    }
}

/// The sums over all flows.
pub(super) struct Sums {
    pub(super) v4: Ended<u32>,
    pub(super) v6: Ended<u128>,
    pub(super) ports: Ports,
}

impl Sums {
    /// Of all flows, also those that are counted now.
    pub(super) fn of(v4: &Family<u32>, v6: &Family<u128>, ports: &Ports) -> Self {
        let mut ports = ports.clone();
        Self {
            v4: v4.ended(&mut ports),
            v6: v6.ended(&mut ports),
            ports,
        }
    }

    pub(super) fn top_talkers(&self, most: usize) -> Vec<Talker> {
        let v4 = self.v4.talkers.all().iter();
        let v4 = v4.map(|&(it, counter)| (it.into(), counter));
        let v6 = self.v6.talkers.all().iter();
        let v6 = v6.map(|&(it, counter)| (it.into(), counter));
        let talker = |(address, counter): (Address, Counter)| Talker {
            address: address.into(),
            sent: counter.sent,
            received: counter.received,
            missed_at_most: counter.missed,
        };
        let top = union_of_top(v4.chain(v6), most, Counter::total);
        top.into_iter().map(talker).collect()
    }

    pub(super) fn talker_count(&self) -> u64 {
        self.v4.talkers.count() + self.v6.talkers.count()
    }

    pub(super) fn talkers_exact(&self) -> bool {
        self.v4.talkers.is_exact() && self.v6.talkers.is_exact()
    }
}
