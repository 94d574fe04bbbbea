//! How often may be asked.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::clock::{seconds_until, shift};

/// A user's requests in [`WINDOW`].
pub(crate) const REQUESTS: u32 = 1_200;

/// The time over which a user's requests are counted, and for which all are refused once there were too many,
/// in seconds.
pub(crate) const WINDOW: i64 = 300;

/// The time from one sample to the next, in seconds.
const SAMPLE_PAUSE: i64 = 60;

/// How many requests a user may send.
#[derive(Default)]
pub(crate) struct RequestLimit(Mutex<Window>);

#[derive(Default)]
struct Window {
    /// When the requests that count began, and how many there were.
    began: Option<Timestamp>,
    count: u32,
    /// Whether there were too many: then the window is one in which nothing is let through.
    refusing: bool,
}

/// How a user stands who has just sent a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Whether it is let through.
    pub(crate) admitted: bool,
    /// How many more are, in this window.
    pub(crate) remaining: u32,
    /// How many seconds are left of it.
    pub(crate) reset: u64,
}

impl RequestLimit {
    /// Counts a request.
    pub(crate) fn count(&self, now: Timestamp) -> Standing {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let running = window.began.filter(|it| now < shift(*it, WINDOW));
        let mut began = running.unwrap_or(now);
        if running.is_none() {
            *window = Window::default();
        }
        if !window.refusing && window.count >= REQUESTS {
            window.refusing = true;
            began = now;
        }
        window.began = Some(began);
        if !window.refusing {
            window.count += 1;
        }
        Standing {
            admitted: !window.refusing,
            remaining: if window.refusing {
                0
            } else {
                REQUESTS - window.count
            },
            reset: seconds_until(shift(began, WINDOW), now),
        }
    }
}

/// When a sample may be taken.
#[derive(Default)]
pub(crate) struct SampleLimit(Mutex<Option<Timestamp>>);

impl SampleLimit {
    /// Takes the right to a sample now; or says in how many seconds there is one.
    pub(crate) fn take(&self, now: Timestamp) -> Result<(), u64> {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match last.map(|it| shift(it, SAMPLE_PAUSE)) {
            Some(next) if now < next => Err(seconds_until(next, now)),
            _ => {
                *last = Some(now);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        shift(Timestamp::UNIX_EPOCH, second)
    }

    #[test]
    fn too_many_requests_are_refused_for_a_while() {
        let limit = RequestLimit::default();
        for sent in 1..=REQUESTS {
            let expected = Standing {
                admitted: true,
                remaining: REQUESTS - sent,
                reset: 300,
            };
            assert_eq!(limit.count(at(0)), expected);
        }
        let refused = |reset| Standing {
            admitted: false,
            remaining: 0,
            reset,
        };
        // From the one too many on, five minutes; asking again does not make it longer.
        assert_eq!(limit.count(at(100)), refused(300));
        assert_eq!(limit.count(at(399)), refused(1));
        let again = limit.count(at(400));
        assert!(again.admitted);
        assert_eq!(again.remaining, REQUESTS - 1);
    }

    #[test]
    fn a_window_ends() {
        let limit = RequestLimit::default();
        limit.count(at(0));
        assert_eq!(limit.count(at(299)).remaining, REQUESTS - 2);
        assert_eq!(limit.count(at(299)).reset, 1);
        let next = limit.count(at(300));
        assert_eq!((next.remaining, next.reset), (REQUESTS - 1, 300));
    }

    #[test]
    fn samples_are_a_minute_apart() {
        let limit = SampleLimit::default();
        assert_eq!(limit.take(at(0)), Ok(()));
        assert_eq!(limit.take(at(0)), Err(60));
        assert_eq!(limit.take(at(59)), Err(1));
        assert_eq!(limit.take(at(60)), Ok(()));
        assert_eq!(limit.take(at(61)), Err(59));
    }
}
