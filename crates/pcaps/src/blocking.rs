//! The same for programs that are not asynchronous: every method waits for its outcome.
//!
//! It is there with the feature `blocking`. Everything else is as in the [crate] itself, whose requests,
//! captures and errors these types take and give.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! # fn main() -> Result<(), pcaps::Error> {
//! let account = pcaps::blocking::Account::from_env()?;
//! let sample = pcaps::Sample::new(Duration::from_secs(300), 10_000)?.filter("udp and dst port 53".parse()?);
//! let downloaded = account.sample_to(sample, "dns.pcap")?;
//! println!("{} packets", downloaded.contents.packets);
//! # Ok(())
//! # }
//! ```

use std::{path::Path, sync::Arc, time::Duration};

use jiff::Timestamp;
use pcaps_api::Secret;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::{
    AccountId, Bucket, BucketId, Capture, CaptureId, Change, Client, ClientBuilder, Collected,
    Destination, Downloaded, Error, ErrorKind, Filter, PastTraffic, Preview, Probe, Request,
    Sample,
};
#[cfg(feature = "export")]
use crate::{DataSet, Export};

/// An account at the service, for programs that are not asynchronous: [`crate::Account`] with methods that wait.
///
/// Cheap to clone, `Send` and `Sync`. It has a thread of its own for its connections, which ends with the last clone.
///
/// ```no_run
/// use std::time::Duration;
///
/// # fn example(account: pcaps::blocking::Account, full: pcaps::Full) -> Result<(), pcaps::Error> {
/// let capture = account.start(full)?;
/// let capture = account.wait(capture.id(), Some(Duration::from_secs(7200)))?;
/// println!("{:?} packets", capture.packets_captured());
/// for bucket in account.list_buckets()? {
///     println!("{} {}", bucket.destination(), bucket.status());
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// Each method has those of its namesake, and one more: [`InvalidInput`](ErrorKind::InvalidInput) when it is called in
/// asynchronous code, which it would block, or anywhere else on a thread of a tokio runtime (`spawn_blocking` included: await
/// a [`crate::Account`] instead, or take a thread of your own). [`from_env`](Self::from_env) and [`new`](Self::new) may be called anywhere.
#[derive(Clone, Debug)]
pub struct Account {
    account: crate::Account,
    background: Arc<Background>,
}

/// The runtime; it can be dropped anywhere, also in asynchronous code.
#[derive(Debug)]
struct Background(Option<Runtime>);

impl Background {
    fn new() -> Result<Self, Error> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("pcaps")
            .enable_all()
            .build()
            .map_err(|source| Error::new(ErrorKind::Io, "no thread can be made").because(source))?;
        Ok(Self(Some(runtime)))
    }

    fn run<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        if Handle::try_current().is_ok() {
            return Err(Error::invalid(
                "this is asynchronous code, which must not be blocked: take the method of the same name that is, and await",
            ));
        }
        match &self.0 {
            Some(runtime) => runtime.block_on(work),
            // It is taken out only at the end.
            None => Err(Error::invalid("this has ended")),
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Exports, and waits for the outcome: see [`Export::run`].
///
/// ```no_run
/// # fn main() -> Result<(), pcaps::Error> {
/// let export = pcaps::Export::to("data-set".parse()?).input("captures/".parse()?);
/// let exported = pcaps::blocking::export(export)?;
/// println!("{} files", exported.inputs.len());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// The same, that of [asynchronous code](Account#errors), and [`Io`](ErrorKind::Io) when the operating system gives no thread.
#[cfg(feature = "export")]
pub fn export(export: Export) -> Result<DataSet, Error> {
    Background::new()?.run(export.run())
}

impl Account {
    /// The account and the credentials that the environment names: see [`Client::from_env`] and
    /// [`Client::account_from_env`].
    ///
    /// ```no_run
    /// let account = pcaps::blocking::Account::from_env()?;
    /// # Ok::<(), pcaps::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As of both; [`Io`](ErrorKind::Io) when the operating system gives no thread.
    pub fn from_env() -> Result<Self, Error> {
        Self::of(Client::from_env()?.account_from_env()?)
    }

    /// The account of this id, through a client of its own.
    ///
    /// ```
    /// let client = pcaps::Client::builder().token("v1.0-0123456789abcdef");
    /// let account = pcaps::blocking::Account::new(client, "0123456789abcdef0123456789abcdef".parse()?)?;
    /// # Ok::<(), pcaps::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`ClientBuilder::build`]; [`Io`](ErrorKind::Io) when the operating system gives no thread.
    pub fn new(client: ClientBuilder, id: AccountId) -> Result<Self, Error> {
        Self::of(client.build()?.account(id))
    }

    fn of(account: crate::Account) -> Result<Self, Error> {
        Ok(Self {
            account,
            background: Arc::new(Background::new()?),
        })
    }

    fn run<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        self.background.run(work)
    }

    /// See [`crate::Account::preview`], which sends nothing.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn preview(&self, change: &Change<'_>) -> Result<Preview, Error> {
        self.account.preview(change)
    }

    /// See [`crate::Account::sample_to`].
    ///
    /// # Errors
    ///
    /// The same, and that of [asynchronous code](Self#errors).
    pub fn sample_to(&self, sample: Sample, path: impl AsRef<Path>) -> Result<Downloaded, Error> {
        self.run(self.account.sample_to(sample, path))
    }

    /// See [`crate::Account::start`].
    ///
    /// # Errors
    ///
    /// The same, and that of [asynchronous code](Self#errors).
    pub fn start(&self, request: impl Into<Request>) -> Result<Capture, Error> {
        self.run(self.account.start(request))
    }

    /// See [`crate::Account::list`].
    ///
    /// # Errors
    ///
    /// The same, and that of [asynchronous code](Self#errors).
    pub fn list(&self) -> Result<Vec<Capture>, Error> {
        self.run(self.account.list())
    }

    /// See [`crate::Account::get`].
    ///
    /// # Errors
    ///
    /// The same, and that of [asynchronous code](Self#errors).
    pub fn get(&self, id: &CaptureId) -> Result<Capture, Error> {
        self.run(self.account.get(id))
    }

    /// See [`crate::Account::wait`]; `deadline` is how long to wait at most, as of
    /// [`Wait::deadline`](crate::Wait::deadline). How it is going meanwhile is not told.
    ///
    /// # Errors
    ///
    /// The same, and that of [asynchronous code](Self#errors).
    pub fn wait(&self, id: &CaptureId, deadline: Option<Duration>) -> Result<Capture, Error> {
        let wait = self.account.wait(id);
        self.run(match deadline {
            Some(deadline) => wait.deadline(deadline).into_future(),
            None => wait.into_future(),
        })
    }

    /// See [`crate::Account::download`] and [`crate::Download::to_path`].
    ///
    /// # Errors
    ///
    /// The same, and that of [asynchronous code](Self#errors).
    pub fn download_to(&self, id: &CaptureId, path: impl AsRef<Path>) -> Result<Downloaded, Error> {
        self.run(self.account.download(id).to_path(path))
    }

    /// See [`crate::Account::collect`] and [`crate::Collect::to_path`].
    ///
    /// # Errors
    ///
    /// The same, and that of [asynchronous code](Self#errors).
    pub fn collect_to(&self, id: &CaptureId, path: impl AsRef<Path>) -> Result<Collected, Error> {
        self.run(self.account.collect(id).to_path(path).into_future())
    }

    /// See [`crate::Account::history`] and [`History::to_path`](crate::History::to_path); the filter is as of
    /// [`History::filter`](crate::History::filter). It takes a minute for each five minutes of traffic.
    ///
    /// # Errors
    ///
    /// The same, and that of [asynchronous code](Self#errors).
    pub fn history_to(
        &self,
        from: Timestamp,
        to: Timestamp,
        filter: Filter,
        path: impl AsRef<Path>,
    ) -> Result<PastTraffic, Error> {
        let history = self.account.history(from, to).filter(filter);
        self.run(history.to_path(path).into_future())
    }

    /// See [`crate::Account::resume_history`].
    ///
    /// # Errors
    ///
    /// The same, and that of [asynchronous code](Self#errors).
    pub fn resume_history(&self, path: impl AsRef<Path>) -> Result<PastTraffic, Error> {
        self.run(self.account.resume_history(path).into_future())
    }

    /// See [`crate::Account::stop`].
    ///
    /// # Errors
    ///
    /// The same, and that of [asynchronous code](Self#errors).
    pub fn stop(&self, id: &CaptureId) -> Result<(), Error> {
        self.run(self.account.stop(id))
    }

    /// See [`crate::Account::probe`].
    ///
    /// # Errors
    ///
    /// The same, and that of [asynchronous code](Self#errors).
    pub fn probe(&self) -> Result<Probe, Error> {
        self.run(self.account.probe())
    }

    /// See [`crate::Account::check_bucket`].
    ///
    /// # Errors
    ///
    /// The same, and that of [asynchronous code](Self#errors).
    pub fn check_bucket(&self, destination: &Destination) -> Result<(), Error> {
        self.run(self.account.check_bucket(destination))
    }

    /// See [`crate::Account::prove`]. How it is going meanwhile is not told.
    ///
    /// # Errors
    ///
    /// The same, and that of [asynchronous code](Self#errors).
    pub fn prove(&self, destination: &Destination) -> Result<Bucket, Error> {
        self.run(self.account.prove(destination).into_future())
    }

    /// See [`crate::Account::register_bucket`].
    ///
    /// # Errors
    ///
    /// The same, and that of [asynchronous code](Self#errors).
    pub fn register_bucket(&self, destination: &Destination) -> Result<Bucket, Error> {
        self.run(self.account.register_bucket(destination))
    }

    /// See [`crate::Account::list_buckets`].
    ///
    /// # Errors
    ///
    /// The same, and that of [asynchronous code](Self#errors).
    pub fn list_buckets(&self) -> Result<Vec<Bucket>, Error> {
        self.run(self.account.list_buckets())
    }

    /// See [`crate::Account::validate_bucket`].
    ///
    /// # Errors
    ///
    /// The same, and that of [asynchronous code](Self#errors).
    pub fn validate_bucket(
        &self,
        destination: &Destination,
        challenge: impl Into<Secret>,
    ) -> Result<Bucket, Error> {
        self.run(self.account.validate_bucket(destination, challenge))
    }

    /// See [`crate::Account::remove_bucket`].
    ///
    /// # Errors
    ///
    /// The same, and that of [asynchronous code](Self#errors).
    pub fn remove_bucket(&self, id: &BucketId) -> Result<(), Error> {
        self.run(self.account.remove_bucket(id))
    }
}
