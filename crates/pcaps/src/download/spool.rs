//! Bytes on their way into a file, checked as they pass.

use std::{
    fs::File,
    io::{self, Seek as _, Write as _},
    path::PathBuf,
};

use bytes::Bytes;
use pcaps_file::{Verified, Verifier};
use reqwest::StatusCode;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::{Error, ErrorKind, Message, error::SHORT, operation::DOWNLOAD, redact::Secrets};

/// How many bytes are written at once, which is done in another thread: handing them over has its price. One batch is
/// written while the next comes in.
const BATCH: usize = 4 << 20;

/// In how many pieces at most, each of which may take more memory than it has bytes.
const PIECES: usize = 1_024;

/// After how many bytes what has been written is sent on to the disk, while more comes in, so that the end does not have
/// to wait for all of it.
const TO_DISK: usize = 64 << 20;

/// A file that a capture is written to.
pub(super) struct Spool {
    /// For errors.
    path: PathBuf,
    verifier: Verifier,
    /// Absent while a batch is being written, and after a failure.
    idle: Option<File>,
    busy: Option<JoinHandle<io::Result<File>>>,
    /// Whether it has to be on the disk at the end.
    synced: bool,
    /// What must not be shown of what comes.
    secrets: Secrets,
    syncing: Option<JoinHandle<io::Result<()>>>,
    not_synced: usize,
    batch: Vec<Bytes>,
    batched: usize,
    bytes: u64,
    /// What came first, for when it is not a capture file.
    beginning: Vec<u8>,
}

impl Spool {
    /// `file` is empty, and `path` is what errors call it. It has to be on the disk at the end if it is `synced`.
    pub(super) fn new(file: File, path: PathBuf, synced: bool, secrets: Secrets) -> Self {
        Self {
            path,
            verifier: Verifier::new("the download"),
            idle: Some(file),
            busy: None,
            synced,
            secrets,
            syncing: None,
            not_synced: 0,
            batch: Vec::new(),
            batched: 0,
            bytes: 0,
            beginning: Vec::new(),
        }
    }

    /// How many bytes it was given.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes the next bytes, which have to go on with a capture file. That they cannot be written may be noticed later.
    pub(super) async fn push(&mut self, bytes: Bytes) -> Result<(), Error> {
        let room = SHORT - self.beginning.len();
        self.beginning
            .extend_from_slice(&bytes[..room.min(bytes.len())]);
        self.bytes += bytes.len() as u64;
        // Here, where they have just arrived, and are in the processor's cache.
        match self.verifier.push(&bytes) {
            Ok(()) => {}
            // What it is may say why; it fails alike at the end.
            Err(error) if error.is_not_a_capture() && self.beginning.len() < SHORT => {
                return Ok(());
            }
            Err(error) => return Err(self.rejected(error)),
        }
        self.batched += bytes.len();
        self.batch.push(bytes);
        if self.batched >= BATCH || self.batch.len() >= PIECES {
            self.hand_over().await?;
        }
        Ok(())
    }

    /// Has what has come so far written, as soon as what came before is.
    async fn hand_over(&mut self) -> Result<(), Error> {
        let mut file = self.settle().await?;
        if self.synced && self.not_synced >= TO_DISK {
            self.begin_to_sync(&file).await?;
        }
        let batch = std::mem::take(&mut self.batch);
        self.not_synced += std::mem::take(&mut self.batched);
        self.busy = Some(spawn_blocking(move || {
            for bytes in batch {
                file.write_all(&bytes)?;
            }
            Ok(file)
        }));
        Ok(())
    }

    /// Has what was written sent on to the disk, unless that is going on already.
    async fn begin_to_sync(&mut self, file: &File) -> Result<(), Error> {
        if self.syncing.as_ref().is_some_and(|it| !it.is_finished()) {
            return Ok(());
        }
        self.end_to_sync().await?;
        let file = file.try_clone().map_err(|it| self.unwritten(it))?;
        self.not_synced = 0;
        self.syncing = Some(spawn_blocking(move || file.sync_data()));
        Ok(())
    }

    /// A failure to reach the disk is told once only: it must not get lost.
    async fn end_to_sync(&mut self) -> Result<(), Error> {
        match self.syncing.take() {
            Some(syncing) => syncing
                .await
                .unwrap_or_else(|it| Err(io::Error::other(it)))
                .map_err(|it| self.unwritten(it)),
            None => Ok(()),
        }
    }

    /// Waits until nothing is being written.
    async fn settle(&mut self) -> Result<File, Error> {
        if let Some(idle) = self.idle.take() {
            return Ok(idle);
        }
        let Some(busy) = self.busy.take() else {
            return Err(self.unwritten(io::Error::other("an earlier part could not be written")));
        };
        match busy.await {
            Ok(Ok(file)) => Ok(file),
            Ok(Err(source)) => Err(self.unwritten(source)),
            Err(stopped) => Err(self.unwritten(io::Error::other(stopped))),
        }
    }

    /// Begins anew.
    pub(super) async fn restart(&mut self) -> Result<(), Error> {
        let mut file = self.settle().await?;
        self.end_to_sync().await?;
        file.set_len(0).map_err(|it| self.unwritten(it))?;
        file.rewind().map_err(|it| self.unwritten(it))?;
        let path = std::mem::take(&mut self.path);
        *self = Self::new(file, path, self.synced, self.secrets.clone());
        Ok(())
    }

    /// Ends the file, which has to be whole.
    pub(super) async fn finish(mut self) -> Result<(File, Verified), Error> {
        let check = std::mem::replace(&mut self.verifier, Verifier::new(""));
        let verified = check.finish().map_err(|it| self.rejected(it))?;
        self.hand_over().await?;
        let file = self.settle().await?;
        if !self.synced {
            return Ok((file, verified));
        }
        self.end_to_sync().await?;
        let syncing = spawn_blocking(move || file.sync_all().map(|()| file));
        let synced = syncing.await.unwrap_or_else(|it| Err(io::Error::other(it)));
        let file = synced.map_err(|it| self.unwritten(it))?;
        Ok((file, verified))
    }

    fn unwritten(&self, source: io::Error) -> Error {
        Error::io("write", &self.path, source)
    }

    /// What came is not a whole capture file.
    fn rejected(&self, error: pcaps_file::Error) -> Error {
        if error.is_not_a_capture()
            && let Some(messages) = Message::in_failure(&self.beginning, &self.secrets)
        {
            return Error::refusal(&DOWNLOAD, StatusCode::OK, messages);
        }
        let bytes = self.bytes;
        let what = if bytes == 0 {
            "the service sent nothing".to_owned()
        } else if error.is_not_a_capture() {
            format!("what the service sent ({bytes} bytes) is not a capture file")
        } else {
            format!("what the service sent ({bytes} bytes) is not a whole capture file")
        };
        Error::new(ErrorKind::NotACapture, what)
            .advise("nothing was saved")
            .because(error)
    }
}
