//! How far a collection is.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// How far a collection is: what the callback of [`Collect::on_progress`](crate::Collect::on_progress) gets.
///
/// ```
/// fn show(progress: &pcaps::Collecting) {
///     println!("{} of {} files, {} packets", progress.files, progress.listed, progress.packets);
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Collecting {
    /// What is being done.
    pub phase: Phase,
    /// How many files are there whole.
    pub files: u64,
    /// How many files the bucket has.
    pub listed: u64,
    /// How many bytes of them are there.
    pub bytes: u64,
    /// How many bytes they have.
    pub bytes_listed: u64,
    /// How many packets can be read of the files that are there.
    pub packets: u64,
    /// How many packets the service says that the capture has taken.
    pub reported: Option<u64>,
}

/// What a collection is doing: [`Collecting::phase`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Files are listed and fetched.
    Fetching,
    /// There are fewer packets than the service reports: the bucket is looked at for files that come late.
    Settling,
    /// The files are merged into one, or put in their places.
    Merging,
    /// What was merged is deleted from the bucket.
    Deleting,
}

type Callback<'a> = Box<dyn FnMut(Collecting) + Send + 'a>;

/// What is told.
pub(super) struct Tally(Mutex<Told>);

struct Told {
    callback: Callback<'static>,
    now: Collecting,
}

impl Tally {
    pub(super) fn new(callback: Callback<'static>, reported: Option<u64>) -> Self {
        Self(Mutex::new(Told {
            callback,
            now: Collecting {
                phase: Phase::Fetching,
                files: 0,
                listed: 0,
                bytes: 0,
                bytes_listed: 0,
                packets: 0,
                reported,
            },
        }))
    }

    pub(super) fn phase(&self, phase: Phase) {
        self.change(|it| it.phase = phase);
    }

    /// Another file is known of.
    pub(super) fn listed(&self, bytes: u64) {
        let mut told = self.told();
        told.now.listed += 1;
        told.now.bytes_listed += bytes;
    }

    pub(super) fn arrived(&self, bytes: u64) {
        self.change(|it| it.bytes += bytes);
    }

    /// What was there has to be fetched again.
    pub(super) fn lost(&self, bytes: u64) {
        let mut told = self.told();
        told.now.bytes = told.now.bytes.saturating_sub(bytes);
    }

    /// A file has another length than it had.
    pub(super) fn changed(&self, before: u64, after: u64, lost: u64) {
        let mut told = self.told();
        let now = &mut told.now;
        now.bytes_listed = (now.bytes_listed + after).saturating_sub(before);
        now.bytes = now.bytes.saturating_sub(lost);
    }

    pub(super) fn whole(&self, packets: u64) {
        self.change(|it| {
            it.files += 1;
            it.packets += packets;
        });
    }

    /// A file that was there has come again.
    pub(super) fn replaced(&self, bytes: u64, packets: u64) {
        self.change(|it| {
            it.files = it.files.saturating_sub(1);
            it.bytes = it.bytes.saturating_sub(bytes);
            it.packets = it.packets.saturating_sub(packets);
        });
    }

    fn change(&self, change: impl FnOnce(&mut Collecting)) {
        let mut told = self.told();
        let told = &mut *told;
        change(&mut told.now);
        (told.callback)(told.now);
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
