//! A long file, summed up in parts by threads of their own, while the caller's reads.

use std::io::{self, Read};
use std::panic::resume_unwind;
use std::sync::mpsc::{Sender, SyncSender, channel, sync_channel};
use std::thread::{Builder, Scope, ScopedJoinHandle, scope};

use super::Summary;
use crate::error::Error;
use crate::reader::{Piece, Reader};

/// How many parts there are, whatever the machine: what is approximate in a summary depends on it.
const PARTS: usize = 2;

/// How long a piece of a file is, in bytes.
const PIECE: usize = 512 * 1024;

/// So many pieces are summed up by the caller's thread: a shorter file is not worth others.
const FIRST: usize = 8;

/// How many pieces may wait for a thread.
const WAITING: usize = 2;

/// Adds all packets of `reader`.
pub(super) fn add_all<R: Read>(summary: &mut Summary, reader: &mut Reader<R>) -> Result<(), Error> {
    scope(|scope| {
        // Where buffers come back that can be used again.
        let (done, rooms) = channel();
        let mut parts: Vec<Part<'_>> = Vec::new();
        let mut pieces = 0;
        let ended = loop {
            let room = || rooms.try_recv().unwrap_or_else(|_| vec![0; PIECE]);
            if let Some(piece) = reader.piece(room) {
                match parts.get(pieces % PARTS) {
                    Some(part) => part.add(piece),
                    None => summary.add_piece(piece, &done),
                }
                pieces += 1;
                if pieces == FIRST {
                    let part = || Part::begin(scope, done.clone());
                    // If there are no threads to be had, it takes longer.
                    parts = (0..PARTS).map_while(|_| part().ok()).collect();
                }
                continue;
            }
            match reader.next_packet() {
                Ok(Some(packet)) => summary.add(&packet),
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        for part in parts {
            summary.merge(&part.end());
        }
        ended
    })
}

impl Summary {
    fn add_piece(&mut self, piece: Piece, done: &Sender<Vec<u8>>) {
        for packet in piece.packets() {
            self.add(&packet);
        }
        // If nobody reads any more, it is of no use.
        let _ = done.send(piece.into_room());
    }
}

/// A part of a file, and the thread that sums it up.
struct Part<'scope> {
    pieces: SyncSender<Piece>,
    thread: ScopedJoinHandle<'scope, Summary>,
}

impl<'scope> Part<'scope> {
    fn begin(scope: &'scope Scope<'scope, '_>, done: Sender<Vec<u8>>) -> io::Result<Self> {
        let (pieces, arriving) = sync_channel(WAITING);
        let thread = Builder::new().spawn_scoped(scope, move || {
            let mut summary = Summary::default();
            for piece in arriving {
                summary.add_piece(piece, &done);
            }
            summary
        })?;
        Ok(Self { pieces, thread })
    }

    fn add(&self, piece: Piece) {
        // It takes pieces until it panics, which `end` tells.
        let _ = self.pieces.send(piece);
    }

    fn end(self) -> Summary {
        drop(self.pieces);
        self.thread
            .join()
            .unwrap_or_else(|panic| resume_unwind(panic))
    }
}
