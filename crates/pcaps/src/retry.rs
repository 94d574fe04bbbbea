//! When a request is sent again, and after which pause.

use std::time::Duration;

use jiff::Timestamp;
use tracing::{
    Span,
    field::{self, Empty},
};

use crate::{
    Error,
    clock::{Chance, between},
    operation::{Operation, Repeat},
};

/// How often a failed request is sent again, and after which pauses.
///
/// What is sent again is the same everywhere: whatever only reads, stopping a capture and forgetting a bucket, after a
/// failed connection, an answer that does not come in time, and the statuses 408, 429, 500, 502, 503, 504 and 520 to
/// 524; starting a capture, registering and validating a bucket only when the request certainly never arrived or was
/// turned away with 429. A [`Wait`](crate::Wait) does not go by it: it has a patience of its own.
///
/// The pause before the n-th repetition is random, from nothing up to `first · 2ⁿ⁻¹`, and to `longest` at most
/// (exponential backoff with full jitter). A `Retry-After` of the service adds to it; one that is longer than the policy
/// wants to wait ends the request at once, and [`Error::retry_after`] tells it.
///
/// ```
/// use std::time::Duration;
/// use pcaps::RetryPolicy;
///
/// let patient = RetryPolicy::default().attempts(10).total_time(Duration::from_secs(600));
/// let client = pcaps::Client::builder().token("t").retry(patient).build()?;
/// # Ok::<(), pcaps::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    attempts: u32,
    total_time: Duration,
    first_pause: Duration,
    longest_pause: Duration,
    longest_retry_after: Duration,
}

impl Default for RetryPolicy {
    /// Four attempts within two minutes; pauses from 500 ms up to 20 s; a `Retry-After` of up to a minute.
    fn default() -> Self {
        Self {
            attempts: 4,
            total_time: Duration::from_mins(2),
            first_pause: Duration::from_millis(500),
            longest_pause: Duration::from_secs(20),
            longest_retry_after: Duration::from_mins(1),
        }
    }
}

impl RetryPolicy {
    /// Every request is sent once.
    ///
    /// ```
    /// let client = pcaps::Client::builder().token("t").retry(pcaps::RetryPolicy::never()).build()?;
    /// # Ok::<(), pcaps::Error>(())
    /// ```
    pub fn never() -> Self {
        Self::default().attempts(1)
    }

    /// How often a request is sent at most, the first time included. 0 is the same as 1.
    ///
    /// ```
    /// let policy = pcaps::RetryPolicy::default().attempts(10);
    /// ```
    #[must_use]
    pub fn attempts(self, attempts: u32) -> Self {
        Self { attempts, ..self }
    }

    /// How long after its beginning a request is still sent again: no pause begins that would last longer. Of a
    /// download it counts from the last 64 KiB of new bytes.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let policy = pcaps::RetryPolicy::default().total_time(Duration::from_secs(600));
    /// ```
    #[must_use]
    pub fn total_time(self, total_time: Duration) -> Self {
        Self { total_time, ..self }
    }

    /// The longest pause before the first repetition, and the longest before any.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let policy = pcaps::RetryPolicy::default().pauses(Duration::from_secs(1), Duration::from_secs(60));
    /// ```
    #[must_use]
    pub fn pauses(self, first: Duration, longest: Duration) -> Self {
        Self {
            first_pause: first,
            longest_pause: longest,
            ..self
        }
    }

    /// The longest `Retry-After` that is waited for, and the longest wait for the service's rate limit to be lifted.
    ///
    /// After too many requests the service takes none for five minutes. (Source: Cloudflare's page on rate limits.)
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let five_minutes = Duration::from_secs(300);
    /// let policy = pcaps::RetryPolicy::default().retry_after_up_to(five_minutes).total_time(2 * five_minutes);
    /// ```
    #[must_use]
    pub fn retry_after_up_to(self, longest: Duration) -> Self {
        Self {
            longest_retry_after: longest,
            ..self
        }
    }

    /// The pause after so many attempts without anything new, unless there were enough; `random` is from 0 to 1.
    pub(crate) fn pause_after(&self, made: u32, random: f64) -> Option<Duration> {
        (made < self.attempts).then(|| self.pause(made, random))
    }

    /// The pause after so many attempts, `random` being from 0 to 1.
    fn pause(&self, made: u32, random: f64) -> Duration {
        let doublings = made.saturating_sub(1).min(31);
        let most = self.first_pause.saturating_mul(1 << doublings);
        let most = most.min(self.longest_pause);
        // What is not a number is no chance.
        let random = if random > 0.0 { random.min(1.0) } else { 0.0 };
        Duration::try_from_secs_f64(most.as_secs_f64() * random).unwrap_or(most)
    }
}

/// The attempts of one operation so far.
pub(crate) struct Attempts<'a> {
    pub(crate) operation: &'static Operation,
    pub(crate) policy: &'a RetryPolicy,
    chance: &'a Chance,
    since: Timestamp,
    /// How many have been made.
    pub(crate) made: u32,
    /// Whether one that failed may have arrived all the same.
    pub(crate) arrived: bool,
    /// Of the operation, all attempts included.
    pub(crate) span: Span,
    begun: Timestamp,
}

impl<'a> Attempts<'a> {
    pub(crate) fn new(
        operation: &'static Operation,
        policy: &'a RetryPolicy,
        chance: &'a Chance,
    ) -> Self {
        let now = chance.clock.now();
        Self {
            operation,
            policy,
            chance,
            since: now,
            made: 0,
            arrived: false,
            span: tracing::info_span!(
                "pcaps",
                operation = operation.id,
                http.request.method = operation.method,
                url.template = operation.path,
                http.response.status_code = Empty,
                attempt = Empty,
                duration_ms = Empty,
                error = Empty,
            ),
            begun: now,
        }
    }

    /// Tells of the end.
    pub(crate) fn end<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        let duration = between(self.begun, self.chance.clock.now());
        self.span.record("duration_ms", milliseconds(duration));
        if let Err(error) = &outcome {
            self.span.record("error", field::debug(error.kind()));
        }
        outcome
    }

    /// How long the next request may be held back for the service's limit on requests.
    pub(crate) fn longest_hold(&self) -> Duration {
        let elapsed = between(self.since, self.chance.clock.now());
        let left = self.policy.total_time.saturating_sub(elapsed);
        left.min(self.policy.longest_retry_after)
    }

    /// There was some progress: failures before it do not count any more.
    pub(crate) fn renew(&mut self) {
        self.since = self.chance.clock.now();
        self.made = 0;
    }

    /// Sits the pause out after which the request may be sent again, or gives the error back if it may not.
    pub(crate) async fn pause_after(&mut self, error: Error) -> Result<(), Error> {
        self.made += 1;
        self.arrived |= error.may_have_arrived();
        match self.next(&error) {
            Some(pause) => {
                tracing::debug!(
                    attempt = self.made,
                    pause_ms = milliseconds(pause),
                    "trying again"
                );
                self.chance.clock.sleep(pause).await;
                Ok(())
            }
            None => Err(error.after_attempts(self.made)),
        }
    }

    fn next(&self, error: &Error) -> Option<Duration> {
        let again = match self.operation.repeat {
            Repeat::Always => error.is_transient(),
            Repeat::IfUnsent => error.is_rate_limited() || error.never_arrived(),
        };
        if !again || self.made >= self.policy.attempts {
            return None;
        }
        let asked = error.retry_after().unwrap_or_default();
        if asked > self.policy.longest_retry_after {
            return None;
        }
        let pause = self.policy.pause(self.made, (self.chance.random)());
        let pause = asked.saturating_add(pause);
        let elapsed = between(self.since, self.chance.clock.now());
        (elapsed.saturating_add(pause) <= self.policy.total_time).then_some(pause)
    }
}

/// For traces.
pub(crate) fn milliseconds(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_policy_overflows() {
        let endless = RetryPolicy::default().pauses(Duration::MAX, Duration::MAX);
        assert_eq!(endless.pause(u32::MAX, 1.0), Duration::MAX);
        for random in [f64::NAN, -1.0, f64::NEG_INFINITY] {
            assert_eq!(endless.pause(1, random), Duration::ZERO);
        }
        let chance = Chance::default();
        let endless = endless.retry_after_up_to(Duration::MAX);
        let attempts = Attempts::new(&crate::operation::GET, &endless, &chance);
        let error = Error::new(crate::ErrorKind::RateLimited, "busy").wait_for(Duration::MAX);
        assert_eq!(attempts.next(&error), None, "longer than the total time");
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let policy = RetryPolicy::default();
        let most: Vec<_> = (1..=8)
            .map(|made| policy.pause(made, 1.0).as_millis())
            .collect();
        assert_eq!(most, [500, 1000, 2000, 4000, 8000, 16000, 20000, 20000]);
        assert_eq!(policy.pause(u32::MAX, 0.5), Duration::from_secs(10));
        assert_eq!(policy.pause(3, 0.0), Duration::ZERO);
    }
}
