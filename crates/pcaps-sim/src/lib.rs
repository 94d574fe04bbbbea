//! A simulator of Cloudflare's packet captures API (PCAPs): a real HTTP server for all nine operations,
//! with traffic of its own, real capture files, and buckets in memory, in folders, and behind S3 or GCS interfaces.
//!
//! It is for trying a client without an account, and for tests: it refuses what the service would refuse,
//! and its clock can be a test's. What it does where the service's behaviour is not documented is listed in
//! the crate's README.
//!
//! # Examples
//!
//! A sample of the last minute's DNS traffic:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use pcaps_sim::{Simulator, Traffic};
//!
//! let simulator = Simulator::builder()
//!     .traffic(Traffic::synthetic(7))
//!     .start()
//!     .await?;
//! let captures = format!("{}/accounts/{}/pcaps", simulator.base_url(), simulator.account_id());
//! let http = reqwest::Client::builder().no_proxy().build()?;
//!
//! let request = serde_json::json!({
//!     "type": "simple",
//!     "system": "magic-transit",
//!     "time_limit": 60,
//!     "packet_limit": 100,
//!     "filter_v1": { "destination_port": 53 },
//! });
//! let response = http
//!     .post(&captures)
//!     .bearer_auth(simulator.token().expose())
//!     .json(&request)
//!     .send()
//!     .await?;
//! let body: serde_json::Value = response.json().await?;
//! assert_eq!(body["result"]["status"], "success");
//!
//! let id = body["result"]["id"].as_str().ok_or("no id")?;
//! let response = http
//!     .get(format!("{captures}/{id}/download"))
//!     .bearer_auth(simulator.token().expose())
//!     .send()
//!     .await?;
//! let file = response.bytes().await?;
//! let mut reader = pcaps_file::Reader::new(&*file, "sample")?;
//! assert!(reader.next_packet()?.is_some());
//!
//! simulator.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! In a test, [`Simulator::advance`] takes the place of waiting: a full capture goes through all its stages as
//! fast as the clock is moved, and [`SimulatorBuilder::clock`] makes it a clock that stands still in between.
//! [`faults`] has a server that fails on order.

mod account;
mod buckets;
mod capture;
mod clock;
mod colos;
#[cfg(feature = "conformance")]
pub mod conformance;
mod control;
mod destination;
mod error;
pub mod faults;
mod files;
mod log;
mod ownership;
mod page;
mod random;
mod server;
mod simulator;
mod stop;
pub mod traffic;
mod validation;

/// The crate whose types [`Buckets`] and [`Store`] show.
pub use object_store;

pub use account::Access;
pub use buckets::{Buckets, Refusal, Store};
pub use error::{Error, ErrorKind};
pub use files::Files;
pub use log::Request;
pub use simulator::{Simulator, SimulatorBuilder};
pub use traffic::Traffic;

/// Compiles the README's example.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
