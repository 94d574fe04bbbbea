//! Files that look like copies of others.

use std::collections::HashMap;
use std::fs::File;
use std::hash::{BuildHasher as _, Hash, RandomState};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;

/// How much is looked at in one place of a file, in bytes: some packets with their times.
const SAMPLE: u64 = 1 << 10;

/// A file that may be a copy.
pub(super) struct Candidate {
    /// Its number among the inputs.
    pub(super) number: usize,
    pub(super) path: PathBuf,
    pub(super) len: u64,
}

impl Candidate {
    /// A hash, that nobody can foresee, of what is in one place.
    fn sample(&self, state: &RandomState, place: u64) -> io::Result<u64> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(place))?;
        let mut sample = Vec::new();
        file.take(SAMPLE).read_to_end(&mut sample)?;
        Ok(state.hash_one(&sample))
    }
}

/// Those that look like copies of one before them, and of which. Only files of one length are looked into, and never the whole
/// of them: captures that agree in three places, times included, hardly differ elsewhere. What cannot be read is nobody's
/// copy: the merge will say why.
pub(super) fn copies(candidates: Vec<Candidate>) -> Vec<(usize, usize)> {
    let state = RandomState::new();
    // The times of the first packets tell most apart.
    let places: [fn(u64) -> u64; 3] = [|_| 0, |len| len / 2, |len| len.saturating_sub(SAMPLE)];
    let mut alike = split(candidates, |it| Some(it.len));
    for place in places {
        let sample = |it: &Candidate| it.sample(&state, place(it.len)).ok();
        let groups = alike.into_iter().flat_map(|group| split(group, sample));
        alike = groups.collect();
    }
    let pairs = |group: Vec<Candidate>| {
        let mut numbers = group.into_iter().map(|it| it.number);
        let first = numbers.next();
        numbers.zip(first.into_iter().cycle()).collect::<Vec<_>>()
    };
    alike.into_iter().flat_map(pairs).collect()
}

/// Groups of more than one, by a key.
fn split<K: Eq + Hash>(
    group: Vec<Candidate>,
    key: impl Fn(&Candidate) -> Option<K>,
) -> Vec<Vec<Candidate>> {
    let mut groups: HashMap<K, Vec<Candidate>> = HashMap::new();
    for candidate in group {
        if let Some(key) = key(&candidate) {
            groups.entry(key).or_default().push(candidate);
        }
    }
    groups.into_values().filter(|it| it.len() > 1).collect()
}
