//! Which of many streams has the least key.

/// A tree of losers: after the winner's key has changed, one comparison on each level finds the next one.
pub(super) struct Tournament {
    /// At 0 the winner; else who lost there, with its key.
    places: Vec<Player>,
}

/// A key and the stream that has it: by key, and among equal ones by stream.
type Player = (u64, usize);

/// Nobody: loses against everyone.
const NOBODY: Player = (Tournament::ENDED, usize::MAX);

impl Tournament {
    /// The key of a stream that has ended.
    pub(super) const ENDED: u64 = u64::MAX;

    pub(super) fn new(keys: &[u64]) -> Self {
        // All matches from the leaves up: each place's winner is needed once, by the match above it.
        let count = keys.len();
        let mut winners = vec![NOBODY; count];
        winners.extend(keys.iter().copied().zip(0..));
        let mut places = vec![NOBODY; count.max(1)];
        for place in (1..count).rev() {
            let [one, other] =
                [2 * place, 2 * place + 1].map(|it| winners.get(it).copied().unwrap_or(NOBODY));
            if let (Some(winner), Some(loser)) = (winners.get_mut(place), places.get_mut(place)) {
                *winner = one.min(other);
                *loser = one.max(other);
            }
        }
        if let (Some(first), Some(winner)) = (places.first_mut(), winners.get(1)) {
            *first = *winner;
        }
        Self { places }
    }

    /// The first of the streams with the least key; `None` when all have ended.
    #[inline]
    pub(super) fn winner(&self) -> Option<usize> {
        let (key, winner) = *self.places.first()?;
        (key != Self::ENDED).then_some(winner)
    }

    /// Gives the winner another key.
    #[inline]
    pub(super) fn replace(&mut self, winner: usize, key: u64) {
        let mut player = (key, winner);
        let mut place = usize::midpoint(winner, self.places.len());
        while let Some(loser) = self.places.get_mut(place).filter(|_| place > 0) {
            let (low, high) = ((*loser).min(player), (*loser).max(player));
            (*loser, player) = (high, low);
            place /= 2;
        }
        if let Some(first) = self.places.first_mut() {
            *first = player;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_sorts() {
        for count in 0..40_usize {
            let mut streams: Vec<Vec<u64>> = (0..count)
                .map(|at| (0..at as u64 % 7).map(|n| n * 13 % 5 + n * 3).collect())
                .collect();
            let mut expected = Vec::new();
            for (at, stream) in streams.iter_mut().enumerate() {
                stream.sort_unstable();
                expected.extend(stream.iter().map(|key| (*key, at)));
                stream.reverse();
            }
            expected.sort_unstable();
            let mut next = |at: usize| streams[at].pop().unwrap_or(Tournament::ENDED);
            let keys: Vec<u64> = (0..count).map(&mut next).collect();
            let mut tournament = Tournament::new(&keys);
            let mut found = Vec::new();
            while let Some(winner) = tournament.winner() {
                found.push(tournament.places[0]);
                let key = next(winner);
                tournament.replace(winner, key);
            }
            assert_eq!(found, expected, "{count} streams");
        }
    }
}
