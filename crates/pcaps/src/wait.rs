//! Waiting for a capture to finish.
//!
//! In three parts: what a status means ([`CaptureState::of`]), how long to pause ([`pause`]), and which errors to sit
//! out ([`Waiting::judge`]).

use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
    time::Duration,
};

use futures_util::{Stream, StreamExt as _, future::join_all, stream};
use jiff::Timestamp;

use crate::{
    Account, Capture, CaptureId, CaptureKind, CaptureState, Error, ErrorKind,
    clock::{between, later},
    lookout::Waiter,
};

/// The shortest pause between two looks at a capture.
const SHORTEST: Duration = Duration::from_secs(2);
/// The longest, while a capture has long to go.
const LONGEST: Duration = Duration::from_secs(30);
/// The longest, when it should be over.
const LONGEST_AT_THE_END: Duration = Duration::from_secs(10);

/// For how long failures in a row are sat out: twice the five minutes for which the service refuses everything after too
/// many requests.
pub(crate) const PATIENCE: Duration = Duration::from_mins(10);

/// The pause until the next look at a capture that is not finished, `since` being when the wait began.
///
/// A sample finishes at once: it is looked at every 2 s, and less often when that was not so. A full capture runs for
/// its time limit unless something ends it: it is looked at in a twentieth of the time that is left, but every 30 s at
/// least, and every 2 s to 10 s from then on, or from when it was asked to stop.
fn pause(capture: &Capture, since: Timestamp, now: Timestamp) -> Duration {
    let over = match (capture.stop_requested(), capture.submitted()) {
        (Some(stop), _) => stop,
        (None, Some(submitted)) if capture.kind() == CaptureKind::Full => {
            later(submitted, capture.time_limit().unwrap_or_default())
        }
        _ => since,
    };
    // Clocks may differ: nobody waits longer than the limit for it.
    let left = between(now, over).min(capture.time_limit().unwrap_or_default());
    if left.is_zero() {
        (between(over.max(since), now) / 5).clamp(SHORTEST, LONGEST_AT_THE_END)
    } else {
        (left / 20).clamp(SHORTEST, LONGEST)
    }
}

/// The pause after so many failures in a row: doubled each time, up to a minute, or what the service asks for.
pub(crate) fn pause_after(failures: u32, error: &Error) -> Duration {
    let doubled = Duration::from_secs(1 << failures.min(6)).min(Duration::from_mins(1));
    doubled.max(error.retry_after().unwrap_or_default())
}

/// A wait for a capture to finish: made by [`Account::wait`], and awaited.
///
/// The future gives the finished capture. It can be dropped at any point: the capture goes on at the service. How it is
/// going meanwhile is told to a callback ([`on_update`](Self::on_update)), or as a stream ([`updates`](Self::updates)).
///
/// A wait needs few requests: on its own never more than one in 2 s, less often while a capture has long to go. Several
/// waits on an account, through one client and its clones, share the list of captures, and stay within the service's
/// limit on requests however many they are.
///
/// ```no_run
/// # use std::time::Duration;
/// # async fn example(account: pcaps::Account, id: pcaps::CaptureId) -> Result<(), pcaps::Error> {
/// let capture = account
///     .wait(&id)
///     .deadline(Duration::from_secs(600))
///     .on_update(|update| eprintln!("{update:?}"))
///     .await?;
/// println!("{} packets", capture.packets_captured().unwrap_or_default());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// [`CaptureFailed`](ErrorKind::CaptureFailed) with the capture when it failed,
/// [`DeadlinePassed`](ErrorKind::DeadlinePassed) with the capture as it was last seen, and those of
/// [`Account::get`]. Failures of the connection or of the service, and too many requests, are sat out for ten minutes.
#[must_use = "a wait does nothing until it is awaited"]
pub struct Wait {
    account: Account,
    id: CaptureId,
    deadline: Option<Duration>,
    on_update: Box<dyn FnMut(&Update) + Send>,
}

/// What happened in a wait: an item of [`Wait::updates`], and what the callback of [`Wait::on_update`] gets.
///
/// ```
/// use pcaps::Update;
///
/// fn show(update: &Update) {
///     match update {
///         Update::Seen(it) => println!("{} after {:?}", it.capture.status(), it.elapsed),
///         Update::Failing { error, next_look, .. } => println!("{error}; again in {next_look:?}"),
///         _ => {}
///     }
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Update {
    /// The capture was looked at.
    Seen(Progress),
    /// It could not be looked at, and will be again.
    #[non_exhaustive]
    Failing {
        /// Why.
        error: Error,
        /// How long the wait has lasted.
        elapsed: Duration,
        /// How long until the next look.
        next_look: Duration,
    },
}

/// What a wait knows after a look: [`Update::Seen`].
///
/// ```
/// fn show(progress: &pcaps::Progress) {
///     if progress.changed {
///         println!("{} after {:?}", progress.capture.status(), progress.elapsed);
///     }
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Progress {
    /// The capture as it is now: its status, and of a full one how many packets it has taken so far.
    pub capture: Capture,
    /// Whether its status is another than at the last look, or this is the first.
    pub changed: bool,
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
            on_update: Box::new(|_| {}),
        }
    }

    /// Gives up after so long, counted from when the wait is first awaited. Without it the wait lasts as long as the
    /// capture.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn example(account: pcaps::Account, id: pcaps::CaptureId) -> Result<(), pcaps::Error> {
    /// match account.wait(&id).deadline(Duration::from_secs(60)).await {
    ///     Err(error) if error.is_timeout() => println!("not yet: {:?}", error.capture()),
    ///     outcome => println!("{}", outcome?.status()),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn deadline(self, deadline: Duration) -> Self {
        Self {
            deadline: Some(deadline),
            ..self
        }
    }

    /// Calls back whenever something has happened; the wait stands still meanwhile, so be short. A later callback takes
    /// the place of an earlier one.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account, id: pcaps::CaptureId) -> Result<(), pcaps::Error> {
    /// let capture = account.wait(&id).on_update(|it| eprintln!("{it:?}")).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_update(self, callback: impl FnMut(&Update) + Send + 'static) -> Self {
        Self {
            on_update: Box::new(callback),
            ..self
        }
    }

    /// The same as a stream of everything that happens until the end of the wait: the last item is a [`Progress`] of a
    /// capture that is ready, or the error that ends the wait.
    ///
    /// ```no_run
    /// use futures_util::TryStreamExt as _;
    ///
    /// # async fn example(account: pcaps::Account, id: pcaps::CaptureId) -> Result<(), pcaps::Error> {
    /// let mut updates = account.wait(&id).updates();
    /// while let Some(update) = updates.try_next().await? {
    ///     match update {
    ///         pcaps::Update::Seen(it) => println!("{} after {:?}", it.capture.status(), it.elapsed),
    ///         pcaps::Update::Failing { error, .. } => println!("still trying: {error}"),
    ///         _ => {}
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn updates(self) -> impl Stream<Item = Result<Update, Error>> + Send + Unpin + 'static {
        let updates = stream::unfold(Waiting::new(self), |mut waiting| async {
            if waiting.over {
                return None;
            }
            let update = waiting.step().await;
            Some((update, waiting))
        });
        Box::pin(updates.fuse())
    }
}

impl IntoFuture for Wait {
    type Output = Result<Capture, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async {
            let mut waiting = Waiting::new(self);
            loop {
                if let Update::Seen(it) = waiting.step().await?
                    && it.next_look.is_none()
                {
                    return Ok(it.capture);
                }
            }
        })
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

/// Waits for several captures at once; the outcomes are in the order of the waits.
///
/// The waits on one account share the list of captures, so that many of them need few requests.
///
/// ```no_run
/// # async fn example(account: pcaps::Account) -> Result<(), pcaps::Error> {
/// let captures = account.list().await?;
/// let waits = captures.iter().map(|it| account.wait(it.id()));
/// for (capture, outcome) in captures.iter().zip(pcaps::wait_all(waits).await) {
///     match outcome {
///         Ok(it) => println!("{} is ready", it.id()),
///         Err(error) => println!("{}: {error}", capture.id()),
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Each outcome has its own: one capture that fails ends no other wait.
pub async fn wait_all(waits: impl IntoIterator<Item = Wait>) -> Vec<Result<Capture, Error>> {
    join_all(waits.into_iter().map(IntoFuture::into_future)).await
}

/// A wait under way.
struct Waiting {
    waiter: Waiter,
    deadline: Option<Duration>,
    on_update: Box<dyn FnMut(&Update) + Send>,
    /// When it began, once it has.
    began: Option<Timestamp>,
    pause: Duration,
    looks: u32,
    last: Option<Capture>,
    failing: Option<Failing>,
    /// Whether there is nothing more to come.
    over: bool,
}

/// Failures in a row.
struct Failing {
    since: Timestamp,
    count: u32,
    /// What the last one said.
    said: String,
}

impl Waiting {
    fn new(wait: Wait) -> Self {
        Self {
            waiter: Waiter::new(wait.account, wait.id),
            deadline: wait.deadline,
            on_update: wait.on_update,
            began: None,
            pause: Duration::ZERO,
            looks: 0,
            last: None,
            failing: None,
            over: false,
        }
    }

    /// Sits the pause out, and looks.
    async fn step(&mut self) -> Result<Update, Error> {
        let step = self.look_in_time().await;
        if let Ok(update) = &step {
            (self.on_update)(update);
        }
        self.over = match &step {
            Ok(Update::Seen(it)) => it.next_look.is_none(),
            Ok(Update::Failing { .. }) => false,
            Err(_) => true,
        };
        step
    }

    async fn look_in_time(&mut self) -> Result<Update, Error> {
        let chance = self.waiter.account().shared.chance.clone();
        let clock = &chance.clock;
        let began = *self.began.get_or_insert_with(|| clock.now());
        let end = self.deadline.map(|it| later(began, it));
        let left = |now| end.map(|end| between(now, end));
        let pause = left(clock.now()).map_or(self.pause, |left| left.min(self.pause));
        if !pause.is_zero() {
            clock.sleep(pause).await;
        }
        let looked = match left(clock.now()) {
            None => self.waiter.look().await,
            Some(Duration::ZERO) => return Err(self.passed()),
            Some(left) => match chance.within(left, self.waiter.look()).await {
                Some(looked) => looked,
                None => return Err(self.passed()),
            },
        };
        self.judge(looked, clock.now())
    }

    /// What a look means: an update, or the end.
    fn judge(&mut self, looked: Result<Capture, Error>, now: Timestamp) -> Result<Update, Error> {
        let began = self.began.unwrap_or(now);
        let elapsed = between(began, now);
        let capture = match looked {
            Ok(capture) => capture,
            Err(error) => return self.sit_out(error, elapsed, now),
        };
        self.failing = None;
        self.looks += 1;
        let state = capture.state();
        if state == CaptureState::Failed {
            return Err(failed(capture));
        }
        let last = self.last.replace(capture.clone());
        self.pause = pause(&capture, began, now);
        Ok(Update::Seen(Progress {
            changed: last.is_none_or(|it| it.status() != capture.status()),
            next_look: (state == CaptureState::InProgress).then_some(self.pause),
            capture,
            elapsed,
        }))
    }

    /// Goes on after a failure that may pass, for as long as patience lasts.
    fn sit_out(
        &mut self,
        error: Error,
        elapsed: Duration,
        now: Timestamp,
    ) -> Result<Update, Error> {
        // What has answered well before will again; what never has may not be the service at all.
        let may_pass = error.is_transient()
            || (self.looks > 0 && error.kind() == ErrorKind::UnexpectedResponse);
        // What we hold back ourselves is no failure of the service's.
        let held_back = error.is_rate_limited() && error.status().is_none();
        let (since, count) = match &self.failing {
            Some(it) if !held_back => (it.since, it.count + 1),
            _ => (now, 1),
        };
        let pause = pause_after(count, &error);
        if !may_pass || between(since, now).saturating_add(pause) > PATIENCE {
            return Err(error);
        }
        self.pause = pause;
        self.failing = Some(Failing {
            since,
            count,
            said: error.to_string(),
        });
        Ok(Update::Failing {
            error,
            elapsed,
            next_look: pause,
        })
    }

    fn passed(&mut self) -> Error {
        let id = self.waiter.id();
        let limit = self.deadline.unwrap_or_default();
        let looks = self.looks;
        let what = match &self.last {
            Some(capture) => format!(
                "the capture {id} is still {:?} after {limit:?}, looked at {looks} times; it goes on at the service",
                capture.status()
            ),
            None => format!("nothing was heard of the capture {id} in {limit:?}"),
        };
        let mut error = Error::new(ErrorKind::DeadlinePassed, what);
        if let Some(failing) = self.failing.take() {
            error = error.because(failing.said);
        }
        match self.last.take() {
            Some(capture) => error.about(capture),
            None => error,
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

#[cfg(test)]
mod tests {
    use jiff::ToSpan as _;
    use serde_json::{Value, json};

    use super::*;

    const BEGAN: Timestamp = Timestamp::UNIX_EPOCH;

    fn capture(value: Value) -> Capture {
        Capture::new(serde_json::from_value(value).unwrap())
    }

    fn at_status(status: &str) -> Capture {
        capture(json!({"type": "full", "id": "abc", "status": status, "error_message": "why"}))
    }

    fn waiting() -> Waiting {
        let client = crate::Client::builder().token("t").build().unwrap();
        let account = client.account("abc".parse().unwrap());
        let mut waiting = Waiting::new(account.wait(&"abc".parse().unwrap()));
        waiting.began = Some(BEGAN);
        waiting
    }

    fn busy() -> Error {
        Error::new(ErrorKind::Connection, "too many requests")
    }

    #[test]
    fn a_long_capture_is_looked_at_rarely_until_it_should_be_over() {
        let running = capture(json!({
            "type": "full", "status": "running", "submitted": "1970-01-01T00:00:00Z", "time_limit": 1000,
            "packets_captured": 0,
        }));
        let pauses: Vec<_> = [0, 300, 600, 900, 990, 1000, 1020, 1100, 5000]
            .iter()
            .map(|it| pause(&running, BEGAN, BEGAN + it.seconds()).as_secs())
            .collect();
        assert_eq!(pauses, [30, 30, 20, 5, 2, 2, 4, 10, 10]);
        // A clock that is a day behind makes nobody wait longer.
        let behind = BEGAN - 24.hours();
        assert_eq!(pause(&running, behind, behind).as_secs(), 30);
        let stopped = capture(json!({
            "type": "full", "status": "running", "submitted": "1970-01-01T00:00:00Z", "time_limit": 1000,
            "packets_captured": 5, "stop_requested": "1970-01-01T00:01:40Z",
        }));
        assert_eq!(pause(&stopped, BEGAN, BEGAN + 101.seconds()).as_secs(), 2);
        let sample = capture(json!({"type": "simple", "status": "pending", "time_limit": 300}));
        assert_eq!(pause(&sample, BEGAN, BEGAN).as_secs(), 2);
        assert_eq!(pause(&sample, BEGAN, BEGAN + 1.hour()).as_secs(), 10);
    }

    #[test]
    fn changes_are_told_and_unknown_statuses_waited_on() {
        let mut waiting = waiting();
        let mut heard = Vec::new();
        for status in ["pending", "pending", "a status from the future", "success"] {
            let Ok(Update::Seen(it)) = waiting.judge(Ok(at_status(status)), BEGAN) else {
                panic!("it goes on");
            };
            heard.push((it.changed, it.next_look.map(|it| it.as_secs())));
        }
        let two = Some(2);
        assert_eq!(
            heard,
            [(true, two), (false, two), (true, two), (true, None)]
        );
        let error = waiting.judge(Ok(at_status("failed")), BEGAN).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CaptureFailed);
        assert!(error.to_string().ends_with("failed: why"), "{error}");
        assert_eq!(error.capture().unwrap().id().as_str(), "abc");
    }

    #[test]
    fn failures_that_pass_are_sat_out_for_ten_minutes() {
        let mut waiting = waiting();
        let (mut now, mut pauses) = (BEGAN, Vec::new());
        let error = loop {
            match waiting.judge(Err(busy()), now) {
                Ok(Update::Failing { next_look, .. }) => {
                    pauses.push(next_look.as_secs());
                    now += next_look;
                }
                Ok(_) => panic!("it fails"),
                Err(error) => break error,
            }
        };
        assert_eq!(pauses[..6], [2, 4, 8, 16, 32, 60]);
        assert!(between(BEGAN, now) > Duration::from_mins(9));
        assert_eq!(error.kind(), ErrorKind::Connection);

        let asked = busy().wait_for(Duration::from_mins(5));
        let Ok(Update::Failing { next_look, .. }) = self::waiting().judge(Err(asked), BEGAN) else {
            panic!("it is waited for");
        };
        assert_eq!(next_look.as_secs(), 300);
        let too_long = busy().wait_for(Duration::from_mins(11));
        assert!(self::waiting().judge(Err(too_long), BEGAN).is_err());
    }

    #[test]
    fn other_failures_end_it() {
        let gone = || Err(Error::new(ErrorKind::NotFound, "gone"));
        let odd = || Err(Error::new(ErrorKind::UnexpectedResponse, "a page"));
        assert!(waiting().judge(gone(), BEGAN).is_err());
        assert!(waiting().judge(odd(), BEGAN).is_err(), "not the service");
        let mut waiting = waiting();
        waiting.judge(Ok(at_status("running")), BEGAN).unwrap();
        waiting.judge(odd(), BEGAN).unwrap();
        assert!(waiting.judge(gone(), BEGAN).is_err());
    }

    #[test]
    fn a_deadline_tells_what_was_seen_last() {
        let mut waiting = waiting();
        waiting.deadline = Some(Duration::from_secs(5));
        waiting.judge(Ok(at_status("running")), BEGAN).unwrap();
        let error = waiting.passed();
        assert_eq!(error.kind(), ErrorKind::DeadlinePassed);
        let text = error.to_string();
        assert!(
            text.contains("still \"running\" after 5s, looked at 1 times"),
            "{text}"
        );
        let mut unheard = self::waiting();
        unheard.judge(Err(busy()), BEGAN).unwrap();
        let error = unheard.passed();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("too many requests"), "{cause}");
    }
}
