//! A file of which some packets are wanted, looked through by two threads, if it is long.

use std::io::Read;
use std::panic::resume_unwind;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Builder, scope};

use crate::error::Error;
use crate::packet::Packet;
use crate::pieces::{Loose, Next, Pieces};
use crate::reader::{Piece, Reader};
use crate::writer::WriterOptions;

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
        pieces: Pieces::new(reader),
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
    if turns.pieces.goes_on() {
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
    let taking = turns.taking.into_inner();
    let taking = taking.unwrap_or_else(PoisonError::into_inner);
    match taking.failed {
        Some(error) => Err(error),
        None => Ok(Looked {
            packets: taking.packets,
            error: turns.pieces.ended().err(),
        }),
    }
}

/// What the threads share. Whoever has loose packets may wait for a turn to take, which needs none of the `pieces`.
struct Turns<'r, R, T, E> {
    pieces: Pieces<'r, R>,
    taking: Mutex<Taking<T, E>>,
    /// It is another's turn.
    moved_on: Condvar,
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
        let mut room = Pieces::<R>::room();
        for _ in 0..most {
            let Some((number, next)) = self.pieces.next(&mut room) else {
                break;
            };
            let turn = Turn {
                turns: self,
                number,
            };
            let goes_on = match next {
                Next::Piece(piece) => {
                    let goes_on = turn.piece(&piece, wanted);
                    room = piece.into_room();
                    goes_on
                }
                Next::Loose(loose) => turn.loose(loose, wanted),
            };
            if !goes_on {
                // The error is the result, whatever the file is.
                self.pieces.stop();
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

    /// The same with packets that are in no piece.
    fn loose(
        self,
        mut loose: Loose<'_, '_, R>,
        wanted: &mut impl FnMut(&Packet<'_>) -> Result<bool, E>,
    ) -> bool {
        let mut taking = self.come();
        let taking = &mut *taking;
        while !taking.is_over()
            && let Some(record) = loose.next()
        {
            taking.packets += 1;
            let packet = loose.packet(&record);
            let sort = || loose.sort(record.sort);
            let taken = match wanted(&packet) {
                Ok(true) => (taking.take)(&packet, record.sort, &sort),
                Ok(false) => Ok(()),
                Err(error) => Err(error),
            };
            taking.failed = taken.err();
        }
        !taking.is_over()
    }
}
