//! Which of many streams has the least key.

/// A tree of losers: after the winner's key has changed, one comparison on each level finds the next one.
pub(super) struct Tournament {
    keys: Vec<u64>,
    /// At 0 the winner; else who lost there.
    losers: Vec<usize>,
}

impl Tournament {
    /// The key of a stream that has ended.
    pub(super) const ENDED: u64 = u64::MAX;

    pub(super) fn new(keys: Vec<u64>) -> Self {
        let count = keys.len();
        let mut this = Self {
            keys,
            losers: vec![usize::MAX; count.max(1)],
        };
        for player in 0..count {
            this.enter(player);
        }
        this
    }

    /// The first of the streams with the least key; `None` when all have ended.
    #[inline]
    pub(super) fn winner(&self) -> Option<usize> {
        let winner = *self.losers.first()?;
        let key = *self.keys.get(winner)?;
        (key != Self::ENDED).then_some(winner)
    }

    /// Gives the winner another key.
    #[inline]
    pub(super) fn replace(&mut self, winner: usize, key: u64) {
        if let Some(room) = self.keys.get_mut(winner) {
            *room = key;
        }
        self.play(winner);
    }

    /// The first of the others that come to a place wait there.
    fn enter(&mut self, player: usize) {
        let mut winner = player;
        let mut place = usize::midpoint(player, self.keys.len());
        while place > 0 {
            let Some(loser) = self.losers.get_mut(place) else {
                return;
            };
            if *loser == usize::MAX {
                *loser = winner;
                return;
            }
            if beats(&self.keys, *loser, winner) {
                std::mem::swap(loser, &mut winner);
            }
            place /= 2;
        }
        if let Some(first) = self.losers.first_mut() {
            *first = winner;
        }
    }

    #[inline]
    fn play(&mut self, player: usize) {
        let mut winner = player;
        let mut place = usize::midpoint(player, self.keys.len());
        while place > 0 {
            if let Some(loser) = self.losers.get_mut(place)
                && beats(&self.keys, *loser, winner)
            {
                std::mem::swap(loser, &mut winner);
            }
            place /= 2;
        }
        if let Some(first) = self.losers.first_mut() {
            *first = winner;
        }
    }
}

/// By key, and among equal ones by place.
#[inline]
fn beats(keys: &[u64], one: usize, other: usize) -> bool {
    let key = |of: usize| keys.get(of).copied().unwrap_or(Tournament::ENDED);
    (key(one), one) < (key(other), other)
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
            let mut tournament = Tournament::new((0..count).map(&mut next).collect());
            let mut found = Vec::new();
            while let Some(winner) = tournament.winner() {
                found.push((tournament.keys[winner], winner));
                let key = next(winner);
                tournament.replace(winner, key);
            }
            assert_eq!(found, expected, "{count} streams");
        }
    }
}
