//! Traffic of up to a day ago, in one file: many samples, one after the other.
//!
//! In three parts: which windows of time are asked for ([`plan`]), what is kept of what has been done ([`journal`]), and
//! here how samples are taken, at the pace that the service permits, and merged.

mod journal;
mod plan;

use std::{
    fmt,
    future::{Future, IntoFuture},
    mem,
    path::{Path, PathBuf},
    pin::Pin,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use pcaps_file::{
    NewFile, StopOnDrop,
    merge::{Input, Merge, Merged},
};
use tokio::task::spawn_blocking;
use tracing::Instrument as _;

use crate::{
    Account, CaptureId, Error, ErrorKind, Filter, Sample,
    clock::{Chance, between, later},
    collect::{stopped, with_ending},
    download::check_output,
    wait::{PATIENCE, pause_after},
};
pub(crate) use journal::HistoryFolder;
use journal::{Event, Wanted};
use plan::Plan;
pub(crate) use plan::Window;

/// The service takes one sample in so long, on each account. (Source: Cloudflare's how-to page on packet captures.)
pub(crate) const PACE: Duration = Duration::from_mins(1);
/// How far back the service looks. (Source: the same page.)
pub(crate) const DEPTH: SignedDuration = SignedDuration::from_hours(24);
/// The most packets of a sample. (Source: Cloudflare's API reference.)
pub(crate) const PACKETS: u32 = 10_000;
/// How often a sample that fails is taken again.
pub(crate) const ATTEMPTS: u32 = 3;
/// How long a sample may take: it is ready at once, mostly.
pub(crate) const READY: Duration = Duration::from_mins(10);
/// Clocks, and the moments at which they are read, may differ by so much.
const SLACK: SignedDuration = SignedDuration::from_mins(1);
const FORGOTTEN: &str = "it is more than 24 hours ago: the service has forgotten it";
const STAY: &str = "what has been taken stays: resume to go on from it";

/// Past traffic, taken in many samples and merged into one file: made by [`Account::history`], told where to, and
/// awaited.
///
/// A sample looks back over 300 s at most, holds 10,000 packets at most, and the service takes one a minute. So the
/// range is cut into windows, and each is asked for, from the oldest on. A window that has more packets than fit into a
/// sample is asked for again in halves, once all have been asked for, down to a second. What two samples hold both is
/// there once.
///
/// It takes as many minutes as there are windows. It can be dropped at any point, and so can the process end: what has
/// been taken stays in the folder `<output>.parts`, and [`Account::resume_history`] goes on from it.
///
/// ```no_run
/// # use std::time::Duration;
/// # async fn example(account: pcaps::Account) -> Result<(), pcaps::Error> {
/// let to = jiff::Timestamp::now();
/// let history = account.history(to - Duration::from_secs(7_200), to).filter("tcp and dst port 443".parse()?);
/// let past = history.on_progress(|it| eprintln!("{} windows left", it.left)).to_path("past.pcap").await?;
/// println!("{} packets", past.packets);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Those of [`Account::start`] and [`Account::download`], except that failures that pass are sat out for ten minutes,
/// and
///
/// - [`InvalidInput`](ErrorKind::InvalidInput) when the range is empty, in the future or more than 24 hours ago, when it
///   is not said where the packets go, or when the folder of parts is in use or is not empty;
/// - [`Io`](ErrorKind::Io) when something cannot be written. The parts stay.
///
/// That a window has more packets than could be taken, or could not be taken, is no error: [`PastTraffic`] says so.
#[must_use = "a history does nothing until it is awaited"]
pub struct History {
    account: Account,
    what: What,
    output: Option<PathBuf>,
    within: Option<Duration>,
    on_progress: Box<dyn FnMut(&Recalling) + Send>,
}

enum What {
    New(New),
    Resumed,
}

#[derive(Clone, Copy)]
struct New {
    from: Timestamp,
    to: Timestamp,
    filter: Filter,
    packet_limit: u32,
}

impl New {
    /// What a journal says of it.
    fn wanted(&self, account: &Account, now: Timestamp) -> Result<Wanted, Error> {
        let range = range(self.from, self.to, now)?;
        // Its limits are checked here.
        Sample::new(Duration::from_secs(1), self.packet_limit)?;
        Ok(Wanted {
            account: account.id().to_string(),
            filter: self.filter.to_string(),
            packet_limit: self.packet_limit,
            range,
        })
    }
}

/// How far a history is: what the callback of [`History::on_progress`] gets.
///
/// ```
/// fn show(it: &pcaps::Recalling) {
///     println!("{} windows taken, {} left, {} packets", it.taken, it.left, it.packets);
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Recalling {
    /// How many windows have been taken.
    pub taken: usize,
    /// How many are still to be asked for, as far as is known: those that do not fit into a sample become two.
    pub left: usize,
    /// How many packets the samples have, those that two of them hold counted twice.
    pub packets: u64,
    /// When the next sample is asked for; `None` while one is being taken, or all are merged.
    pub next: Option<Timestamp>,
    /// Why the last request failed, if it did: it is sent again.
    pub failing: Option<Error>,
}

/// What came of a history.
///
/// ```
/// fn hours(past: &pcaps::PastTraffic) -> i64 {
///     past.to.duration_since(past.from).as_hours()
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PastTraffic {
    /// The first moment of the range, a whole second.
    pub from: Timestamp,
    /// The moment after the last, a whole second.
    pub to: Timestamp,
    /// How many packets are in the file.
    pub packets: u64,
    /// The length of the file in bytes.
    pub bytes: u64,
    /// The windows, in the order of time; of those that were asked for in halves the halves, and not the whole.
    pub windows: Vec<PastWindow>,
}

/// A window of time of a history: [`PastTraffic::windows`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PastWindow {
    /// Its first moment.
    pub from: Timestamp,
    /// The moment after its last.
    pub to: Timestamp,
    /// How many packets its sample had.
    pub packets: u64,
    /// What became of it.
    pub state: WindowState,
}

/// What became of a window: [`PastWindow::state`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WindowState {
    /// All packets that the service has are there.
    Whole,
    /// It may have more packets than a sample holds: it is one second long, and the sample was full.
    Overflowed,
    /// It could not be taken.
    #[non_exhaustive]
    Failed {
        /// Why.
        reason: String,
    },
    /// The time for it ran out. Where its whole was asked for and overflowed, some of its packets are there.
    NotAsked,
}

impl PastTraffic {
    /// Whether packets are missing, or may be.
    pub fn is_partial(&self) -> bool {
        self.windows.iter().any(|it| it.state != WindowState::Whole)
    }
}

impl History {
    pub(crate) fn new(account: Account, from: Timestamp, to: Timestamp) -> Self {
        Self::of(
            account,
            What::New(New {
                from,
                to,
                filter: Filter::default(),
                packet_limit: PACKETS,
            }),
        )
    }

    pub(crate) fn resumed(account: Account, output: PathBuf) -> Self {
        Self {
            output: Some(output),
            ..Self::of(account, What::Resumed)
        }
    }

    fn of(account: Account, what: What) -> Self {
        Self {
            account,
            what,
            output: None,
            within: None,
            on_progress: Box::new(|_| {}),
        }
    }

    /// Takes only the packets that match. Of a history that is resumed, the filter stays as it was.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account, from: jiff::Timestamp, to: jiff::Timestamp) -> Result<(), pcaps::Error> {
    /// account.history(from, to).filter("udp and dst port 53".parse()?).to_path("dns.pcap").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn filter(mut self, new: Filter) -> Self {
        if let What::New(it) = &mut self.what {
            it.filter = new;
        }
        self
    }

    /// How many packets each sample is asked for at most: 1 to 10,000, which it is by default. Of a history that is
    /// resumed, it stays as it was.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account, from: jiff::Timestamp, to: jiff::Timestamp) -> Result<(), pcaps::Error> {
    /// account.history(from, to).packet_limit(5_000).to_path("past.pcap").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn packet_limit(mut self, packets: u32) -> Self {
        if let What::New(it) = &mut self.what {
            it.packet_limit = packets;
        }
        self
    }

    /// Merges the samples into a file at this path, readable by its owner only. A file that was there before stays as it
    /// was until then. The parts are in `<path>.parts` meanwhile.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account, from: jiff::Timestamp, to: jiff::Timestamp) -> Result<(), pcaps::Error> {
    /// account.history(from, to).to_path("past.pcap").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn to_path(self, path: impl AsRef<Path>) -> Self {
        Self {
            output: Some(path.as_ref().to_owned()),
            ..self
        }
    }

    /// Asks for nothing more after so long, counted from when the history is awaited, and merges what there is. The
    /// parts stay then, and it can be resumed.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn example(account: pcaps::Account, from: jiff::Timestamp, to: jiff::Timestamp) -> Result<(), pcaps::Error> {
    /// let history = account.history(from, to).to_path("past.pcap");
    /// let past = history.within(Duration::from_secs(1_800)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn within(self, limit: Duration) -> Self {
        Self {
            within: Some(limit),
            ..self
        }
    }

    /// Calls back whenever a window is asked for, has been taken, or something is waited for; the history stands still
    /// meanwhile, so be short.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account, from: jiff::Timestamp, to: jiff::Timestamp) -> Result<(), pcaps::Error> {
    /// let history = account.history(from, to).on_progress(|it| eprintln!("{} left", it.left));
    /// history.to_path("past.pcap").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn on_progress(self, callback: impl FnMut(&Recalling) + Send + 'static) -> Self {
        Self {
            on_progress: Box::new(callback),
            ..self
        }
    }

    /// The samples that would be asked for now, from the oldest on: one for each window. Halves of those that overflow
    /// come behind them.
    ///
    /// ```
    /// # use std::time::Duration;
    /// let client = pcaps::Client::builder().token("v1.0-0123456789abcdef").build()?;
    /// let account = client.account("0123456789abcdef0123456789abcdef".parse()?);
    /// let to = jiff::Timestamp::now();
    /// let history = account.history(to - Duration::from_secs(7_200), to);
    /// assert_eq!(history.samples()?.len(), 24);
    /// # Ok::<(), pcaps::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) as when it is awaited, and when it is one that is resumed: what is left of
    /// it is not known before.
    pub fn samples(&self) -> Result<Vec<Sample>, Error> {
        let now = self.account.shared.chance.clock.now();
        let What::New(new) = self.what else {
            return Err(Error::invalid(
                "what is left of a history is not known before it is resumed",
            ));
        };
        let plan = Plan::new(range(new.from, new.to, now)?);
        let samples = plan
            .waiting()
            .map(|window| sample(window, new.packet_limit, new.filter, now));
        samples.collect()
    }

    /// Goes on with what a run before has left of the very same, and takes away what it has left of another.
    pub(crate) fn or_resumed(self) -> Result<Self, Error> {
        let (What::New(new), Some(output)) = (&self.what, &self.output) else {
            return Ok(self);
        };
        let now = self.account.shared.chance.clock.now();
        let wanted = new.wanted(&self.account, now)?;
        let parts = with_ending(output, ".parts");
        match HistoryFolder::left(&parts)? {
            Some((_, of)) if of == wanted => Ok(Self {
                what: What::Resumed,
                ..self
            }),
            left => {
                // (It is locked meanwhile, where there is something to lock.)
                let removed = HistoryFolder::remove_at(&parts);
                removed.map_err(|it| Error::io("take away the folder", &parts, it))?;
                drop(left);
                Ok(self)
            }
        }
    }

    async fn run(mut self) -> Result<PastTraffic, Error> {
        let mut on_progress = mem::replace(&mut self.on_progress, Box::new(|_| {}));
        self.take(Ending::Resumable, &mut None, &mut on_progress)
            .await
    }

    /// Takes it. `last` is when the last sample was started, before and after.
    pub(crate) async fn take(
        self,
        ending: Ending,
        last: &mut Option<Timestamp>,
        on_progress: OnProgress<'_>,
    ) -> Result<PastTraffic, Error> {
        let Some(output) = self.output else {
            return Err(Error::invalid(
                "it is not said which file the packets go to",
            ));
        };
        check_output(&output)?;
        let folder = with_ending(&output, ".parts");
        let chance = self.account.shared.chance.clone();
        let now = chance.clock.now();
        let (journal, asked, events) = match self.what {
            What::New(new) => {
                let asked = new.wanted(&self.account, now)?;
                (HistoryFolder::begin(&folder, &asked)?, asked, Vec::new())
            }
            What::Resumed => {
                let (journal, asked, events) = HistoryFolder::resume(folder)?;
                if asked.account != self.account.id().to_string() {
                    return Err(Error::invalid(format!(
                        "the history in {} is of another account",
                        journal.folder().display()
                    )));
                }
                (journal, asked, events)
            }
        };
        let mut taking = Taking {
            filter: asked.filter.parse()?,
            end: self.within.map(|it| later(now, it)),
            plan: Plan::new(asked.range),
            account: self.account,
            chance,
            journal,
            asked,
            taken: Vec::new(),
            failed: Vec::new(),
            last,
            begun: None,
            ending,
            on_progress,
        };
        taking.replay(events);
        taking.take_all().await?;
        taking.merge(&output).await
    }
}

/// What becomes of the samples when they are merged, and some have not been asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// They stay, so that a run after this one can ask for the others.
    Resumable,
    /// They go: nobody asks for the others. A limit on time is one on asking again in halves: it does not hold before
    /// everything has been asked for once.
    Final,
}

impl Ending {
    /// The error that ends it.
    fn told(self, error: Error) -> Error {
        match self {
            Self::Resumable => error.advise_too(STAY),
            Self::Final => error,
        }
    }
}

/// Who is told how it is going.
type OnProgress<'a> = &'a mut (dyn FnMut(&Recalling) + Send);

/// The sample of a window.
fn sample(
    window: Window,
    packet_limit: u32,
    filter: Filter,
    now: Timestamp,
) -> Result<Sample, Error> {
    let sample = Sample::new(window.length(), packet_limit)?.filter(filter);
    sample.ending_at_as_of(window.end(), now)
}

/// The range in whole seconds, as far as the service looks back.
fn range(from: Timestamp, to: Timestamp, now: Timestamp) -> Result<Window, Error> {
    // Who asks for the last 24 hours has looked at the clock a moment ago.
    let earliest = now.checked_sub(DEPTH).unwrap_or(Timestamp::MIN);
    let is_near = |it: Timestamp, limit: Timestamp| it.duration_since(limit).abs() <= SLACK;
    let from = if is_near(from, earliest) {
        from.max(earliest)
    } else {
        from
    };
    let to = if is_near(to, now) { to.min(now) } else { to };
    if from >= to {
        return Err(Error::invalid(format!(
            "there is no time from {from} to {to}: the first has to be earlier"
        )));
    }
    if to > now {
        return Err(Error::invalid(format!(
            "the time {to} is in the future: a sample looks back"
        )));
    }
    if now.duration_since(from) > DEPTH {
        return Err(Error::invalid(format!(
            "the time {from} is more than 24 hours ago: the service keeps no older traffic"
        )));
    }
    let range = Window {
        from: from.as_second(),
        to: to.as_second(),
    };
    if range.from == range.to {
        return Err(Error::invalid(format!(
            "from {from} to {to} is less than a second: a sample is of a second at least"
        )));
    }
    Ok(range)
}

impl IntoFuture for History {
    type Output = Result<PastTraffic, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run().instrument(tracing::info_span!("history")))
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History")
            .field("output", &self.output)
            .finish_non_exhaustive()
    }
}

/// A history under way.
struct Taking<'a> {
    account: Account,
    chance: Chance,
    journal: HistoryFolder,
    asked: Wanted,
    filter: Filter,
    plan: Plan,
    /// When nothing more is asked for.
    end: Option<Timestamp>,
    /// What has been taken, with its packets, and whether its halves are asked for.
    taken: Vec<(Window, u64, bool)>,
    failed: Vec<(Window, String)>,
    /// When the last sample was started.
    last: &'a mut Option<Timestamp>,
    /// A sample that was started, and of which nothing more is known.
    begun: Option<(Window, CaptureId)>,
    ending: Ending,
    on_progress: OnProgress<'a>,
}

/// What came of asking for a window.
enum Answer {
    /// It has so many packets.
    Taken(u64),
    /// It cannot be had, for this reason.
    Lost(String),
    /// It is not asked for any more.
    TimeIsOver,
}

impl Taking<'_> {
    /// Takes over what a run before has done.
    fn replay(&mut self, events: Vec<Event>) {
        for event in events {
            match event {
                Event::Started {
                    window,
                    capture,
                    at,
                } => {
                    // A clock may have been wrong then.
                    let at = Timestamp::from_second(at).ok();
                    let at = at.filter(|it| *it <= self.chance.clock.now());
                    *self.last = (*self.last).max(at);
                    self.begun = capture.parse().ok().map(|it| (window, it));
                }
                Event::Taken { window, packets } => self.took(window, packets),
                Event::Failed { window, reason } => self.plan_without(window, reason),
            }
        }
    }

    fn took(&mut self, window: Window, packets: u64) {
        self.begun = None;
        let is_full = packets >= u64::from(self.asked.packet_limit);
        let has_halves = is_full && self.plan.overflowed(window);
        self.plan.done(window);
        self.taken.retain(|(it, ..)| *it != window);
        self.taken.push((window, packets, has_halves));
    }

    fn plan_without(&mut self, window: Window, reason: String) {
        self.begun = None;
        self.plan.done(window);
        self.failed.push((window, reason));
    }

    /// Takes sample after sample, until there are all, or the time is over.
    async fn take_all(&mut self) -> Result<(), Error> {
        while let Some(window) = self.plan.next() {
            let now = self.chance.clock.now();
            if self.is_over(now) {
                break;
            }
            match self.take(window).await? {
                Answer::Taken(packets) => {
                    self.journal.add(&Event::Taken { window, packets })?;
                    self.took(window, packets);
                }
                Answer::Lost(reason) => self.fail(window, reason)?,
                Answer::TimeIsOver => break,
            }
            self.tell(None, None);
        }
        Ok(())
    }

    /// Takes a sample of a window.
    async fn take(&mut self, window: Window) -> Result<Answer, Error> {
        let (mut failures, mut since, mut lost) = (0, None, 0);
        loop {
            let begun = self.begun.clone().filter(|(of, _)| *of == window);
            let outcome = match begun {
                Some((_, id)) => self.finish(window, &id).await,
                None if self.is_forgotten(window) => return Ok(Answer::Lost(FORGOTTEN.to_owned())),
                None if !self.wait_for_turn().await => return Ok(Answer::TimeIsOver),
                // Meanwhile it may have become too old.
                None if self.is_forgotten(window) => continue,
                None => self.once(window).await,
            };
            let error = match outcome {
                Ok(packets) => return Ok(Answer::Taken(packets)),
                Err(error) => error,
            };
            let now = self.chance.clock.now();
            let is_lost = match error.kind() {
                // It was started: another one may do better.
                ErrorKind::CaptureFailed
                | ErrorKind::DeadlinePassed
                | ErrorKind::NotFound
                | ErrorKind::NotACapture => self.begun.take().is_some(),
                // Others like it were not refused: the service's clock may be a little different.
                ErrorKind::Refused => !self.taken.is_empty(),
                _ => false,
            };
            match error {
                error if is_lost => {
                    lost += 1;
                    if lost == ATTEMPTS {
                        return Ok(Answer::Lost(error.to_string()));
                    }
                    self.tell(None, Some(error));
                }
                // A sample too many does nobody harm.
                error if error.is_transient() || error.may_have_worked() => {
                    failures += 1;
                    let first = *since.get_or_insert(now);
                    let pause = pause_after(failures, &error);
                    if between(first, now).saturating_add(pause) > PATIENCE {
                        return Err(self.ending.told(error));
                    }
                    let next = later(now, pause);
                    if self.is_over(next) {
                        return Ok(Answer::TimeIsOver);
                    }
                    self.tell(Some(next), Some(error));
                    self.chance.clock.sleep(pause).await;
                }
                error => return Err(self.ending.told(error)),
            }
        }
    }

    /// Waits until the service takes another sample. Says whether there is time for it.
    async fn wait_for_turn(&mut self) -> bool {
        let now = self.chance.clock.now();
        let next = self.last.map(|it| later(it, PACE));
        let next = next.filter(|it| *it > now);
        if self.is_over(next.unwrap_or(now)) {
            return false;
        }
        if let Some(next) = next {
            self.tell(Some(next), None);
            self.chance.clock.sleep(between(now, next)).await;
        }
        true
    }

    /// Whether the service does not know any more what passed then.
    fn is_forgotten(&self, window: Window) -> bool {
        self.chance.clock.now().duration_since(window.end()) > DEPTH
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.end().is_some_and(|it| now >= it)
    }

    /// When nothing more is asked for.
    fn end(&self) -> Option<Timestamp> {
        let is_limited = self.ending == Ending::Resumable || self.plan.is_all_asked();
        self.end.filter(|_| is_limited)
    }

    /// Starts a sample of a window, and has its packets in a file.
    async fn once(&mut self, window: Window) -> Result<u64, Error> {
        self.tell(None, None);
        let now = self.chance.clock.now();
        let sample = sample(window, self.asked.packet_limit, self.filter, now)?;
        let started = self.account.start(sample).await;
        // What was refused may have been too early.
        if !started.as_ref().is_err_and(Error::never_arrived) {
            *self.last = Some(self.chance.clock.now());
        }
        let capture = started?;
        self.journal.add(&Event::Started {
            window,
            capture: capture.id().to_string(),
            at: self.chance.clock.now().as_second(),
        })?;
        self.begun = Some((window, capture.id().clone()));
        self.finish(window, capture.id()).await
    }

    /// Has the packets of a sample in a file.
    async fn finish(&mut self, window: Window, id: &CaptureId) -> Result<u64, Error> {
        let now = self.chance.clock.now();
        let left = self.end().map_or(READY, |it| between(now, it));
        self.account.wait(id).deadline(left.min(READY)).await?;
        let download = self.account.download(id);
        let downloaded = download.to_path(self.journal.path(window)).await?;
        Ok(downloaded.contents.packets)
    }

    fn fail(&mut self, window: Window, reason: String) -> Result<(), Error> {
        self.journal.add(&Event::Failed {
            window,
            reason: reason.clone(),
        })?;
        self.plan_without(window, reason);
        Ok(())
    }

    fn tell(&mut self, next: Option<Timestamp>, failing: Option<Error>) {
        (self.on_progress)(&Recalling {
            taken: self.taken.len(),
            left: self.plan.len(),
            packets: self.taken.iter().map(|(_, packets, _)| packets).sum(),
            next,
            failing,
        });
    }

    /// Merges what there is. The folder goes, unless there is something left that will be asked for.
    async fn merge(self, output: &Path) -> Result<PastTraffic, Error> {
        let mut windows = self.windows();
        if self.taken.is_empty() {
            let (kind, why) = match self.failed.first() {
                Some((_, reason)) => (ErrorKind::NotFound, reason.as_str()),
                None => (
                    ErrorKind::DeadlinePassed,
                    "the time ran out before the first",
                ),
            };
            let what = format!("no window of the past could be taken: {why}");
            return Err(self.ending.told(Error::new(kind, what)));
        }
        let mut files: Vec<_> = self.taken.iter().map(|(window, ..)| *window).collect();
        files.sort_unstable();
        // What is left of it when the process ends meanwhile goes when the history is resumed.
        let target = NewFile::create_in(self.journal.folder(), output);
        let ending = self.ending;
        let unwritten =
            |it: pcaps_file::Error| ending.told(Error::new(ErrorKind::Io, it.to_string()));
        let target = target.map_err(unwritten)?;
        let mut file = target.open().map_err(unwritten)?;
        let inputs = files.iter().map(|it| Input::path(self.journal.path(*it)));
        let inputs: Vec<_> = inputs.collect();
        let stop = StopOnDrop::default();
        let stopping = stop.signal();
        let merging = spawn_blocking(move || {
            // What two samples hold both has one time.
            let merge = Merge::new().dedup(Duration::ZERO);
            let merged = merge.run(inputs, stopping.writer(&mut file))?;
            let bytes = file.metadata().map_or(0, |it| it.len());
            Ok::<_, pcaps_file::Error>((merged, bytes))
        });
        let merged = merging.await.map_err(stopped)?;
        let (merged, bytes): (Merged, u64) = merged.map_err(|it| {
            let what = "the samples cannot be merged";
            ending.told(Error::new(ErrorKind::Io, what).because(it))
        })?;
        target.put_in_place().map_err(unwritten)?;
        // They were whole when they came: something has happened to those that are not.
        let mut is_whole = !merged.dedup_is_short;
        for (window, file) in files.iter().zip(&merged.files) {
            let reason = match &file.error {
                Some(error) => error.to_string(),
                None if file.refused > 0 => {
                    format!("{} of its packets do not fit into the file", file.refused)
                }
                None => continue,
            };
            is_whole = false;
            let of_it = windows.iter_mut().filter(|it| {
                it.from >= window.begin() && it.to <= window.end() && it.state == WindowState::Whole
            });
            of_it.for_each(|it| {
                it.state = WindowState::Failed {
                    reason: reason.clone(),
                };
            });
        }
        let is_done = self.plan.len() == 0 || self.ending == Ending::Final;
        if is_done && is_whole {
            let removed = self.journal.remove();
            // All is where it should be: what is left of the folder harms nobody.
            if let Err(error) = removed {
                let folder = self.journal.folder().display();
                tracing::warn!(%error, "the folder {folder} cannot be taken away");
            }
        }
        let range = self.asked.range;
        Ok(PastTraffic {
            from: range.begin(),
            to: range.end(),
            packets: merged.packets,
            bytes,
            windows,
        })
    }

    /// What became of each moment.
    fn windows(&self) -> Vec<PastWindow> {
        let limit = u64::from(self.asked.packet_limit);
        let taken = self.taken.iter().filter(|(.., has_halves)| !has_halves);
        let taken = taken.map(|(window, packets, _)| {
            let state = if *packets >= limit {
                WindowState::Overflowed
            } else {
                WindowState::Whole
            };
            (*window, *packets, state)
        });
        let failed = self.failed.iter().map(|(window, reason)| {
            let reason = reason.clone();
            (*window, 0, WindowState::Failed { reason })
        });
        let waiting = self.plan.waiting();
        let waiting = waiting.map(|window| (window, 0, WindowState::NotAsked));
        let mut all: Vec<_> = taken.chain(failed).chain(waiting).collect();
        all.sort_unstable_by_key(|(window, ..)| *window);
        let past = |(window, packets, state): (Window, u64, _)| PastWindow {
            from: window.begin(),
            to: window.end(),
            packets,
            state,
        };
        all.into_iter().map(past).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_looked_at_the_clock_a_moment_ago_is_not_refused() {
        let now: Timestamp = "2026-01-02T03:04:05.5Z".parse().unwrap();
        let moment = SignedDuration::from_millis(700);
        let all = range(now - DEPTH - moment, now + moment, now).unwrap();
        assert_eq!(all.from, (now - DEPTH).as_second());
        assert_eq!(all.to, now.as_second());
        for (from, to) in [(now - DEPTH * 2, now), (now - moment, now + DEPTH)] {
            range(from, to, now).unwrap_err();
        }
    }
}
