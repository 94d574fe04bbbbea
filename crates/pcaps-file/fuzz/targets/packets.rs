//! A packet, to dissection, summary and filters.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pcaps_fuzz::packet(bytes));
