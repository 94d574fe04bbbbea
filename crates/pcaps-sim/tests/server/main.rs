//! The simulator over a real socket: what it answers, and what it leaves in the buckets.

mod access;
mod accounts;
mod buckets;
mod control;
mod deliveries;
mod faults;
mod full;
mod limits;
mod page;
mod ranges;
mod requests;
mod samples;
mod support;
