//! How a command tells of its progress: a spinner on a terminal, plain lines elsewhere.

use std::{
    io::{self, IsTerminal as _},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::output::{self, one_line};

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
        let text = one_line(text);
        match &self.spinner {
            Some(spinner) => spinner.suspend(|| output::diagnostic(&text)),
            None => output::diagnostic(&text),
        }
    }

    /// What is being done now.
    pub(crate) fn doing(&self, doing: &'static str) {
        if let Some(spinner) = &self.spinner {
            spinner.set_message(doing);
        }
    }

    /// The callback of a wait.
    pub(crate) fn watch(&self) -> impl FnMut(&pcaps::Progress) + Send + 'static {
        let (spinner, mut last) = (self.spinner.clone(), None);
        move |it| status(spinner.as_ref(), it.capture.status(), it.elapsed, &mut last)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(spinner) = &self.spinner {
            spinner.finish_and_clear();
        }
    }
}

/// The capture's status: said when it is not what it was.
fn status(
    spinner: Option<&ProgressBar>,
    status: &str,
    elapsed: Duration,
    last: &mut Option<String>,
) {
    if last.as_deref() == Some(status) {
        return;
    }
    *last = Some(status.to_owned());
    let shown = if status.is_empty() {
        "(none)".to_owned()
    } else {
        one_line(status)
    };
    match spinner {
        Some(spinner) => spinner.set_message(format!("status: {shown}")),
        None => output::diagnostic(&format!(
            "status: {shown} after {:.1} s",
            elapsed.as_secs_f64()
        )),
    }
}
