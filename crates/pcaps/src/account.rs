//! The operations.

use std::{path::Path, time::Duration};

use pcaps_api::{Capture as WireCapture, Entry, Exchange, ResponseValue, Secret, types};

use tokio::time::timeout;

use crate::{
    AccountId, Bucket, BucketId, Capture, CaptureId, Destination, Download, Error, ErrorKind,
    Message, Request, Sample, Wait, download, error::Operation,
};

/// An account at the service: every operation starts here. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Account {
    api: pcaps_api::Client,
    id: AccountId,
}

const fn read(id: &'static str, purpose: &'static str) -> Operation {
    Operation {
        id,
        purpose,
        writes: false,
        twice: None,
    }
}

const fn write(id: &'static str, purpose: &'static str) -> Operation {
    Operation {
        id,
        purpose,
        writes: true,
        twice: None,
    }
}

const START: Operation = Operation {
    twice: Some("the capture may have started all the same: look at the list before you try again"),
    ..write("start_capture", "start the capture")
};
const LIST: Operation = read("list_captures", "list captures");
const GET: Operation = read("get_capture", "get the capture");
const DOWNLOAD: Operation = read("download_capture", "download the capture");
const STOP: Operation = write("stop_capture", "stop the capture");
const REGISTER: Operation = Operation {
    twice: Some(
        "the bucket may be registered all the same: look at the list of buckets before you try again",
    ),
    ..write("register_bucket", "register the bucket")
};
const BUCKETS: Operation = read("list_buckets", "list buckets");
const VALIDATE: Operation = write("validate_bucket", "validate the bucket");
const REMOVE: Operation = write("remove_bucket", "remove the bucket");

/// How long a whole answer may take; of a download, its head.
const ANSWER_TIMEOUT: Duration = Duration::from_mins(1);

/// One request by the generated client, and its error in our form.
macro_rules! call {
    ($account:expr, $operation:expr, $method:ident $(, $argument:expr)*) => {{
        let (api, exchange) = $account.api.call();
        let account = $account.id.identifier()?;
        let answer = async {
            match api.$method(&account $(, $argument)*).await {
                Ok(response) => Ok(response),
                Err(error) => Err(Error::from_api($operation, error, &exchange).await),
            }
        };
        match timeout(ANSWER_TIMEOUT, answer).await {
            Ok(answer) => answer.map(|response| (response, exchange)),
            Err(_) => Err(Error::new(ErrorKind::Timeout, "the service did not answer in a minute")
                .during($operation)
                .seen(&exchange)
                .warn_of_twice()),
        }
    }};
}

impl Account {
    pub(crate) fn new(api: pcaps_api::Client, id: AccountId) -> Self {
        Self { api, id }
    }

    /// The account's id.
    pub fn id(&self) -> &AccountId {
        &self.id
    }

    /// Takes a sample and saves its packets: [`start`](Self::start), [`wait`](Self::wait) and
    /// [`download_to`](Self::download_to) in one.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn example(account: pcaps::Account) -> Result<(), pcaps::Error> {
    /// let sample = pcaps::Sample::new(Duration::from_secs(300), 10_000)?.filter("udp and dst port 53".parse()?);
    /// let download = account.sample_to(sample, "dns.pcap").await?;
    /// println!("{}", download.summary);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the three.
    pub async fn sample_to(
        &self,
        sample: Sample,
        path: impl AsRef<Path>,
    ) -> Result<Download, Error> {
        // The service takes one sample a minute: none is worth taking if it cannot be saved.
        let target = download::Target::new(path.as_ref())?;
        let capture = self.start(sample).await?;
        let saved = async {
            self.wait(capture.id()).await?;
            self.download(capture.id(), target).await
        };
        // Whoever is told can still pick it up.
        saved.await.map_err(|error| match error.capture() {
            Some(_) => error,
            None => error.about(capture),
        })
    }

    /// Starts a capture. It is sent once: whether an attempt that failed on the way has arrived cannot be known.
    ///
    /// # Errors
    ///
    /// Those of any request; [`RateLimited`](ErrorKind::RateLimited) when the last sample was less than a minute ago.
    pub async fn start(&self, request: impl Into<Request>) -> Result<Capture, Error> {
        let (response, exchange) = call!(self, START, start_capture, &request.into().to_api())?;
        Ok(Capture::new(single(START, response, &exchange)?))
    }

    /// The newest 50 captures at most, newest first.
    ///
    /// # Errors
    ///
    /// Those of any request.
    pub async fn list(&self) -> Result<Vec<Capture>, Error> {
        let (response, exchange) = call!(self, LIST, list_captures)?;
        let captures: Option<Vec<WireCapture>> = result(LIST, response, &exchange)?;
        Ok(captures
            .unwrap_or_default()
            .into_iter()
            .map(Capture::new)
            .collect())
    }

    /// One capture.
    ///
    /// # Errors
    ///
    /// Those of any request; [`NotFound`](ErrorKind::NotFound) when there is none of this id.
    pub async fn get(&self, id: &CaptureId) -> Result<Capture, Error> {
        let (response, exchange) = call!(self, GET, get_capture, &id.identifier()?)?;
        Ok(Capture::new(single(GET, response, &exchange)?))
    }

    /// Waits until a capture has finished. Await it as it is, or set a deadline and a progress callback first.
    pub fn wait(&self, id: &CaptureId) -> Wait {
        Wait::new(self.clone(), id.clone())
    }

    /// Saves the packets of a finished sample to a file, readable by its owner only.
    ///
    /// The body is written beside the file and takes its place only when it has arrived whole and every record in it
    /// has been read: whatever goes wrong, a file that was there before stays as it was, and no part is left.
    ///
    /// # Errors
    ///
    /// Those of any request; [`NotACapture`](ErrorKind::NotACapture) when what came is not a whole capture file,
    /// [`Io`](ErrorKind::Io) when it cannot be written. Full captures cannot be downloaded: their files are in the
    /// bucket.
    pub async fn download_to(
        &self,
        id: &CaptureId,
        path: impl AsRef<Path>,
    ) -> Result<Download, Error> {
        self.download(id, download::Target::new(path.as_ref())?)
            .await
    }

    async fn download(&self, id: &CaptureId, target: download::Target) -> Result<Download, Error> {
        let id = id.identifier()?;
        let (response, exchange) = call!(self, DOWNLOAD, download_capture, &id)?;
        download::save(response.into_inner_stream(), target)
            .await
            .map_err(|failure| match failure {
                download::Failure::Refusal(messages) => {
                    let status = exchange.head().map(|head| head.status).unwrap_or_default();
                    Error::refusal(DOWNLOAD, status, messages).seen(&exchange)
                }
                // What the local disk does is no concern of the service's.
                download::Failure::Error(error) if error.kind() == ErrorKind::Io => {
                    error.during(DOWNLOAD)
                }
                download::Failure::Error(error) => error.during(DOWNLOAD).seen(&exchange),
            })
    }

    /// Stops a full capture. What it has taken so far goes to its bucket; wait for it to finish.
    ///
    /// # Errors
    ///
    /// Those of any request; [`Refused`](ErrorKind::Refused) when it is a sample.
    pub async fn stop(&self, id: &CaptureId) -> Result<(), Error> {
        call!(self, STOP, stop_capture, &id.identifier()?)?;
        Ok(())
    }

    /// Registers a bucket for full captures. The service writes a challenge file into it, whose name comes back; its
    /// content goes to [`validate_bucket`](Self::validate_bucket).
    ///
    /// # Errors
    ///
    /// Those of any request; [`InvalidInput`](ErrorKind::InvalidInput) when a bucket on R2 lacks its keys.
    pub async fn register_bucket(&self, destination: &Destination) -> Result<Bucket, Error> {
        destination.check_registrable()?;
        let body = types::RegisterBucketRequest {
            destination_conf: destination.with_keys(),
        };
        let (response, exchange) = call!(self, REGISTER, register_bucket, &body)?;
        Ok(Bucket::new(Entry::Known(single(
            REGISTER, response, &exchange,
        )?)))
    }

    /// The registered buckets.
    ///
    /// # Errors
    ///
    /// Those of any request.
    pub async fn list_buckets(&self) -> Result<Vec<Bucket>, Error> {
        let (response, exchange) = call!(self, BUCKETS, list_buckets)?;
        let buckets: Option<Vec<Entry<_>>> = result(BUCKETS, response, &exchange)?;
        Ok(buckets
            .unwrap_or_default()
            .into_iter()
            .map(Bucket::new)
            .collect())
    }

    /// Proves that a registered bucket is the caller's with the content (not the name) of the challenge file.
    ///
    /// The proof can stay pending for five to ten minutes: look at [`Bucket::is_validated`], and list again.
    ///
    /// # Errors
    ///
    /// Those of any request; [`InvalidInput`](ErrorKind::InvalidInput) when the challenge is empty.
    pub async fn validate_bucket(
        &self,
        destination: &Destination,
        challenge: impl Into<Secret>,
    ) -> Result<Bucket, Error> {
        let challenge = challenge.into();
        let text = challenge.expose().trim();
        if text.is_empty() {
            return Err(Error::invalid(
                "the challenge is empty: give the content of the challenge file in the bucket",
            ));
        }
        let body = types::ValidateBucketRequest {
            destination_conf: destination.without_keys().into(),
            ownership_challenge: text.into(),
        };
        let (response, exchange) = call!(self, VALIDATE, validate_bucket, &body)?;
        Ok(Bucket::new(Entry::Known(single(
            VALIDATE, response, &exchange,
        )?)))
    }

    /// Forgets a registered bucket. The bucket and what is in it stay as they are.
    ///
    /// # Errors
    ///
    /// Those of any request; [`NotFound`](ErrorKind::NotFound) when there is none of this id.
    pub async fn remove_bucket(&self, id: &BucketId) -> Result<(), Error> {
        call!(self, REMOVE, remove_bucket, &id.identifier()?)?;
        Ok(())
    }
}

/// The parts of an envelope that every operation looks at.
struct Parts<R> {
    success: Option<bool>,
    errors: Option<Vec<Entry<types::Message>>>,
    result: Option<R>,
}

macro_rules! envelope {
    ($($envelope:ident => $result:ty,)*) => {$(
        impl From<types::$envelope> for Parts<$result> {
            fn from(envelope: types::$envelope) -> Self {
                let types::$envelope { success, errors, result, .. } = envelope;
                Self { success, errors, result }
            }
        }
    )*};
}

envelope! {
    CaptureEnvelope => WireCapture,
    CaptureListEnvelope => Vec<WireCapture>,
    OwnershipEnvelope => types::Ownership,
    OwnershipListEnvelope => Vec<Entry<types::Ownership>>,
}

/// The result of a response that claims success under its status; a failure if it says otherwise.
fn result<R, E: Into<Parts<R>>>(
    operation: Operation,
    response: ResponseValue<E>,
    exchange: &Exchange,
) -> Result<Option<R>, Error> {
    let status = response.status();
    let parts = response.into_inner().into();
    match parts.success {
        Some(true) => Ok(parts.result),
        Some(false) => {
            let errors = Message::of(parts.errors.as_deref());
            Err(Error::refusal(operation, status, errors).seen(exchange))
        }
        None => Err(unexpected(
            operation,
            "the service does not say that it worked",
            exchange,
        )),
    }
}

/// The result of a response that must have one.
fn single<R, E: Into<Parts<R>>>(
    operation: Operation,
    response: ResponseValue<E>,
    exchange: &Exchange,
) -> Result<R, Error> {
    result(operation, response, exchange)?.ok_or_else(|| {
        unexpected(
            operation,
            "the service says that it worked, and gives no result",
            exchange,
        )
    })
}

fn unexpected(operation: Operation, what: &str, exchange: &Exchange) -> Error {
    Error::new(ErrorKind::UnexpectedResponse, what)
        .during(operation)
        .seen(exchange)
        .warn_of_twice()
}

#[cfg(test)]
mod tests {
    use std::future::IntoFuture as _;

    use super::*;

    fn is_send<T: Send>(_: T) {}

    /// Compiles only while every operation can be awaited on a runtime of many threads.
    #[expect(dead_code, reason = "it is enough that it compiles")]
    fn futures_are_send(account: &Account, sample: Sample, to: &Destination) {
        let (capture, bucket): (CaptureId, BucketId) = ("a".parse().unwrap(), "b".parse().unwrap());
        is_send(account.sample_to(sample.clone(), "a.pcap"));
        is_send(account.start(sample));
        is_send(account.list());
        is_send(account.get(&capture));
        is_send(account.wait(&capture).into_future());
        is_send(account.download_to(&capture, "a.pcap"));
        is_send(account.stop(&capture));
        is_send(account.register_bucket(to));
        is_send(account.list_buckets());
        is_send(account.validate_bucket(to, "challenge"));
        is_send(account.remove_bucket(&bucket));
    }
}
