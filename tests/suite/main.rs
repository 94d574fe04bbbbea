//! Everything that needs more than one crate to be tested.

mod cli;
mod drift;
mod end_to_end;
mod errors;
mod examples;
mod faults;
mod generated;
mod layers;
mod outline;
mod real_capture;
mod schemas;
mod secrets;
mod support;
mod time;
mod wire;
