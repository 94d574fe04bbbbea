//! How long packets were on the wire.

use super::SizeTally;

/// Where each range begins, in bytes: Wireshark's ranges (`tshark -z plen,tree`).
const FROM: [u32; 10] = [0, 20, 40, 80, 160, 320, 640, 1_280, 2_560, 5_120];

/// Packets by length.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    packets: [u64; FROM.len()],
    /// The shortest and the longest, in bytes.
    pub(super) ends: (u32, u32),
}

impl Default for Sizes {
    fn default() -> Self {
        Self {
            packets: [0; FROM.len()],
            ends: (u32::MAX, 0),
        }
    }
}

impl Sizes {
    #[inline]
    pub(super) fn add(&mut self, len: u32) {
        // Each range but the first begins where the one before it has doubled.
        let at = (len / 20)
            .checked_ilog2()
            .map_or(0, |twos| twos as usize + 1);
        if let Some(packets) = self.packets.get_mut(at.min(FROM.len() - 1)) {
            *packets += 1;
        }
        let (shortest, longest) = self.ends;
        self.ends = (shortest.min(len), longest.max(len));
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (ours, theirs) in self.packets.iter_mut().zip(other.packets) {
            *ours += theirs;
        }
        let (shortest, longest) = self.ends;
        self.ends = (shortest.min(other.ends.0), longest.max(other.ends.1));
    }

    /// All ranges, the shortest first.
    pub(super) fn ranges(&self) -> impl Iterator<Item = SizeTally> {
        let to = FROM
            .iter()
            .skip(1)
            .map(|&next| Some(next - 1))
            .chain([None]);
        FROM.iter()
            .zip(to)
            .zip(self.packets)
            .map(|((&from, to), packets)| SizeTally { from, to, packets })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_in_its_range() {
        for len in (0..11_000).chain([u32::MAX]) {
            let mut sizes = Sizes::default();
            sizes.add(len);
            assert_eq!(sizes.ends, (len, len));
            let found: Vec<_> = sizes.ranges().filter(|range| range.packets > 0).collect();
            assert_eq!(found.len(), 1);
            assert!(
                found[0].from <= len && found[0].to.is_none_or(|to| len <= to),
                "{len}"
            );
        }
    }
}
