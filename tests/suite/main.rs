//! Everything that needs more than one crate to be tested.

mod blocking;
mod buckets;
mod cli;
mod collect;
mod conformance;
mod connections;
mod downloads;
mod drift;
mod dry_run;
mod end_to_end;
mod errors;
mod examples;
mod faults;
mod formats;
mod generated;
mod history;
mod layers;
mod manners;
mod merge;
mod outline;
mod pacing;
mod prove;
mod real_capture;
mod s3;
mod schemas;
mod secrets;
mod sim;
mod stage;
mod starts;
mod support;
#[cfg(unix)]
mod terminal;
mod time;
mod traces;
mod waits;
mod wire;
