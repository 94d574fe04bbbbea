//! Packets as a network has them.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

use anyhow::{Result, ensure};

use crate::bench::{Bench, programs};

/// A file with so many packets of the simulator's synthetic traffic, of each the first 160 bytes.
///
/// # Errors
///
/// When one of the programs that make it is missing or fails.
pub(super) fn write(bench: &Bench, packets: usize) -> Result<PathBuf> {
    let editcap = programs::installed("editcap", "wireshark-common")?;
    let traffic = ["--package", "pcaps-sim", "--example", "traffic"];
    let traffic = programs::build(&traffic, "traffic")?;
    let [whole, cut] = ["traffic.pcap", "sample.pcap"].map(|it| bench.work().join(it));
    run(Command::new(traffic).arg(&whole).arg(packets.to_string()))?;
    run(Command::new(editcap)
        .args(["-F", "pcap", "-s", "160"])
        .args([&whole, &cut]))?;
    fs::remove_file(whole)?;
    Ok(cut)
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.stdout(Stdio::null()).status()?;
    ensure!(status.success(), "{command:?} failed ({status})");
    Ok(())
}
