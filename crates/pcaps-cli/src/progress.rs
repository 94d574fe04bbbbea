//! How a command tells of its progress: a spinner on a terminal, plain lines elsewhere.

use std::{
    io::{self, IsTerminal as _},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
use pcaps::{Collecting, Phase, Proving, Transfer, Update};

use crate::output::{self, count, one_line};

/// How often the spinner turns.
const TURN: Duration = Duration::from_millis(120);

/// Progress on standard error. It leaves only its lines behind.
pub(crate) struct Progress {
    spinner: Option<ProgressBar>,
}

impl Progress {
    /// Starts with what is being done.
    pub(crate) fn new(doing: &'static str) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|it| it == "dumb");
        let spinner = (io::stderr().is_terminal() && !dumb).then(|| {
            let spinner = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
                spinner.set_style(style);
            }
            spinner.set_message(doing);
            spinner.enable_steady_tick(TURN);
            spinner
        });
        Self { spinner }
    }

    /// A line that stays.
    pub(crate) fn line(&self, text: &str) {
        line(self.spinner.as_ref(), &one_line(text));
    }

    /// What is being done now.
    pub(crate) fn doing(&self, doing: &'static str) {
        if let Some(spinner) = &self.spinner {
            spinner.set_message(doing);
        }
    }

    /// The callback of a wait.
    pub(crate) fn watch(&self) -> impl FnMut(&Update) + Send + 'static {
        let spinner = self.spinner.clone();
        move |update| match update {
            Update::Seen(it) => status(spinner.as_ref(), it),
            Update::Failing {
                error, next_look, ..
            } => {
                let seconds = next_look.as_secs();
                let text = one_line(&format!("warning: {error}; trying again in {seconds} s"));
                line(spinner.as_ref(), &text);
            }
            _ => {}
        }
    }

    /// The callback of a merge, for the bytes that were written.
    pub(crate) fn written(&self) -> impl FnMut(u64) + Send + 'static {
        let spinner = self.spinner.clone();
        move |bytes| {
            if let Some(spinner) = &spinner {
                spinner.set_message(format!("merging: {} bytes", count(bytes)));
            }
        }
    }

    /// The callback of a collection.
    pub(crate) fn collected(&self) -> impl FnMut(Collecting) + Send + 'static {
        let spinner = self.spinner.clone();
        let mut said = None;
        move |it| {
            let doing = match it.phase {
                Phase::Settling => "waiting for files that come late",
                Phase::Merging => "merging",
                Phase::Deleting => "deleting from the bucket",
                _ => "fetching",
            };
            if let Some(spinner) = &spinner {
                spinner.set_message(format!(
                    "{doing}: {} of {} files, {} of {} bytes, {} packets",
                    count(it.files),
                    count(it.listed),
                    count(it.bytes),
                    count(it.bytes_listed),
                    count(it.packets)
                ));
            } else if said.replace(it.phase) != Some(it.phase) {
                let known = match it.reported {
                    Some(reported) if it.phase == Phase::Settling => {
                        format!(
                            ": {} of {} packets are there",
                            count(it.packets),
                            count(reported)
                        )
                    }
                    _ => String::new(),
                };
                output::diagnostic(&format!("{doing}{known}"));
            }
        }
    }

    /// The callback of a proof.
    pub(crate) fn proving(&self) -> impl FnMut(&Proving) + Send + 'static {
        let spinner = self.spinner.clone();
        let mut said = String::new();
        move |step| {
            let doing = match step {
                Proving::Checking => "seeing whether the bucket can be listed and read".to_owned(),
                Proving::Registering => "registering the bucket".to_owned(),
                Proving::AwaitingChallenge { file, .. } => {
                    format!("waiting for {} in the bucket", one_line(file))
                }
                Proving::Validating => "sending the challenge".to_owned(),
                Proving::Pending { .. } => {
                    "waiting for the service, which takes five to ten minutes".to_owned()
                }
                Proving::Failing {
                    error, next_look, ..
                } => {
                    let seconds = next_look.as_secs();
                    let text = format!("warning: {error}; trying again in {seconds} s");
                    line(spinner.as_ref(), &one_line(&text));
                    return;
                }
                _ => return,
            };
            match &spinner {
                Some(spinner) => spinner.set_message(doing),
                None if doing != said => {
                    output::diagnostic(&doing);
                    said = doing;
                }
                None => {}
            }
        }
    }

    /// The callback of a download.
    pub(crate) fn bytes(&self) -> impl FnMut(Transfer) + Send + 'static {
        let spinner = self.spinner.clone();
        move |it| {
            if let Some(spinner) = &spinner {
                let total = it
                    .total
                    .map_or(String::new(), |total| format!(" of {}", count(total)));
                spinner.set_message(format!("downloading: {}{total} bytes", count(it.bytes)));
            }
        }
    }
}

fn line(spinner: Option<&ProgressBar>, text: &str) {
    match spinner {
        Some(spinner) => spinner.suspend(|| output::diagnostic(text)),
        None => output::diagnostic(text),
    }
}

/// The capture's status: on a terminal it is shown, elsewhere it is said when it is not what it was.
fn status(spinner: Option<&ProgressBar>, progress: &pcaps::Progress) {
    let capture = &progress.capture;
    let shown = match capture.status() {
        "" => "(none)".to_owned(),
        status if capture.is_status_known() => status.to_owned(),
        status => format!("{} (not known to this version)", one_line(status)),
    };
    let packets = capture
        .packets_captured()
        .map_or(String::new(), |it| format!(", {} packets", count(it)));
    match spinner {
        Some(spinner) => spinner.set_message(format!("status: {shown}{packets}")),
        None if progress.changed => output::diagnostic(&format!(
            "status: {shown} after {:.1} s{packets}",
            progress.elapsed.as_secs_f64()
        )),
        None => {}
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}
