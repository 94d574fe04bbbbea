//! From a response's body to a file that can be trusted.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use futures_util::{Stream, StreamExt as _};
use pcaps_file::{Reader, Summary};
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt as _;

use crate::{Error, ErrorKind, Message};

/// A body of this length at most is looked at when it is not a capture file: a failure in the service's form is short.
const SHORT: u64 = 64 * 1024;

/// A capture file that has been saved.
#[derive(Debug)]
#[non_exhaustive]
pub struct Download {
    /// Where it is.
    pub path: PathBuf,
    /// Its length in bytes.
    pub bytes: u64,
    /// What it holds.
    pub summary: Summary,
}

/// Where a body goes: a temporary file beside the one that it will become.
pub(crate) struct Target {
    /// As it was given.
    path: PathBuf,
    /// Where a link at `path` leads, or `path` itself.
    place: PathBuf,
    file: NamedTempFile,
}

/// Why nothing was saved.
pub(crate) enum Failure {
    /// The service said so, in the body.
    Refusal(Vec<Message>),
    /// Anything else.
    Error(Error),
}

/// Checks that a capture file could be saved to `path`, without leaving anything there.
///
/// For asking before a sample is taken, of which the service takes one a minute. [`Account::sample_to`] asks by itself.
///
/// # Errors
///
/// [`Io`](ErrorKind::Io) when there is no such folder, it cannot be written, or `path` is a folder or a device.
///
/// [`Account::sample_to`]: crate::Account::sample_to
pub fn check_output(path: impl AsRef<Path>) -> Result<(), Error> {
    Target::new(path.as_ref()).map(drop)
}

impl Target {
    /// Makes the temporary file, so that a path that cannot be written is an error before anything is asked for.
    pub(crate) fn new(path: &Path) -> Result<Self, Error> {
        let refused = |why: &str| {
            let what = format!("cannot write {}: {why}", path.display());
            Err(Error::new(ErrorKind::Io, what))
        };
        let place = match path.metadata() {
            Ok(it) if it.is_dir() => return refused("it is a folder: give the name of a file"),
            // Putting a file in its place would take a device away.
            Ok(it) if !it.is_file() => {
                return refused("it is not an ordinary file: give the name of one");
            }
            // A link is written through, as by any program that opens its file.
            Ok(_) if path.is_symlink() => match path.canonicalize() {
                Ok(place) => place,
                Err(error) => return refused(&cause(&error)),
            },
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return refused(&cause(&error));
            }
            Err(_) if path.is_symlink() => {
                return refused(
                    "it is a link that leads nowhere: remove it, or make what it leads to",
                );
            }
            _ => path.to_owned(),
        };
        let folder = folder_of(&place);
        if !folder.is_dir() {
            return refused(&format!(
                "there is no folder {}: make it first",
                folder.display()
            ));
        }
        let file = tempfile::Builder::new()
            .prefix(".pcaps-")
            .tempfile_in(folder);
        match file {
            Ok(file) => Ok(Self {
                path: path.to_owned(),
                place,
                file,
            }),
            Err(error) => refused(&format!(
                "no file can be made in {} ({}): choose another folder",
                folder.display(),
                cause(&error)
            )),
        }
    }

    fn io(&self, source: io::Error) -> Failure {
        Failure::Error(Error::io("write", &self.path, source))
    }
}

/// What the operating system says. The name of the temporary file, which comes with it, is nobody's concern.
fn cause(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code).to_string(),
        None => error.kind().to_string(),
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Writes the body to the target's temporary file, checks it, and puts it in place.
pub(crate) async fn save<B: AsRef<[u8]>>(
    mut body: impl Stream<Item = reqwest::Result<B>> + Unpin,
    target: Target,
) -> Result<Download, Failure> {
    let file = target.file.reopen().map_err(|source| target.io(source))?;
    let mut file = tokio::fs::File::from_std(file);
    let mut bytes = 0;
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| Failure::Error(Error::transport(error)))?;
        file.write_all(chunk.as_ref())
            .await
            .map_err(|source| target.io(source))?;
        bytes += chunk.as_ref().len() as u64;
    }
    // Writes go on in another thread: `flush` gives the error of the last one, `sync_all` would not.
    file.flush().await.map_err(|source| target.io(source))?;
    file.sync_all().await.map_err(|source| target.io(source))?;
    let check = tokio::task::spawn_blocking(move || check(target, bytes));
    let (target, summary) = check.await.unwrap_or_else(|panic| {
        let what = "the check of the capture file was broken off";
        Err(Failure::Error(
            Error::new(ErrorKind::Io, what).because(panic),
        ))
    })?;
    // Nothing is awaited from here on: whoever gives up before it leaves the path as it was.
    let Target { path, place, file } = target;
    file.persist(&place)
        .map_err(|error| Failure::Error(Error::io("write", &path, error.error)))?;
    // The file is whole and in its place: a folder that cannot be synced is no reason to say that it is not.
    let _ = sync_folder(&place);
    Ok(Download {
        path,
        bytes,
        summary,
    })
}

/// Reads every record of what arrived.
fn check(target: Target, bytes: u64) -> Result<(Target, Summary), Failure> {
    let file = File::open(target.file.path()).map_err(|source| target.io(source))?;
    let summary = Reader::new(file, "the download").and_then(|mut it| Summary::read(&mut it));
    match summary {
        Ok(summary) => Ok((target, summary)),
        Err(error) => Err(reject(&target, bytes, error)),
    }
}

/// The name of a file lasts through a power cut only once its folder has been synced.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder_of(path))?.sync_all()?;
    }
    Ok(())
}

fn reject(target: &Target, bytes: u64, error: pcaps_file::Error) -> Failure {
    if error.is_not_a_capture()
        && bytes <= SHORT
        && let Ok(text) = std::fs::read(target.file.path())
        && let Some(messages) = Message::in_failure(&text)
    {
        return Failure::Refusal(messages);
    }
    let what = if bytes == 0 {
        "the service sent nothing".to_owned()
    } else if error.is_not_a_capture() {
        format!("what the service sent ({bytes} bytes) is not a capture file")
    } else {
        format!("what the service sent ({bytes} bytes) is not a whole capture file")
    };
    Failure::Error(
        Error::new(ErrorKind::NotACapture, what)
            .advise("nothing was saved")
            .because(error),
    )
}
