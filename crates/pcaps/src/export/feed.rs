//! A capture file in a bucket, as something that a thread can read.

use std::{
    fmt,
    io::{self, Read},
    sync::Arc,
    time::Duration,
};

use bytes::{Buf as _, Bytes};
use futures_util::StreamExt as _;
use object_store::{GetOptions, GetRange, ObjectMeta};
use tokio::sync::mpsc::{self, Receiver, Sender};

use crate::{
    Error, ErrorKind,
    storage::{Access, Source},
};

/// How many pieces wait to be read. They are as the store's client reads them: of 400 kilobytes at most.
const WAITING: usize = 16;
/// How often it is asked again for what did not come, without anything new in between.
const ATTEMPTS: u32 = 5;

/// An object.
pub(super) struct BucketFile {
    source: Arc<Source>,
    meta: ObjectMeta,
}

/// Its bytes, as they come.
pub(super) struct Feed {
    pieces: Receiver<Piece>,
    piece: Bytes,
}

/// What comes: bytes, or that there will be no more, though there are.
type Piece = Option<Bytes>;

pub(super) fn channel() -> (Sender<Piece>, Feed) {
    let (sender, pieces) = mpsc::channel(WAITING);
    let piece = Bytes::new();
    (sender, Feed { pieces, piece })
}

impl BucketFile {
    pub(super) fn new(source: Arc<Source>, meta: ObjectMeta) -> Self {
        Self { source, meta }
    }

    /// Fetches it, as fast as it is read.
    pub(super) async fn feed(&self, to: Sender<Piece>) -> Result<(), Error> {
        let (mut offset, mut attempts) = (0, 0);
        loop {
            let begun = offset;
            let error = match self.once(&mut offset, &to).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            attempts = if offset > begun { 1 } else { attempts + 1 };
            if attempts == ATTEMPTS || !error.is_transient() {
                // The reader must not take it for the end.
                let _ = to.send(None).await;
                return Err(error);
            }
            tokio::time::sleep(Duration::from_secs(1 << attempts)).await;
        }
    }

    /// Goes on from `offset`.
    async fn once(&self, offset: &mut u64, to: &Sender<Piece>) -> Result<(), Error> {
        const DOING: &str = "read a capture file";
        let is_first = *offset == 0;
        let options = GetOptions {
            range: (!is_first).then_some(GetRange::Offset(*offset)),
            if_match: self.meta.e_tag.clone().filter(|_| !is_first),
            ..GetOptions::default()
        };
        let asked = self.source.store.get_opts(&self.meta.location, options);
        let got = match self.source.answer(DOING, asked).await? {
            Ok(got) => got,
            Err(error) => return Err(self.source.failed(Access::Read, DOING, &error)),
        };
        let tag = |it: &ObjectMeta| {
            it.e_tag
                .as_deref()
                .map(|it| it.trim_matches('"').to_owned())
        };
        let is_other = tag(&got.meta)
            .zip(tag(&self.meta))
            .is_some_and(|(one, other)| one != other);
        if is_other || got.meta.size != self.meta.size {
            let what = format!("{} has changed since it was listed", self.meta.location);
            return Err(Error::new(ErrorKind::Refused, what).advise("export once more"));
        }
        let mut body = got.into_stream();
        while let Some(bytes) = self.source.answer(DOING, body.next()).await? {
            let bytes = bytes.map_err(|it| self.source.broken(DOING, &it))?;
            let len = bytes.len() as u64;
            if to.send(Some(bytes)).await.is_err() {
                // Nobody reads any more.
                return Ok(());
            }
            *offset += len;
        }
        if *offset < self.meta.size {
            let what = format!("{} ended before its end", self.meta.location);
            return Err(Error::new(ErrorKind::Connection, what));
        }
        Ok(())
    }
}

impl Read for Feed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(Some(piece)) => self.piece = piece,
                Some(None) => return Err(io::Error::other("the rest of it could not be fetched")),
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.piece.len());
        buffer[..count].copy_from_slice(&self.piece[..count]);
        self.piece.advance(count);
        Ok(count)
    }
}

impl fmt::Debug for BucketFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.meta.location.fmt(f)
    }
}
