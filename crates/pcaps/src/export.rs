//! Captures as a data set: many capture files, here or in buckets, to one table in Parquet, here or in a bucket.

mod feed;
mod inputs;
mod manifest;
mod output;
mod staging;

use std::{fmt, fs::File, io, path::PathBuf, str::FromStr, time::Duration};

use futures_util::future::join_all;
use pcaps_file::{Reader, StopOnDrop};
use pcaps_table::{CaptureName, SCHEMA_VERSION, export};
use tokio::task::spawn_blocking;

use crate::{Destination, Error, ErrorKind, Folder, client, storage::Elsewhere};
use inputs::{InputFile, Origin};
use manifest::{EntryFile, EntryState, ManifestEntry};
use output::TableSink;
use staging::Staging;

/// How many entries of the manifest are asked for at once.
const LOOKS: usize = 16;

/// A place of capture files, or of a data set: a path of this machine, or a folder of a bucket.
///
/// ```
/// use pcaps::Location;
///
/// let here: Location = "captures/edge.pcap".parse()?;
/// let there: Location = "s3://captures/edge?region=eu-west-1".parse()?;
/// assert!(matches!((here, there), (Location::Path(_), Location::Bucket(_))));
/// # Ok::<(), pcaps::Error>(())
/// ```
#[derive(Clone, Debug)]
pub enum Location {
    /// A file or a folder.
    Path(PathBuf),
    /// An object of a bucket, or all below a folder of it. Credentials are those of
    /// [`Account::folder`](crate::Account::folder).
    Bucket(Destination),
}

impl FromStr for Location {
    type Err = Error;

    /// What has `://` in it is a bucket.
    fn from_str(text: &str) -> Result<Self, Error> {
        if text.contains("://") {
            text.parse().map(Self::Bucket)
        } else {
            Ok(Self::Path(text.into()))
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => path.display().fmt(f),
            Self::Bucket(bucket) => bucket.fmt(f),
        }
    }
}

/// Exports captures to a data set: made by [`Export::to`], then [`run`](Self::run).
///
/// The data set has a folder for each capture, day and hour (`capture_id=…/date=…/hour=…`) with files in Parquet, one or more
/// for each capture file, and beside them `_manifest` with an entry for each capture file, and `_schema.json`, which says what
/// the columns are ([`TableSchema`](pcaps_table::TableSchema)).
///
/// What was exported is not exported again while it is the same by size and time, or by the bucket's tag. A file that
/// has changed takes the place of what it was. Ended at any moment, even by `kill -9`, the same call goes on, and leaves the
/// same data set as one that was not ended. Several processes may export to one data set, if they have different files, as
/// [`shard`](Self::shard) sees to.
///
/// ```no_run
/// # async fn example() -> Result<(), pcaps::Error> {
/// use pcaps::Export;
///
/// let exported = Export::to("data-set".parse()?).input("captures/".parse()?).run().await?;
/// for it in exported.inputs.iter().filter(|it| it.error.is_some()) {
///     eprintln!("{}: {:?}", it.name, it.error);
/// }
/// # Ok(())
/// # }
/// ```
pub struct Export {
    output: Location,
    inputs: Vec<Location>,
    capture: Option<CaptureName>,
    colo: Option<String>,
    shard: (u32, u32),
    buckets: Elsewhere,
    timeout: Duration,
    progress: Box<dyn FnMut(Exporting) + Send>,
}

/// How far an export is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exporting {
    /// How many files are done, those that had been exported before included.
    pub files: usize,
    /// How many there are.
    pub files_listed: usize,
    /// How many bytes those that are done have.
    pub bytes: u64,
    /// How many bytes all have.
    pub bytes_listed: u64,
}

/// What an export did.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DataSet {
    /// The capture files, in the order of their names: those of other shards are not among them.
    pub inputs: Vec<ExportedInput>,
}

/// What became of one capture file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExportedInput {
    /// Its name: an absolute path, or a URI.
    pub name: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// What it is called in the names of folders.
    pub capture_id: String,
    /// What was done with it.
    pub state: ExportState,
    /// How many rows of it are in the data set.
    pub rows: u64,
    /// How many files those are in.
    pub files: usize,
    /// How many bytes those have.
    pub bytes_written: u64,
    /// Why rows are missing. Those of the packets before the fault are there.
    pub error: Option<String>,
}

/// What was done with a capture file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExportState {
    /// Its rows were written.
    Exported,
    /// They had been written before.
    Unchanged,
    /// It could not be read, and nothing of it was written: what an earlier export wrote of it is still there. The next one
    /// tries again.
    Failed,
}

impl Export {
    /// An export to this place, which is made if it is not there.
    pub fn to(output: Location) -> Self {
        Self {
            output,
            inputs: Vec::new(),
            capture: None,
            colo: None,
            shard: (1, 1),
            buckets: Elsewhere::default(),
            timeout: client::TIMEOUT,
            progress: Box::new(|_| {}),
        }
    }

    /// Adds a capture file, or all below a folder whose names end in `.pcap`, `.pcapng` or `.cap`, also with `.gz` or
    /// `.zst` behind that.
    #[must_use]
    pub fn input(mut self, input: Location) -> Self {
        self.inputs.push(input);
        self
    }

    /// The capture that all files are of. Without it, their names tell.
    #[must_use]
    pub fn capture_id(mut self, name: CaptureName) -> Self {
        self.capture = Some(name);
        self
    }

    /// The data centre that all files are from. Without it, none is said.
    #[must_use]
    pub fn colo(mut self, colo: impl Into<String>) -> Self {
        self.colo = Some(colo.into());
        self
    }

    /// Exports the files of one shard of `count` only, from 1: which file is of which shard, its name decides, so that so
    /// many processes with the same inputs share the work without knowing of each other.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) if there is no such shard.
    pub fn shard(mut self, number: u32, count: u32) -> Result<Self, Error> {
        if number == 0 || number > count {
            return Err(Error::invalid(format!(
                "there is no shard {number} of {count}: the first of 4 is 1/4, and the last 4/4"
            )));
        }
        self.shard = (number, count);
        Ok(self)
    }

    /// Where buckets are that are not to be looked for in their clouds, as
    /// [`ClientBuilder::buckets`](crate::ClientBuilder::buckets) has it.
    #[must_use]
    pub fn buckets(
        mut self,
        find: impl Fn(&str) -> Option<Folder> + Send + Sync + 'static,
    ) -> Self {
        self.buckets = Elsewhere::new(find);
        self
    }

    /// How long a bucket should take to answer. After five times as long it is given up, because a request is sent again
    /// meanwhile: of an object each pause between its bytes counts, of what is sent each piece of 8 MiB. By default it is a
    /// minute, so that an export ends when a bucket is silent for five.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let export = pcaps::Export::to("s3://tables/edge?region=us-east-1".parse()?);
    /// let export = export.input("captures/".parse()?).timeout(Duration::from_mins(5));
    /// # Ok::<(), pcaps::Error>(())
    /// ```
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Has `watch` told after each file how far it is.
    #[must_use]
    pub fn on_progress(mut self, watch: impl FnMut(Exporting) + Send + 'static) -> Self {
        self.progress = Box::new(watch);
        self
    }

    /// Exports. It may be dropped at any point: the next run goes on from there.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) when there is no capture file, [`Io`](ErrorKind::Io) when a path cannot be
    /// listed or the data set not be written, and what a bucket answers. A file that is torn, damaged or cannot be read is
    /// no error here but in its [`ExportedInput`].
    pub async fn run(self) -> Result<DataSet, Error> {
        let mut progress = self.progress;
        let output = TableSink::open(&self.output, &self.buckets, self.timeout)?;
        let (number, count) = self.shard;
        let found = inputs::find(
            &self.inputs,
            &self.buckets,
            self.timeout,
            (number - 1, count),
        )
        .await?;
        let labels = Labels {
            capture: self.capture,
            colo: self.colo,
        };
        manifest::write_schema(&output).await?;
        let mut so_far = Exporting {
            files_listed: found.len(),
            bytes_listed: found.iter().map(|it| it.size).sum(),
            ..Exporting::default()
        };
        progress(so_far);
        let mut done = Vec::with_capacity(found.len());
        for some in found.chunks(LOOKS) {
            // All are there before the first is exported: an answer that nobody waits for meanwhile would be late.
            let entries = some.iter().map(|it| ManifestEntry::read(&output, it));
            for (input, entry) in some.iter().zip(join_all(entries).await) {
                let exported = labels.one(&output, input, entry?).await?;
                so_far.files += 1;
                so_far.bytes += input.size;
                progress(so_far);
                done.push(exported);
            }
        }
        Ok(DataSet { inputs: done })
    }

    /// Waits until exports of this process that were dropped in the middle of an upload have taken its pieces out of the bucket,
    /// where nobody sees them, and they cost money. Their runtime has to live as long. An upload that is just being begun by
    /// another export is waited for too.
    ///
    /// ```
    /// # async fn example(export: pcaps::Export, interrupted: impl Future<Output = ()>) {
    /// tokio::select! {
    ///     _ = export.run() => {}
    ///     () = interrupted => {}
    /// }
    /// pcaps::Export::settled().await;
    /// # }
    /// ```
    pub async fn settled() {
        output::settled().await;
    }
}

/// What is said of all files.
struct Labels {
    capture: Option<CaptureName>,
    colo: Option<String>,
}

impl Labels {
    /// Exports one file, unless that has been done.
    async fn one(
        &self,
        output: &TableSink,
        input: &InputFile,
        entry: Option<ManifestEntry>,
    ) -> Result<ExportedInput, Error> {
        let of_name = || CaptureName::of_file(input.path());
        let capture = self.capture.clone().unwrap_or_else(of_name);
        let mut wanted = ManifestEntry {
            schema_version: SCHEMA_VERSION,
            input: input.name.clone(),
            size: input.size,
            stamp: input.stamp.clone(),
            capture_id: capture.to_string(),
            colo: self.colo.clone(),
            state: EntryState::Placing,
            rows: 0,
            error: None,
            files: Vec::new(),
        };
        if let Some(entry) = entry.as_ref().filter(|it| it.is_done_for(&wanted)) {
            return Ok(entry.exported(ExportState::Unchanged));
        }
        let source = pcaps_table::Source {
            name: input.name.clone(),
            capture,
            colo: self.colo.clone(),
        };
        let staging = output.stage(&input.id())?;
        let (staging, exported) = match read(input, source, staging).await? {
            Ok(read) => read,
            Err(error) => {
                wanted.error = Some(error);
                // What an earlier run exported of it is still there.
                if let Some(old) = entry.filter(|it| it.state == EntryState::Done) {
                    wanted.rows = old.rows;
                    wanted.files = old.files;
                }
                return Ok(wanted.exported(ExportState::Failed));
            }
        };
        let new: Vec<EntryFile> = staging.files.iter().map(|it| it.entry.clone()).collect();
        let old = entry.map(|it| it.files).unwrap_or_default();
        // What is put in its place, and what was there, is known before anything is, so that nothing is forgotten whenever
        // it ends.
        wanted.files = new.clone();
        let is_gone = |it: &&EntryFile| new.iter().all(|new| new.path != it.path);
        let gone: Vec<EntryFile> = old.iter().filter(is_gone).cloned().collect();
        wanted.files.extend(gone.iter().cloned());
        wanted.write(output, input).await?;
        for file in staging.files {
            file.place().await?;
        }
        for file in &gone {
            output.delete(&file.path).await?;
        }
        wanted.files = new;
        wanted.state = EntryState::Done;
        wanted.rows = exported.count;
        wanted.error = exported.error;
        wanted.write(output, input).await?;
        Ok(wanted.exported(ExportState::Exported))
    }
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Export")
            .field("output", &self.output)
            .field("inputs", &self.inputs)
            .finish_non_exhaustive()
    }
}

/// What was read of a file.
struct Rows {
    count: u64,
    /// Why they end before the file does.
    error: Option<String>,
}

type ReadOrSaid = Result<(Staging, Rows), String>;

/// Reads a file to the staged files of its rows; or says why it cannot be read now. What cannot be written is an error.
async fn read(
    input: &InputFile,
    source: pcaps_table::Source,
    mut staging: Staging,
) -> Result<ReadOrSaid, Error> {
    let stop = StopOnDrop::default();
    staging.stop = stop.signal();
    let (reading, feeding) = match &input.origin {
        Origin::File(path) => (InputBytes::File(path.clone()), None),
        Origin::Unreadable(error) => return Ok(Err(error.clone())),
        Origin::Object(object) => {
            let (sender, bytes) = feed::channel();
            (InputBytes::Feed(bytes), Some(object.feed(sender)))
        }
    };
    let name = input.name.clone();
    let work = spawn_blocking(move || {
        let exported = match reading {
            InputBytes::File(path) => match File::open(path) {
                Ok(file) => rows(file, &name, &source, &mut staging),
                Err(error) => Ok(Err(format!("cannot open `{name}`: {error}"))),
            },
            InputBytes::Feed(bytes) => rows(bytes, &name, &source, &mut staging),
        };
        exported.map(|it| it.map(|it| (staging, it)))
    });
    let fed = async {
        match feeding {
            Some(feeding) => feeding.await,
            None => Ok(()),
        }
    };
    let (fed, worked) = tokio::join!(fed, work);
    let worked =
        worked.map_err(|it| Error::new(ErrorKind::Io, "the export ended").because(it))??;
    // What the bucket says is more than what the reader knows of it.
    Ok(match fed {
        Err(error) => Err(error.to_string()),
        Ok(()) => worked,
    })
}

enum InputBytes {
    File(PathBuf),
    Feed(feed::Feed),
}

/// The rows of what is read; or why it cannot be read now. What cannot be written is an error.
fn rows(
    read: impl io::Read,
    name: &str,
    source: &pcaps_table::Source,
    staging: &mut Staging,
) -> Result<Result<Rows, String>, Error> {
    let said = |error: &pcaps_file::Error| {
        let cause = std::error::Error::source(error);
        cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
    };
    let mut reader = match Reader::new(read, name) {
        Ok(reader) => reader,
        Err(error) if error.is_io() => return Ok(Err(said(&error))),
        // It is no capture, which is known of it from now on.
        Err(error) => {
            let error = Some(error.to_string());
            return Ok(Ok(Rows { count: 0, error }));
        }
    };
    match export(&mut reader, source, staging) {
        Ok(exported) => match exported.error {
            Some(error) if error.is_io() => Ok(Err(said(&error))),
            error => Ok(Ok(Rows {
                count: exported.rows,
                error: error.map(|it| it.to_string()),
            })),
        },
        Err(error) if error.is_scattered() => Ok(Err(error.to_string())),
        Err(error) => Err(Error::new(ErrorKind::Io, "cannot write the data set").because(error)),
    }
}
