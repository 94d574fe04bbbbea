//! The simulator over a real socket: what it answers, and what it leaves in the buckets.

mod access;
mod awkward;
mod buckets;
mod deliveries;
mod faults;
mod full;
mod ranges;
mod requests;
mod samples;
mod support;
