//! Everything that needs more than one crate to be tested.

mod blocking;
mod cli;
mod conformance;
mod connections;
mod downloads;
mod drift;
mod end_to_end;
mod errors;
mod examples;
mod faults;
mod generated;
mod layers;
mod merge;
mod outline;
mod pacing;
mod real_capture;
mod schemas;
mod secrets;
mod sim;
mod stage;
mod starts;
mod support;
mod time;
mod traces;
mod waits;
mod wire;
