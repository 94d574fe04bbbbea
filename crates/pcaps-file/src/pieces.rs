//! A file in pieces, for threads that work on it at the same time.
//!
//! A long file is read by all of them at once, each from a place of its own. Where the records of a piece begin is known when the
//! piece before it has been cut at its last whole record, so that threads cut in turn: it is a look at the lengths only.

use std::io::Read;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::error::Error;
use crate::packet::Packet;
use crate::positional::Positional;
use crate::reader::{Piece, Reader, Record};
use crate::writer::WriterOptions;

/// How long a piece of a file is, in bytes. Smaller ones measure slower: the threads wait for each other more often. So do
/// larger ones: they leave less of the cache to the threads' tables.
const PIECE: usize = 512 * 1024;

/// Room in front of a piece for the beginning of a record that ends in it.
const FRONT: usize = 128 * 1024;

/// How many packets that are in no piece are had in one turn.
const LOOSE: u32 = 4_096;

/// The pieces of a file that threads share, in the file's order.
pub(crate) struct Pieces<'r, R> {
    shared: Mutex<Shared<'r, R>>,
    /// What another thread has read comes next.
    come: Condvar,
}

struct Shared<'r, R> {
    reader: &'r mut Reader<R>,
    /// How many turns were had.
    turns: u64,
    /// While the threads read by themselves: the file, and where the next one begins.
    apart: Option<(Positional, u64)>,
    /// How many reads were begun so.
    begun: u64,
    /// How many of them are over: a piece was cut of what was read, or it is not wanted.
    over: u64,
    ended: Option<Result<(), Error>>,
}

/// What comes next in a file.
pub(crate) enum Next<'p, 'r, R> {
    /// Whole records.
    Piece(Piece),
    /// Packets that are read one by one, while no other thread reads.
    Loose(Loose<'p, 'r, R>),
}

/// See [`Next::Loose`].
pub(crate) struct Loose<'p, 'r, R> {
    shared: MutexGuard<'p, Shared<'r, R>>,
    left: u32,
}

impl<'r, R: Read> Pieces<'r, R> {
    pub(crate) fn new(reader: &'r mut Reader<R>) -> Self {
        Self {
            shared: Mutex::new(Shared {
                reader,
                turns: 0,
                apart: None,
                begun: 0,
                over: 0,
                ended: None,
            }),
            come: Condvar::new(),
        }
    }

    /// What a thread reads into.
    pub(crate) fn room() -> Vec<u8> {
        vec![0; FRONT + PIECE]
    }

    /// What comes next, and which turn it is to have it. Of a piece, `room` is taken.
    pub(crate) fn next(&self, room: &mut Vec<u8>) -> Option<(u64, Next<'_, 'r, R>)> {
        let mut shared = self.lock();
        while shared.ended.is_none() {
            let turn = shared.turns;
            let Some((file, offset)) = &mut shared.apart else {
                shared.turns += 1;
                let Some(piece) = shared.reader.piece(room) else {
                    let left = LOOSE;
                    return Some((turn, Next::Loose(Loose { shared, left })));
                };
                shared.apart = shared.reader.source().positional();
                return Some((turn, Next::Piece(piece)));
            };
            let (file, from) = (file.clone(), *offset);
            *offset += PIECE as u64;
            let number = shared.begun;
            shared.begun += 1;
            drop(shared);
            // A long record may have made more room.
            let read = room.get_mut(FRONT..FRONT + PIECE).unwrap_or_default();
            let count = file.read(read, from);
            shared = self.come(number);
            if shared.over > number {
                continue;
            }
            shared.over += 1;
            let piece = shared.reader.piece_of(room, FRONT..FRONT + count);
            if count < PIECE || piece.is_none() {
                shared.meet(&file, from + count as u64);
            }
            self.come.notify_all();
            if let Some(piece) = piece {
                let turn = shared.turns;
                shared.turns += 1;
                return Some((turn, Next::Piece(piece)));
            }
        }
        None
    }

    /// Waits until what was read before is over.
    fn come(&self, number: u64) -> MutexGuard<'_, Shared<'r, R>> {
        let is_early = |it: &mut Shared<'r, R>| it.over < number;
        let come = self.come.wait_while(self.lock(), is_early);
        come.unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Shared<'r, R>> {
        self.shared.lock().unwrap_or_else(|poisoned| {
            let mut shared = poisoned.into_inner();
            // A reader with which a thread panicked is not read again.
            shared.ended.get_or_insert(Ok(()));
            shared
        })
    }

    /// Whether there is something more.
    pub(crate) fn goes_on(&self) -> bool {
        self.lock().ended.is_none()
    }

    /// Ends it before its end.
    pub(crate) fn stop(&self) {
        self.lock().ended.get_or_insert(Ok(()));
    }

    /// How it ended.
    pub(crate) fn ended(self) -> Result<(), Error> {
        let shared = self.shared.into_inner();
        let shared = shared.unwrap_or_else(PoisonError::into_inner);
        shared.ended.unwrap_or(Ok(()))
    }
}

impl<R: Read> Shared<'_, R> {
    /// Has the threads read one after the other again, from this place on. What they have read of what follows is dropped.
    fn meet(&mut self, file: &Positional, offset: u64) {
        self.apart = None;
        self.over = self.begun;
        if let Err(error) = file.go_to(offset) {
            self.reader.source_mut().stop(error);
        }
    }
}

impl<R: Read> Loose<'_, '_, R> {
    /// The record of the next packet, until there is none or the turn is over.
    pub(crate) fn next(&mut self) -> Option<Record> {
        self.left = self.left.checked_sub(1)?;
        match self.shared.reader.next_record() {
            Ok(Some(record)) => return Some(record),
            Ok(None) => self.shared.ended = Some(Ok(())),
            Err(error) => self.shared.ended = Some(Err(error)),
        }
        None
    }

    /// The packet of the record that came last.
    pub(crate) fn packet(&self, record: &Record) -> Packet<'_> {
        self.shared.reader.packet(record)
    }

    /// The sort of packet that a [`Record::sort`] is.
    pub(crate) fn sort(&self, sort: u32) -> WriterOptions {
        self.shared.reader.sort(sort)
    }
}
