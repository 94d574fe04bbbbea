//! Prints the summary of a capture file, also of a torn one:
//! `cargo run -p pcaps-file --example summary -- capture.pcap`.

use std::process::ExitCode;

use pcaps_file::{Reader, Summary};

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("give the path of a pcap or pcapng file");
        return ExitCode::from(2);
    };
    let mut summary = Summary::default();
    let ended = Reader::open(path).and_then(|mut reader| summary.add_all(&mut reader));
    print!("{summary}");
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
