//! Development tasks. `cargo xtask generate` derives, from the files in `spec/`, the effective description of the
//! service and the client generated from it:
//!
//! ```text
//! spec/upstream.json ─┐
//! spec/overlay.yaml  ─┴─ effective ─▶ spec/pcaps.json ─ lower ─▶ progenitor ─ emit ─▶ crates/pcaps-api/src/generated/
//! ```
//!
//! Every step is a function from text or JSON to text or JSON: of these, only [`output`] writes to the file system.

pub mod bench;
pub mod contract;
pub mod diff;
pub mod dist;
pub mod effective;
pub mod emit;
pub mod generate;
pub mod import;
pub mod json;
pub mod lower;
mod needed;
pub mod output;
mod prose;
