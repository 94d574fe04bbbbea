//! How a command tells of its progress: a bar or a spinner on a terminal, plain lines elsewhere, or not at all.

mod plain;

use std::{
    io::{self, IsTerminal as _},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use pcaps::{Capture, Collecting, Exporting, Phase, Proving, Recalling, Transfer, Update};

use crate::{
    args::Global,
    output::{self, Zone, count, duration, one_line},
};
use plain::Lines;

/// How often the spinner turns.
const TURN: Duration = Duration::from_millis(120);

/// What is shown of something that takes as long as it takes; whose bytes are counted; and whose bytes are known.
const SPINNER: &str = "{spinner} {elapsed} {wide_msg}";
const COUNTER: &str = "{spinner} {elapsed} {decimal_bytes}, {decimal_bytes_per_sec} {wide_msg}";
const BAR: &str = "{spinner} {msg} {wide_bar} {percent}%, {decimal_bytes} of {decimal_total_bytes}, \
                   {decimal_bytes_per_sec}, {eta} left";

/// How progress is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shown {
    // A bar on a terminal, lines elsewhere.
    #[default]
    Auto,
    Plain,
    None,
}

/// Progress on standard error. It leaves only its lines behind.
pub(crate) struct Progress(Display);

#[derive(Clone)]
enum Display {
    Bar(ProgressBar),
    Lines(Arc<Mutex<Lines>>),
    Nothing,
}

impl Progress {
    /// Starts with what is being done.
    pub(crate) fn new(global: &Global, doing: &'static str) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|it| it == "dumb");
        Self(match global.shown() {
            Shown::None => Display::Nothing,
            Shown::Auto if io::stderr().is_terminal() && !dumb => {
                let bar = ProgressBar::new_spinner();
                style(&bar, SPINNER);
                bar.set_message(doing);
                bar.enable_steady_tick(TURN);
                Display::Bar(bar)
            }
            _ => Display::Lines(Arc::default()),
        })
    }

    /// A line that stays.
    pub(crate) fn line(&self, text: &str) {
        match &self.0 {
            Display::Nothing => {}
            shown => shown.line(text),
        }
    }

    /// A line that is shown in any case.
    pub(crate) fn warning(&self, text: &str) {
        self.0.line(&format!("warning: {text}"));
    }

    /// What is being done now.
    pub(crate) fn doing(&self, doing: &'static str) {
        if let Display::Bar(bar) = &self.0 {
            style(bar, SPINNER);
            bar.set_message(doing);
        }
    }

    /// The callback of a wait.
    pub(crate) fn watch(&self) -> impl FnMut(&Update) + Send + 'static {
        let shown = self.0.clone();
        move |update| match update {
            Update::Seen(it) => shown.status(it),
            Update::Failing {
                error, next_look, ..
            } => shown.failing(error, *next_look),
            _ => {}
        }
    }

    /// The callback of a merge, for the bytes that were written.
    pub(crate) fn written(&self) -> impl FnMut(u64) + Send + 'static {
        let shown = self.0.clone();
        move |bytes| shown.amount("merging", bytes, None)
    }

    /// The callback of a collection.
    pub(crate) fn collected(&self) -> impl FnMut(Collecting) + Send + 'static {
        let shown = self.0.clone();
        move |it| {
            let packets = count(it.packets);
            match it.phase {
                Phase::Settling => {
                    let known = it.reported.map_or(String::new(), |reported| {
                        format!(": {packets} of {} packets are there", count(reported))
                    });
                    shown.say(&format!("waiting for files that come late{known}"));
                }
                Phase::Merging => shown.say("merging"),
                Phase::Deleting => shown.say("deleting from the bucket"),
                _ => {
                    let (files, listed) = (count(it.files), count(it.listed));
                    let doing = format!("fetching, {files} of {listed} files");
                    shown.amount(&doing, it.bytes, Some(it.bytes_listed));
                }
            }
        }
    }

    /// The callback of an export.
    pub(crate) fn exported(&self) -> impl FnMut(Exporting) + Send + 'static {
        let shown = self.0.clone();
        move |it| {
            let (files, listed) = (count(it.files as u64), count(it.files_listed as u64));
            let doing = format!("exporting, {files} of {listed} files");
            shown.amount(&doing, it.bytes, Some(it.bytes_listed));
        }
    }

    /// The callback of a history.
    pub(crate) fn recalled(&self) -> impl FnMut(&Recalling) + Send + 'static {
        let shown = self.0.clone();
        move |it| {
            if let Some(error) = &it.failing {
                let next = it.next.unwrap_or_else(Timestamp::now);
                let pause = next.duration_since(Timestamp::now());
                shown.failing(error, Duration::try_from(pause).unwrap_or_default());
            }
            let (taken, left) = (it.taken as u64, it.left as u64);
            let minutes = Duration::from_secs(60 * left);
            shown.say(&format!(
                "{} windows taken, {} left, which take {}; {} packets",
                count(taken),
                count(left),
                duration(minutes),
                count(it.packets)
            ));
        }
    }

    /// The callback of a folder that is watched.
    pub(crate) fn watched(&self, zone: Zone) -> impl FnMut(&Recalling) + Send + 'static {
        let shown = self.0.clone();
        move |it| match (&it.failing, it.next) {
            (Some(error), Some(next)) => {
                let pause = next.duration_since(Timestamp::now());
                shown.failing(error, Duration::try_from(pause).unwrap_or_default());
            }
            (Some(error), None) => shown.line(&format!("warning: {error}")),
            (None, Some(next)) if it.left == 0 => {
                shown.say(&format!("waiting until {}", zone.seconds(next)));
            }
            (None, _) => shown.say(&format!(
                "{} samples taken, {} left; {} packets",
                count(it.taken as u64),
                count(it.left as u64),
                count(it.packets)
            )),
        }
    }

    /// Does something else on the terminal: prints a result while there is more to come.
    pub(crate) fn beside<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.0 {
            Display::Bar(bar) => bar.suspend(print),
            _ => print(),
        }
    }

    /// The callback of a proof.
    pub(crate) fn proving(&self) -> impl FnMut(&Proving) + Send + 'static {
        let shown = self.0.clone();
        move |step| match step {
            Proving::Checking => shown.say("seeing whether the bucket can be listed and read"),
            Proving::Registering => shown.say("registering the bucket"),
            Proving::AwaitingChallenge { file, .. } => {
                shown.say(&format!("waiting for {} in the bucket", one_line(file)));
            }
            Proving::Validating => shown.say("sending the challenge"),
            Proving::Pending { .. } => {
                shown.say("waiting for the service, which takes five to ten minutes");
            }
            Proving::Failing {
                error, next_look, ..
            } => shown.failing(error, *next_look),
            _ => {}
        }
    }

    /// The callback of a download.
    pub(crate) fn bytes(&self) -> impl FnMut(Transfer) + Send + 'static {
        let shown = self.0.clone();
        move |it| shown.amount("downloading", it.bytes, it.total)
    }
}

impl Display {
    /// A line that stays.
    fn line(&self, text: &str) {
        let text = one_line(text);
        match self {
            Self::Bar(bar) => bar.suspend(|| output::diagnostic(&text)),
            _ => output::diagnostic(&text),
        }
    }

    fn failing(&self, error: &pcaps::Error, next_look: Duration) {
        let seconds = next_look.as_secs();
        self.line(&format!("warning: {error}; trying again in {seconds} s"));
    }

    /// What is being done, for as long as it takes.
    fn say(&self, doing: &str) {
        match self {
            Self::Bar(bar) => {
                style(bar, SPINNER);
                bar.set_message(doing.to_owned());
            }
            Self::Lines(lines) => {
                let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                if lines.is_news(doing) {
                    output::diagnostic(doing);
                }
            }
            Self::Nothing => {}
        }
    }

    /// How many bytes there are, of how many.
    fn amount(&self, doing: &str, bytes: u64, total: Option<u64>) {
        match self {
            Self::Bar(bar) => {
                // Each draws, the style does not: it comes last, when there is something to fill it.
                bar.set_message(doing.to_owned());
                if let Some(total) = total {
                    bar.set_length(total);
                }
                bar.set_position(bytes);
                style(bar, total.map_or(COUNTER, |_| BAR));
            }
            Self::Lines(lines) => {
                let mut lines = lines.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(line) = lines.amount(doing, bytes, total, Instant::now()) {
                    output::diagnostic(&line);
                }
            }
            Self::Nothing => {}
        }
    }

    /// The capture's status: on a terminal it is shown, elsewhere it is said when it is not what it was.
    fn status(&self, progress: &pcaps::Progress) {
        let capture = &progress.capture;
        let shown = match capture.status() {
            "" => "(none)".to_owned(),
            status if capture.is_status_known() => status.to_owned(),
            status => format!("{} (not known to this version)", one_line(status)),
        };
        let packets = capture
            .packets_captured()
            .map_or(String::new(), |it| format!(", {} packets", count(it)));
        match self {
            Self::Bar(_) => {
                let left = time_left(capture, Timestamp::now());
                let left = left.map_or(String::new(), |it| {
                    format!(", at most {} left", duration(it))
                });
                self.say(&format!("status: {shown}{packets}{left}"));
            }
            Self::Lines(_) if progress.changed => output::diagnostic(&format!(
                "status: {shown} after {:.1} s{packets}",
                progress.elapsed.as_secs_f64()
            )),
            _ => {}
        }
    }
}

/// How long a capture that runs may still run, in whole seconds.
fn time_left(capture: &Capture, now: Timestamp) -> Option<Duration> {
    let end = capture
        .submitted()?
        .checked_add(capture.time_limit()?)
        .ok()?;
    let left = u64::try_from(end.duration_since(now).as_secs()).ok()?;
    (left > 0 && capture.status() == "running").then_some(Duration::from_secs(left))
}

fn style(bar: &ProgressBar, template: &str) {
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Display::Bar(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
