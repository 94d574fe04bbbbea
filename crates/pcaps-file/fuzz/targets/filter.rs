//! An expression, to the filter language.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pcaps_fuzz::filter(bytes));
