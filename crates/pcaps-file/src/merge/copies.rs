//! Files that have the same bytes as others.

use std::collections::HashMap;
use std::fs::File;
use std::hash::{BuildHasher as _, Hash, Hasher as _, RandomState};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

/// How much is looked at, at the beginning of a file, in its middle and at its end: some packets with their times.
const SAMPLE: u64 = 4 << 10;

/// A file that may be a copy.
pub(super) struct Candidate {
    /// Its number among the inputs.
    number: usize,
    path: PathBuf,
    len: u64,
}

impl Candidate {
    /// One that can be opened once more: neither a pipe nor, where that would be the same opening, a descriptor by its name.
    pub(super) fn new(number: usize, path: &Path, file: &File) -> Option<Self> {
        let metadata = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
        (!path.starts_with("/dev")).then(|| Self {
            number,
            path: path.to_owned(),
            len: metadata.len(),
        })
    }
}

/// Those that are copies of one before them, and of which. Only files of one length are looked into, and never the whole of
/// them: two captures that agree in three places do so in all. What cannot be read is nobody's copy: the merge will say why.
pub(super) fn copies(candidates: Vec<Candidate>) -> Vec<(usize, usize)> {
    let state = RandomState::new();
    let of_one_len = split(candidates, |it| Some(it.len));
    let alike = of_one_len
        .into_iter()
        .flat_map(|group| split(group, |it| samples(&state, it).ok()));
    let pairs = |group: Vec<Candidate>| {
        let mut numbers = group.into_iter().map(|it| it.number);
        let first = numbers.next();
        numbers.zip(first.into_iter().cycle()).collect::<Vec<_>>()
    };
    alike.flat_map(pairs).collect()
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

/// A hash of what is looked at, that nobody can foresee.
fn samples(state: &RandomState, of: &Candidate) -> io::Result<u64> {
    let mut file = File::open(&of.path)?;
    let mut hasher = state.build_hasher();
    let mut sample = Vec::new();
    for place in [0, of.len / 2, of.len.saturating_sub(SAMPLE)] {
        file.seek(SeekFrom::Start(place))?;
        sample.clear();
        file.by_ref().take(SAMPLE).read_to_end(&mut sample)?;
        hasher.write(&sample);
    }
    Ok(hasher.finish())
}
