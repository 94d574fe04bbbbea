//! The `pcaps` command: everything is in the library.

fn main() -> std::process::ExitCode {
    pcaps_cli::main()
}
