//! Why a command did not do what it was asked, and the code it exits with.

use std::{error::Error, fmt, io, path::Path, process::ExitCode};

use pcaps::ErrorKind;

use crate::output;

/// The exit codes. They are a promise: `pcaps --help` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Nothing went wrong.
    Done = 0,
    /// What has no code of its own.
    Other = 1,
    /// The arguments are wrong, or a value in them.
    Usage = 2,
    /// Authentication or permission.
    Denied = 3,
    /// There is no such thing.
    NotFound = 4,
    /// Too many requests.
    RateLimited = 5,
    /// The capture failed at the service.
    CaptureFailed = 6,
    /// A wait came to its deadline.
    DeadlinePassed = 7,
    /// There is a result, and it is not whole.
    Partial = 8,
    /// Ctrl-C.
    Interrupted = 130,
}

impl Exit {
    fn of(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::InvalidInput => Self::Usage,
            ErrorKind::Authentication | ErrorKind::Permission => Self::Denied,
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::RateLimited => Self::RateLimited,
            ErrorKind::CaptureFailed => Self::CaptureFailed,
            ErrorKind::DeadlinePassed => Self::DeadlinePassed,
            _ => Self::Other,
        }
    }
}

/// The end of a command that did not do what it was asked: its last words and its exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    /// Empty for an end without words.
    message: String,
    note: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            note: None,
        }
    }

    /// Wrong usage that clap cannot see.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// An error with its causes.
    pub(crate) fn because(exit: Exit, error: &dyn Error) -> Self {
        Self::new(exit, chain(error))
    }

    /// A file that cannot be written.
    pub(crate) fn write(path: &Path, error: &dyn Error) -> Self {
        let message = format!("cannot write {}: {}", path.display(), chain(error));
        Self::new(Exit::Other, message)
    }

    /// Standard output that cannot be written. When its reader has left, that is nobody's mistake: it ends the
    /// command without a word.
    pub(crate) fn stdout(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::new(Exit::Done, "");
        }
        Self::new(
            Exit::Other,
            format!("cannot write to standard output: {error}"),
        )
    }

    /// Ctrl-C.
    pub(crate) fn interrupted(note: Option<String>) -> Self {
        Self::new(Exit::Interrupted, "interrupted").noting(note)
    }

    /// Its last words.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it, if that is not among its words.
    pub(crate) fn note(&self) -> Option<String> {
        self.note.clone()
    }

    /// The code that it will exit with.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    /// Puts before it where its cause stands.
    pub(crate) fn at(self, place: &dyn fmt::Display) -> Self {
        Self {
            message: format!("{place}: {}", self.message),
            ..self
        }
    }

    /// Adds what to do now.
    pub(crate) fn noting(self, note: Option<String>) -> Self {
        Self { note, ..self }
    }

    /// Says it on standard error, and gives the exit code.
    pub(crate) fn report(self) -> ExitCode {
        if !self.message.is_empty() {
            output::diagnostic(&format!("error: {}", self.message));
        }
        if let Some(note) = self.note {
            output::diagnostic(&format!("note: {note}"));
        }
        ExitCode::from(self.exit as u8)
    }
}

impl From<pcaps::Error> for Failure {
    fn from(error: pcaps::Error) -> Self {
        let mut failure = Self::because(Exit::of(error.kind()), &error);
        // A filter shows its place on lines of its own; anything else is one line, whatever the service said.
        if error.kind() != ErrorKind::InvalidInput {
            failure.message = output::one_line(&failure.message);
        }
        failure
    }
}

impl From<pcaps_sim::Error> for Failure {
    fn from(error: pcaps_sim::Error) -> Self {
        let exit = match error.kind() {
            pcaps_sim::ErrorKind::Destination | pcaps_sim::ErrorKind::Store => Exit::Usage,
            _ => Exit::Other,
        };
        Self::because(exit, &error)
    }
}

impl From<pcaps_sim::traffic::Error> for Failure {
    fn from(error: pcaps_sim::traffic::Error) -> Self {
        Self::because(Exit::Other, &error)
    }
}

/// An error's text, and those of its causes that say something new.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !more.is_empty() && !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Link(&'static str, Option<Box<Link>>);

    impl fmt::Display for Link {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Link {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|it| it as &(dyn Error + 'static))
        }
    }

    #[test]
    fn causes_follow_unless_they_repeat() {
        let link = |text, next| Some(Box::new(Link(text, next)));
        let error = Link(
            "no luck",
            link("no luck", link("the disk is full", link("", None))),
        );
        assert_eq!(chain(&error), "no luck: the disk is full");
    }

    #[test]
    fn every_kind_has_its_code() {
        for (kind, code) in [
            (ErrorKind::InvalidInput, 2),
            (ErrorKind::Authentication, 3),
            (ErrorKind::Permission, 3),
            (ErrorKind::NotFound, 4),
            (ErrorKind::RateLimited, 5),
            (ErrorKind::CaptureFailed, 6),
            (ErrorKind::DeadlinePassed, 7),
            (ErrorKind::Refused, 1),
            (ErrorKind::Service, 1),
            (ErrorKind::Connection, 1),
            (ErrorKind::Timeout, 1),
            (ErrorKind::UnexpectedResponse, 1),
            (ErrorKind::NotACapture, 1),
            (ErrorKind::Io, 1),
            (ErrorKind::ProofFailed, 1),
        ] {
            assert_eq!(Exit::of(kind) as u8, code, "{kind:?}");
        }
    }

    #[test]
    fn a_filter_keeps_its_lines() {
        let error = "udp or tcp".parse::<pcaps::Filter>().unwrap_err();
        let failure = Failure::from(error);
        assert_eq!(failure.exit, Exit::Usage);
        assert!(
            failure.message.contains("\n  udp or tcp\n  ^"),
            "{}",
            failure.message
        );
    }

    #[test]
    fn a_reader_that_left_is_no_error() {
        let failure = Failure::stdout(&io::ErrorKind::BrokenPipe.into());
        assert_eq!((failure.exit, failure.message.as_str()), (Exit::Done, ""));
        assert_eq!(
            Failure::stdout(&io::ErrorKind::StorageFull.into()).exit,
            Exit::Other
        );
    }
}
