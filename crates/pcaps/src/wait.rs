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
        let start = Instant::now();
        let (mut looks, mut failures) = (0, 0);
        let mut last = None;
        loop {
            let elapsed = start.elapsed();
            match self.account.get(&self.id).await {
                Ok(capture) => {
                    failures = 0;
                    let next_look =
                        (capture.state() == CaptureState::InProgress).then(|| pause(looks));
                    (self.on_progress)(&Progress {
                        capture: capture.clone(),
                        elapsed,
                        next_look,
                    });
                    match capture.state() {
                        CaptureState::Ready => return Ok(capture),
                        CaptureState::Failed => return Err(failed(capture)),
                        CaptureState::InProgress => last = Some(capture),
                    }
                }
                Err(error) if error.is_retryable() && failures < MAX_FAILURES => failures += 1,
                Err(error) => return Err(error),
            }
            looks += 1;
            let mut next = pause(looks);
            if let Some(deadline) = self.deadline {
                let left = deadline.saturating_sub(start.elapsed());
                if left.is_zero() {
                    return Err(passed(&self.id, deadline, looks, last));
                }
                next = next.min(left);
            }
            tokio::time::sleep(next).await;
        }
    }
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

fn passed(id: &CaptureId, deadline: Duration, looks: u32, last: Option<Capture>) -> Error {
    let status = last.as_ref().map_or("unknown", |it| it.status());
    let what = format!(
        "the capture {id} is still {status:?} after {deadline:?} and {looks} looks; it goes on at the service"
    );
    let error = Error::new(ErrorKind::DeadlinePassed, what);
    match last {
        Some(capture) => error.about(capture),
        None => error,
    }
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
