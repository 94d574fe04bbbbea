//! Some files, to a merge.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pcaps_fuzz::merge(bytes));
