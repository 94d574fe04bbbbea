//! The operations.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use pcaps_api::{Capture as WireCapture, Entry, Secret};
use reqwest::StatusCode;
use tokio::io::AsyncWrite;

use crate::{
    AccountId, Bucket, BucketId, Capture, CaptureId, Collect, Destination, Download, Downloaded,
    Error, Follow, History, Prove, Request, RetryPolicy, Sample, Samples, Wait, Watch,
    call::{Shared, unexpected},
    download::Target,
    lookout::Lookout,
    operation::{BUCKETS, GET, LIST, REGISTER, REMOVE, START, STOP, VALIDATE},
    preview, start,
};

/// An account at the service: every operation starts here. Cheap to clone, `Send` and `Sync`.
///
/// | to | call |
/// |---|---|
/// | have the packets of the last minutes in a file | [`sample_to`](Self::sample_to) |
/// | start a capture of either type | [`start`](Self::start) |
/// | see captures | [`list`](Self::list), [`get`](Self::get) |
/// | wait until a capture has finished | [`wait`](Self::wait), [`wait_all`](crate::wait_all) |
/// | have the packets of a finished sample | [`download`](Self::download) |
/// | have the packets of a finished full capture | [`collect`](Self::collect) |
/// | have the packets as they come | [`follow`](Self::follow) of a full capture, [`samples`](Self::samples) |
/// | have the packets of hours that have passed | [`history`](Self::history), [`resume_history`](Self::resume_history) |
/// | always have the packets of the last hours in a folder | [`watch`](Self::watch) |
/// | end a full capture early | [`stop`](Self::stop) |
/// | have a bucket for full captures | [`prove`](Self::prove) |
/// | do the same step by step | [`register_bucket`](Self::register_bucket), [`validate_bucket`](Self::validate_bucket) |
/// | see the request of one of these, and send nothing | [`preview`](Self::preview) |
/// | see what the credentials, and those of a bucket, are good for | [`probe`](Self::probe), [`check_bucket`](Self::check_bucket) |
/// | see buckets, forget one | [`list_buckets`](Self::list_buckets), [`remove_bucket`](Self::remove_bucket) |
///
/// ```
/// let client = pcaps::Client::builder().token("v1.0-0123456789abcdef").build()?;
/// let account = client.account("0123456789abcdef0123456789abcdef".parse()?);
/// # Ok::<(), pcaps::Error>(())
/// ```
///
/// A request that fails is sent again where that is safe, as the client's [`RetryPolicy`] has it.
///
/// # Errors of any request
///
/// Every request can fail with these kinds ([`ErrorKind`](crate::ErrorKind)), and the operations name what comes
/// besides:
///
/// - `Authentication` and `Permission`: an API token needs *Magic Firewall Packet Captures - Read PCAPs API*, and for
///   all that starts, stops or changes something *Magic Firewall Packet Captures - Write PCAPs API*. Source:
///   Cloudflare's API reference.
/// - `NotFound`: there is no such account, or what an id stands for is not there.
/// - `RateLimited`: too many requests; nothing may have been sent, when the client knows it before.
/// - `Refused`: the service does not accept what was asked for, and mostly says why ([`Error::messages`]).
/// - `Service`, `Connection`, `Timeout`, `UnexpectedResponse`: no good answer came.
/// - `InvalidInput`: an id is empty, as it is in the odd case that the service gave none.
#[derive(Clone, Debug)]
pub struct Account {
    pub(crate) shared: Arc<Shared>,
    pub(crate) lookout: Arc<Lookout>,
    id: AccountId,
}

impl Account {
    pub(crate) fn new(shared: Arc<Shared>, lookout: Arc<Lookout>, id: AccountId) -> Self {
        Self {
            shared,
            lookout,
            id,
        }
    }

    /// The account's id.
    pub fn id(&self) -> &AccountId {
        &self.id
    }

    /// Takes a sample and saves its packets: [`start`](Self::start), [`wait`](Self::wait) and
    /// [`download`](Self::download) in one.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn example(account: pcaps::Account) -> Result<(), pcaps::Error> {
    /// let sample = pcaps::Sample::new(Duration::from_secs(300), 10_000)?.filter("udp and dst port 53".parse()?);
    /// let downloaded = account.sample_to(sample, "dns.pcap").await?;
    /// println!("{} packets", downloaded.contents.packets);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of the three; [`Io`](crate::ErrorKind::Io), before anything is sent, when the file cannot be written. Once
    /// the capture has been started, the error holds it ([`Error::capture`]), so that it can still be picked up.
    pub async fn sample_to(
        &self,
        sample: Sample,
        path: impl AsRef<Path>,
    ) -> Result<Downloaded, Error> {
        // The service takes one sample a minute: none is worth taking if it cannot be saved.
        let target = Target::new(path.as_ref())?;
        let capture = self.start(sample).await?;
        let saved = async {
            self.wait(capture.id()).await?;
            self.download(capture.id()).to(target).await
        };
        // Whoever is told can still pick it up.
        saved.await.map_err(|error| match error.capture() {
            Some(_) => error,
            None => error.about(capture),
        })
    }

    /// Starts a capture, once.
    ///
    /// The request is sent again only when it certainly never arrived. When it may have arrived and no good answer came
    /// back, the captures are listed: one with the same parameters that was submitted since is the one that was asked
    /// for, and comes back as if nothing had happened.
    ///
    /// The capture comes back as it is at its start, mostly not finished: go on with [`wait`](Self::wait). The service
    /// takes one sample a minute, and one full capture at a time, on each account. (Source: Cloudflare's how-to page on
    /// packet captures.)
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn example(account: pcaps::Account) -> Result<(), pcaps::Error> {
    /// let bucket = "gs://captures/edge".parse()?;
    /// let full = pcaps::Full::new("ORD", bucket, Duration::from_secs(3600))?.filter("tcp and dst port 443".parse()?);
    /// let capture = account.start(full).await?;
    /// println!("{} is {}", capture.id(), capture.status());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [Those of any request](Self#errors-of-any-request). When it says that the capture may have started all the same,
    /// it was not found in the list, and [`Error::is_retryable`] is false: look at the list before you try again.
    ///
    /// What comes of a second sample within a minute, or of a second full capture, is not documented: expect
    /// [`RateLimited`](crate::ErrorKind::RateLimited) and [`Refused`](crate::ErrorKind::Refused).
    pub async fn start(&self, request: impl Into<Request>) -> Result<Capture, Error> {
        let request = request.into();
        // When it was sent last: an attempt before that had no effect.
        let sent = &Mutex::new(self.shared.chance.clock.now());
        let (id, body) = (&self.id.identifier()?, &request.to_api());
        let started = self.shared.run(&START, |call| async move {
            *sent.lock().unwrap_or_else(PoisonError::into_inner) = call.at;
            let answer = call.api.start_capture(id, body).await;
            call.single(answer).await.map(Capture::new).and_then(named)
        });
        match started.await {
            Err(error) if error.may_have_worked() => {
                let sent = *sent.lock().unwrap_or_else(PoisonError::into_inner);
                start::find(self, &request, sent, error).await
            }
            outcome => outcome,
        }
    }

    /// The captures of the account, of both types: 50 at most, in the order in which the service gives them. There is
    /// no paging.
    ///
    /// Source: Cloudflare's how-to page on packet captures.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account) -> Result<(), pcaps::Error> {
    /// for capture in account.list().await? {
    ///     println!("{} {} {}", capture.id(), capture.kind().as_str(), capture.status());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [Those of any request](Self#errors-of-any-request).
    pub async fn list(&self) -> Result<Vec<Capture>, Error> {
        let listed = self.list_by(&self.shared.retry).await?;
        Ok(listed.captures)
    }

    pub(crate) async fn list_by(&self, policy: &RetryPolicy) -> Result<Listing, Error> {
        let id = &self.id.identifier()?;
        let listed = self.shared.run_with(policy, &LIST, |call| async move {
            let answer = call.api.list_captures(id).await;
            let captures: Option<Vec<WireCapture>> = call.result(answer).await?;
            let captures = captures.unwrap_or_default().into_iter();
            Ok(Listing {
                captures: captures.map(Capture::new).collect(),
                date: call.date(),
            })
        });
        listed.await
    }

    /// One capture, as it is now. To look until it has finished, [`wait`](Self::wait) is the better call.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account) -> Result<(), pcaps::Error> {
    /// let capture = account.get(&"66802ca5668e47a2b82c2e6746e45037".parse()?).await?;
    /// println!("{:?} packets so far", capture.packets_captured());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [Those of any request](Self#errors-of-any-request); [`NotFound`](crate::ErrorKind::NotFound) when there is none
    /// of this id.
    pub async fn get(&self, id: &CaptureId) -> Result<Capture, Error> {
        self.get_by(&self.shared.retry, id).await
    }

    pub(crate) async fn get_by(
        &self,
        policy: &RetryPolicy,
        id: &CaptureId,
    ) -> Result<Capture, Error> {
        let (account, id) = (&self.id.identifier()?, &id.identifier()?);
        let got = self.shared.run_with(policy, &GET, |call| async move {
            let answer = call.api.get_capture(account, id).await;
            call.single(answer).await.map(Capture::new).and_then(named)
        });
        got.await
    }

    /// Waits until a capture of either type has finished, and gives it. Await it as it is, or set a deadline or listen
    /// to its progress first. To wait for several, see [`wait_all`](crate::wait_all).
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account, id: pcaps::CaptureId) -> Result<(), pcaps::Error> {
    /// let capture = account.wait(&id).await?;
    /// println!("{} is {}", capture.id(), capture.status());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Its errors are told at [`Wait`].
    pub fn wait(&self, id: &CaptureId) -> Wait {
        Wait::new(self.clone(), id.clone())
    }

    /// The packets of a finished sample, to a file or to any writer: say where with [`Download::to_path`] or
    /// [`Download::to_writer`].
    ///
    /// Full captures cannot be downloaded: their files are in their bucket, see [`collect`](Self::collect). (Source: Cloudflare's how-to page on packet
    /// captures.)
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account, id: pcaps::CaptureId) -> Result<(), pcaps::Error> {
    /// let downloaded = account.download(&id).to_path("dns.pcap").await?;
    /// println!("{} packets in {} bytes", downloaded.contents.packets, downloaded.bytes);
    /// # Ok(())
    /// # }
    /// ```
    pub fn download(&self, id: &CaptureId) -> Download {
        Download::new(self.clone(), id.clone())
    }

    /// The packets of a finished full capture, from the files in its bucket: say where to with [`Collect::to_path`],
    /// [`Collect::to_writer`] or [`Collect::split_into`], and await it.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account, id: pcaps::CaptureId) -> Result<(), pcaps::Error> {
    /// let collected = account.collect(&id).to_path("edge.pcap").await?;
    /// println!("{} packets of {} files", collected.packets, collected.files.len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Its errors are told at [`Collect`].
    pub fn collect(&self, id: &CaptureId) -> Collect<'static> {
        Collect::new(self.clone(), id.clone())
    }

    /// The packets of a full capture as its files appear in the bucket, while it runs and until all are there, as one pcapng
    /// file to a writer.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account, id: pcaps::CaptureId) -> Result<(), pcaps::Error> {
    /// let followed = account.follow(&id, tokio::io::stdout()).await?;
    /// eprintln!("{} packets", followed.packets);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// What the order of the packets is, and its errors, are told at [`Follow`].
    pub fn follow<'a>(
        &self,
        id: &CaptureId,
        to: impl AsyncWrite + Unpin + Send + 'a,
    ) -> Follow<'a> {
        Follow::new(self.clone(), id.clone(), to)
    }

    /// Takes sample after sample, and writes the packets of each to a writer when it is there, as one pcapng file. The first
    /// is `sample`; the others look back to where the one before ended.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account, sample: pcaps::Sample) -> Result<(), pcaps::Error> {
    /// let sampled = account.samples(sample, tokio::io::stdout()).times(3).await?;
    /// eprintln!("{} packets", sampled.packets);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Its pace and its errors are told at [`Samples`].
    pub fn samples<'a>(
        &self,
        sample: Sample,
        to: impl AsyncWrite + Unpin + Send + 'a,
    ) -> Samples<'a> {
        Samples::new(self.clone(), sample, to)
    }

    /// Has the packets of a time that has passed, up to 24 hours ago, in one file: in as many samples as that takes, one a
    /// minute. `from` is the first moment, and `to` the one after the last; both count in whole seconds.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn example(account: pcaps::Account) -> Result<(), pcaps::Error> {
    /// let to = jiff::Timestamp::now();
    /// let past = account.history(to - Duration::from_secs(7_200), to).to_path("past.pcap").await?;
    /// println!("{} packets", past.packets);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Its errors are told at [`History`].
    pub fn history(&self, from: Timestamp, to: Timestamp) -> History {
        History::new(self.clone(), from, to)
    }

    /// Goes on with a history that ended early, from what is in `<path>.parts`: range, filter and limit are those that it
    /// was begun with.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account) -> Result<(), pcaps::Error> {
    /// let past = account.resume_history("past.pcap").await?;
    /// println!("{} packets", past.packets);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Its errors are told at [`History`].
    pub fn resume_history(&self, path: impl AsRef<Path>) -> History {
        History::resumed(self.clone(), path.as_ref().to_owned())
    }

    /// Keeps the packets of the last hours in a folder: a file for every five minutes, of which the oldest go.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account) -> Result<(), pcaps::Error> {
    /// let mut watch = account.watch("recent").keep(12);
    /// let file = watch.next().await?;
    /// println!("{} packets in {}", file.past.packets, file.path.display());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Its errors are told at [`Watch::next`].
    pub fn watch(&self, folder: impl AsRef<Path>) -> Watch {
        Watch::new(self.clone(), folder.as_ref())
    }

    /// Stops a full capture before its limits do. What it has taken so far goes to its bucket; wait for it to finish.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account, id: pcaps::CaptureId) -> Result<(), pcaps::Error> {
    /// account.stop(&id).await?;
    /// let capture = account.wait(&id).await?;
    /// println!("{:?} packets", capture.packets_captured());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [Those of any request](Self#errors-of-any-request); [`NotFound`](crate::ErrorKind::NotFound) when there is none
    /// of this id. A sample cannot be stopped: what comes of it is not documented, expect
    /// [`Refused`](crate::ErrorKind::Refused).
    pub async fn stop(&self, id: &CaptureId) -> Result<(), Error> {
        let capture = id;
        let (account, id) = (&self.id.identifier()?, &id.identifier()?);
        let stopped = self.shared.run(&STOP, |call| async move {
            let answer = call.api.stop_capture(account, id).await;
            call.nothing(answer).await
        });
        let stopped = stopped.await;
        // Also one without an answer may have been stopped.
        self.has_changed(capture);
        stopped
    }

    /// Proves that a bucket for full captures is yours: registers it if need be, reads the challenge that the service
    /// writes into it, sends it, and waits until the service has validated the bucket. Run again at any point, it goes
    /// on from where it stands. Await it as it is, or set a deadline or listen to its progress first.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account) -> Result<(), pcaps::Error> {
    /// let bucket = account.prove(&"gs://captures/edge".parse()?).await?;
    /// assert!(bucket.is_validated());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Its errors are told at [`Prove`].
    pub fn prove(&self, destination: &Destination) -> Prove {
        Prove::new(self.clone(), destination.clone())
    }

    /// Registers a bucket for full captures. The service writes a challenge file into it, whose name comes back; its
    /// content goes to [`validate_bucket`](Self::validate_bucket). [`prove`](Self::prove) does both, and what is between.
    ///
    /// A bucket on R2 needs its keys in the URI, here and nowhere else.
    ///
    /// Source: Cloudflare's how-to page on buckets for packet captures.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account) -> Result<(), pcaps::Error> {
    /// let bucket = account.register_bucket(&"gs://captures/edge".parse()?).await?;
    /// println!("its proof is in {}", bucket.challenge_file().unwrap_or_default());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [Those of any request](Self#errors-of-any-request); [`InvalidInput`](crate::ErrorKind::InvalidInput) when a
    /// bucket on R2 lacks its keys, or has `REDACTED` in their place. When it says that the bucket may be registered
    /// all the same, look at the list of buckets before you try again.
    pub async fn register_bucket(&self, destination: &Destination) -> Result<Bucket, Error> {
        let body = &preview::registration(destination)?;
        let id = &self.id.identifier()?;
        // What was sent may come back in what is said about it.
        let secrets = &destination.keys();
        let registered = self.shared.run(&REGISTER, |call| async move {
            let call = call.hiding(secrets);
            let answer = call.api.register_bucket(id, body).await;
            let bucket = call.single(answer).await.map(Entry::Known);
            bucket.map(Bucket::new).and_then(named_bucket)
        });
        registered.await
    }

    /// The registered buckets, in the order in which the service gives them.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account) -> Result<(), pcaps::Error> {
    /// for bucket in account.list_buckets().await? {
    ///     println!("{} {} {}", bucket.id(), bucket.destination(), bucket.status());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [Those of any request](Self#errors-of-any-request).
    pub async fn list_buckets(&self) -> Result<Vec<Bucket>, Error> {
        let id = &self.id.identifier()?;
        let listed = self.shared.run(&BUCKETS, |call| async move {
            let answer = call.api.list_buckets(id).await;
            call.result(answer).await
        });
        let buckets: Option<Vec<Entry<_>>> = listed.await?;
        let buckets = buckets.unwrap_or_default().into_iter();
        Ok(buckets.map(Bucket::new).collect())
    }

    /// Proves that a registered bucket is the caller's with the content (not the name) of the challenge file.
    ///
    /// The proof can stay pending for five to ten minutes: look at [`Bucket::is_validated`], and list again. (Source:
    /// Cloudflare's how-to page on buckets for packet captures.)
    ///
    /// The URI is the one that was registered; keys in it are not sent. White space around the challenge is taken off.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account) -> Result<(), pcaps::Error> {
    /// // Read from the bucket, where the file of the name `challenge_file` is.
    /// let challenge = std::fs::read_to_string("ownership-challenge.txt").expect("it is there");
    /// let bucket = account.validate_bucket(&"gs://captures/edge".parse()?, challenge).await?;
    /// println!("validated: {}", bucket.is_validated());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [Those of any request](Self#errors-of-any-request); [`InvalidInput`](crate::ErrorKind::InvalidInput) when the
    /// challenge is empty. That the proof failed is no error: [`Bucket::status`] says so.
    pub async fn validate_bucket(
        &self,
        destination: &Destination,
        challenge: impl Into<Secret>,
    ) -> Result<Bucket, Error> {
        let body = &preview::validation(destination, &challenge.into())?;
        let id = &self.id.identifier()?;
        let secrets = &[destination.keys(), vec![body.ownership_challenge.clone()]].concat();
        let validated = self.shared.run(&VALIDATE, |call| async move {
            let call = call.hiding(secrets);
            let answer = call.api.validate_bucket(id, body).await;
            let bucket = call.single(answer).await.map(Entry::Known);
            bucket.map(Bucket::new).and_then(named_bucket)
        });
        validated.await
    }

    /// Forgets a registered bucket. The bucket and what is in it stay as they are.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account) -> Result<(), pcaps::Error> {
    /// for bucket in account.list_buckets().await? {
    ///     if bucket.status() == "failed" {
    ///         account.remove_bucket(bucket.id()).await?;
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [Those of any request](Self#errors-of-any-request); [`NotFound`](crate::ErrorKind::NotFound) when there is none
    /// of this id.
    pub async fn remove_bucket(&self, id: &BucketId) -> Result<(), Error> {
        let (account, id) = (&self.id.identifier()?, &id.identifier()?);
        let removed = self.shared.run(&REMOVE, |call| async move {
            match call.api.remove_bucket(account, id).await {
                // The service itself says that it is gone: since an attempt whose answer got lost.
                Err(pcaps_api::Error::ErrorResponse(failure))
                    if call.repeated
                        && failure.status() == StatusCode::NOT_FOUND
                        && failure.success == Some(false) =>
                {
                    Ok(())
                }
                answer => call.nothing(answer).await,
            }
        });
        removed.await
    }
}

/// A capture that can be asked for again.
fn named(capture: Capture) -> Result<Capture, Error> {
    match capture.id().as_str() {
        "" => Err(unexpected(
            "the service says that it worked, and gives no capture that has an id",
        )),
        _ => Ok(capture),
    }
}

/// A bucket that can be removed again.
fn named_bucket(bucket: Bucket) -> Result<Bucket, Error> {
    match bucket.id().as_str() {
        "" => Err(unexpected(
            "the service says that it worked, and gives no bucket that has an id",
        )),
        _ => Ok(bucket),
    }
}

/// Captures, and when the service listed them by its own clock.
pub(crate) struct Listing {
    pub(crate) captures: Vec<Capture>,
    pub(crate) date: Option<Timestamp>,
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
        is_send(account.wait(&capture).updates());
        is_send(account.download(&capture).to_path("a.pcap"));
        is_send(account.download(&capture).to_writer(tokio::io::sink()));
        is_send(account.collect(&capture).to_path("a.pcap").into_future());
        is_send(
            account
                .collect(&capture)
                .to_writer(tokio::io::sink())
                .into_future(),
        );
        is_send(account.watch("recent").next());
        is_send(account.stop(&capture));
        is_send(account.prove(to).into_future());
        is_send(account.register_bucket(to));
        is_send(account.list_buckets());
        is_send(account.validate_bucket(to, "challenge"));
        is_send(account.remove_bucket(&bucket));
        #[cfg(feature = "export")]
        is_send(crate::Export::to("out".parse().unwrap()).run());
    }
}
