//! Everything that needs more than one crate to be tested.

mod auth;
mod blocking;
mod buckets;
mod cli;
mod collect;
mod conformance;
mod connections;
mod doctor;
mod downloads;
mod drift;
mod dry_run;
mod end_to_end;
mod errors;
mod examples;
mod export;
mod faults;
mod findings;
mod formats;
mod generated;
mod history;
mod layers;
mod live;
mod manners;
mod merge;
mod outline;
mod pacing;
mod probe;
mod profiles;
mod prove;
#[cfg(unix)]
mod query;
mod readme;
mod real_capture;
mod report;
mod s3;
mod schemas;
mod secrets;
mod shell;
mod sim;
mod stage;
mod starts;
mod support;
#[cfg(unix)]
mod terminal;
mod time;
mod traces;
mod waits;
mod watch;
mod wire;
#[cfg(unix)]
mod wireshark;
