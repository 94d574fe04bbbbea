//! Why a command did not do what it was asked, and the code it exits with.

use std::{error::Error, fmt, io, path::Path, process::ExitCode};

use pcaps::ErrorKind;
use schemars::JsonSchema;
use serde::Serialize;

use crate::output::{self, Format};

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
    /// For programs.
    fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Other => "other",
            Self::Usage => "usage",
            Self::Denied => "denied",
            Self::NotFound => "not_found",
            Self::RateLimited => "rate_limited",
            Self::CaptureFailed => "capture_failed",
            Self::DeadlinePassed => "deadline_passed",
            Self::Partial => "partial",
            Self::Interrupted => "interrupted",
        }
    }

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
    /// What the service, or the way to it, has to do with it.
    service: Box<Service>,
}

/// What programs are told of a failure, beside its words.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
struct Service {
    /// The HTTP status of the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    http_status: Option<u16>,
    /// The answer's CF-Ray id, which Cloudflare's support asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    ray_id: Option<String>,
    /// How long the service asks to wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_seconds: Option<u64>,
    /// The capture that it is about, which can still be picked up.
    #[serde(skip_serializing_if = "Option::is_none")]
    capture_id: Option<String>,
}

/// What programs are told of a failure, on standard error.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ErrorView<'a> {
    error: ErrorBody<'a>,
}

// (The description would be that of what is flattened into it.)
#[derive(Serialize, JsonSchema)]
#[schemars(
    rename = "Error",
    description = "Why a command did not do what it was asked."
)]
struct ErrorBody<'a> {
    /// The exit code's name: `usage`, `denied`, `not_found`, `rate_limited`, `capture_failed`, `deadline_passed`,
    /// `partial`, `interrupted` or `other`.
    kind: &'static str,
    /// The exit code.
    exit_code: u8,
    /// What went wrong, and what to do.
    message: &'a str,
    /// Which command goes on from here.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    #[serde(flatten)]
    service: &'a Service,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            note: None,
            service: Box::default(),
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

    /// Says it on standard error, to whom reads the results, and gives the exit code.
    pub(crate) fn report(self, format: Format) -> ExitCode {
        let exit = self.exit;
        if self.message.is_empty() {
            return ExitCode::from(exit as u8);
        }
        if format.is_document() {
            let note = self.note.as_deref().map(pcaps::redacted);
            output::error(&ErrorView {
                error: ErrorBody {
                    kind: exit.name(),
                    exit_code: exit as u8,
                    message: &pcaps::redacted(&self.message),
                    note: note.as_deref(),
                    service: &self.service,
                },
            });
        } else {
            output::diagnostic(&format!("error: {}", self.message));
            if let Some(note) = self.note {
                output::diagnostic(&format!("note: {note}"));
            }
        }
        ExitCode::from(exit as u8)
    }
}

impl From<pcaps::Error> for Failure {
    fn from(error: pcaps::Error) -> Self {
        let mut failure = Self::because(Exit::of(error.kind()), &error);
        failure.service = Box::new(Service {
            http_status: error.status(),
            ray_id: error.ray_id().map(str::to_owned),
            retry_after_seconds: error.retry_after().map(|it| it.as_secs()),
            capture_id: error.capture().map(|it| it.id().to_string()),
        });
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
