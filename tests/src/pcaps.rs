//! `pcaps`, for the tests.

fn main() -> std::process::ExitCode {
    pcaps_cli::main()
}
