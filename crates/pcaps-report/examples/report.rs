//! Writes the report of a capture file to standard output:
//! `cargo run -p pcaps-report --example report -- capture.pcap > report.html`.

use std::error::Error;

use pcaps_file::{Reader, Summary};
use pcaps_report::Report;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("name a capture file")?;
    let mut summary = Summary::default();
    let ended = Reader::open(&path).and_then(|mut reader| summary.add_all(&mut reader));
    let mut report = Report::new(jiff::tz::TimeZone::system());
    report.add(&path, &summary, ended.err().map(|it| it.to_string()));
    print!("{}", report.to_html());
    Ok(())
}
