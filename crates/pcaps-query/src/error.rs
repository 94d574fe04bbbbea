//! Why there is no answer.

use std::fmt;

/// Why a question has no answer: what was tried, and what to do. It holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    message: String,
}

/// What kind of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The SQL, the data set's name or the engine's cannot be used.
    InvalidInput,
    /// The data set is not there, or is none.
    NoData,
    /// The engine, or what is needed to ask it, is not installed.
    NotInstalled,
    /// The engine could not be reached, or failed.
    Engine,
    /// The file for the answer cannot be written.
    Io,
    /// It was [stopped](crate::Stop::now).
    Stopped,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { kind, message }
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub(crate) fn stopped() -> Self {
        Self::new(ErrorKind::Stopped, "the query was stopped")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
