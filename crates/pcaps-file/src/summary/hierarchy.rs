//! Of which kinds packets are: which headers there are, one in the other, and what follows from them.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::{LayerTally, Tally};
use crate::dissect::Headers;
use crate::layers::{Layer, Layers};
use crate::packet::LinkType;

/// How many kinds are kept apart. Real captures have a few dozen.
const MAX: usize = 1_024;

/// What of a packet makes a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    layers: Layers,
    above: Above,
}

impl Kind {
    #[inline]
    pub(super) fn of(headers: &Headers<'_>) -> Self {
        let above = match &headers.ip {
            Some(ip) if headers.tunnels > 0 => {
                Above::IP | Above::TUNNELLED | u16::from(ip.protocol)
            }
            Some(ip) => Above::IP | u16::from(ip.protocol),
            None => 0,
        };
        Self {
            layers: headers.layers,
            above: Above(above),
        }
    }
}

/// What is above the innermost IP header. The layers mostly tell it, but they end with the eighth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Above(u16);

impl Above {
    /// There is such a header: the lower eight bits are the protocol.
    const IP: u16 = 1 << 8;
    /// There is one around it.
    const TUNNELLED: u16 = 1 << 9;
    /// How many there are.
    const ALL: u16 = 1 << 10;

    pub(super) fn protocol(self) -> Option<u8> {
        (self.0 & Self::IP != 0).then(|| self.0.to_le_bytes()[0])
    }

    pub(super) fn is_tunnelled(self) -> bool {
        self.0 & Self::TUNNELLED != 0
    }
}

/// Tallies by kind: one for each packet, of which the sums of all others are made.
#[derive(Clone, Debug)]
pub(super) struct Hierarchy {
    kinds: Vec<(Kind, Tally)>,
    /// Where in `kinds` they are.
    places: HashMap<Kind, u32, RandomState>,
    /// Where those are that came last, by a number that is soon made of them: few packets cost a hash.
    recent: [u32; 256],
    /// What is of none of these kinds, because there were too many, by link type.
    others: HashMap<LinkType, Tally, RandomState>,
    /// The same, by what is above IP; empty if there is none.
    others_above: Vec<Tally>,
}

impl Default for Hierarchy {
    fn default() -> Self {
        Self {
            kinds: Vec::new(),
            places: HashMap::default(),
            recent: [0; 256],
            others: HashMap::default(),
            others_above: Vec::new(),
        }
    }
}

impl Hierarchy {
    #[inline]
    pub(super) fn add(&mut self, kind: Kind, bytes: u32) {
        let slot = usize::from(kind.layers.mixed());
        let recent = self.recent.get(slot).map(|&at| at as usize);
        if let Some((it, tally)) = recent.and_then(|at| self.kinds.get_mut(at))
            && *it == kind
        {
            tally.add(bytes);
            return;
        }
        let mut tally = Tally::default();
        tally.add(bytes);
        let place = self.add_tally(kind, tally);
        if let (Some(recent), Some(place)) = (self.recent.get_mut(slot), place) {
            *recent = place;
        }
    }

    /// Adds to a kind, wherever it is, and says where: it has no place if there are too many.
    #[cold]
    #[inline(never)]
    fn add_tally(&mut self, kind: Kind, tally: Tally) -> Option<u32> {
        if let Some(&place) = self.places.get(&kind) {
            let (_, all) = self.kinds.get_mut(place as usize)?;
            *all += tally;
            return Some(place);
        }
        if self.kinds.len() < MAX {
            let place = u32::try_from(self.kinds.len()).ok()?;
            self.kinds.push((kind, tally));
            self.places.insert(kind, place);
            return Some(place);
        }
        self.add_other(kind.layers.link_type(), tally);
        self.add_above(kind.above, tally);
        None
    }

    fn add_other(&mut self, link_type: LinkType, tally: Tally) {
        *self.others.entry(link_type).or_default() += tally;
    }

    fn add_above(&mut self, above: Above, tally: Tally) {
        self.others_above
            .resize(usize::from(Above::ALL), Tally::default());
        if let Some(all) = self.others_above.get_mut(usize::from(above.0)) {
            *all += tally;
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for &(kind, tally) in &other.kinds {
            self.add_tally(kind, tally);
        }
        for (&link_type, &tally) in &other.others {
            self.add_other(link_type, tally);
        }
        for (above, &tally) in (0..).map(Above).zip(&other.others_above) {
            self.add_above(above, tally);
        }
    }

    /// All packets, in parts, by what is above IP.
    pub(super) fn above(&self) -> impl Iterator<Item = (Above, Tally)> {
        let others = (0..).map(Above).zip(self.others_above.iter().copied());
        self.kinds
            .iter()
            .map(|&(kind, tally)| (kind.above, tally))
            .chain(others)
    }

    /// All packets of which what is above IP is so.
    pub(super) fn sum_of(&self, is_one: impl Fn(Above) -> bool) -> Tally {
        let of = self.above().filter(|&(above, _)| is_one(above));
        of.fold(Tally::default(), |sum, (_, tally)| sum + tally)
    }

    /// The tree of headers for each link type, by its number.
    pub(super) fn trees(&self) -> Vec<(LinkType, LayerTally)> {
        let mut trees: Vec<(LinkType, Node)> = Vec::new();
        let others = self.others.iter();
        let others = others.map(|(&link_type, &tally)| (Layers::new(link_type), tally));
        let kinds = self.kinds.iter().map(|&(kind, tally)| (kind.layers, tally));
        for (layers, tally) in kinds.chain(others) {
            let link_type = layers.link_type();
            let at = trees
                .iter()
                .position(|(it, _)| *it == link_type)
                .unwrap_or_else(|| {
                    trees.push((link_type, Node::default()));
                    trees.len() - 1
                });
            if let Some((_, root)) = trees.get_mut(at) {
                root.add(&mut layers.headers(), tally);
            }
        }
        trees.sort_unstable_by_key(|(link_type, _)| *link_type);
        trees
            .into_iter()
            .map(|(link_type, root)| (link_type, root.finish(link_type.to_string())))
            .collect()
    }
}

#[derive(Default)]
struct Node {
    tally: Tally,
    inside: Vec<(Layer, Node)>,
}

impl Node {
    fn add(&mut self, headers: &mut dyn Iterator<Item = Layer>, tally: Tally) {
        self.tally += tally;
        // No deeper than a sequence is long: eight.
        if let Some(header) = headers.next() {
            let at = self
                .inside
                .iter()
                .position(|(it, _)| *it == header)
                .unwrap_or_else(|| {
                    self.inside.push((header, Node::default()));
                    self.inside.len() - 1
                });
            if let Some((_, node)) = self.inside.get_mut(at) {
                node.add(headers, tally);
            }
        }
    }

    fn finish(mut self, name: String) -> LayerTally {
        self.inside
            .sort_unstable_by_key(|(layer, node)| (std::cmp::Reverse(node.tally.key()), *layer));
        LayerTally {
            name,
            tally: self.tally,
            inside: self
                .inside
                .into_iter()
                .map(|(layer, node)| node.finish(layer.name()))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TCP: u16 = Above::IP + 6;
    const UDP: u16 = Above::IP + 17;

    /// Of each link type two kinds, of 64 bytes each: one of TCP, and one without IP.
    fn made(link_types: std::ops::Range<u16>) -> Hierarchy {
        let mut made = Hierarchy::default();
        for number in link_types {
            let layers = Layers::new(LinkType(number));
            let (mut tcp, mut arp) = (layers, layers);
            tcp.push(Layer::IPV4);
            tcp.push(Layer::protocol(6));
            arp.push(Layer::ether_type(0x0806));
            for (layers, above) in [(tcp, TCP), (arp, 0)] {
                let above = Above(above);
                made.add(Kind { layers, above }, 64);
            }
        }
        made
    }

    fn check(hierarchy: &Hierarchy, link_types: u64) {
        let packets = |is_one: fn(Above) -> bool| hierarchy.sum_of(is_one).packets;
        assert_eq!(packets(|_| true), 2 * link_types);
        assert_eq!(packets(|it| it.protocol() == Some(6)), link_types);
        assert_eq!(packets(|it| it.protocol().is_none()), link_types);
        assert_eq!(hierarchy.kinds.len(), MAX);
        let trees = hierarchy.trees();
        assert_eq!(trees.len() as u64, link_types);
        let all = Tally {
            packets: 2,
            bytes_on_wire: 128,
        };
        assert!(trees.iter().all(|(_, tree)| tree.tally == all));
        let known = trees.iter().filter(|(_, tree)| tree.inside.len() == 2);
        assert_eq!(known.count(), MAX / 2);
    }

    #[test]
    fn of_too_many_kinds_the_sums_are_exact() {
        check(&made(0..2_000), 2_000);
    }

    #[test]
    fn two_parts_make_the_whole() {
        let mut hierarchy = made(0..300);
        hierarchy.merge(&made(300..2_000));
        check(&hierarchy, 2_000);
    }

    #[test]
    fn what_is_looked_up_in_the_same_slot_is_kept_apart() {
        // More kinds than slots, again and again.
        let mut hierarchy = Hierarchy::default();
        for _ in 0..9 {
            hierarchy.merge(&made(0..200));
            for (kind, _) in hierarchy.kinds.clone() {
                hierarchy.add(kind, 64);
            }
        }
        assert_eq!(hierarchy.kinds.len(), 400);
        assert!(hierarchy.kinds.iter().all(|(_, it)| it.packets == 18));
    }

    #[test]
    fn what_is_above_ip_is_told_apart_behind_eight_headers() {
        // The layers are the same for all.
        let mut layers = Layers::new(LinkType::ETHERNET);
        (0..9).for_each(|_| layers.push(Layer::ether_type(0x8100)));
        let above = [0, TCP, UDP, Above::TUNNELLED | UDP];
        // As kinds, and when there are too many of them.
        for mut hierarchy in [Hierarchy::default(), made(0..600)] {
            let known = |it: &Hierarchy, is_one: fn(Above) -> bool| it.sum_of(is_one).packets;
            let sums: [fn(Above) -> bool; 4] = [
                |it| it.protocol().is_none(),
                |it| it.protocol() == Some(6),
                |it| it.protocol() == Some(17),
                Above::is_tunnelled,
            ];
            let before = sums.map(|it| known(&hierarchy, it));
            for above in above.map(Above) {
                hierarchy.add(Kind { layers, above }, 64);
            }
            let after = sums.map(|it| known(&hierarchy, it));
            let added: Vec<_> = after.iter().zip(before).map(|(it, was)| it - was).collect();
            assert_eq!(added, [1, 1, 2, 1]);
        }
    }
}
