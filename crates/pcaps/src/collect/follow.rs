//! The files of a full capture as they appear in its bucket, as one stream of packets.

use std::{
    collections::BTreeMap,
    fmt,
    future::IntoFuture,
    ops::ControlFlow,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use futures_util::future::{Either, select};
use pcaps_file::{
    Reader, StopOnDrop, StopSignal,
    merge::{Input, Merge},
};
use tempfile::NamedTempFile;
use tokio::{io::AsyncWrite, task::spawn_blocking};
use tracing::Instrument as _;

use super::{
    Collected, Gathered, LOOK, SETTLE, TRANSFERS, bucket_of,
    fetch::{Fetch, stopped},
    listing::list,
    nothing,
    parts::{Left, PartsFolder},
    place::Placed,
    quiet::Quiet,
    tally::Tally,
};
use crate::{
    Account, Capture, CaptureId, CaptureKind, Destination, Error, ErrorKind,
    clock::between,
    storage::Source,
    stream::{Made, PacketStream},
    wait::PATIENCE,
};

/// A full capture that is followed: its packets go to a writer as its files appear in the bucket, while it runs and until
/// all are there. Made by [`Account::follow`], and awaited.
///
/// The writer gets one pcapng file, its first bytes at once. The bucket is looked at every five seconds. Packets of files that
/// are there at the same look come in the order of time; a file that appears later may have earlier packets, which come
/// late then. [`Account::collect`] puts all of them in order, once the capture has finished. Of a file that has grown,
/// what is new comes. Files wait on the disk, in a temporary folder, until they have been written.
///
/// It can be dropped at any point: the capture goes on at the service, and its files stay in the bucket.
///
/// ```no_run
/// # async fn example(account: pcaps::Account, full: pcaps::Full) -> Result<(), pcaps::Error> {
/// let capture = account.start(full).await?;
/// let followed = account.follow(capture.id(), tokio::io::stdout()).await?;
/// eprintln!("{} packets of {} files", followed.packets, followed.files.len());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Those of [`Account::wait`] and of [`Collect`](super::Collect), but that a capture without packets, or one that has failed and left
/// some, is none; [`Io`](ErrorKind::Io) when the writer fails.
#[must_use = "a capture is not followed until this is awaited"]
pub struct Follow<'a> {
    account: Account,
    id: CaptureId,
    from: Option<Destination>,
    to: Box<dyn AsyncWrite + Unpin + Send + 'a>,
    settle: Duration,
}

impl<'a> Follow<'a> {
    pub(crate) fn new(
        account: Account,
        id: CaptureId,
        to: impl AsyncWrite + Unpin + Send + 'a,
    ) -> Self {
        Self {
            account,
            id,
            from: None,
            to: Box::new(to),
            settle: SETTLE,
        }
    }

    /// Fetches from this bucket, where the one that the service names is not to be used, or it names none. Keys that it
    /// has are used, and written nowhere.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account, id: pcaps::CaptureId) -> Result<(), pcaps::Error> {
    /// account.follow(&id, tokio::io::stdout()).from("gs://copies/edge".parse()?).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn from(self, destination: Destination) -> Self {
        Self {
            from: Some(destination),
            ..self
        }
    }

    /// For how long the bucket has to be the same, once the capture has finished, before what is missing is given up: 30 s
    /// by default. When there are as many packets as the service reports, nothing is waited for.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn example(account: pcaps::Account, id: pcaps::CaptureId) -> Result<(), pcaps::Error> {
    /// account.follow(&id, tokio::io::stdout()).settle(Duration::from_secs(300)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn settle(self, settle: Duration) -> Self {
        Self { settle, ..self }
    }

    async fn run(self) -> Result<Collected, Error> {
        let stream = PacketStream::begin(self.to).await?;
        let capture = self.account.get(&self.id).await?;
        if capture.kind() != CaptureKind::Full {
            let what = format!("the capture {} is no full one: it leaves no files", self.id);
            return Err(Error::invalid(what).about(capture));
        }
        let destination = bucket_of(&capture, self.from)?;
        let shared = Arc::clone(&self.account.shared);
        let folder = self.account.folder(&destination)?;
        let folder = Source::new(folder, &destination, &shared);
        let id = self.id.clone();
        let opened = spawn_blocking(move || PartsFolder::temporary(&id, &destination));
        let (parts, _) = opened.await.unwrap_or_else(|it| Err(stopped(it)))?;
        let tally = Arc::new(Tally::new(Box::new(|_| {}), None));
        let gathered = Gathered::new(Left::default(), &tally);
        let mut following = Following {
            fetch: Fetch {
                shared,
                folder,
                parts: Arc::new(parts),
                tally,
                transfers: TRANSFERS,
            },
            gathered,
            given: BTreeMap::new(),
            stream,
        };
        let capture = following.while_it_runs(&self.account, &self.id).await?;
        let settled = following.until_all_is_there(&capture, self.settle).await?;
        following.stream.end().await?;
        let Following {
            fetch, gathered, ..
        } = following;
        if gathered.parts.is_empty() && capture.packets_captured() != Some(0) {
            return Err(nothing(&fetch, capture, &gathered));
        }
        let apart = Placed::apart(&gathered.parts);
        Ok(gathered.report(&fetch, capture, settled, &apart))
    }
}

/// A capture that is being followed.
struct Following<'a> {
    fetch: Fetch,
    gathered: Gathered,
    /// How many packets of each file the writer has, by its key.
    given: BTreeMap<String, u64>,
    stream: PacketStream<Box<dyn AsyncWrite + Unpin + Send + 'a>>,
}

impl Following<'_> {
    /// Gives what comes until the capture has finished, or failed.
    async fn while_it_runs(&mut self, account: &Account, id: &CaptureId) -> Result<Capture, Error> {
        let clock = Arc::clone(&self.fetch.shared.chance.clock);
        let mut waiting = account.wait(id).into_future();
        let mut failing_since = None;
        loop {
            match select(&mut waiting, clock.sleep(LOOK)).await {
                Either::Left((Ok(capture), _)) => return Ok(capture),
                Either::Left((Err(error), _)) => {
                    let failed = error.kind() == ErrorKind::CaptureFailed;
                    // It may have left files all the same.
                    let capture = error.capture().filter(|_| failed).cloned();
                    return capture.ok_or(error);
                }
                Either::Right(_) => {}
            }
            // A bucket that is out for a while is no reason to end what lasts for hours.
            failing_since = match self.look(id, None).await {
                Err(error) if error.is_transient() || error.kind() == ErrorKind::Service => {
                    let now = clock.now();
                    let since = failing_since.unwrap_or(now);
                    if between(since, now) > PATIENCE {
                        return Err(error);
                    }
                    Some(since)
                }
                looked => looked.map(|()| None)?,
            };
        }
    }

    /// Gives what comes until there are as many packets as the service reports, or nothing more comes. Says whether that
    /// is so.
    async fn until_all_is_there(
        &mut self,
        capture: &Capture,
        settle: Duration,
    ) -> Result<bool, Error> {
        let clock = Arc::clone(&self.fetch.shared.chance.clock);
        let mut quiet = Quiet::new(settle, clock.now());
        loop {
            self.look(capture.id(), Some(&mut quiet)).await?;
            let packets = self.gathered.packets();
            if capture.packets_captured().is_some_and(|it| packets >= it) {
                return Ok(true);
            }
            match quiet.pause(clock.now()) {
                ControlFlow::Break(settled) => return Ok(settled),
                ControlFlow::Continue(pause) => clock.sleep(pause).await,
            }
        }
    }

    /// Looks at the bucket, and gives what is new.
    async fn look(&mut self, id: &CaptureId, quiet: Option<&mut Quiet>) -> Result<(), Error> {
        let now = self.fetch.shared.chance.clock.now();
        let listing = list(&self.fetch.folder, &self.fetch.shared, id).await?;
        if let Some(quiet) = quiet {
            quiet.saw(&listing, now);
        }
        self.gathered
            .fetch(&self.fetch, &listing, &mut None)
            .await?;
        self.give().await
    }

    /// Writes what has not been written, in the order of time.
    async fn give(&mut self) -> Result<(), Error> {
        let mut new = Vec::new();
        let mut written = Vec::new();
        for (key, part) in &self.gathered.parts {
            let given = self.given.entry(key.clone()).or_default();
            if part.found.packets > *given {
                new.push(NewPart {
                    path: self.fetch.parts.path(part),
                    name: self.fetch.folder.below(key),
                    skip: *given,
                });
                *given = part.found.packets;
                written.push(part);
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        let (folder, stop) = (Arc::clone(&self.fetch.parts), StopOnDrop::default());
        let stopping = stop.signal();
        let merging = spawn_blocking(move || in_order(folder.folder(), new, &stopping));
        let merged = merging.await.unwrap_or_else(|it| Err(stopped(it)))?;
        self.stream.append(merged.path(), None).await?;
        // One that grows is fetched again.
        for part in written {
            self.fetch.parts.drop_part(part);
        }
        Ok(())
    }
}

/// A file, and how many of its packets have been written.
struct NewPart {
    path: PathBuf,
    name: String,
    skip: u64,
}

/// A file of what is new, in the order of time.
fn in_order(
    folder: &Path,
    pieces: Vec<NewPart>,
    stopping: &StopSignal,
) -> Result<NamedTempFile, Error> {
    let unwritten = |it| Error::io("write to the folder", folder, it);
    let unread = |it| {
        Error::new(
            ErrorKind::Io,
            "the files of the capture cannot be read again",
        )
        .because(it)
    };
    // They are there until all has been read.
    let mut rests = Vec::new();
    let mut inputs = Vec::new();
    for piece in pieces {
        let input = if piece.skip == 0 {
            Input::path(piece.path)
        } else {
            let rest = NamedTempFile::new_in(folder).map_err(unwritten)?;
            rest_of(&piece, rest.as_file()).map_err(unread)?;
            let input = Input::path(rest.path());
            rests.push(rest);
            input
        };
        inputs.push(input.called(piece.name));
    }
    let mut merged = NamedTempFile::new_in(folder).map_err(unwritten)?;
    let output = stopping.writer(merged.as_file_mut());
    Merge::new().run(inputs, output).map_err(unread)?;
    Ok(merged)
}

/// The packets behind those that have been written.
fn rest_of(piece: &NewPart, to: &std::fs::File) -> Result<(), pcaps_file::Error> {
    let mut reader = Reader::open(&piece.path)?;
    let mut made = Made::begin(std::io::BufWriter::new(to))?;
    let mut number = 0;
    // It may be torn where it ends: what could be read of it counts.
    while let Ok(Some(packet)) = reader.next_packet() {
        number += 1;
        if number > piece.skip {
            made.add(&packet)?;
        }
    }
    made.finish().map(drop)
}

impl<'a> IntoFuture for Follow<'a> {
    type Output = Result<Collected, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        let span = tracing::info_span!("follow", capture = self.id.as_str());
        Box::pin(self.run().instrument(span))
    }
}

impl fmt::Debug for Follow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Follow")
            .field("id", &self.id)
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}
