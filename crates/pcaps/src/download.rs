//! From a finished sample to a file that can be trusted.

mod body;
mod spool;
mod target;

use std::{
    fmt,
    fs::File,
    io::Seek as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use pcaps_file::Verified;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tracing::Instrument as _;

use crate::{
    Account, CaptureId, Error, ErrorKind, call::Shared, operation::DOWNLOAD, retry::Attempts,
};
use body::{Body, Part};
use spool::Spool;
pub(crate) use target::Target;
pub use target::check_output;

/// So many bytes that were never there before are worth the policy's attempts anew.
const WORTH: u64 = 64 * 1024;

/// A download of a finished sample's packets: made by [`Account::download`], and told where to.
///
/// What arrives is checked as it comes: it has to be a capture file, and whole, from its first bytes to the end of its
/// last record. A body that stalls or breaks off is asked for again, from where it broke off if the server can do that
/// (`Range` with `If-Range`), as often as the client's [`RetryPolicy`](crate::RetryPolicy) allows; the policy begins
/// anew whenever there were 64 KiB of new bytes. Memory does not grow with the capture.
///
/// ```no_run
/// # async fn example(account: pcaps::Account, id: pcaps::CaptureId) -> Result<(), pcaps::Error> {
/// let downloaded = account
///     .download(&id)
///     .on_progress(|it| eprintln!("{} of {:?} bytes", it.bytes, it.total))
///     .to_path("dns.pcap")
///     .await?;
/// println!("{} packets", downloaded.contents.packets);
/// # Ok(())
/// # }
/// ```
#[must_use = "a download does nothing until it is told where to"]
pub struct Download {
    account: Account,
    id: CaptureId,
    on_progress: Box<dyn FnMut(Transfer) + Send>,
}

/// How far a download is: what the callback of [`Download::on_progress`] gets.
///
/// ```
/// fn percent(transfer: pcaps::Transfer) -> Option<u64> {
///     Some(transfer.bytes * 100 / transfer.total.filter(|it| *it > 0)?)
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transfer {
    /// How many bytes have arrived. Fewer than before, when the download had to begin anew.
    pub bytes: u64,
    /// How many there will be, if the service says so.
    pub total: Option<u64>,
}

/// A capture file that has arrived whole: what a [`Download`] gives in the end.
///
/// ```no_run
/// # async fn example(account: pcaps::Account, id: pcaps::CaptureId) -> Result<(), pcaps::Error> {
/// let downloaded = account.download(&id).to_path("dns.pcap").await?;
/// let contents = downloaded.contents;
/// println!("{} packets, {} bytes on the wire", contents.packets, contents.bytes_on_wire);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Downloaded {
    /// Its length in bytes.
    pub bytes: u64,
    /// What it holds, as its record headers say. [`Summary::open`](crate::Summary::open) tells more of a file.
    pub contents: Verified,
}

impl Download {
    pub(crate) fn new(account: Account, id: CaptureId) -> Self {
        Self {
            account,
            id,
            on_progress: Box::new(|_| {}),
        }
    }

    /// Calls back whenever bytes have arrived; the download waits meanwhile, so be short. A later callback takes the
    /// place of an earlier one.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account, id: pcaps::CaptureId) -> Result<(), pcaps::Error> {
    /// let download = account.download(&id).on_progress(|it| eprint!("\r{} bytes", it.bytes));
    /// download.to_path("dns.pcap").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_progress(self, callback: impl FnMut(Transfer) + Send + 'static) -> Self {
        Self {
            on_progress: Box::new(callback),
            ..self
        }
    }

    /// Saves the packets to a file, readable by its owner only.
    ///
    /// They are written beside it, and take its place only when they have arrived whole, have been checked, and are on
    /// the disk: whatever goes wrong, a file that was there before stays as it was, and no part is left. Of several
    /// downloads to one path, the last to finish is the one that stays. It can be dropped at any point.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account, id: pcaps::CaptureId) -> Result<(), pcaps::Error> {
    /// let downloaded = account.download(&id).to_path("dns.pcap").await?;
    /// println!("{} packets", downloaded.contents.packets);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [Those of any request](Account#errors-of-any-request); [`NotACapture`](ErrorKind::NotACapture) when what came is
    /// not a whole capture file, [`Io`](ErrorKind::Io) when it cannot be written. Full captures cannot be downloaded:
    /// their files are in the bucket.
    pub async fn to_path(self, path: impl AsRef<Path>) -> Result<Downloaded, Error> {
        let target = Target::new(path.as_ref())?;
        self.to(target).await
    }

    pub(crate) async fn to(self, target: Target) -> Result<Downloaded, Error> {
        let spool = self.spool(target.open()?, target.path().to_owned(), true);
        let (downloaded, _) = self.fetch(spool).await?;
        target.put_in_place()?;
        Ok(downloaded)
    }

    /// Writes the packets to a writer, and flushes it.
    ///
    /// They wait in a temporary file, which has no name, until they have arrived whole and have been checked: a writer
    /// gets nothing of a download that fails.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account, id: pcaps::CaptureId) -> Result<(), pcaps::Error> {
    /// let mut file = Vec::new();
    /// account.download(&id).to_writer(&mut file).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As of [`to_path`](Self::to_path); when the writer fails, it may have got a part.
    pub async fn to_writer(
        self,
        mut writer: impl AsyncWrite + Unpin + Send,
    ) -> Result<Downloaded, Error> {
        let folder = std::env::temp_dir();
        let failed = |source| Error::io("write a temporary file in", &folder, source);
        let spool = self.spool(tempfile::tempfile().map_err(failed)?, folder.clone(), false);
        let (downloaded, mut file) = self.fetch(spool).await?;
        file.rewind().map_err(failed)?;
        let mut file = tokio::fs::File::from_std(file);
        let copied = async {
            tokio::io::copy(&mut file, &mut writer).await?;
            writer.flush().await
        };
        copied.await.map_err(|source| {
            let what = "the capture arrived whole, and cannot be written to where it should go";
            Error::new(ErrorKind::Io, what).because(source)
        })?;
        Ok(downloaded)
    }

    fn spool(&self, file: File, path: PathBuf, synced: bool) -> Spool {
        Spool::new(file, path, synced, self.account.shared.secrets.clone())
    }

    /// Fetches all of it, in as many attempts as it takes.
    async fn fetch(self, spool: Spool) -> Result<(Downloaded, File), Error> {
        let shared = Arc::clone(&self.account.shared);
        let mut attempts = Attempts::new(&DOWNLOAD, &shared.retry, &shared.chance);
        let span = attempts.span.clone();
        let trying = async {
            let outcome = self.try_to_fetch(&shared, &mut attempts, spool).await;
            attempts.end(outcome)
        };
        trying.instrument(span).await
    }

    async fn try_to_fetch(
        mut self,
        shared: &Shared,
        attempts: &mut Attempts<'_>,
        mut spool: Spool,
    ) -> Result<(Downloaded, File), Error> {
        let (account, id) = (&self.account.id().identifier()?, &self.id.identifier()?);
        let mut part = Part::default();
        let mut furthest = 0;
        loop {
            let opened = shared.attempt(attempts, Some(part.headers()), |call| {
                Body::open(call, account, id, &part)
            });
            let error = match opened.await {
                Err(error) => error,
                Ok(None) => {
                    spool.restart().await?;
                    part = Part::default();
                    continue;
                }
                Ok(Some(mut body)) => {
                    if body.start != spool.bytes() {
                        spool.restart().await?;
                    }
                    let received = receive(shared, &mut body, &mut spool, &mut self.on_progress);
                    let Err(error) = received.await else {
                        let bytes = spool.bytes();
                        let finished = spool.finish().await;
                        let now = shared.chance.clock.now();
                        let (file, contents) = finished.map_err(|it| body.explain(it, now))?;
                        return Ok((Downloaded { bytes, contents }, file));
                    };
                    part = body.part(spool.bytes());
                    body.explain(error, shared.chance.clock.now())
                }
            };
            if spool.bytes() >= furthest + WORTH {
                furthest = spool.bytes();
                attempts.renew();
            }
            attempts.pause_after(error).await?;
        }
    }
}

/// Takes in all that comes.
async fn receive(
    shared: &Shared,
    body: &mut Body,
    spool: &mut Spool,
    on_progress: &mut (dyn FnMut(Transfer) + Send),
) -> Result<(), Error> {
    while let Some(bytes) = body.next(shared).await? {
        spool.push(bytes).await?;
        on_progress(Transfer {
            bytes: spool.bytes(),
            total: body.total,
        });
    }
    match body.total {
        Some(total) if spool.bytes() != total => {
            let what = format!(
                "the connection ended after {} of {total} bytes",
                spool.bytes()
            );
            Err(Error::new(ErrorKind::Connection, what))
        }
        _ => Ok(()),
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
