//! Writing in a thread of its own, while the next packets are being made ready.

use std::io::{self, Write};
use std::mem;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{self, ScopedJoinHandle};

use crate::error::Error;

/// How many bytes are written at a time, and how many such pieces may wait.
const PIECE: usize = 256 * 1024;
const WAITING: usize = 4;

/// Has `work` write to what another thread writes to `output`.
///
/// # Errors
///
/// Those of `work`, which gets to know of a failed write from one of its next ones, at the latest when it flushes; and
/// when there can be no thread.
pub(crate) fn write<W: Write + Send, T, E: From<Error>>(
    output: W,
    work: impl FnOnce(&mut Behind<'_>) -> Result<T, E>,
) -> Result<T, E> {
    thread::scope(|scope| {
        let (pieces, to_write) = sync_channel(WAITING);
        let (written, empty) = channel();
        let thread = thread::Builder::new()
            .name("pcaps-write".to_owned())
            .spawn_scoped(scope, move || write_all(output, &to_write, &written))
            .map_err(Error::finish)?;
        work(&mut Behind {
            piece: Vec::with_capacity(PIECE),
            pieces: Some(pieces),
            empty,
            thread: Some(thread),
        })
    })
}

/// What the thread does: ends when nobody sends any more.
fn write_all(
    mut output: impl Write,
    pieces: &Receiver<Vec<u8>>,
    written: &Sender<Vec<u8>>,
) -> io::Result<()> {
    for mut piece in pieces {
        output.write_all(&piece)?;
        piece.clear();
        // Nobody needs it when all is written.
        let _ = written.send(piece);
    }
    output.flush()
}

/// What is written to. It gathers small writes. Flushing it ends it.
pub(crate) struct Behind<'scope> {
    piece: Vec<u8>,
    pieces: Option<SyncSender<Vec<u8>>>,
    /// Pieces that were written.
    empty: Receiver<Vec<u8>>,
    thread: Option<ScopedJoinHandle<'scope, io::Result<()>>>,
}

impl Behind<'_> {
    #[cold]
    fn hand_over(&mut self) -> io::Result<()> {
        let next = self.empty.try_recv();
        let next = next.unwrap_or_else(|_| Vec::with_capacity(PIECE));
        let piece = mem::replace(&mut self.piece, next);
        let sent = self.pieces.as_ref().map(|it| it.send(piece));
        if let Some(Ok(())) = sent {
            return Ok(());
        }
        self.end()?;
        Err(io::Error::other("nothing is written any more"))
    }

    /// Waits until all is written, or tells why it is not.
    fn end(&mut self) -> io::Result<()> {
        self.pieces = None;
        match self.thread.take().map(ScopedJoinHandle::join) {
            Some(Ok(ended)) => ended,
            // It panicked, which the scope tells; or it was told before.
            _ => Ok(()),
        }
    }
}

impl Write for Behind<'_> {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.piece.len() + bytes.len() > PIECE {
            self.hand_over()?;
        }
        self.piece.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write(bytes).map(|_| ())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hand_over()?;
        self.end()
    }
}
