//! Packets as a network has them.

use std::{
    fs::File,
    io,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};

use super::programs;

/// A capture of the simulator's traffic.
#[derive(Clone, Copy)]
pub(super) struct Capture {
    pub(super) packets: u64,
    /// How many bytes of each packet are there; without it, all.
    pub(super) snap: Option<u32>,
}

impl Capture {
    /// Makes it.
    ///
    /// # Errors
    ///
    /// When one of the programs that make it is missing or fails.
    pub(super) fn write(self, path: &Path) -> Result<()> {
        let traffic = ["--package", "pcaps-sim", "--example", "traffic"];
        let mut made = Command::new(programs::build(&traffic, "traffic")?);
        made.arg("/dev/stdout").arg(self.packets.to_string());
        let mut made = made.stdout(Stdio::piped()).spawn()?;
        let output = made.stdout.take().context("traffic has no output")?;
        let taken = match self.snap {
            None => io::copy(&mut { output }, &mut File::create(path)?).map(|_| true)?,
            Some(snap) => Command::new(programs::installed("editcap", "wireshark-common")?)
                .args(["-F", "pcap", "-s", &snap.to_string(), "-"])
                .arg(path)
                .stdin(output)
                .stdout(Stdio::null())
                .status()?
                .success(),
        };
        let whole = made.wait()?.success() && taken;
        ensure!(whole, "the capture could not be made");
        Ok(())
    }
}
