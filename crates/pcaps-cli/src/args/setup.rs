//! The arguments of the commands that set things up and explain them.

use std::path::PathBuf;

use clap::{Subcommand, ValueHint};

use super::help;

#[derive(Subcommand)]
pub(crate) enum Auth {
    /// Keep an API token, once the service has accepted it.
    #[command(after_help = help::LOGIN)]
    Login(Login),

    /// Show which credentials are used, and what they are good for.
    #[command(after_help = help::STATUS)]
    Status,

    /// Forget the token that was kept for the profile.
    #[command(after_help = help::LOGOUT)]
    Logout,
}

#[derive(clap::Args)]
pub(crate) struct Login {
    /// Keep the token without asking the service about it, where it cannot be reached.
    #[arg(long)]
    pub(crate) offline: bool,

    /// Keep the token in a file that only you can read, also where the system has a keyring.
    #[arg(long)]
    pub(crate) insecure_storage: bool,
}

#[derive(Subcommand)]
pub(crate) enum Wireshark {
    /// Show "Cloudflare Magic Transit" among Wireshark's interfaces.
    #[command(after_help = help::WIRESHARK_INSTALL)]
    Install(WiresharkPlace),

    /// Show whether it is among them.
    #[command(after_help = help::WIRESHARK_STATUS)]
    Status(WiresharkPlace),

    /// Take it away from among them.
    #[command(after_help = help::WIRESHARK_UNINSTALL)]
    Uninstall(WiresharkPlace),
}

impl Wireshark {
    pub(crate) fn place(&self) -> &WiresharkPlace {
        match self {
            Self::Install(it) | Self::Status(it) | Self::Uninstall(it) => it,
        }
    }
}

#[derive(clap::Args)]
pub(crate) struct WiresharkPlace {
    /// The folder of programs to capture with; without it, the one that tshark names.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) dir: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(crate) struct Completions {
    /// The shell that is to read it.
    #[arg(value_name = "SHELL")]
    pub(crate) shell: Shell,
}

/// A shell that can be helped to complete.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum Shell {
    Bash,
    Fish,
    Powershell,
    Zsh,
}

#[derive(clap::Args)]
pub(crate) struct Man {
    /// The command, such as `capture` or `bucket prove`; without it, the program.
    #[arg(value_name = "COMMAND")]
    pub(crate) words: Vec<String>,

    /// Write the pages of all commands into this folder, for a package.
    #[arg(
        long,
        value_name = "DIR",
        value_hint = ValueHint::DirPath,
        conflicts_with = "words"
    )]
    pub(crate) dir: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(crate) struct Schema {
    /// The command, such as `bucket list`; or `dry-run`, or `error`. Without one, all of them.
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Vec<String>,
}
