//! A file that is packed with gzip or zstd, whole or spoiled, to all readers.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pcaps_fuzz::packed(bytes));
