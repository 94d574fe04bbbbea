//! Runs asynchronous work, and stops it when it is told to.

use std::{future::Future, io, time::Duration};

use crate::{
    failure::{Exit, Failure},
    resume::Resume,
};

/// How long the end waits for work in other threads: to put a file in place or take it away. A look-up of a name that
/// hangs is not waited for.
const GRACE: Duration = Duration::from_secs(2);

/// Runs work to its end.
pub(crate) fn run<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    // One thread: bytes that arrive on it are checked on it, while they are in its cache.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::because(Exit::Other, &error))?;
    let result = runtime.block_on(work);
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

/// Ends with Ctrl-C, or with the signal by which a service manager ends a process. From the call on neither ends the
/// process by itself.
pub(crate) fn stop() -> Result<impl Future<Output = ()>, Failure> {
    signals().map_err(|error| Failure::because(Exit::Other, &error))
}

#[cfg(unix)]
fn signals() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(windows)]
fn signals() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = tokio::signal::windows::ctrl_c()?;
    Ok(async move {
        interrupt.recv().await;
    })
}
