//! Writes the first packets of the synthetic traffic to a pcap file, to look at with other tools.
//!
//! `cargo run -p pcaps-sim --example traffic -- <file> [packets] [seed]`

use std::{error::Error, fs::File};

use pcaps_file::{Timestamp, Writer, WriterOptions};
use pcaps_sim::traffic::Traffic;

/// Where the window begins: 2026-01-01T00:00:00Z, in seconds since the epoch.
const START: u32 = 1_767_225_600;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let path = args.next().ok_or("name the file to write")?;
    let count: usize = args.next().map_or(Ok(10_000), |text| text.parse())?;
    let seed: u64 = args.next().map_or(Ok(1), |text| text.parse())?;

    let traffic = Traffic::synthetic(seed);
    let options = WriterOptions::new(traffic.link_type());
    let mut writer = Writer::new(File::create(path)?, options)?;
    let window = Timestamp::from_parts(START, 0)..Timestamp::from_parts(u32::MAX, 0);
    for packet in traffic.packets(window).take(count) {
        writer.write(&packet.as_packet())?;
    }
    writer.finish()?;
    Ok(())
}
