//! The folder of a bucket that files are fetched from, and what is said when it fails.

use std::{fmt, sync::Arc, time::Duration};

use object_store::{ObjectStore, path::Path as Key};

use crate::{Destination, Error, ErrorKind, call::Shared, redact::Secrets};

/// A store sends a request again by itself: all of that may take as long as so many answers of the service.
const REQUESTS: u32 = 5;

/// A folder of a bucket.
pub(super) struct Source {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) prefix: Key,
    /// As people know it.
    name: String,
    /// What must not be shown, should a server repeat it.
    secrets: Secrets,
    timeout: Duration,
}

impl Source {
    pub(super) fn new(
        store: Arc<dyn ObjectStore>,
        prefix: Key,
        destination: &Destination,
        shared: &Shared,
    ) -> Self {
        Self {
            store,
            prefix,
            name: destination.to_string(),
            secrets: shared.secrets.and(destination.keys()),
            timeout: shared.timeout,
        }
    }

    /// A key as it is below the folder.
    pub(super) fn below(&self, key: &str) -> String {
        let prefix = self.prefix.as_ref();
        let below = key.strip_prefix(prefix).unwrap_or(key);
        below.trim_start_matches('/').to_owned()
    }

    /// What comes of a request before it has taken too long.
    pub(super) async fn in_time<T>(
        &self,
        shared: &Shared,
        answer: impl Future<Output = T>,
    ) -> Option<T> {
        let limit = self.timeout.saturating_mul(REQUESTS);
        shared.chance.within(limit, answer).await
    }

    /// Nothing came of a request, or nothing more.
    pub(super) fn timed_out(&self, doing: &str) -> Error {
        let what = format!("cannot {doing}: {self} does not answer");
        Error::new(ErrorKind::Timeout, what)
    }

    /// A request failed.
    pub(super) fn failed(&self, doing: &str, error: &object_store::Error) -> Error {
        use object_store::Error as Store;
        let (kind, advice) = match error {
            Store::NotFound { .. } => (
                ErrorKind::NotFound,
                "check that there is such a bucket, and its region or account",
            ),
            Store::Unauthenticated { .. } => (
                ErrorKind::Authentication,
                "check the credentials of the bucket",
            ),
            Store::PermissionDenied { .. } => (
                ErrorKind::Permission,
                "check that the credentials of the bucket may list and read it, and for deleting also write",
            ),
            Store::Generic { .. } => (ErrorKind::Connection, "check the bucket and the way to it"),
            _ => (ErrorKind::UnexpectedResponse, "check the bucket"),
        };
        let error = self.because(kind, format!("cannot {doing} at {self}"), error);
        error.advise(advice)
    }

    /// A body broke off.
    pub(super) fn broken(&self, doing: &str, error: &object_store::Error) -> Error {
        let what = format!("cannot {doing}: the connection to {self} broke");
        self.because(ErrorKind::Connection, what, error)
    }

    fn because(&self, kind: ErrorKind, what: String, error: &object_store::Error) -> Error {
        Error::new(kind, what).because(self.secrets.clean(&chain(error)))
    }
}

/// An error with what lies below it. It is text from then on: it may quote what must not be shown.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
