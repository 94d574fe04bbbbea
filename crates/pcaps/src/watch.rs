//! Recent traffic in a folder that does not grow: one file after the other, and the oldest go.

mod ring;

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tracing::Instrument as _;

use crate::{
    Account, Error, ErrorKind, Filter, History, PastTraffic, Recalling, Sample,
    clock::{between, later},
    history::{DEPTH, Ending, PACE, PACKETS, Window},
};
use ring::Ring;

/// How many files are kept, and how much time each has, where nothing else is said: two hours.
const KEPT: u32 = 24;
const EVERY: Duration = Duration::from_mins(5);
/// A sample a minute is what the service takes, and it takes its time to answer.
const SHORTEST: Duration = PACE.saturating_mul(2);
/// The beginning of a file must not be forgotten before its end has come, and some time is to be left then.
const LONGEST: Duration = Duration::from_hours(12);
/// How long after its end the packets of a file are asked for: the service's clock may be a little behind, and the last
/// packets may still be on their way to it.
pub(crate) const LAG: Duration = Duration::from_secs(5);
/// How long it waits after a failure that has not passed while a history was patient.
const PAUSE: Duration = Duration::from_mins(1);
/// How often a piece of time is asked for that is refused.
const ATTEMPTS: u32 = 3;

/// A folder of recent traffic that does not grow, like a ring buffer: made by [`Account::watch`], told how much, and asked
/// for [`next`](Self::next) file for as long as there is interest.
///
/// Each file has the packets of a piece of time, 5 minutes where nothing else is said, and the next begins where it ends.
/// It is a [`History`]: when a sample is full, the time until the next file is used to ask for its halves. When there
/// are more files than are to be kept, the oldest go. Their names say their time
/// (`20261129T230500Z-20261129T231000Z.pcap`); files of other names stay as they are.
///
/// Who watches a folder that has been watched before goes on where the last file ends, as far as that would still be kept, and
/// the service remembers. A folder is of one account, and one process watches it at a time. The service takes one sample a
/// minute of an account, whoever asks: others may have to wait while a folder is watched.
///
/// ```no_run
/// # async fn example(account: pcaps::Account) -> Result<(), pcaps::Error> {
/// let mut watch = account.watch("recent").filter("tcp and dst port 443".parse()?).keep(12);
/// loop {
///     let file = watch.next().await?;
///     println!("{} packets in {}", file.past.packets, file.path.display());
/// }
/// # }
/// ```
#[must_use = "nothing is watched until the next file is asked for"]
pub struct Watch {
    account: Account,
    folder: PathBuf,
    filter: Filter,
    packet_limit: u32,
    keep: u32,
    every: Duration,
    on_progress: Box<dyn FnMut(&Recalling) + Send>,
    ring: Option<Ring>,
}

/// A file of a folder that is watched: what [`Watch::next`] gives.
///
/// ```
/// fn warn(file: &pcaps::RecentFile) {
///     if let Some(from) = file.missing_from {
///         eprintln!("nothing is there from {from} to {}", file.past.from);
///     }
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RecentFile {
    /// Where it is.
    pub path: PathBuf,
    /// Of which time, how many packets, and whether some are missing.
    pub past: PastTraffic,
    /// From when on until this file there is none, where a piece of time before it could not be had.
    pub missing_from: Option<Timestamp>,
    /// Which files went, because there were more than are kept.
    pub removed: Vec<PathBuf>,
    /// Which should have gone, and could not be taken away. It is tried again with the next file.
    pub not_removed: Vec<PathBuf>,
}

impl Watch {
    pub(crate) fn new(account: Account, folder: &Path) -> Self {
        Self {
            account,
            folder: folder.to_owned(),
            filter: Filter::default(),
            packet_limit: PACKETS,
            keep: KEPT,
            every: EVERY,
            on_progress: Box::new(|_| {}),
            ring: None,
        }
    }

    /// Takes only the packets that match.
    ///
    /// ```no_run
    /// # fn example(account: pcaps::Account) -> Result<(), pcaps::Error> {
    /// let watch = account.watch("recent").filter("udp and dst port 53".parse()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn filter(self, filter: Filter) -> Self {
        Self { filter, ..self }
    }

    /// How many packets each sample is asked for at most: 1 to 10,000, which it is by default.
    ///
    /// ```no_run
    /// # fn example(account: pcaps::Account) {
    /// let watch = account.watch("recent").packet_limit(5_000);
    /// # }
    /// ```
    pub fn packet_limit(self, packet_limit: u32) -> Self {
        Self {
            packet_limit,
            ..self
        }
    }

    /// How many files are kept: 1 or more; 24 by default.
    ///
    /// ```no_run
    /// # fn example(account: pcaps::Account) {
    /// let watch = account.watch("recent").keep(12);
    /// # }
    /// ```
    pub fn keep(self, keep: u32) -> Self {
        Self { keep, ..self }
    }

    /// How much time each file has: 2 minutes to 12 hours, in whole seconds; 5 minutes by default. Files of more than 5
    /// minutes take more than one sample.
    ///
    /// ```no_run
    /// # fn example(account: pcaps::Account) {
    /// let watch = account.watch("recent").every(std::time::Duration::from_secs(3_600));
    /// # }
    /// ```
    pub fn every(self, every: Duration) -> Self {
        Self { every, ..self }
    }

    /// Calls back while a file is being made, as of [`History::on_progress`], and when the next is waited for: then nothing is
    /// left, and [`Recalling::next`] says until when.
    ///
    /// ```no_run
    /// # fn example(account: pcaps::Account) {
    /// let watch = account.watch("recent").on_progress(|it| eprintln!("{} samples left", it.left));
    /// # }
    /// ```
    pub fn on_progress(self, callback: impl FnMut(&Recalling) + Send + 'static) -> Self {
        Self {
            on_progress: Box::new(callback),
            ..self
        }
    }

    /// The samples that the first file would be made of, if it were begun now in a folder that has none.
    ///
    /// ```
    /// let client = pcaps::Client::builder().token("v1.0-0123456789abcdef").build()?;
    /// let account = client.account("0123456789abcdef0123456789abcdef".parse()?);
    /// assert_eq!(account.watch("recent").samples()?.len(), 1);
    /// # Ok::<(), pcaps::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) as of [`next`](Self::next).
    pub fn samples(&self) -> Result<Vec<Sample>, Error> {
        self.check()?;
        self.history(self.first()).samples()
    }

    /// The next file, once it is there. The first one is of the time that has just passed.
    ///
    /// When the future is dropped, what has been taken stays in `<file>.parts`, and the next call goes on from it.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account) -> Result<(), pcaps::Error> {
    /// let file = account.watch("recent").next().await?;
    /// println!("{} packets", file.past.packets);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`History`], except that failures that pass are sat out for as long as they last, and that a piece of
    /// time that is refused three times, or cannot be had, is left out ([`RecentFile::missing_from`]), unless the folder has no
    /// file yet; [`InvalidInput`](ErrorKind::InvalidInput) also when nothing is to be kept, when a file is to have less than
    /// 2 minutes or more than 12 hours, and when the folder is of another account, or another process watches it.
    pub async fn next(&mut self) -> Result<RecentFile, Error> {
        let mut refused = 0;
        loop {
            let (now, every) = (self.now(), seconds(self.every));
            let oldest = self.oldest(now);
            let ring = self.ring()?;
            ring.give_up_before(oldest, every);
            let window = ring.next(every);
            let ripe = later(window.end(), LAG);
            if ripe > now {
                self.pause(between(now, ripe), None).await;
                continue;
            }
            let recalled = self.recall(window).await;
            let keep = self.keep;
            let ring = self.ring()?;
            let error = match recalled {
                Ok(past) => {
                    let missing_from = ring.done(window);
                    let (removed, not_removed) = ring.shrink(keep, window);
                    return Ok(RecentFile {
                        path: ring.path(window),
                        past,
                        missing_from,
                        removed,
                        not_removed,
                    });
                }
                Err(error) => error,
            };
            refused += u32::from(error.kind() == ErrorKind::Refused);
            match Outlook::of(&error, ring.has_files(), refused) {
                Outlook::Again => self.pause(PAUSE, Some(error)).await,
                Outlook::Lost => {
                    refused = 0;
                    ring.lost(window);
                    self.tell(None, Some(error));
                }
                Outlook::Ended => {
                    // It is not what a later run begins with.
                    if error.kind() == ErrorKind::Refused || is_nowhere(&error) {
                        ring.remove_samples(window);
                    }
                    return Err(error);
                }
            }
        }
    }

    /// The folder, which is opened when it is first asked for.
    fn ring(&mut self) -> Result<&mut Ring, Error> {
        let ring = if let Some(ring) = self.ring.take() {
            ring
        } else {
            self.check()?;
            Ring::open(&self.folder, self.account.id(), self.first())?
        };
        Ok(self.ring.insert(ring))
    }

    fn check(&self) -> Result<(), Error> {
        if self.keep == 0 {
            return Err(Error::invalid("one file is to be kept at least"));
        }
        // Its limits are checked here.
        Sample::new(SHORTEST, self.packet_limit)?;
        if !(SHORTEST..=LONGEST).contains(&self.every) || self.every.subsec_nanos() > 0 {
            return Err(Error::invalid(format!(
                "a file cannot have {:?}: give whole seconds, from 2m to 12h",
                self.every
            )));
        }
        Ok(())
    }

    fn now(&self) -> Timestamp {
        self.account.shared.chance.clock.now()
    }

    /// The time that has just passed.
    fn first(&self) -> Window {
        let to = self.now().as_second() - seconds(LAG);
        let from = to - seconds(self.every);
        Window { from, to }
    }

    fn history(&self, window: Window) -> History {
        let history = self.account.history(window.begin(), window.end());
        history.filter(self.filter).packet_limit(self.packet_limit)
    }

    /// Has the packets of a piece of time in its file.
    async fn recall(&mut self, window: Window) -> Result<PastTraffic, Error> {
        let ring = self.ring()?;
        let (path, mut last) = (ring.path(window), ring.last);
        // Halves are asked for until the next file is due.
        let next = later(later(window.end(), LAG), self.every);
        let history = self.history(window).to_path(path);
        let history = history.within(between(self.now(), next)).or_resumed()?;
        let taken = history.take(Ending::Final, &mut last, &mut *self.on_progress);
        let past = taken.instrument(tracing::info_span!("history")).await;
        self.ring()?.last = last;
        past
    }

    /// What is older is not asked for: it would not be kept, or is forgotten.
    fn oldest(&self, now: Timestamp) -> i64 {
        // The oldest that is kept began before all that are, and the one that is being made.
        let files = i64::from(self.keep).saturating_add(1);
        let kept = seconds(self.every).saturating_mul(files);
        let age = SignedDuration::from_secs(kept) + SignedDuration::from_secs(seconds(LAG));
        let age = age.min(DEPTH);
        now.as_second() - age.as_secs()
    }

    async fn pause(&mut self, pause: Duration, failing: Option<Error>) {
        self.tell(Some(later(self.now(), pause)), failing);
        self.account.shared.chance.clock.sleep(pause).await;
    }

    fn tell(&mut self, next: Option<Timestamp>, failing: Option<Error>) {
        (self.on_progress)(&Recalling {
            taken: 0,
            left: 0,
            packets: 0,
            next,
            failing,
        });
    }
}

/// What a failure means for the piece of time.
enum Outlook {
    /// The same can be had later.
    Again,
    /// It cannot be had, and the next one may be.
    Lost,
    /// Nothing can be had.
    Ended,
}

impl Outlook {
    /// `refused` is how often the piece has been refused.
    fn of(error: &Error, has_files: bool, refused: u32) -> Self {
        match error.kind() {
            ErrorKind::Refused if refused < ATTEMPTS => Self::Again,
            ErrorKind::Refused if has_files => Self::Lost,
            _ if is_nowhere(error) && has_files => Self::Lost,
            // What was right before is wrong for a while.
            ErrorKind::UnexpectedResponse | ErrorKind::Service if has_files => Self::Again,
            ErrorKind::UnexpectedResponse => Self::Ended,
            // It failed all the time.
            ErrorKind::DeadlinePassed => Self::Again,
            _ if error.is_transient() || error.may_have_worked() => Self::Again,
            _ => Self::Ended,
        }
    }
}

/// Whether no sample of it could be taken. (What the service does not find has a status.)
fn is_nowhere(error: &Error) -> bool {
    error.kind() == ErrorKind::NotFound && error.status().is_none()
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch")
            .field("folder", &self.folder)
            .field("keep", &self.keep)
            .field("every", &self.every)
            .finish_non_exhaustive()
    }
}
