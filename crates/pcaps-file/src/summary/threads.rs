//! A long file, summed up by two threads.

use std::io::Read;
use std::panic::resume_unwind;
use std::thread::{Builder, scope};

use super::Summary;
use crate::error::Error;
use crate::pieces::{Next, Pieces};
use crate::reader::{Piece, Reader};

/// So many turns are the caller's thread's alone: a shorter file is not worth another one.
const ALONE: usize = 4;

/// Adds all packets of `reader`.
pub(super) fn add_all<R: Read + Send>(
    summary: &mut Summary,
    reader: &mut Reader<R>,
) -> Result<(), Error> {
    let pieces = Pieces::new(reader);
    summary.add_pieces(&pieces, ALONE);
    if pieces.goes_on() {
        scope(|scope| {
            let other = || {
                let mut summary = Summary::default();
                summary.add_pieces(&pieces, usize::MAX);
                summary
            };
            let other = Builder::new().spawn_scoped(scope, other);
            summary.add_pieces(&pieces, usize::MAX);
            // If there was no thread to be had, it took longer.
            if let Ok(other) = other {
                summary.merge(&other.join().unwrap_or_else(|panic| resume_unwind(panic)));
            }
        });
    }
    pieces.ended()
}

impl Summary {
    /// Adds packets until they end, or so many turns.
    fn add_pieces<R: Read>(&mut self, pieces: &Pieces<'_, R>, most: usize) {
        let mut room = Pieces::<R>::room();
        for _ in 0..most {
            match pieces.next(&mut room) {
                None => break,
                Some((_, Next::Piece(piece))) => {
                    self.add_piece(&piece);
                    room = piece.into_room();
                }
                Some((_, Next::Loose(mut loose))) => {
                    while let Some(record) = loose.next() {
                        self.add(&loose.packet(&record));
                    }
                }
            }
        }
    }

    /// Adds all packets of a piece. It is no part of what is generic, so that it is the same code in every program.
    #[inline(never)]
    fn add_piece(&mut self, piece: &Piece) {
        for packet in piece.packets() {
            self.add_one(&packet);
        }
    }
}
