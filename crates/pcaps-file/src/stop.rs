//! Ending work in another thread that nobody waits for any more.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Stays with whoever waits for work in another thread, and ends it when it is dropped: for work that is awaited, as a
/// merge is, and cannot be cancelled.
///
/// # Examples
///
/// ```
/// use std::io::Write as _;
/// use pcaps_file::StopOnDrop;
///
/// let waiting = StopOnDrop::default();
/// let mut output = waiting.signal().writer(Vec::new());
/// output.write_all(b"packets")?;
/// drop(waiting);
/// assert!(output.write_all(b"more").is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct StopOnDrop(StopSignal);

/// What the work in the other thread looks at: see [`StopOnDrop`].
#[derive(Clone, Debug, Default)]
pub struct StopSignal(Arc<AtomicBool>);

/// A writer that fails when nobody waits for it any more: see [`StopSignal::writer`].
#[derive(Debug)]
pub struct StoppableWriter<W> {
    output: W,
    signal: StopSignal,
}

impl StopOnDrop {
    /// For the other thread.
    pub fn signal(&self) -> StopSignal {
        self.0.clone()
    }
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl StopSignal {
    /// Whether nobody waits any more.
    pub fn is_stopped(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// A writer that fails from then on, so that whatever writes to it ends.
    pub fn writer<W: Write>(&self, output: W) -> StoppableWriter<W> {
        StoppableWriter {
            output,
            signal: self.clone(),
        }
    }
}

impl<W> StoppableWriter<W> {
    /// What was written to.
    pub fn into_inner(self) -> W {
        self.output
    }
}

impl<W: Write> Write for StoppableWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.signal.is_stopped() {
            return Err(io::Error::other("nobody waits for it any more"));
        }
        self.output.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}
