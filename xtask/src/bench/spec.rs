//! `cargo xtask bench spec`: import and generate.

use anyhow::Result;

use super::Bench;

pub(super) fn run(_bench: &mut Bench) -> Result<()> {
    Ok(())
}
