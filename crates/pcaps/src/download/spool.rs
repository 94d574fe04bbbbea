//! Bytes on their way into a file, checked as they pass.

use std::{
    fs::File,
    io::{self, Seek as _, Write as _},
    path::PathBuf,
};

use bytes::Bytes;
use pcaps_file::{Verified, Verifier};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::{Error, ErrorKind, Message};

/// How many bytes are written at once, which is done in another thread: handing them over has its price.
const BATCH: usize = 1 << 20;

/// How much of the beginning is kept, for when it is not a capture file: a failure in the service's form is short.
const BEGINNING: usize = 64 * 1024;

/// A file that a capture is written to.
pub(super) struct Spool {
    /// For errors.
    path: PathBuf,
    /// Absent while a batch is being written, and after a failure.
    idle: Option<Writing>,
    busy: Option<JoinHandle<Result<Writing, Failure>>>,
    batch: Vec<Bytes>,
    batched: usize,
    bytes: u64,
    beginning: Vec<u8>,
}

struct Writing {
    file: File,
    verifier: Verifier,
}

enum Failure {
    Io(io::Error),
    Capture(pcaps_file::Error),
}

impl Writing {
    fn write(&mut self, batch: &[Bytes]) -> Result<(), Failure> {
        for bytes in batch {
            self.verifier.push(bytes).map_err(Failure::Capture)?;
            self.file.write_all(bytes).map_err(Failure::Io)?;
        }
        Ok(())
    }
}

impl Spool {
    /// `file` is empty, and `path` is what errors call it.
    pub(super) fn new(file: File, path: PathBuf) -> Self {
        Self {
            path,
            idle: Some(Writing {
                file,
                verifier: verifier(),
            }),
            busy: None,
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

    /// Takes the next bytes. That they cannot be part of a capture file, or not be written, may be noticed later.
    pub(super) async fn push(&mut self, bytes: Bytes) -> Result<(), Error> {
        let room = BEGINNING - self.beginning.len();
        self.beginning
            .extend_from_slice(&bytes[..room.min(bytes.len())]);
        self.bytes += bytes.len() as u64;
        self.batched += bytes.len();
        self.batch.push(bytes);
        if self.batched >= BATCH {
            self.hand_over().await?;
        }
        Ok(())
    }

    /// Has what has come so far written, as soon as what came before is.
    async fn hand_over(&mut self) -> Result<(), Error> {
        let mut writing = self.settle().await?;
        let batch = std::mem::take(&mut self.batch);
        self.batched = 0;
        self.busy = Some(spawn_blocking(move || {
            writing.write(&batch)?;
            Ok(writing)
        }));
        Ok(())
    }

    /// Waits until nothing is being written.
    async fn settle(&mut self) -> Result<Writing, Error> {
        if let Some(idle) = self.idle.take() {
            return Ok(idle);
        }
        let Some(busy) = self.busy.take() else {
            return Err(self.unwritten(io::Error::other("an earlier part could not be written")));
        };
        match busy.await {
            Ok(Ok(writing)) => Ok(writing),
            Ok(Err(Failure::Io(source))) => Err(self.unwritten(source)),
            Ok(Err(Failure::Capture(error))) => Err(self.rejected(error)),
            Err(stopped) => Err(self.unwritten(io::Error::other(stopped))),
        }
    }

    /// Begins anew.
    pub(super) async fn restart(&mut self) -> Result<(), Error> {
        let mut writing = self.settle().await?;
        writing.file.set_len(0).map_err(|it| self.unwritten(it))?;
        writing.file.rewind().map_err(|it| self.unwritten(it))?;
        let path = std::mem::take(&mut self.path);
        *self = Self::new(writing.file, path);
        Ok(())
    }

    /// Ends the file: it has to be whole, and is on the disk if it is to be `synced`.
    pub(super) async fn finish(mut self, synced: bool) -> Result<(File, Verified), Error> {
        self.hand_over().await?;
        let Writing { file, verifier } = self.settle().await?;
        let verified = verifier.finish().map_err(|it| self.rejected(it))?;
        if !synced {
            return Ok((file, verified));
        }
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
            && let Some(messages) = Message::in_failure(&self.beginning)
        {
            return Error::new(
                ErrorKind::Refused,
                "the service answered in place of the capture",
            )
            .said(messages)
            .advise("nothing was saved");
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

fn verifier() -> Verifier {
    Verifier::new("the download")
}
