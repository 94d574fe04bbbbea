//! What time it is, and how long things last: from the system, or from a test.

use std::{
    fmt,
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::{Either, select};
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep};

/// The future of [`Clock::sleep`] and [`Clock::timer`].
///
/// ```
/// let over_at_once: pcaps::Sleep = Box::pin(std::future::ready(()));
/// ```
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where a [`Client`](crate::Client) takes its time from: every pause, every limit on time and every age is measured by
/// it, except how long a connection takes to be made. ([`Sample::ending_at`](crate::Sample::ending_at) knows no client,
/// and goes by the system's time.)
///
/// The system's time is used where nothing else is given. A test gives a clock of its own with
/// [`ClientBuilder::clock`](crate::ClientBuilder::clock), and needs to wait for nothing:
///
/// ```
/// use std::{sync::{Arc, Mutex}, time::Duration};
/// use jiff::Timestamp;
/// use pcaps::{Clock, Sleep};
///
/// /// Every pause is over at once, and the time is what it would be.
/// struct Hasty(Arc<Mutex<Timestamp>>);
///
/// impl Clock for Hasty {
///     fn now(&self) -> Timestamp {
///         *self.0.lock().unwrap()
///     }
///
///     fn sleep(&self, duration: Duration) -> Sleep {
///         *self.0.lock().unwrap() += duration;
///         Box::pin(std::future::ready(()))
///     }
///
///     fn timer(&self, _: Duration) -> Sleep {
///         Box::pin(std::future::pending())
///     }
/// }
///
/// let clock = Hasty(Arc::new(Mutex::new(Timestamp::UNIX_EPOCH)));
/// let client = pcaps::Client::builder().token("t").clock(clock).build()?;
/// # Ok::<(), pcaps::Error>(())
/// ```
pub trait Clock: Send + Sync + 'static {
    /// What time it is. It never goes back.
    fn now(&self) -> Timestamp;

    /// A pause of this length, in which nothing else is done.
    fn sleep(&self, duration: Duration) -> Sleep;

    /// The end of a limit on something that is under way, an answer for example, and that mostly ends before it: then
    /// the future is dropped. The same as a pause, to the system's clock.
    fn timer(&self, duration: Duration) -> Sleep {
        self.sleep(duration)
    }
}

/// The system's time as it was at the beginning, and what has passed since by a clock that nobody sets. Where the system's
/// time has got ahead of that, because the machine was asleep or its clock was wrong, it counts from there on: what runs for
/// days would be late for ever.
pub(crate) struct SystemClock(Mutex<(Timestamp, Instant)>);

/// How far clocks that count the same may be apart.
const DRIFT: SignedDuration = SignedDuration::from_secs(1);

impl SystemClock {
    pub(crate) fn new() -> Self {
        Self(Mutex::new((Timestamp::now(), Instant::now())))
    }

    fn at(&self, system: Timestamp) -> Timestamp {
        // It is whole after every statement.
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (begun, since) = *state;
        let now = later(begun, since.elapsed());
        if system.duration_since(now) > DRIFT {
            *state = (system, Instant::now());
            return system;
        }
        now
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        self.at(Timestamp::now())
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(sleep(duration))
    }
}

/// The end of time is as late as it gets.
pub(crate) fn later(time: Timestamp, duration: Duration) -> Timestamp {
    time.checked_add(duration).unwrap_or(Timestamp::MAX)
}

/// How much time is between the two; none if `end` is before `start`.
pub(crate) fn between(start: Timestamp, end: Timestamp) -> Duration {
    let duration = end.duration_since(start).max(SignedDuration::ZERO);
    duration.try_into().unwrap_or_default()
}

/// Both of what a client is given in place of the system's.
#[derive(Clone)]
pub(crate) struct Chance {
    pub(crate) clock: Arc<dyn Clock>,
    /// From 0 up to, and without, 1.
    pub(crate) random: Arc<dyn Fn() -> f64 + Send + Sync>,
}

impl Chance {
    /// What comes before so much time has passed.
    pub(crate) async fn within<T>(
        &self,
        limit: Duration,
        answer: impl Future<Output = T>,
    ) -> Option<T> {
        match select(pin!(answer), self.clock.timer(limit)).await {
            Either::Left((answer, _)) => Some(answer),
            Either::Right(_) => None,
        }
    }
}

impl Default for Chance {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(fastrand::f64),
        }
    }
}

impl fmt::Debug for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Chance(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_clock_goes_on_after_a_sleep_and_never_back() {
        let clock = SystemClock::new();
        let begun = Timestamp::now();
        let woken = later(begun, Duration::from_hours(8));
        assert_eq!(clock.at(woken), woken);
        // It was set back meanwhile, and counts on.
        assert!(clock.at(begun) >= woken);
        assert!(clock.at(begun) < later(woken, Duration::from_mins(1)));
    }
}
