//! The folder of a bucket that something is looked for in, and what is said when that fails.

use std::{fmt, sync::Arc, time::Duration};

use futures_util::StreamExt as _;
use object_store::{ObjectStore, ObjectStoreExt as _, path::Path as Key};

use super::{Access, Folder, fault::Fault};
#[cfg(feature = "export")]
use crate::clock::Chance;
use crate::{Destination, Error, ErrorKind, call::Shared, redact::Secrets};

/// A store sends a request again by itself: all of that may take as long as so many answers of the service.
const REQUESTS: u32 = 5;

/// A folder of a bucket.
pub(crate) struct Source {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) prefix: Key,
    /// As people know it.
    name: String,
    /// What must not be shown, should a server repeat it.
    secrets: Secrets,
    timeout: Duration,
}

impl Source {
    pub(crate) fn new(folder: Folder, destination: &Destination, shared: &Shared) -> Self {
        Self {
            store: folder.store,
            prefix: folder.prefix,
            name: destination.to_string(),
            secrets: shared.secrets.and(destination.keys()),
            timeout: shared.timeout,
        }
    }

    /// One that no client of the service has to do with.
    pub(crate) fn alone(folder: Folder, destination: &Destination, timeout: Duration) -> Self {
        Self {
            store: folder.store,
            prefix: folder.prefix,
            name: destination.to_string(),
            secrets: Secrets::new(destination.keys()),
            timeout,
        }
    }

    /// How long it may take until a request has its answer.
    pub(crate) fn limit(&self) -> Duration {
        self.timeout.saturating_mul(REQUESTS)
    }

    /// The same as [`in_time`](Self::in_time) without a client, by the system's clock.
    #[cfg(feature = "export")]
    pub(crate) async fn answer<T>(
        &self,
        doing: &str,
        answer: impl Future<Output = T>,
    ) -> Result<T, Error> {
        let answered = Chance::default().within(self.limit(), answer).await;
        answered.ok_or_else(|| self.timed_out(doing))
    }

    /// A key as it is below the folder.
    pub(crate) fn below(&self, key: &str) -> String {
        let prefix = self.prefix.as_ref();
        let below = key.strip_prefix(prefix).unwrap_or(key);
        below.trim_start_matches('/').to_owned()
    }

    /// What comes of a request before it has taken too long.
    pub(crate) async fn in_time<T>(
        &self,
        shared: &Shared,
        answer: impl Future<Output = T>,
    ) -> Option<T> {
        shared.chance.within(self.limit(), answer).await
    }

    /// Sees whether it can be listed and read, without looking at what is in it. `probe` is the name of an object that
    /// whoever may read what is wanted later may read, whether it is there or not.
    pub(crate) async fn check(&self, shared: &Shared, probe: &str) -> Result<(), Error> {
        const LISTING: &str = "list the bucket";
        const READING: &str = "read from the bucket";
        let prefix = Some(&self.prefix).filter(|it| it.parts_count() > 0);
        match self.in_time(shared, self.store.list(prefix).next()).await {
            None => return Err(self.timed_out(LISTING)),
            Some(Some(Err(error))) if !is_empty_folder(&error) => {
                return Err(self.failed(Access::List, LISTING, &error));
            }
            Some(_) => {}
        }
        let probe = self.prefix.clone().join(probe);
        // Only an answer to this has a body that says why.
        match self.in_time(shared, self.store.get(&probe)).await {
            None => Err(self.timed_out(READING)),
            Some(Err(error)) if !is_not_there(&error) => {
                Err(self.failed(Access::Read, READING, &error))
            }
            Some(_) => Ok(()),
        }
    }

    /// What is in an object, if it is there, and no longer than `limit` bytes.
    pub(crate) async fn read(
        &self,
        shared: &Shared,
        key: &Key,
        limit: u64,
        doing: &str,
    ) -> Result<Option<Vec<u8>>, Error> {
        let reading = async {
            let got = match self.store.get(key).await {
                Ok(got) => got,
                Err(error) if is_not_there(&error) => return Ok(None),
                Err(error) => return Err(self.failed(Access::Read, doing, &error)),
            };
            let mut body = got.into_stream();
            let mut content = Vec::new();
            while let Some(bytes) = body.next().await {
                let bytes = bytes.map_err(|it| self.broken(doing, &it))?;
                content.extend_from_slice(&bytes);
                if content.len() as u64 > limit {
                    let what = format!("cannot {doing}: it is longer than {limit} bytes");
                    return Err(Error::new(ErrorKind::UnexpectedResponse, what)
                        .advise("see what else has written to the bucket"));
                }
            }
            Ok(Some(content))
        };
        let read = self.in_time(shared, reading).await;
        read.unwrap_or_else(|| Err(self.timed_out(doing)))
    }

    /// Nothing came of a request, or nothing more.
    pub(crate) fn timed_out(&self, doing: &str) -> Error {
        let what = format!("cannot {doing}: {self} does not answer");
        Error::new(ErrorKind::Timeout, what)
    }

    /// A request failed.
    pub(crate) fn failed(&self, access: Access, doing: &str, error: &object_store::Error) -> Error {
        let fault = Fault::of(error);
        let said = fault.judge(error, access, &self.name).into_error(doing);
        let said = match fault.status() {
            Some(status) => said.answered(status),
            None => said,
        };
        said.because(self.cause(&fault, error))
    }

    /// A body broke off.
    pub(crate) fn broken(&self, doing: &str, error: &object_store::Error) -> Error {
        let what = format!("cannot {doing}: the connection to {self} broke");
        Error::new(ErrorKind::Connection, what).because(self.cause(&Fault::of(error), error))
    }

    /// What lies below: of a server's answer a sketch, because it may quote anything.
    fn cause(&self, fault: &Fault, error: &object_store::Error) -> String {
        if fault.is_remote() {
            return fault.sketch();
        }
        self.secrets.clean(&chain(error))
    }
}

/// Whether there is no such object, in a bucket that is there.
pub(crate) fn is_not_there(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::NotFound { .. }) && !Fault::of(error).is_no_bucket()
}

/// Whether a folder, of this machine, is not there because nothing has been written to it.
pub(crate) fn is_empty_folder(error: &object_store::Error) -> bool {
    matches!(error, object_store::Error::NotFound { .. }) && !Fault::of(error).is_remote()
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
