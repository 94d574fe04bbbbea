//! Files that have the same bytes as others.

use std::collections::HashMap;
use std::fs::File;
use std::hash::{BuildHasher as _, Hash, Hasher as _, RandomState};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// Enough of a file to tell it from most others: the header, and the times of some packets.
const BEGINNING: u64 = 4 << 10;

/// A file that may be a copy.
pub(super) struct Candidate {
    /// Its number among the inputs.
    pub(super) number: usize,
    pub(super) path: PathBuf,
    pub(super) len: u64,
}

/// Those that are copies of one before them, and of which. Of a file that no other could be equal to, only the length is
/// looked at. What cannot be read is nobody's copy: the merge will say why.
pub(super) fn copies(candidates: Vec<Candidate>) -> Vec<(usize, usize)> {
    let state = RandomState::new();
    let alike = |groups: Vec<Vec<Candidate>>, len| {
        let parts = |group| split(group, |it| hash(&state, &it.path, len).ok());
        groups.into_iter().flat_map(parts).collect()
    };
    let groups = split(candidates, |it| Some(it.len));
    let groups: Vec<Vec<Candidate>> = alike(alike(groups, BEGINNING), u64::MAX);
    let pairs = |group: &Vec<Candidate>| {
        let first = group.first().map(|it| it.number);
        let rest = group.iter().skip(1).map(|it| it.number);
        rest.zip(first.into_iter().cycle()).collect::<Vec<_>>()
    };
    groups.iter().flat_map(pairs).collect()
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

/// A hash that nobody can foresee, of so many bytes of a file at most.
fn hash(state: &RandomState, path: &Path, len: u64) -> io::Result<u64> {
    let mut file = File::open(path)?.take(len);
    let mut hasher = state.build_hasher();
    let mut room = vec![0; 64 << 10];
    loop {
        match file.read(&mut room) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(count) => hasher.write(room.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
