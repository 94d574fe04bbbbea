//! The addresses that are seen most, in bounded memory: Space-Saving, pruned in batches.
//!
//! Each counter knows how many packets of its address may have been forgotten before it began: its
//! `missed`. Its upper bound is what it saw and what it missed. When the table is full, all counters but the
//! [`KEPT`] with the largest bounds go, and the largest bound that went is what any new one may have
//! missed. Of `n` packets that is never more than `n / KEPT`, so an address with a larger share cannot get lost.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;

use super::{Talker, Tally};

/// Counters in the table before it is pruned.
pub(super) const FULL: usize = 8_192;
/// Counters that a pruning leaves at most.
const KEPT: usize = FULL / 2;

/// Counters by source address.
#[derive(Clone, Debug, Default)]
pub(super) struct Talkers {
    /// The hasher has a random key: addresses are chosen by others.
    counters: HashMap<IpAddr, Counter>,
    /// What a new counter may have missed.
    missed: u64,
}

#[derive(Clone, Copy, Debug)]
struct Counter {
    tally: Tally,
    missed: u64,
}

impl Counter {
    fn bound(&self) -> u64 {
        self.tally.packets + self.missed
    }
}

impl Talkers {
    #[inline]
    pub(super) fn add(&mut self, address: IpAddr, bytes: u32) {
        let missed = self.missed;
        let counter = self.counters.entry(address).or_insert(Counter {
            tally: Tally::default(),
            missed,
        });
        counter.tally.add(bytes);
        if self.counters.len() > FULL {
            self.prune();
        }
    }

    #[cold]
    fn prune(&mut self) {
        let mut bounds: Vec<u64> = self.counters.values().map(Counter::bound).collect();
        let (_, &mut largest, _) = bounds.select_nth_unstable_by_key(KEPT, |&bound| Reverse(bound));
        self.counters.retain(|_, counter| counter.bound() > largest);
        self.missed = largest;
    }

    pub(super) fn is_exact(&self) -> bool {
        self.missed == 0
    }

    /// How many addresses there are counters for.
    pub(super) fn len(&self) -> usize {
        self.counters.len()
    }

    /// How many packets of any one address may have gone uncounted.
    pub(super) fn missed(&self) -> u64 {
        self.missed
    }

    pub(super) fn top(&self, most: usize) -> Vec<Talker> {
        let mut talkers: Vec<_> = self
            .counters
            .iter()
            .map(|(&address, counter)| Talker {
                address,
                tally: counter.tally,
                packets_missed_at_most: counter.missed,
            })
            .collect();
        talkers.sort_unstable_by_key(|talker| (Reverse(talker.tally.key()), talker.address));
        talkers.truncate(most);
        talkers
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn address(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(number).into()
    }

    #[test]
    fn exact_while_there_is_room() {
        let mut talkers = Talkers::default();
        for round in 0..3 {
            for number in 0..8_192 {
                talkers.add(address(number), round + number);
            }
        }
        assert!(talkers.is_exact());
        let top = talkers.top(2);
        assert_eq!(top[0].address, address(8_191));
        assert_eq!(top[0].tally.packets, 3);
        assert_eq!(top[0].tally.bytes_on_wire, 3 * 8_191 + 3);
        assert_eq!(top[0].packets_missed_at_most, 0);
        assert_eq!(talkers.top(usize::MAX).len(), 8_192);
    }

    #[test]
    fn equal_ones_are_in_the_order_of_their_addresses() {
        let mut talkers = Talkers::default();
        for number in [3, 1, 2] {
            talkers.add(address(number), 60);
        }
        let order: Vec<_> = talkers.top(3).iter().map(|talker| talker.address).collect();
        assert_eq!(order, [address(1), address(2), address(3)]);
    }

    #[test]
    fn a_flood_hides_nobody_and_takes_no_room() {
        let mut talkers = Talkers::default();
        // A tenth of the packets is from two real hosts, the others are from a new address each.
        let packets = 1_000_000_u32;
        for number in 0..packets {
            match number % 20 {
                0 => talkers.add(address(1), 100),
                10 => talkers.add(address(2), 200),
                _ => talkers.add(address(1_000_000 + number), 60),
            }
            assert!(talkers.counters.len() <= FULL + 1);
        }
        assert!(!talkers.is_exact());
        assert!(talkers.missed <= u64::from(packets) / KEPT as u64);
        let top = talkers.top(2);
        assert_eq!(top[0].address, address(2), "as many packets, more bytes");
        assert_eq!(top[1].address, address(1));
        for talker in top {
            let counted = talker.tally.packets;
            assert!((counted..=counted + talker.packets_missed_at_most).contains(&50_000));
        }
    }
}
