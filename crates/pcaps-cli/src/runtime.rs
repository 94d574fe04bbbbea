//! Runs asynchronous work, and stops it when it is told to.

use std::{cell::Cell, future::Future, io, pin::pin, time::Duration};

use pcaps::Export;
use tokio::sync::Notify;

use crate::{
    failure::{Exit, Failure},
    resume::Resume,
};

/// How long the end waits for work in other threads: to put a file in place or take it away; and for an upload that was
/// interrupted to be taken away. A look-up of a name that hangs is not waited for.
const GRACE: Duration = Duration::from_secs(2);

/// Runs work to its end.
pub(crate) fn run<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    // One thread: bytes that arrive on it are checked on it, while they are in its cache.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::because(Exit::Other, &error))?;
    let result = runtime.block_on(async {
        let result = work.await;
        // What does not come to its end in time is left.
        let _ = tokio::time::timeout(GRACE, Export::settled()).await;
        result
    });
    runtime.shutdown_timeout(GRACE);
    result
}

/// Runs work to its end, or until it is interrupted: then it is dropped, which cleans up after it.
pub(crate) fn interruptible<T>(
    resume: &Resume,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    run(async {
        let stop = stop()?;
        tokio::select! {
            biased;
            result = work => result,
            () = stop => Err(Failure::interrupted(resume.note())),
        }
    })
}

/// What a first interruption does in place of ending the command, while it is set.
#[derive(Default)]
pub(crate) struct Brake {
    set: Cell<bool>,
    pulled: Notify,
}

impl Brake {
    /// From now on the first interruption is heard by who waits for it. The one after that ends the command.
    pub(crate) fn set(&self) {
        self.set.set(true);
    }

    /// From now on the first interruption ends the command, as any other time.
    pub(crate) fn release(&self) {
        self.set.set(false);
    }

    /// Ends with the first interruption.
    pub(crate) async fn pulled(&self) {
        self.pulled.notified().await;
    }
}

/// The same as [`interruptible`], for work that can be ended early and still has a result.
pub(crate) fn braked<T>(
    resume: &Resume,
    brake: &Brake,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    run(async {
        let mut signals = Signals::new().map_err(|error| Failure::because(Exit::Other, &error))?;
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                result = &mut work => return result,
                () = signals.next() => {
                    if !brake.set.replace(false) {
                        return Err(Failure::interrupted(resume.note()));
                    }
                    brake.pulled.notify_one();
                }
            }
        }
    })
}

/// Ends with Ctrl-C, or with the signal by which a service manager ends a process. From the call on neither ends the
/// process by itself.
pub(crate) fn stop() -> Result<impl Future<Output = ()>, Failure> {
    let signals = Signals::new();
    let mut signals = signals.map_err(|error| Failure::because(Exit::Other, &error))?;
    Ok(async move { signals.next().await })
}

/// Ctrl-C and its like, one after the other.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(windows)]
struct Signals(tokio::signal::windows::CtrlC);

#[cfg(windows)]
impl Signals {
    fn new() -> io::Result<Self> {
        tokio::signal::windows::ctrl_c().map(Self)
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}
