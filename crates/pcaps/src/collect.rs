//! From the many files of a full capture, in a bucket, to one.
//!
//! In three parts: which objects are of the capture ([`listing`]), how they come into a folder of parts
//! ([`fetch`], [`parts`]), and how they leave it ([`merging`], [`place`]). Here is the order in which that happens;
//! [`quiet`] says when the bucket has been looked at for long enough. [`follow`] does the same while the capture runs.

mod fetch;
mod follow;
mod growing;
mod listing;
mod merging;
mod parts;
mod place;
mod quiet;
mod tally;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt,
    future::{Future, IntoFuture},
    ops::ControlFlow,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use futures_util::{
    StreamExt as _, TryStreamExt as _,
    stream::{self, FuturesUnordered},
};
use object_store::ObjectStoreExt as _;
use pcaps_file::NewFile;
use tokio::{io::AsyncWrite, task::spawn_blocking};
use tracing::Instrument as _;

use crate::{
    Account, Capture, CaptureId, CaptureKind, CaptureState, Destination, Error, ErrorKind,
    storage::{Access, Source},
};
pub(crate) use fetch::stopped;
use fetch::{Fetch, Outcome};
pub use follow::Follow;
use growing::Growing;
use listing::{Object, Objects, list};
use merging::Merging;
use parts::{FetchedPart, Left, PartsFolder};
use place::Places;
use quiet::Quiet;
use tally::Tally;
pub use tally::{Collecting, Phase};

/// How many files are fetched at once, unless it is said otherwise; and the most.
const TRANSFERS: usize = 16;
const MOST_TRANSFERS: usize = 256;
/// For how long a bucket has to be the same, unless it is said otherwise.
const SETTLE: Duration = Duration::from_secs(30);
/// How often a bucket is looked at meanwhile, and while a capture runs.
const LOOK: Duration = Duration::from_secs(5);
/// The most files of which the merge begins early. Of more there is little to gain, because it can begin only with the
/// last of them, and it would open too many files while others are being fetched.
const EARLY: usize = 128;

/// A collection of the files that a full capture has left in its bucket: made by [`Account::collect`], told where to,
/// and awaited.
///
/// The files are fetched into a folder beside the output (`<output>.parts`, readable by its owner only), several at a
/// time, and merged into one in the order of time; that begins while the last of them are on their way. What is missing
/// is waited for: the bucket is looked at until there are as many packets as the service reports, or nothing has changed
/// for the [settling time](Self::settle). Then the output appears, whole and on the disk, and the folder goes.
///
/// It can be dropped at any point, and so can the process end: what has been fetched stays in the folder, and the same
/// call goes on from it and fetches nothing twice, except a file that has changed since. A body that stalls or breaks
/// off is asked for again from where it did. Memory does not grow with the capture: 64 MiB do for thousands of files.
///
/// ```no_run
/// # async fn example(account: pcaps::Account, id: pcaps::CaptureId) -> Result<(), pcaps::Error> {
/// account.wait(&id).await?;
/// let collected = account.collect(&id).to_path("edge.pcap").await?;
/// println!("{} packets of {} files", collected.packets, collected.files.len());
/// if collected.is_partial() {
///     eprintln!("the service reports {:?} packets", collected.reported);
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Those of [`Account::get`], and
///
/// - [`InvalidInput`](ErrorKind::InvalidInput) when the capture is no full one or has not finished, when it is not said
///   where the packets go, when the service does not tell which bucket it is (see [`from`](Self::from)), or when the
///   folder of parts is not this collection's;
/// - [`NotFound`](ErrorKind::NotFound) when the bucket has no file of the capture, or is not there; of a capture that
///   failed it is [`CaptureFailed`](ErrorKind::CaptureFailed);
/// - [`Authentication`](ErrorKind::Authentication), [`Permission`](ErrorKind::Permission),
///   [`Connection`](ErrorKind::Connection) and [`Timeout`](ErrorKind::Timeout) when the bucket cannot be read;
/// - [`NotACapture`](ErrorKind::NotACapture) when none of the files is a capture file;
/// - [`Io`](ErrorKind::Io) when something cannot be written. The parts stay.
///
/// That files are torn or missing is no error: [`Collected`] says so.
#[must_use = "a collection does nothing until it is awaited"]
pub struct Collect<'a> {
    account: Account,
    id: CaptureId,
    from: Option<Destination>,
    output: Output<'a>,
    split: Option<PathBuf>,
    transfers: usize,
    settle: Duration,
    delete_remote: bool,
    on_progress: Box<dyn FnMut(Collecting) + Send>,
}

/// Where the merged file goes.
enum Output<'a> {
    Nowhere,
    Path(PathBuf),
    Writer(Box<dyn AsyncWrite + Unpin + Send + 'a>),
}

/// What came of a collection.
///
/// ```
/// fn lost(collected: &pcaps::Collected) -> u64 {
///     collected.reported.unwrap_or_default().saturating_sub(collected.packets)
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Collected {
    /// The capture, as the service told of it.
    pub capture: Capture,
    /// How many packets are in the merged file; without one, in all files together.
    pub packets: u64,
    /// The length of the merged file in bytes; without one, of all files together.
    pub bytes: u64,
    /// The capture's files, in the order of their keys.
    pub files: Vec<CollectedFile>,
    /// How many packets the service says that the capture has taken.
    pub reported: Option<u64>,
    /// Whether the bucket was looked at for long enough: until there were as many packets as reported, or nothing
    /// changed for the settling time.
    pub settled: bool,
    /// How many objects were deleted from the bucket.
    pub deleted: u64,
}

/// One file of a capture: [`Collected::files`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CollectedFile {
    /// Its key, below the destination's folder.
    pub key: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// How many of its packets could be read.
    pub packets: u64,
    /// What became of it.
    pub state: FileState,
}

/// What became of a file: [`CollectedFile::state`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileState {
    /// All of its packets are there.
    Whole,
    /// It has no bytes at all.
    Empty,
    /// It is torn or damaged, or has packets that the merged file cannot hold; what could be read is there.
    #[non_exhaustive]
    Torn {
        /// Why.
        reason: String,
    },
    /// It was listed, and was not there when it was fetched.
    Vanished,
}

impl Collected {
    /// Whether packets are missing, or may be: there are fewer than the service reports, a file is torn or has
    /// vanished, the bucket still changed, or the capture failed.
    pub fn is_partial(&self) -> bool {
        let torn =
            |it: &CollectedFile| matches!(it.state, FileState::Torn { .. } | FileState::Vanished);
        self.reported.is_some_and(|it| it > self.packets)
            || self.files.iter().any(torn)
            || !self.settled
            || self.capture.state() == CaptureState::Failed
    }
}

impl Collect<'_> {
    pub(crate) fn new(account: Account, id: CaptureId) -> Self {
        Self {
            account,
            id,
            from: None,
            output: Output::Nowhere,
            split: None,
            transfers: TRANSFERS,
            settle: SETTLE,
            delete_remote: false,
            on_progress: Box::new(|_| {}),
        }
    }

    /// Merges the files into one at this path, readable by its owner only. Whatever goes wrong, a file that was there
    /// before stays as it was. The parts are in `<path>.parts` meanwhile.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account, id: pcaps::CaptureId) -> Result<(), pcaps::Error> {
    /// account.collect(&id).to_path("edge.pcap").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn to_path(self, path: impl AsRef<Path>) -> Self {
        Self {
            output: Output::Path(path.as_ref().to_owned()),
            ..self
        }
    }

    /// Merges the files into one, and writes that to a writer, when it is whole, and flushes it. The parts are in a
    /// temporary folder, which goes in any case.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account, id: pcaps::CaptureId) -> Result<(), pcaps::Error> {
    /// let mut file = Vec::new();
    /// account.collect(&id).to_writer(&mut file).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn to_writer<'w>(self, writer: impl AsyncWrite + Unpin + Send + 'w) -> Collect<'w> {
        Collect {
            account: self.account,
            id: self.id,
            from: self.from,
            output: Output::Writer(Box::new(writer)),
            split: self.split,
            transfers: self.transfers,
            settle: self.settle,
            delete_remote: self.delete_remote,
            on_progress: self.on_progress,
        }
    }

    /// Keeps the files apart as well, or only, in this folder, which is made if it is not there: each under its whole
    /// key below the destination's folder, because names repeat across servers. Files of the same name are replaced.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account, id: pcaps::CaptureId) -> Result<(), pcaps::Error> {
    /// let collected = account.collect(&id).split_into("edge").await?;
    /// for file in &collected.files {
    ///     println!("edge/{}: {} packets", file.key, file.packets);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn split_into(self, folder: impl AsRef<Path>) -> Self {
        Self {
            split: Some(folder.as_ref().to_owned()),
            ..self
        }
    }

    /// Fetches from this bucket, where the one that the service names is not to be used, or it names none. Keys that it
    /// has are used, and written nowhere.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account, id: pcaps::CaptureId) -> Result<(), pcaps::Error> {
    /// account.collect(&id).from("gs://copies/edge".parse()?).to_path("edge.pcap").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn from(self, destination: Destination) -> Self {
        Self {
            from: Some(destination),
            ..self
        }
    }

    /// How many files are fetched at once: 1 to 256, and 16 by default.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account, id: pcaps::CaptureId) -> Result<(), pcaps::Error> {
    /// account.collect(&id).transfers(64).to_path("edge.pcap").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn transfers(self, transfers: usize) -> Self {
        Self { transfers, ..self }
    }

    /// Calls back whenever something has come; the collection waits meanwhile, so be short.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account, id: pcaps::CaptureId) -> Result<(), pcaps::Error> {
    /// let collect = account.collect(&id).on_progress(|it| eprint!("\r{} of {} files", it.files, it.listed));
    /// collect.to_path("edge.pcap").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_progress(self, callback: impl FnMut(Collecting) + Send + 'static) -> Self {
        Self {
            on_progress: Box::new(callback),
            ..self
        }
    }

    /// For how long the bucket has to be the same before what is missing is given up: 30 s by default. With zero it is
    /// looked at once. When there are as many packets as the service reports, nothing is waited for.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn example(account: pcaps::Account, id: pcaps::CaptureId) -> Result<(), pcaps::Error> {
    /// account.collect(&id).settle(Duration::from_secs(300)).to_path("edge.pcap").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn settle(self, settle: Duration) -> Self {
        Self { settle, ..self }
    }

    /// Deletes from the bucket what was merged, by its key, once the output is in its place and on the disk. What is
    /// torn stays, and so does what has changed since it was fetched. Not for a writer, which may lose what it is given.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account, id: pcaps::CaptureId) -> Result<(), pcaps::Error> {
    /// let collected = account.collect(&id).delete_remote().to_path("edge.pcap").await?;
    /// println!("{} objects deleted", collected.deleted);
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete_remote(self) -> Self {
        Self {
            delete_remote: true,
            ..self
        }
    }

    async fn run(self) -> Result<Collected, Error> {
        let places = Places::check(self.output, self.split, self.delete_remote)?;
        let capture = self.account.get(&self.id).await?;
        check(&capture)?;
        let destination = bucket_of(&capture, self.from)?;
        let shared = Arc::clone(&self.account.shared);
        let folder = self.account.folder(&destination)?;
        let folder = Source::new(folder, &destination, &shared);
        let (id, parts_in) = (self.id.clone(), places.parts());
        let opened = spawn_blocking(move || match parts_in {
            Some(parts_in) => PartsFolder::open(parts_in, &id, &destination),
            None => PartsFolder::temporary(&id, &destination),
        });
        let (parts, left) = opened.await.unwrap_or_else(|it| Err(stopped(it)))?;
        let tally = Arc::new(Tally::new(self.on_progress, capture.packets_captured()));
        let fetch = Fetch {
            shared,
            folder,
            parts: Arc::new(parts),
            tally,
            transfers: self.transfers.clamp(1, MOST_TRANSFERS),
        };
        let mut gathered = Gathered::new(left, &fetch.tally);
        let merged = places.merged(&fetch.parts)?;
        let settled = gathered
            .gather(&fetch, merged, &capture, self.settle)
            .await?;
        if gathered.parts.is_empty() {
            // Nothing is in it.
            let _ = fetch.parts.remove();
            return Err(nothing(&fetch, capture, &gathered));
        }
        fetch.tally.phase(Phase::Merging);
        let early = gathered.early.take();
        let filled = places.fill(&fetch, &gathered.parts, early).await?;
        let mut collected = gathered.report(&fetch, capture, settled, &filled);
        if self.delete_remote {
            fetch.tally.phase(Phase::Deleting);
            collected.deleted = gathered.delete(&fetch, &self.id).await?;
        }
        let parts = Arc::clone(&fetch.parts);
        let removed = spawn_blocking(move || parts.remove()).await;
        // All is where it should be: what is left of the folder harms nobody.
        if let Ok(Err(error)) = removed {
            let folder = fetch.parts.folder().display();
            tracing::warn!(%error, "the folder {folder} cannot be taken away");
        }
        Ok(collected)
    }
}

/// Where the files are: there, if it is said, and else where the service says.
fn bucket_of(capture: &Capture, said: Option<Destination>) -> Result<Destination, Error> {
    said.or_else(|| capture.bucket()).ok_or_else(|| {
        Error::invalid(format!(
            "the service does not say which bucket the capture {} went to: name it",
            capture.id()
        ))
    })
}

/// A capture of which there are files, or may be.
fn check(capture: &Capture) -> Result<(), Error> {
    let id = capture.id();
    let why = match (capture.kind(), capture.state()) {
        (CaptureKind::Full, CaptureState::Ready | CaptureState::Failed) => return Ok(()),
        (CaptureKind::Full, CaptureState::InProgress) => format!(
            "the capture {id} is {:?}, and has not left its files yet: wait until it has finished",
            capture.status()
        ),
        (CaptureKind::Sample, _) => {
            format!("the capture {id} is a sample, which leaves no files in a bucket: download it")
        }
        (CaptureKind::Other(_), _) => {
            format!("the capture {id} is of a type that leaves no files in a bucket")
        }
    };
    Err(Error::invalid(why).about(capture.clone()))
}

/// There is no file at all.
fn nothing(fetch: &Fetch, capture: Capture, gathered: &Gathered) -> Error {
    let (id, place) = (capture.id(), &fetch.folder);
    if capture.state() == CaptureState::Failed {
        let why = capture
            .error_message()
            .unwrap_or_else(|| "the service gives no reason".to_owned());
        let what =
            format!("the capture {id} failed ({why}), and there is no file of it in {place}");
        return Error::new(ErrorKind::CaptureFailed, what).about(capture);
    }
    let what = match gathered.vanished.len() {
        0 => format!("there is no file of the capture {id} in {place}"),
        vanished => format!(
            "there is no file of the capture {id} in {place}: {vanished} were listed, and are not there any more"
        ),
    };
    let error = Error::new(ErrorKind::NotFound, what).advise(match capture.packets_captured() {
        Some(0) => "the service reports no packets: see whether the filter fits the traffic",
        _ => {
            "check that it is the bucket and the folder that the capture was started with, that these credentials see \
             what is in it, and that no rule of the bucket deletes files"
        }
    });
    error.about(capture)
}

/// What has been fetched so far.
struct Gathered {
    /// By key.
    parts: BTreeMap<String, FetchedPart>,
    begun: BTreeMap<String, FetchedPart>,
    /// What the listings told of each object when it was fetched. A server may call it otherwise when it gives it.
    taken: BTreeMap<String, Object>,
    vanished: BTreeMap<String, Object>,
    /// The merge of what was found first, which does not wait until all of it is fetched.
    early: Option<Merging>,
}

impl Gathered {
    fn new(left: Left, tally: &Tally) -> Self {
        for part in left.whole.values() {
            tally.listed(part.size);
            tally.arrived(part.size);
            tally.whole(part.found.packets);
        }
        Self {
            parts: left.whole,
            begun: left.begun,
            taken: BTreeMap::new(),
            vanished: BTreeMap::new(),
            early: None,
        }
    }

    fn packets(&self) -> u64 {
        self.parts.values().map(|it| it.found.packets).sum()
    }

    /// Fetches all there is until there is all, or nothing more comes. Says whether that is so. `merged` is for what can be
    /// merged meanwhile.
    async fn gather(
        &mut self,
        fetch: &Fetch,
        mut merged: Option<NewFile>,
        capture: &Capture,
        settle: Duration,
    ) -> Result<bool, Error> {
        let clock = &fetch.shared.chance.clock;
        let mut quiet = Quiet::new(settle, clock.now());
        loop {
            let now = clock.now();
            let listing = list(&fetch.folder, &fetch.shared, capture.id()).await?;
            quiet.saw(&listing, now);
            self.fetch(fetch, &listing, &mut merged).await?;
            let enough = |it| !self.parts.is_empty() && self.packets() >= it;
            if capture.packets_captured().is_some_and(enough) {
                return Ok(true);
            }
            let pause = match quiet.pause(clock.now()) {
                ControlFlow::Break(settled) => return Ok(settled),
                ControlFlow::Continue(pause) => pause,
            };
            fetch.tally.phase(Phase::Settling);
            clock.sleep(pause).await;
            fetch.tally.phase(Phase::Fetching);
        }
    }

    /// Fetches what is new, and what has changed. As soon as nothing waits for its turn, the merge begins, if it has a
    /// file to go to: that is taken.
    async fn fetch(
        &mut self,
        fetch: &Fetch,
        listing: &Objects,
        merged: &mut Option<NewFile>,
    ) -> Result<(), Error> {
        let is_there = |key: &String, object: &Object| {
            let part = self.parts.get(key);
            part.is_some_and(|it| it.is_of(object) || self.taken.get(key) == Some(object))
        };
        let wanted = listing.iter().filter(|(key, it)| !is_there(key, it));
        let wanted: Vec<_> = wanted.map(|(key, it)| (key.clone(), it.clone())).collect();
        for (key, object) in &wanted {
            if !self.parts.contains_key(key) && !self.vanished.contains_key(key) {
                fetch.tally.listed(object.size);
            }
        }
        let mut waiting = wanted.into_iter();
        let mut going = FuturesUnordered::new();
        let mut growing = BTreeMap::new();
        loop {
            while going.len() < fetch.transfers
                && let Some((key, object)) = waiting.next()
            {
                let left = self.begun.remove(&key);
                let grows = Growing::awaited();
                growing.insert(key.clone(), Arc::clone(&grows));
                going.push(async move {
                    let outcome = fetch.object(object.clone(), left, grows).await?;
                    Ok::<_, Error>((key, object, outcome))
                });
            }
            if waiting.len() == 0
                && !(going.is_empty() && self.parts.is_empty())
                && let Some(file) = merged.take()
                && going.len() + self.parts.len() <= EARLY
            {
                let mut parts = std::mem::take(&mut growing);
                for (key, part) in &self.parts {
                    let whole = || Growing::whole_at(fetch.parts.path(part));
                    parts.entry(key.clone()).or_insert_with(whole);
                }
                // If it does not begin, it does so when all are there, and says why it cannot.
                self.early = Merging::begin(file, fetch, parts).ok();
            }
            let Some((key, object, outcome)) = going.try_next().await? else {
                return Ok(());
            };
            // Of what has come to its end before the merge has begun, only what is there counts.
            growing.remove(&key);
            match outcome {
                Outcome::Whole(part) => {
                    self.vanished.remove(&key);
                    self.taken.insert(key.clone(), object);
                    if let Some(before) = self.parts.insert(key, part) {
                        fetch.tally.replaced(before.size, before.found.packets);
                        fetch.parts.drop_part(&before);
                    }
                }
                Outcome::Vanished => {
                    // What was fetched of it before is not worth less for that.
                    if !self.parts.contains_key(&key) {
                        self.vanished.insert(key, object);
                    }
                }
            }
        }
    }

    fn report(
        &self,
        fetch: &Fetch,
        capture: Capture,
        settled: bool,
        placed: &place::Placed,
    ) -> Collected {
        let file = |key: &str, bytes, packets, state| CollectedFile {
            key: fetch.folder.below(key),
            bytes,
            packets,
            state,
        };
        let mut files: BTreeMap<&str, CollectedFile> = BTreeMap::new();
        for (key, object) in &self.vanished {
            let vanished = file(key, object.size, 0, FileState::Vanished);
            files.insert(key, vanished);
        }
        for (key, part) in &self.parts {
            let merged = placed.of(key);
            let packets = merged.map_or(part.found.packets, |it| it.packets);
            let refused = merged.filter(|it| it.refused > 0).map(|it| {
                format!(
                    "{} of its packets do not fit into the merged file",
                    it.refused
                )
            });
            let state = match part.found.fault.clone().or(refused) {
                _ if part.size == 0 => FileState::Empty,
                Some(reason) => FileState::Torn { reason },
                None => FileState::Whole,
            };
            files.insert(key, file(key, part.size, packets, state));
        }
        let files: Vec<_> = files.into_values().collect();
        Collected {
            reported: capture.packets_captured(),
            capture,
            packets: files.iter().map(|it| it.packets).sum(),
            bytes: placed.bytes,
            files,
            settled,
            deleted: 0,
        }
    }

    /// Deletes what was fetched whole and is still the same.
    async fn delete(&self, fetch: &Fetch, id: &CaptureId) -> Result<u64, Error> {
        let advice =
            "the output is in its place; collect again to delete what is left in the bucket";
        let listing = list(&fetch.folder, &fetch.shared, id).await;
        let listing = listing.map_err(|it| it.advise(advice))?;
        let is_merged = |key: &String, object: &Object| {
            let part = self
                .parts
                .get(key)
                .filter(|it| it.found.fault.is_none() || it.size == 0);
            part.is_some_and(|it| it.is_of(object) || self.taken.get(key) == Some(object))
        };
        let merged = listing.iter().filter(|(key, it)| is_merged(key, it));
        let merged: Vec<_> = merged.map(|(_, it)| it.key.clone()).collect();
        let deletions = stream::iter(merged)
            .map(|key| async move {
                let doing = format!("delete {key}");
                let deleting = fetch.folder.store.delete(&key);
                match fetch.folder.in_time(&fetch.shared, deleting).await {
                    None => Err(fetch.folder.timed_out(&doing)),
                    Some(Ok(()) | Err(object_store::Error::NotFound { .. })) => Ok(1),
                    Some(Err(error)) => Err(fetch.folder.failed(Access::Delete, &doing, &error)),
                }
            })
            .buffer_unordered(fetch.transfers);
        let deleted = deletions.try_fold(0, |sum, it| async move { Ok(sum + it) });
        deleted.await.map_err(|it: Error| it.advise(advice))
    }
}

impl<'a> IntoFuture for Collect<'a> {
    type Output = Result<Collected, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        let span = tracing::info_span!("collect", capture = self.id.as_str());
        Box::pin(self.run().instrument(span))
    }
}

impl fmt::Debug for Collect<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collect")
            .field("id", &self.id)
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}

/// The path with something after its name.
pub(crate) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}
