//! Sample after sample, as one stream of packets: the nearest that there is to watching all data centres.

use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
};

use jiff::{SignedDuration, Timestamp};
use tempfile::NamedTempFile;
use tokio::io::AsyncWrite;
use tracing::Instrument as _;

use crate::{
    Account, Error, ErrorKind, Sample,
    clock::{Chance, between, later},
    history::{ATTEMPTS, DEPTH, PACE, READY},
    stream::PacketStream,
    wait::{PATIENCE, pause_after},
    watch::LAG,
};

/// The longest time that one sample can look back over, in seconds.
const LONGEST: i64 = 300;
/// What is nearly as old as what the service forgets is not worth a sample that is refused.
const NEARLY: i64 = 60;

/// Samples, one after the other, whose packets go to a writer as they are taken: made by [`Account::samples`], and awaited.
///
/// The writer gets one pcapng file, its first bytes at once. The service takes one sample a minute; each looks back to
/// where the one before ended, so that nothing is left out between them and hardly anything comes twice: packets of the
/// very moment at which one ends. After a time in which no sample could be taken, up to 300 s are taken with each until the
/// present is reached.
///
/// It goes on until it is dropped, which it can be at any point, or for as many as it is told. What fails before the first
/// sample is an error at once, unless it is that another was taken within the minute; later on, failures that may pass are
/// sat out for ten minutes.
///
/// ```no_run
/// # use std::time::Duration;
/// # async fn example(account: pcaps::Account) -> Result<(), pcaps::Error> {
/// let sample = pcaps::Sample::new(Duration::from_secs(60), 10_000)?.filter("udp and dst port 53".parse()?);
/// account.samples(sample, tokio::io::stdout()).times(5).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Those of [`Account::start`], [`Account::wait`] and [`Account::download`]; [`Io`](ErrorKind::Io) when the writer fails.
#[must_use = "no sample is taken until this is awaited"]
pub struct Samples<'a> {
    account: Account,
    sample: Sample,
    to: Box<dyn AsyncWrite + Unpin + Send + 'a>,
    times: Option<u32>,
}

/// What came of samples: what awaiting [`Samples`] gives.
///
/// ```
/// fn is_whole(sampled: &pcaps::Sampled) -> bool {
///     sampled.full == 0
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sampled {
    /// How many samples were taken.
    pub samples: u32,
    /// How many packets the writer got.
    pub packets: u64,
    /// How many of the samples had as many packets as they may, so that there may have been more.
    pub full: u32,
}

impl<'a> Samples<'a> {
    pub(crate) fn new(
        account: Account,
        sample: Sample,
        to: impl AsyncWrite + Unpin + Send + 'a,
    ) -> Self {
        Self {
            account,
            sample,
            to: Box::new(to),
            times: None,
        }
    }

    /// Ends after so many samples.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account, sample: pcaps::Sample) -> Result<(), pcaps::Error> {
    /// account.samples(sample, tokio::io::stdout()).times(1).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn times(self, times: u32) -> Self {
        Self {
            times: Some(times),
            ..self
        }
    }

    async fn run(self) -> Result<Sampled, Error> {
        let mut sampling = Sampling {
            chance: self.account.shared.chance.clone(),
            account: self.account,
            stream: PacketStream::begin(self.to).await?,
            last: None,
            sampled: Sampled::default(),
        };
        if self.times == Some(1) {
            // As it is asked for: nothing has to fit to it.
            sampling.take(&self.sample, None).await?;
        } else {
            sampling.take_all(&self.sample, self.times).await?;
        }
        sampling.stream.end().await?;
        Ok(sampling.sampled)
    }
}

/// Samples under way.
struct Sampling<'a> {
    account: Account,
    chance: Chance,
    stream: PacketStream<Box<dyn AsyncWrite + Unpin + Send + 'a>>,
    /// When one was started last.
    last: Option<Timestamp>,
    sampled: Sampled,
}

impl Sampling<'_> {
    async fn take_all(&mut self, sample: &Sample, times: Option<u32>) -> Result<(), Error> {
        let mut end = None;
        while times.is_none_or(|it| self.sampled.samples < it) {
            self.wait_for_turn().await;
            let now = self.chance.clock.now();
            let window = window(sample, end, now);
            let next = Sample {
                time_limit: window.1 - window.0,
                ..sample.clone()
            };
            let next = next.ending_at_as_of(second(window.1), now)?;
            let from = end.map(|_| second(window.0));
            self.try_to_take(&next, from).await?;
            end = Some(window.1);
        }
        Ok(())
    }

    /// Takes a sample, and sits out what may pass.
    async fn try_to_take(&mut self, sample: &Sample, from: Option<Timestamp>) -> Result<(), Error> {
        let (mut failures, mut lost, mut since) = (0, 0, None);
        loop {
            let Err(error) = self.take(sample, from).await else {
                return Ok(());
            };
            let is_first = self.sampled.samples == 0;
            match error.kind() {
                // The writer has failed.
                ErrorKind::Io => return Err(error),
                ErrorKind::RateLimited => {}
                _ if is_first => return Err(error),
                // It was started: another one may do better.
                ErrorKind::CaptureFailed
                | ErrorKind::DeadlinePassed
                | ErrorKind::NotFound
                | ErrorKind::NotACapture => {
                    lost += 1;
                    if lost == ATTEMPTS {
                        return Err(error);
                    }
                    self.wait_for_turn().await;
                    continue;
                }
                // A sample too many does nobody harm.
                _ if error.is_transient() || error.may_have_worked() => {}
                _ => return Err(error),
            }
            failures += 1;
            let now = self.chance.clock.now();
            let pause = pause_after(failures, &error);
            let first = *since.get_or_insert(now);
            if between(first, now).saturating_add(pause) > PATIENCE {
                return Err(error);
            }
            tracing::debug!(%error, "a sample is taken later");
            self.chance.clock.sleep(pause).await;
        }
    }

    /// Takes a sample, and writes its packets.
    async fn take(&mut self, sample: &Sample, from: Option<Timestamp>) -> Result<(), Error> {
        let started = self.account.start(sample.clone()).await;
        // What was refused may have been too early.
        if !started.as_ref().is_err_and(Error::never_arrived) {
            self.last = Some(self.chance.clock.now());
        }
        let capture = started?;
        self.account.wait(capture.id()).deadline(READY).await?;
        let file = NamedTempFile::with_prefix("pcaps-");
        let file =
            file.map_err(|it| Error::io("write a temporary file in", &std::env::temp_dir(), it))?;
        let download = self.account.download(capture.id()).to_path(file.path());
        let downloaded = download.await?;
        let from = from.map(|it| {
            let nanos = u64::try_from(it.as_nanosecond()).unwrap_or_default();
            pcaps_file::Timestamp::from_nanos(nanos)
        });
        self.sampled.packets += self.stream.append(file.path(), from).await?;
        self.sampled.samples += 1;
        let limit = u64::try_from(sample.packet_limit).unwrap_or_default();
        if downloaded.contents.packets >= limit {
            self.sampled.full += 1;
        }
        Ok(())
    }

    /// Waits until the service takes another sample.
    async fn wait_for_turn(&mut self) {
        let now = self.chance.clock.now();
        let next = self.last.map_or(now, |it| later(it, PACE));
        if next > now {
            self.chance.clock.sleep(between(now, next)).await;
        }
    }
}

/// The seconds that a sample is of: from the first up to, and without, the last. `end` is where the one before ended.
fn window(sample: &Sample, end: Option<i64>, now: Timestamp) -> (i64, i64) {
    let present = now.checked_sub(LAG).unwrap_or(now).as_second();
    match end {
        None => {
            let to = sample.ending_at.map_or(present, Timestamp::as_second);
            (to - sample.time_limit, to)
        }
        Some(end) => {
            let oldest = present - DEPTH.as_secs() + NEARLY;
            let from = end.clamp(oldest, present - 1);
            (from, present.min(from + LONGEST))
        }
    }
}

fn second(second: i64) -> Timestamp {
    let since = SignedDuration::from_secs(second);
    Timestamp::UNIX_EPOCH.checked_add(since).unwrap_or_default()
}

impl<'a> IntoFuture for Samples<'a> {
    type Output = Result<Sampled, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run().instrument(tracing::info_span!("samples")))
    }
}

impl fmt::Debug for Samples<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Samples")
            .field("sample", &self.sample)
            .field("times", &self.times)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_window_begins_where_the_one_before_ended() {
        let sample = Sample::new(Duration::from_mins(1), 10).unwrap();
        let at = |seconds| second(seconds) + SignedDuration::from_millis(700);
        let first = window(&sample, None, at(1_000_000));
        assert_eq!(first, (999_935, 999_995));
        assert_eq!(
            window(&sample, Some(first.1), at(1_000_060)),
            (999_995, 1_000_055)
        );
        // After an outage of ten minutes, half of it, and then the other half.
        assert_eq!(
            window(&sample, Some(first.1), at(1_000_600)),
            (999_995, 1_000_295)
        );
        assert_eq!(
            window(&sample, Some(1_000_295), at(1_000_600)),
            (1_000_295, 1_000_595)
        );
        // What is too old is left out, and a clock that was put back gives a second all the same.
        let old = window(&sample, Some(0), at(1_000_000));
        let oldest = 999_995 - DEPTH.as_secs() + NEARLY;
        assert_eq!(old, (oldest, oldest + LONGEST));
        assert_eq!(
            window(&sample, Some(1_000_000), at(900_000)),
            (899_994, 899_995)
        );
        let said = sample.ending_at_as_of(second(5_000), at(6_000)).unwrap();
        assert_eq!(window(&said, None, at(6_000)), (4_940, 5_000));
    }
}
