//! Waiting for a capture to finish.
//!
//! In three parts: what a status means ([`CaptureState::of`]), how long to pause ([`pause`]), and which errors to sit
//! out ([`MAX_FAILURES`]).

use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
    time::Duration,
};

use tokio::time::Instant;

use crate::{Account, Capture, CaptureId, CaptureState, Error, ErrorKind};

/// How many failures in a row are sat out, when they are of the kind that passes.
const MAX_FAILURES: u32 = 5;

/// The pause after so many looks. Never less than 2 s, so that many waits at once stay within the service's limits.
fn pause(looks: u32) -> Duration {
    Duration::from_secs(match looks {
        0..=15 => 2,
        16..=45 => 5,
        _ => 10,
    })
}

/// A wait for a capture to finish: made by [`Account::wait`], and awaited.
///
/// The future gives the finished capture. It can be dropped at any point: the capture goes on at the service.
///
/// ```no_run
/// # use std::time::Duration;
/// # async fn example(account: pcaps::Account, id: pcaps::CaptureId) -> Result<(), pcaps::Error> {
/// let capture = account
///     .wait(&id)
///     .deadline(Duration::from_secs(600))
///     .on_progress(|progress| eprintln!("{} after {:?}", progress.capture.status(), progress.elapsed))
///     .await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`CaptureFailed`](ErrorKind::CaptureFailed) with the capture when it failed,
/// [`DeadlinePassed`](ErrorKind::DeadlinePassed) with the capture as it was last seen, and those of
/// [`Account::get`]. Failures of the connection or of the service are sat out up to five times in a row.
#[must_use = "a wait does nothing until it is awaited"]
pub struct Wait {
    account: Account,
    id: CaptureId,
    deadline: Option<Duration>,
    on_progress: Box<dyn FnMut(&Progress) + Send>,
}

/// What a wait knows after each look.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Progress {
    /// The capture as it is now.
    pub capture: Capture,
    /// How long the wait has lasted.
    pub elapsed: Duration,
    /// How long until the next look; absent when the capture has finished.
    pub next_look: Option<Duration>,
}

impl Wait {
    pub(crate) fn new(account: Account, id: CaptureId) -> Self {
        Self {
            account,
            id,
            deadline: None,
            on_progress: Box::new(|_| {}),
        }
    }

    /// Gives up after so long. Without it the wait lasts as long as the capture.
    pub fn deadline(self, deadline: Duration) -> Self {
        Self {
            deadline: Some(deadline),
            ..self
        }
    }

    /// Calls back after each look.
    pub fn on_progress(self, callback: impl FnMut(&Progress) + Send + 'static) -> Self {
        Self {
            on_progress: Box::new(callback),
            ..self
        }
    }

    async fn run(mut self) -> Result<Capture, Error> {
        let mut seen = Seen::default();
        let Some(deadline) = self.deadline else {
            return self.look_until_finished(&mut seen).await;
        };
        match tokio::time::timeout(deadline, self.look_until_finished(&mut seen)).await {
            Ok(result) => result,
            Err(_) => Err(passed(&self.id, deadline, seen)),
        }
    }

    async fn look_until_finished(&mut self, seen: &mut Seen) -> Result<Capture, Error> {
        let start = Instant::now();
        let mut failures = 0;
        loop {
            match self.account.get(&self.id).await {
                Ok(capture) => {
                    failures = 0;
                    let state = capture.state();
                    let next_look = (state == CaptureState::InProgress).then(|| pause(seen.looks));
                    (self.on_progress)(&Progress {
                        capture: capture.clone(),
                        elapsed: start.elapsed(),
                        next_look,
                    });
                    match state {
                        CaptureState::Ready => return Ok(capture),
                        CaptureState::Failed => return Err(failed(capture)),
                        CaptureState::InProgress => seen.last = Some(capture),
                    }
                }
                Err(error) if error.is_retryable() && failures < MAX_FAILURES => failures += 1,
                Err(error) => return Err(error),
            }
            tokio::time::sleep(pause(seen.looks)).await;
            seen.looks += 1;
        }
    }
}

/// What a wait has seen so far, for when its deadline passes.
#[derive(Default)]
struct Seen {
    looks: u32,
    last: Option<Capture>,
}

fn failed(capture: Capture) -> Error {
    let why = capture
        .error_message()
        .unwrap_or_else(|| "the service gives no reason".to_owned());
    Error::new(
        ErrorKind::CaptureFailed,
        format!("the capture {} failed: {why}", capture.id()),
    )
    .about(capture)
}

fn passed(id: &CaptureId, deadline: Duration, seen: Seen) -> Error {
    let Some(capture) = seen.last else {
        let what = format!("nothing was heard of the capture {id} in {deadline:?}");
        return Error::new(ErrorKind::DeadlinePassed, what);
    };
    let status = capture.status();
    let what = format!(
        "the capture {id} is still {status:?} after {deadline:?}; it goes on at the service"
    );
    Error::new(ErrorKind::DeadlinePassed, what).about(capture)
}

impl IntoFuture for Wait {
    type Output = Result<Capture, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("id", &self.id)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
