//! Questions to a person at a terminal.

use std::{
    io::{self, IsTerminal as _},
    thread,
};

use pcaps::Secret;
use tokio::sync::oneshot;

use crate::{
    failure::{Exit, Failure},
    output,
    resume::Resume,
    runtime,
};

/// Whether there is a person who can be asked.
pub(crate) fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for a line. Ask before signals are caught: an answer takes as long as it takes.
pub(crate) fn line(question: &str) -> Result<String, Failure> {
    output::ask(question);
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer);
    answered(read.map(|_| answer))
}

/// Asks for something that must not be seen while it is typed. The terminal is as before when it ends, whatever ends it.
pub(crate) fn secret(question: &str) -> Result<Secret, Failure> {
    let read = runtime::interruptible(&Resume::default(), async {
        // Once an interruption is heard, which puts it back, and before the question: who answers at once is not seen.
        let _echo = Echo::off();
        output::ask(question);
        let (answer, answered_by) = oneshot::channel();
        // Not one of the runtime's threads: those are waited for, and this one may hang.
        thread::spawn(move || answer.send(hidden_line()));
        let gone = |_| Failure::new(Exit::Other, "the terminal could not be read");
        answered_by.await.map_err(gone)
    });
    // The line break did not show.
    output::diagnostic("");
    answered(read?).map(Secret::from)
}

fn answered(read: io::Result<String>) -> Result<String, Failure> {
    let answer = read
        .map_err(|error| Failure::new(Exit::Other, format!("cannot read the terminal: {error}")))?;
    match answer.trim() {
        "" => Err(Failure::usage(
            "there was no answer, and nothing has changed",
        )),
        answer => Ok(answer.to_owned()),
    }
}

#[cfg(unix)]
fn hidden_line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().read_line(&mut line).map(|_| line)
}

/// How the terminal echoes, to be put back.
#[cfg(unix)]
struct Echo(Option<rustix::termios::Termios>);

#[cfg(unix)]
impl Echo {
    fn off() -> Self {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(io::stdin()).ok();
        if let Some(before) = &before {
            let mut silent = before.clone();
            silent.local_modes.remove(LocalModes::ECHO);
            // What is no terminal shows nothing by itself.
            let _ = tcsetattr(io::stdin(), OptionalActions::Flush, &silent);
        }
        Self(before)
    }
}

#[cfg(unix)]
impl Drop for Echo {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let now = rustix::termios::OptionalActions::Now;
            // A terminal that is gone has no echo.
            let _ = rustix::termios::tcsetattr(io::stdin(), now, before);
        }
    }
}

#[cfg(not(unix))]
fn hidden_line() -> io::Result<String> {
    console::Term::stderr().read_secure_line()
}

/// The console hides and shows by itself.
#[cfg(not(unix))]
struct Echo;

#[cfg(not(unix))]
impl Echo {
    fn off() -> Self {
        Self
    }
}
