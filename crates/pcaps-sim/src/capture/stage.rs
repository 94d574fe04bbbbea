//! How far a full capture is: a matter of the clock alone.

use jiff::Timestamp;
use pcaps_api::CaptureStatus;

use crate::clock::shift;

/// How long a full capture is `pending`, `conversion_pending` and `conversion_running`, each in seconds.
const PAUSE: i64 = 1;

/// The times of a full capture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Schedule {
    /// The moment of the first packet that may be taken.
    pub(super) begin: Timestamp,
    /// The moment at which the time limit has passed.
    pub(super) deadline: Timestamp,
    /// The moment at which it was asked to stop.
    pub(super) stop: Option<Timestamp>,
    /// The moment at which a limit on packets or bytes was reached.
    pub(super) full: Option<Timestamp>,
}

/// How far a full capture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Pending,
    Running,
    ConversionPending,
    ConversionRunning,
    /// Time to hand over the files.
    Converted,
}

impl Schedule {
    /// The schedule of a capture that is submitted now and takes packets for some seconds.
    pub(super) fn new(submitted: Timestamp, time_limit: i64) -> Self {
        let begin = shift(submitted, PAUSE);
        Self {
            begin,
            deadline: shift(begin, time_limit),
            stop: None,
            full: None,
        }
    }

    /// The moment after which no packets are taken, as far as is known.
    pub(super) fn end(&self) -> Timestamp {
        [self.stop, self.full]
            .into_iter()
            .flatten()
            .fold(self.deadline, Timestamp::min)
    }

    /// How far the capture is.
    pub(super) fn stage(&self, now: Timestamp) -> Stage {
        let end = self.end();
        if now >= shift(end, 2 * PAUSE) {
            Stage::Converted
        } else if now >= shift(end, PAUSE) {
            Stage::ConversionRunning
        } else if now >= end {
            Stage::ConversionPending
        } else if now >= self.begin {
            Stage::Running
        } else {
            Stage::Pending
        }
    }
}

impl From<Stage> for CaptureStatus {
    fn from(stage: Stage) -> Self {
        match stage {
            Stage::Pending => Self::Pending,
            Stage::Running => Self::Running,
            Stage::ConversionPending => Self::ConversionPending,
            // Until the files are handed over.
            Stage::ConversionRunning | Stage::Converted => Self::ConversionRunning,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        shift(Timestamp::UNIX_EPOCH, second)
    }

    fn stages(schedule: &Schedule) -> Vec<Stage> {
        (0..9).map(|second| schedule.stage(at(second))).collect()
    }

    #[test]
    fn a_capture_goes_through_every_stage() {
        use Stage::{ConversionPending, ConversionRunning, Converted, Pending, Running};

        let schedule = Schedule::new(at(0), 4);
        assert_eq!(
            stages(&schedule),
            [
                Pending,
                Running,
                Running,
                Running,
                Running,
                ConversionPending,
                ConversionRunning,
                Converted,
                Converted
            ]
        );
        let stopped = Schedule {
            stop: Some(at(3)),
            ..schedule
        };
        assert_eq!(
            stages(&stopped)[2..6],
            [Running, ConversionPending, ConversionRunning, Converted]
        );
        let full = Schedule {
            full: Some(at(2)),
            ..stopped
        };
        assert_eq!(
            stages(&full)[1..5],
            [Running, ConversionPending, ConversionRunning, Converted]
        );
    }

    #[test]
    fn a_capture_that_is_stopped_at_once_never_runs() {
        let schedule = Schedule {
            stop: Some(at(0)),
            ..Schedule::new(at(0), 4)
        };
        assert_eq!(
            stages(&schedule)[..3],
            [
                Stage::ConversionPending,
                Stage::ConversionRunning,
                Stage::Converted
            ]
        );
    }
}
