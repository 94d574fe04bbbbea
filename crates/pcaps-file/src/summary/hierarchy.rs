//! Which headers there were, one in the other.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::{LayerTally, Tally};
use crate::layers::{Layer, Layers};
use crate::packet::LinkType;

/// How many different sequences of headers are kept apart. Real captures have a few dozen.
const MAX: usize = 1_024;

/// Tallies by sequence of headers.
#[derive(Clone, Debug, Default)]
pub(super) struct Hierarchy {
    tallies: HashMap<Layers, Tally, RandomState>,
}

impl Hierarchy {
    #[inline]
    pub(super) fn add(&mut self, layers: Layers, bytes: u32) {
        if let Some(tally) = self.tallies.get_mut(&layers) {
            tally.add(bytes);
            return;
        }
        let mut tally = Tally::default();
        tally.add(bytes);
        self.add_new(layers, tally);
    }

    /// When there are too many, the rest is known by its link type only. There are 65,536 of these at most.
    #[cold]
    fn add_new(&mut self, layers: Layers, tally: Tally) {
        let known = self.tallies.len() < MAX || self.tallies.contains_key(&layers);
        let layers = if known {
            layers
        } else {
            Layers::new(layers.link_type())
        };
        *self.tallies.entry(layers).or_default() += tally;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (&layers, &tally) in &other.tallies {
            self.add_new(layers, tally);
        }
    }

    /// The tree of headers for each link type, by its number.
    pub(super) fn trees(&self) -> Vec<(LinkType, LayerTally)> {
        let mut trees: Vec<(LinkType, Node)> = Vec::new();
        for (layers, &tally) in &self.tallies {
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
