//! A classic pcap file, to all readers.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pcaps_fuzz::readers_agree(bytes));
