//! A file of which some packets are wanted, looked through by two threads that take turns to read it, if it is long.

use std::io::Read;
use std::panic::resume_unwind;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Builder, scope};

use crate::error::Error;
use crate::packet::Packet;
use crate::reader::{Piece, Reader};
use crate::writer::WriterOptions;

/// How long a piece of a file is, in bytes. Smaller ones measure slower: the threads wait for each other more often.
const PIECE: usize = 1024 * 1024;

/// How many packets that are in no piece are looked at in one turn.
const LOOSE: u32 = 4_096;

/// So many turns are the caller's thread's alone: a shorter file is not worth another one.
const ALONE: usize = 4;

/// What came of a file.
pub(crate) struct Looked {
    /// How many packets it has.
    pub(crate) packets: u64,
    /// Why they end before its end.
    pub(crate) error: Option<Error>,
}

/// What does something with a wanted packet. It gets the number of the packet's sort too, and what says which that is.
pub(crate) trait Take<E>:
    FnMut(&Packet<'_>, u32, &dyn Fn() -> WriterOptions) -> Result<(), E>
{
}

impl<E, T> Take<E> for T where
    T: FnMut(&Packet<'_>, u32, &dyn Fn() -> WriterOptions) -> Result<(), E>
{
}

/// Gives the packets that `wanted` wants to `take`, in their order. Each thread asks a `wanted` of its own.
///
/// # Errors
///
/// The first of `wanted` and `take`: nothing that comes after is given.
pub(crate) fn look_through<R: Read + Send, E: Send>(
    reader: &mut Reader<R>,
    wanted: impl FnMut(&Packet<'_>) -> Result<bool, E> + Clone + Send,
    take: impl Take<E> + Send,
) -> Result<Looked, E> {
    let turns = Turns {
        reading: Mutex::new(Reading {
            reader,
            next: 0,
            ended: None,
        }),
        taking: Mutex::new(Taking {
            take,
            turn: 0,
            packets: 0,
            failed: None,
            panicked: false,
        }),
        moved_on: Condvar::new(),
    };
    let (mut ours, mut others) = (wanted.clone(), wanted);
    turns.take_part(&mut ours, ALONE);
    let has_more = lock(&turns.reading).ended.is_none();
    if has_more {
        scope(|scope| {
            let other = Builder::new()
                .name("pcaps-select".to_owned())
                .spawn_scoped(scope, || turns.take_part(&mut others, usize::MAX));
            turns.take_part(&mut ours, usize::MAX);
            // If there was no thread to be had, it took longer.
            if let Ok(other) = other
                && let Err(panic) = other.join()
            {
                resume_unwind(panic);
            }
        });
    }
    let ended = lock(&turns.reading).ended.take();
    let taking = turns.taking.into_inner();
    let taking = taking.unwrap_or_else(PoisonError::into_inner);
    match taking.failed {
        Some(error) => Err(error),
        None => Ok(Looked {
            packets: taking.packets,
            error: ended.and_then(Result::err),
        }),
    }
}

/// What the threads share. Whoever has `reading` may wait for a turn to take, which needs no `reading`.
struct Turns<'r, R, T, E> {
    reading: Mutex<Reading<'r, R>>,
    taking: Mutex<Taking<T, E>>,
    /// It is another's turn.
    moved_on: Condvar,
}

struct Reading<'r, R> {
    reader: &'r mut Reader<R>,
    /// Which turn it is to take what is read next.
    next: u64,
    ended: Option<Result<(), Error>>,
}

struct Taking<T, E> {
    take: T,
    /// Which turn it is.
    turn: u64,
    packets: u64,
    failed: Option<E>,
    /// Whether a thread has panicked.
    panicked: bool,
}

impl<T, E> Taking<T, E> {
    fn is_over(&self) -> bool {
        self.failed.is_some() || self.panicked
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A turn, which comes when those before it are over.
struct Turn<'t, 'r, R, T, E> {
    turns: &'t Turns<'r, R, T, E>,
    number: u64,
}

impl<R, T, E> Turn<'_, '_, R, T, E> {
    fn come(&self) -> MutexGuard<'_, Taking<T, E>> {
        let taking = lock(&self.turns.taking);
        let is_early = |it: &mut Taking<T, E>| it.turn != self.number;
        let come = self.turns.moved_on.wait_while(taking, is_early);
        come.unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R, T, E> Drop for Turn<'_, '_, R, T, E> {
    /// Also when a thread panics: the other one would wait for ever.
    fn drop(&mut self) {
        let mut taking = self.come();
        taking.turn += 1;
        taking.panicked |= thread::panicking();
        drop(taking);
        self.turns.moved_on.notify_all();
    }
}

impl<R: Read, T: Take<E>, E> Turns<'_, R, T, E> {
    /// Takes turns until there is nothing more, or so many.
    fn take_part(&self, wanted: &mut impl FnMut(&Packet<'_>) -> Result<bool, E>, most: usize) {
        let mut room = vec![0; PIECE];
        for _ in 0..most {
            let mut reading = lock(&self.reading);
            if reading.ended.is_some() {
                break;
            }
            let turn = Turn {
                turns: self,
                number: reading.next,
            };
            reading.next += 1;
            let goes_on = if let Some(piece) = reading.reader.piece(&mut room) {
                drop(reading);
                let goes_on = turn.piece(&piece, wanted);
                room = piece.into_room();
                goes_on
            } else {
                reading.ended = turn.loose(reading.reader, wanted);
                true
            };
            if !goes_on {
                // The error is the result, whatever the file is.
                lock(&self.reading).ended.get_or_insert(Ok(()));
            }
        }
    }
}

impl<R: Read, T: Take<E>, E> Turn<'_, '_, R, T, E> {
    /// Looks through a piece, and takes what is wanted when the time has come. Says whether nothing has failed.
    fn piece(self, piece: &Piece, wanted: &mut impl FnMut(&Packet<'_>) -> Result<bool, E>) -> bool {
        let (mut found, mut packets, mut failed) = (Vec::new(), 0, None);
        for packet in piece.packets() {
            packets += 1;
            match wanted(&packet) {
                Ok(true) => found.push(packet),
                Ok(false) => {}
                Err(error) => {
                    failed = Some(error);
                    break;
                }
            }
        }
        let mut taking = self.come();
        let taking = &mut *taking;
        if taking.is_over() {
            return false;
        }
        taking.packets += packets;
        let sort = || piece.sort();
        let taken = found.iter().try_for_each(|it| (taking.take)(it, 0, &sort));
        taking.failed = taken.err().or(failed);
        taking.failed.is_none()
    }

    /// Looks at packets that are in no piece. Says how they end, if they do.
    fn loose(
        self,
        reader: &mut Reader<R>,
        wanted: &mut impl FnMut(&Packet<'_>) -> Result<bool, E>,
    ) -> Option<Result<(), Error>> {
        let mut taking = self.come();
        let taking = &mut *taking;
        for _ in 0..LOOSE {
            if taking.is_over() {
                return Some(Ok(()));
            }
            let record = match reader.next_record() {
                Ok(Some(record)) => record,
                Ok(None) => return Some(Ok(())),
                Err(error) => return Some(Err(error)),
            };
            taking.packets += 1;
            let packet = reader.packet(&record);
            let sort = || reader.sort(record.sort);
            let taken = match wanted(&packet) {
                Ok(true) => (taking.take)(&packet, record.sort, &sort),
                Ok(false) => Ok(()),
                Err(error) => Err(error),
            };
            taking.failed = taken.err();
        }
        None
    }
}
