//! What DNS and NTP servers sent to whom: what amplifications are told by.
//!
//! It is added up from flows as they end, so that no packet costs anything.

use std::hash::Hash;

use super::Tally;
use super::bounded::{Bounded, Entry};
use super::few::{Few, hash};
use super::flows::Flow;
use crate::protocol;

pub(super) const DNS: u16 = 53;
pub(super) const NTP: u16 = 123;

/// Answers over UDP, by who got them and the port that they came from.
#[derive(Clone, Debug)]
pub(super) struct Answers<A> {
    pub(super) to: Bounded<(A, u16), Answered>,
}

/// What came to an address from a port of others.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Answered {
    pub(super) answers: Tally,
    /// Packets that the address sent to that port of theirs.
    pub(super) questions: u64,
    /// Who answered.
    pub(super) sources: Few,
}

impl<A> Default for Answers<A> {
    fn default() -> Self {
        Self {
            to: Bounded::default(),
        }
    }
}

impl<A: Copy + Ord + Hash> Answers<A> {
    /// Adds what the ends of a flow sent to each other.
    pub(super) fn add_flow(&mut self, flow: &Flow<A>, from_a: Tally, from_b: Tally) {
        if flow.protocol() != protocol::UDP {
            return;
        }
        let Some([port_a, port_b]) = flow.ports() else {
            return;
        };
        let [a, b] = flow.addresses();
        for (server, port, client, answers, questions) in [
            (a, port_a, b, from_a, from_b),
            (b, port_b, a, from_b, from_a),
        ] {
            if matches!(port, DNS | NTP) {
                let answered = self.to.entry((client, port));
                answered.answers += answers;
                answered.questions += questions.packets;
                if answers.packets > 0 {
                    answered.sources.add(hash(&server));
                }
            }
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.to.merge(&other.to);
    }
}

impl Entry for Answered {
    fn weight(&self) -> u64 {
        self.answers.packets
    }

    fn merge(&mut self, other: &Self) {
        self.answers += other.answers;
        self.questions += other.questions;
        self.sources.merge(&other.sources);
    }
}
