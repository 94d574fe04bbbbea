//! The `pcaps` command, as a library: [`main`] is all of it.
//!
//! It parses arguments (`args`), calls the `pcaps` crate (`commands`, in a `session` that the `runtime` can break
//! off), prints (`output`, `progress`, `log`), and exits (`failure` has the exit codes). Data goes to standard output,
//! everything else to standard error.

mod args;
mod commands;
mod completions;
mod credentials;
mod failure;
mod log;
mod output;
mod programs;
mod progress;
mod prompt;
mod resume;
mod runtime;
mod session;
mod settings;
mod target;

use std::process::ExitCode;

/// Runs `pcaps` with the arguments of the process. The exit codes are documented in `pcaps --help`.
pub fn main() -> ExitCode {
    if let Some(exit) = completions::answer() {
        return exit;
    }
    if let Some(exit) = commands::answer_wireshark(std::env::args_os()) {
        return exit;
    }
    match args::parse(std::env::args_os()) {
        Ok(args) => {
            let format = args.global.format();
            match commands::run(args) {
                Ok(()) => ExitCode::SUCCESS,
                Err(failure) => failure.report(format),
            }
        }
        Err(refusal) => refusal.report(),
    }
}
