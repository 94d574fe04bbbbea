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
//! - [`Capture`], [`Bucket`], [`Download`]: what comes back.
//! - [`Error`]: what went wrong, with the service's own words and what to do.
//!
//! The futures are `Send`, can be dropped at any point, and need a tokio runtime. For programs that are not asynchronous
//! the feature `blocking` has a module of that name; there are no other features.
//!
//! # When something fails
//!
//! A request that fails is sent again where that is safe, by the client's [`RetryPolicy`]; a capture is never started
//! twice for one call. The service's limit on requests is minded before it is met. What still comes back is an
//! [`Error`] that says what the service said, and what to do. Each operation is a span of the crate `tracing`, named
//! `pcaps`, with method, path template, status, attempt and duration; no secret is traced at any level.

mod account;
mod advice;
#[cfg(feature = "blocking")]
pub mod blocking;
mod bucket;
mod call;
mod capture;
mod client;
mod clock;
mod destination;
mod download;
mod error;
mod filter;
mod id;
mod lookout;
mod operation;
mod pace;
mod redact;
mod request;
mod retry;
mod start;
mod wait;

pub use account::Account;
pub use bucket::Bucket;
pub use capture::{Capture, CaptureKind, CaptureState};
pub use client::{Client, ClientBuilder, DEFAULT_BASE_URL};
pub use clock::{Clock, Sleep};
pub use destination::Destination;
pub use download::{Download, Downloaded, Transfer, check_output};
pub use error::{Error, ErrorKind, Message};
pub use filter::Filter;
pub use id::{AccountId, BucketId, CaptureId};
pub use pcaps_api::Secret;
pub use pcaps_file::{Summary, Verified};
pub use redact::redacted;
pub use request::{Full, Request, Sample};
pub use retry::RetryPolicy;
pub use wait::{Progress, Update, Wait, wait_all};

/// The README's Rust compiles.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;
