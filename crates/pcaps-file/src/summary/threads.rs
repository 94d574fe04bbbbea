//! A long file, summed up by two threads that take turns to read it.

use std::io::Read;
use std::panic::resume_unwind;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, scope};

use super::Summary;
use crate::error::Error;
use crate::reader::{Piece, Reader};

/// How long a piece of a file is, in bytes. Smaller ones measure slower: the threads wait for each other more often. So do
/// larger ones: they leave less of the cache to the tables.
const PIECE: usize = 512 * 1024;

/// So many pieces are summed up by the caller's thread alone: a shorter file is not worth another one.
const ALONE: usize = 4;

/// Adds all packets of `reader`.
pub(super) fn add_all<R: Read + Send>(
    summary: &mut Summary,
    reader: &mut Reader<R>,
) -> Result<(), Error> {
    let shared = Mutex::new(Shared {
        reader,
        ended: None,
    });
    summary.add_pieces(&shared, ALONE);
    let has_more = lock(&shared).ended.is_none();
    if has_more {
        scope(|scope| {
            let other = || {
                let mut summary = Summary::default();
                summary.add_pieces(&shared, usize::MAX);
                summary
            };
            let other = Builder::new().spawn_scoped(scope, other);
            summary.add_pieces(&shared, usize::MAX);
            // If there was no thread to be had, it took longer.
            if let Ok(other) = other {
                summary.merge(&other.join().unwrap_or_else(|panic| resume_unwind(panic)));
            }
        });
    }
    let shared = shared.into_inner().unwrap_or_else(PoisonError::into_inner);
    shared.ended.unwrap_or(Ok(()))
}

/// What is read, and what came at its end.
struct Shared<'a, R> {
    reader: &'a mut Reader<R>,
    ended: Option<Result<(), Error>>,
}

fn lock<'a, 'b, R>(shared: &'a Mutex<Shared<'b, R>>) -> MutexGuard<'a, Shared<'b, R>> {
    shared.lock().unwrap_or_else(|poisoned| {
        let mut shared = poisoned.into_inner();
        // A reader that panicked is not read again: the panic goes on in `add_all`.
        shared.ended.get_or_insert(Ok(()));
        shared
    })
}

impl Summary {
    /// Adds packets until they end, or so many pieces.
    fn add_pieces<R: Read>(&mut self, shared: &Mutex<Shared<'_, R>>, most: usize) {
        let mut room = vec![0; PIECE];
        for _ in 0..most {
            let Some(piece) = self.next_piece(&mut lock(shared), room) else {
                break;
            };
            self.add_piece(&piece);
            room = piece.into_room();
        }
    }

    /// Adds all packets of a piece. It is no part of what is generic, so that it is the same code in every program.
    #[inline(never)]
    fn add_piece(&mut self, piece: &Piece) {
        for packet in piece.packets() {
            self.add_one(&packet);
        }
    }

    /// The next piece. Packets that are in none are added on the way to it.
    fn next_piece<R: Read>(
        &mut self,
        shared: &mut Shared<'_, R>,
        mut room: Vec<u8>,
    ) -> Option<Piece> {
        while shared.ended.is_none() {
            if let Some(piece) = shared.reader.piece(&mut room) {
                return Some(piece);
            }
            match shared.reader.next_packet() {
                Ok(Some(packet)) => self.add(&packet),
                Ok(None) => shared.ended = Some(Ok(())),
                Err(error) => shared.ended = Some(Err(error)),
            }
        }
        None
    }
}
