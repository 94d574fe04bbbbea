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

use tokio::time::{Instant, sleep, timeout};

use crate::{Account, Capture, CaptureId, CaptureState, Error, ErrorKind};

/// How many failures in a row are sat out, when they are of the kind that passes: with the pauses between them, the five
/// minutes for which the service refuses everything after too many requests.
const MAX_FAILURES: u32 = 10;

/// The pause after so many looks. Never less than 2 s, so that many waits at once stay within the service's limits.
fn pause(looks: u32) -> Duration {
    Duration::from_secs(match looks {
        0..=15 => 2,
        16..=45 => 5,
        _ => 10,
    })
}

/// The pause after so many failures in a row: doubled each time, up to a minute.
fn pause_after(failures: u32) -> Duration {
    Duration::from_secs(1 << failures.min(6)).min(Duration::from_mins(1))
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
/// [`Account::get`]. Failures of the connection or of the service, and too many requests, are sat out for
/// more than five minutes.
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

    async fn run(self) -> Result<Capture, Error> {
        let Self {
            account,
            id,
            deadline,
            mut on_progress,
        } = self;
        let mut seen = Seen::default();
        let look = || account.get(&id);
        let finished = look_until_finished(look, &mut on_progress, &mut seen);
        let Some(deadline) = deadline else {
            return finished.await;
        };
        match timeout(deadline, finished).await {
            Ok(result) => result,
            Err(_) => Err(passed(&id, deadline, seen)),
        }
    }
}

/// Looks, and looks again, until the capture has finished.
async fn look_until_finished<F: Future<Output = Result<Capture, Error>>>(
    look: impl Fn() -> F,
    on_progress: &mut (dyn FnMut(&Progress) + Send),
    seen: &mut Seen,
) -> Result<Capture, Error> {
    let start = Instant::now();
    let mut failures = 0;
    loop {
        let next = match look().await {
            Ok(capture) => {
                failures = 0;
                seen.looks += 1;
                let state = capture.state();
                let next = pause(seen.looks);
                on_progress(&Progress {
                    capture: capture.clone(),
                    elapsed: start.elapsed(),
                    next_look: (state == CaptureState::InProgress).then_some(next),
                });
                match state {
                    CaptureState::Ready => return Ok(capture),
                    CaptureState::Failed => return Err(failed(capture)),
                    CaptureState::InProgress => seen.last = Some(capture),
                }
                next
            }
            Err(error) if error.is_retryable() && failures < MAX_FAILURES => {
                failures += 1;
                seen.failure = Some(error);
                pause_after(failures)
            }
            Err(error) => return Err(error),
        };
        sleep(next).await;
    }
}

/// What a wait has seen so far, for when its deadline passes.
#[derive(Default)]
struct Seen {
    looks: u32,
    last: Option<Capture>,
    failure: Option<Error>,
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
        let error = Error::new(ErrorKind::DeadlinePassed, what);
        return match seen.failure {
            Some(failure) => error.because(failure),
            None => error,
        };
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

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, collections::VecDeque};

    use serde_json::json;

    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "it stands for an answer")]
    fn capture(status: &str) -> Result<Capture, Error> {
        let wire = json!({"type": "full", "id": "abc", "status": status, "error_message": "why"});
        Ok(Capture::new(serde_json::from_value(wire).unwrap()))
    }

    fn busy() -> Result<Capture, Error> {
        Err(Error::new(ErrorKind::RateLimited, "too many requests"))
    }

    /// What a wait comes to, how long it took, and how often it looked. The clock is tokio's, paused: it jumps from
    /// pause to pause.
    async fn wait(
        answers: impl IntoIterator<Item = Result<Capture, Error>>,
    ) -> (Result<Capture, Error>, Duration, Vec<String>) {
        let answers = RefCell::new(answers.into_iter().collect::<VecDeque<_>>());
        let look = || std::future::ready(answers.borrow_mut().pop_front().unwrap());
        let start = Instant::now();
        let (sender, heard) = std::sync::mpsc::channel();
        let mut on_progress = move |it: &Progress| {
            let next = it.next_look.map(|it| it.as_secs());
            sender
                .send(format!("{} {next:?}", it.capture.status()))
                .unwrap();
        };
        let result = look_until_finished(look, &mut on_progress, &mut Seen::default()).await;
        drop(on_progress);
        (result, start.elapsed(), heard.iter().collect())
    }

    #[tokio::test(start_paused = true)]
    async fn it_looks_every_two_seconds_at_most_and_tells_of_each() {
        let statuses = ["pending", "running", "a status from the future", "success"];
        let (result, elapsed, heard) = wait(statuses.map(capture)).await;
        assert_eq!(result.unwrap().status(), "success");
        assert_eq!(elapsed.as_secs(), 6);
        let future = "a status from the future Some(2)";
        assert_eq!(
            heard,
            ["pending Some(2)", "running Some(2)", future, "success None"]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn long_waits_look_less_often() {
        let day = (0..1000).map(|_| capture("running"));
        let (result, elapsed, _) = wait(day.chain([capture("success")])).await;
        result.unwrap();
        assert!(elapsed > Duration::from_hours(2), "{elapsed:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn failures_that_pass_are_sat_out_for_five_minutes() {
        let outage = (0..MAX_FAILURES).map(|_| busy());
        let (result, elapsed, _) = wait(outage.chain([capture("success")])).await;
        result.unwrap();
        assert!(elapsed > Duration::from_mins(5), "{elapsed:?}");
        let (result, ..) = wait((0..=MAX_FAILURES).map(|_| busy())).await;
        assert_eq!(result.unwrap_err().kind(), ErrorKind::RateLimited);
    }

    #[tokio::test(start_paused = true)]
    async fn other_failures_end_it() {
        let gone = Err(Error::new(ErrorKind::NotFound, "gone"));
        let (result, elapsed, _) = wait([capture("running"), gone]).await;
        assert_eq!(result.unwrap_err().kind(), ErrorKind::NotFound);
        assert_eq!(elapsed.as_secs(), 2);
        let (result, ..) = wait([capture("failed")]).await;
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CaptureFailed);
        assert!(error.to_string().ends_with("failed: why"), "{error}");
        assert_eq!(error.capture().unwrap().id().as_str(), "abc");
    }

    #[test]
    fn a_deadline_tells_what_was_seen_last() {
        let id = "abc".parse().unwrap();
        let deadline = Duration::from_secs(5);
        let seen = Seen {
            last: capture("running").ok(),
            ..Seen::default()
        };
        let error = passed(&id, deadline, seen);
        assert_eq!(error.kind(), ErrorKind::DeadlinePassed);
        assert!(
            error.to_string().contains("still \"running\" after 5s"),
            "{error}"
        );
        let unheard = passed(
            &id,
            deadline,
            Seen {
                failure: busy().err(),
                ..Seen::default()
            },
        );
        let cause = std::error::Error::source(&unheard).unwrap().to_string();
        assert!(cause.contains("too many requests"), "{cause}");
    }
}
