//! The operations.

use std::path::Path;

use pcaps_api::{Capture as WireCapture, Exchange, ResponseValue, Secret, types};

use crate::{
    AccountId, Bucket, BucketId, Capture, CaptureId, Destination, Download, Error, ErrorKind,
    Request, Sample, Wait, download, error::Operation,
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
        repeatable: true,
    }
}

const fn write(id: &'static str, purpose: &'static str) -> Operation {
    Operation {
        id,
        purpose,
        writes: true,
        repeatable: true,
    }
}

const START: Operation = Operation {
    repeatable: false,
    ..write("start_capture", "start the capture")
};
const LIST: Operation = read("list_captures", "list captures");
const GET: Operation = read("get_capture", "get the capture");
const DOWNLOAD: Operation = read("download_capture", "download the capture");
const STOP: Operation = write("stop_capture", "stop the capture");
const REGISTER: Operation = write("register_bucket", "register the bucket");
const BUCKETS: Operation = read("list_buckets", "list buckets");
const VALIDATE: Operation = write("validate_bucket", "validate the bucket");
const REMOVE: Operation = write("remove_bucket", "remove the bucket");

/// One request by the generated client, and its error in our form.
macro_rules! call {
    ($account:expr, $operation:expr, $method:ident $(, $argument:expr)*) => {{
        let (api, exchange) = $account.api.call();
        match api.$method(&$account.id.identifier()? $(, $argument)*).await {
            Ok(response) => Ok((response, exchange)),
            Err(error) => Err(Error::from_api($operation, error, &exchange)),
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
        let capture = self.start(sample).await?;
        self.wait(capture.id()).await?;
        self.download_to(capture.id(), path).await
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
        let id = id.identifier()?;
        let target = download::Target::new(path.as_ref())?;
        let (response, exchange) = call!(self, DOWNLOAD, download_capture, &id)?;
        download::save(response.into_inner_stream(), target)
            .await
            .map_err(|failure| match failure {
                download::Failure::Refusal(failure) => {
                    let status = exchange.head().map(|head| head.status).unwrap_or_default();
                    Error::refusal(DOWNLOAD, status, failure.errors.as_deref()).seen(&exchange)
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
        Ok(Bucket::new(single(REGISTER, response, &exchange)?))
    }

    /// The registered buckets.
    ///
    /// # Errors
    ///
    /// Those of any request.
    pub async fn list_buckets(&self) -> Result<Vec<Bucket>, Error> {
        let (response, exchange) = call!(self, BUCKETS, list_buckets)?;
        let buckets: Option<Vec<types::Ownership>> = result(BUCKETS, response, &exchange)?;
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
            destination_conf: destination.without_keys(),
            ownership_challenge: text.into(),
        };
        let (response, exchange) = call!(self, VALIDATE, validate_bucket, &body)?;
        Ok(Bucket::new(single(VALIDATE, response, &exchange)?))
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
trait Envelope {
    type Result;
    fn parts(
        self,
    ) -> (
        Option<bool>,
        Option<Vec<types::Message>>,
        Option<Self::Result>,
    );
}

macro_rules! envelope {
    ($($envelope:ident => $result:ty,)*) => {$(
        impl Envelope for types::$envelope {
            type Result = $result;
            fn parts(self) -> (Option<bool>, Option<Vec<types::Message>>, Option<$result>) {
                (self.success, self.errors, self.result)
            }
        }
    )*};
}

envelope! {
    CaptureEnvelope => WireCapture,
    CaptureListEnvelope => Vec<WireCapture>,
    OwnershipEnvelope => types::Ownership,
    OwnershipListEnvelope => Vec<types::Ownership>,
}

/// The result of a response that claims success under its status; a failure if it says otherwise.
fn result<E: Envelope>(
    operation: Operation,
    response: ResponseValue<E>,
    exchange: &Exchange,
) -> Result<Option<E::Result>, Error> {
    let status = response.status();
    match response.into_inner().parts() {
        (Some(true), _, result) => Ok(result),
        (Some(false), errors, _) => {
            Err(Error::refusal(operation, status, errors.as_deref()).seen(exchange))
        }
        (None, ..) => Err(unexpected(
            operation,
            "the service does not say that it worked",
            exchange,
        )),
    }
}

/// The result of a response that must have one.
fn single<E: Envelope>(
    operation: Operation,
    response: ResponseValue<E>,
    exchange: &Exchange,
) -> Result<E::Result, Error> {
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
