//! Packet captures on Cloudflare's Magic Transit and Network Firewall: start them, wait for them, and save them as
//! capture files that have been checked.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! # async fn example() -> Result<(), pcaps::Error> {
//! let account = pcaps::Client::from_env()?.account_from_env()?;
//! let sample = pcaps::Sample::new(Duration::from_secs(300), 10_000)?.filter("tcp and dst port 443".parse()?);
//! let downloaded = account.sample_to(sample, "https.pcap").await?;
//! println!("{} packets", downloaded.contents.packets);
//! # Ok(())
//! # }
//! ```
//!
//! There are two types of capture. A [`Sample`] looks back at traffic that has already passed, over all data centres,
//! at the first 160 bytes of each packet; it is ready at once and can be downloaded. A [`Full`] capture watches one
//! data centre for new packets, whole, and leaves them in a bucket that has been registered and validated.
//!
//! - [`Client`]: where the service is and who asks. [`Account`]: every operation.
//! - [`Sample`], [`Full`], [`Filter`], [`Destination`]: what is asked for; limits are checked when a value is made.
//! - [`Wait`], [`Download`], [`Collect`], [`Follow`], [`Samples`], [`History`], [`Watch`], [`Prove`]: what takes its time; each
//!   is told how, and then awaited, or asked for the next.
//! - [`Capture`], [`Bucket`], [`Probe`]: what comes back.
//! - [`Folder`]: a bucket's folder, opened.
//! - [`Change`], [`Preview`]: a request as it would be sent.
//! - [`Error`]: what went wrong, with the service's own words and what to do.
//!
//! The futures are `Send`, can be dropped at any point, and need a tokio runtime. For programs that are not asynchronous
//! the feature `blocking` has a module of that name. With the feature `schemars`, what serializes ([`Capture`],
//! [`Bucket`], [`Summary`]) also tells its JSON Schema. With the feature `export`, captures become tables in Parquet
//! (`Export`). There are no other features.
//!
//! # When something fails
//!
//! A request that fails is sent again where that is safe, by the client's [`RetryPolicy`]; a capture is never started
//! twice for one call. The service's limit on requests is minded before it is met. What still comes back is an
//! [`Error`] that says what the service said, and what to do. Each operation is a span of the crate `tracing`, named
//! `pcaps`, with method, path template, status, attempt and duration, and each request in it two events at the level of
//! debugging, one with its URL and one with what came of it; no secret is traced at any level.

mod account;
mod advice;
#[cfg(feature = "blocking")]
pub mod blocking;
mod bucket;
mod call;
mod capture;
mod client;
mod clock;
mod collect;
mod destination;
mod download;
mod error;
#[cfg(feature = "export")]
mod export;
mod filter;
mod history;
mod id;
mod journal;
mod lookout;
mod operation;
mod pace;
mod preview;
mod probe;
mod prove;
mod redact;
mod request;
mod retry;
mod samples;
mod start;
mod storage;
mod stream;
mod wait;
mod watch;

pub use account::Account;
pub use bucket::Bucket;
pub use capture::{Capture, CaptureKind, CaptureState};
pub use client::{Client, ClientBuilder, DEFAULT_BASE_URL};
pub use clock::{Clock, Sleep};
pub use collect::{Collect, Collected, CollectedFile, Collecting, FileState, Follow, Phase};
pub use destination::Destination;
pub use download::{Download, Downloaded, Transfer, check_output};
pub use error::{Error, ErrorKind, Message};
#[cfg(feature = "export")]
pub use export::{DataSet, Export, ExportState, ExportedInput, Exporting, Location};
pub use filter::Filter;
pub use history::{History, PastTraffic, PastWindow, Recalling, WindowState};
pub use id::{AccountId, BucketId, CaptureId};
/// The crate whose types [`Folder`] shows.
pub use object_store;
pub use pcaps_api::Secret;
pub use pcaps_file::{Summary, Verified};
/// The crate whose types an [`Export`] takes.
#[cfg(feature = "export")]
pub use pcaps_table;
pub use preview::{Change, Preview};
pub use probe::Probe;
pub use prove::{Prove, Proving};
pub use redact::redacted;
pub use request::{Full, Request, Sample};
pub use retry::RetryPolicy;
pub use samples::{Sampled, Samples};
pub use storage::Folder;
pub use wait::{Progress, Update, Wait, wait_all};
pub use watch::{RecentFile, Watch};

/// The README's Rust compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

#[cfg(test)]
mod tests {
    use std::future::IntoFuture as _;

    use super::*;

    fn is_send_and_sync<T: Send + Sync + Unpin>() {}
    fn is_send<T: Send + Unpin>() {}
    fn is_unpin<T: Unpin>(_: T) {}

    /// Compiles only while every public type can be shared between threads, and moved when it is polled.
    #[expect(dead_code, reason = "it is enough that it compiles")]
    fn public_types_go_anywhere(account: &Account, id: &CaptureId, to: &Destination) {
        is_send_and_sync::<Account>();
        #[cfg(feature = "blocking")]
        is_send_and_sync::<blocking::Account>();
        is_send_and_sync::<AccountId>();
        is_send_and_sync::<Bucket>();
        is_send_and_sync::<BucketId>();
        is_send_and_sync::<Capture>();
        is_send_and_sync::<CaptureId>();
        is_send_and_sync::<CaptureKind>();
        is_send_and_sync::<CaptureState>();
        is_send_and_sync::<Change<'static>>();
        is_send_and_sync::<Client>();
        is_send_and_sync::<ClientBuilder>();
        is_send_and_sync::<Box<dyn Clock>>();
        is_send_and_sync::<Collected>();
        is_send_and_sync::<CollectedFile>();
        is_send_and_sync::<Collecting>();
        is_send_and_sync::<Destination>();
        is_send_and_sync::<Downloaded>();
        is_send_and_sync::<Error>();
        is_send_and_sync::<ErrorKind>();
        is_send_and_sync::<FileState>();
        is_send_and_sync::<Filter>();
        is_send_and_sync::<Folder>();
        is_send_and_sync::<Full>();
        is_send_and_sync::<Message>();
        is_send_and_sync::<Phase>();
        is_send_and_sync::<Preview>();
        is_send_and_sync::<Probe>();
        is_send_and_sync::<Progress>();
        is_send_and_sync::<Proving>();
        is_send_and_sync::<Request>();
        is_send_and_sync::<RetryPolicy>();
        is_send_and_sync::<Sample>();
        is_send_and_sync::<Sampled>();
        is_send_and_sync::<Secret>();
        is_send_and_sync::<Summary>();
        is_send_and_sync::<Transfer>();
        is_send_and_sync::<Update>();
        is_send_and_sync::<Verified>();
        #[cfg(feature = "export")]
        {
            is_send_and_sync::<DataSet>();
            is_send_and_sync::<ExportState>();
            is_send_and_sync::<ExportedInput>();
            is_send_and_sync::<Exporting>();
            is_send_and_sync::<Location>();
            is_send::<Export>();
        }
        // They hold a callback, which need not be `Sync`: whoever has one of them is the only one who can use it.
        is_send::<Collect<'static>>();
        is_send::<Download>();
        is_send::<Follow<'static>>();
        is_send::<Prove>();
        is_send::<Samples<'static>>();
        is_send::<Wait>();
        // A future, for its one owner.
        is_send::<Sleep>();
        is_unpin(account.wait(id).updates());
        is_unpin(account.wait(id).into_future());
        is_unpin(account.collect(id).into_future());
        is_unpin(account.prove(to).into_future());
    }
}
