//! What packet captures hold, as one web page that is looked at rather than read.
//!
//! The page is one file: it asks for nothing from anywhere, runs no script, and holds the numbers behind every picture.
//! It is light or dark as the reader's system is, is read on a phone as well as on paper, and says in words what its
//! charts show.
//!
//! # Examples
//!
//! ```
//! use jiff::tz::TimeZone;
//! use pcaps_file::{LinkType, Packet, Summary, Timestamp};
//! use pcaps_report::Report;
//!
//! let mut summary = Summary::default();
//! summary.add(&Packet {
//!     timestamp: Timestamp::from_parts(1_700_000_000, 0),
//!     link_type: LinkType::RAW,
//!     original_len: 1_500,
//!     bytes: &[0x45, 0, 0x05, 0xdc],
//! });
//! let mut report = Report::new(TimeZone::UTC);
//! report.add("capture.pcap", &summary, None);
//! let page = report.to_html();
//! assert!(page.starts_with("<!DOCTYPE html>"));
//! assert!(page.contains("capture.pcap"));
//! ```

mod chart;
mod page;
mod pictures;
mod tables;
mod time;

use jiff::tz::TimeZone;
use pcaps_file::{Summary, Timestamp};
use time::Times;

/// A page about one capture file, or about several together.
///
/// Of each file a line is kept, so that there may be thousands of them.
#[derive(Debug)]
pub struct Report {
    times: Times,
    files: Vec<ReportedFile>,
    total: Summary,
}

/// What is told of one file.
#[derive(Debug)]
struct ReportedFile {
    name: String,
    packets: u64,
    bytes_on_wire: u64,
    times: Option<(Timestamp, Timestamp)>,
    error: Option<String>,
}

impl Report {
    /// A report without files, whose times are in this zone.
    pub fn new(zone: TimeZone) -> Self {
        Self {
            times: Times::new(zone),
            files: Vec::new(),
            total: Summary::default(),
        }
    }

    /// Adds a file: what it is called, its summary, and why not all of it could be read, if that is so.
    pub fn add(&mut self, name: &str, summary: &Summary, error: Option<String>) {
        self.total.merge(summary);
        self.files.push(ReportedFile {
            name: name.to_owned(),
            packets: summary.packets(),
            bytes_on_wire: summary.bytes_on_wire(),
            times: summary.first_time().zip(summary.last_time()),
            error,
        });
    }

    /// The sum of all files.
    pub fn total(&self) -> &Summary {
        &self.total
    }

    /// The page. Equal files make equal pages, as far as all of their addresses and flows are counted: see [`Summary`].
    pub fn to_html(&self) -> String {
        page::page(self).into_string()
    }
}
