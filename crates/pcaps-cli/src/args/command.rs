//! What the commands are called, and which of them only show what they would do.

use super::{Auth, Bucket, Capture, CaptureOther, Command, Start, Wireshark};

impl Command {
    /// Its words, as they are typed.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Capture(Capture { other: None, .. }) => "capture",
            Self::Capture(Capture {
                other: Some(CaptureOther::Full(_)),
                ..
            }) => "capture full",
            Self::Start(Start::Sample(_)) => "start sample",
            Self::Start(Start::Full(_)) => "start full",
            Self::List => "list",
            Self::Show(_) => "show",
            Self::Wait(_) => "wait",
            Self::Stop(_) => "stop",
            Self::Download(_) => "download",
            Self::Fetch(_) => "fetch",
            Self::History(_) => "history",
            Self::Watch(_) => "watch",
            Self::Bucket(Bucket::Prove { .. }) => "bucket prove",
            Self::Bucket(Bucket::Add { .. }) => "bucket add",
            Self::Bucket(Bucket::List) => "bucket list",
            Self::Bucket(Bucket::Validate { .. }) => "bucket validate",
            Self::Bucket(Bucket::Remove { .. }) => "bucket remove",
            Self::Auth(Auth::Login(_)) => "auth login",
            Self::Auth(Auth::Status) => "auth status",
            Self::Auth(Auth::Logout) => "auth logout",
            Self::Doctor => "doctor",
            Self::Completions(_) => "completions",
            Self::Man(_) => "man",
            Self::Stats(_) => "stats",
            Self::Report(_) => "report",
            Self::Filter(_) => "filter",
            Self::Merge(_) => "merge",
            Self::Export(_) => "export",
            Self::Query(_) => "query",
            Self::Sim(_) => "sim",
            Self::Schema(_) => "schema",
            Self::Wireshark(Wireshark::Install(_)) => "wireshark install",
            Self::Wireshark(Wireshark::Status(_)) => "wireshark status",
            Self::Wireshark(Wireshark::Uninstall(_)) => "wireshark uninstall",
        }
    }

    /// Whether nothing is to be changed.
    pub(crate) fn is_dry_run(&self) -> bool {
        match self {
            Self::Capture(it) => match &it.other {
                Some(CaptureOther::Full(it)) => it.start.dry.run,
                None => it.sample.dry.run,
            },
            Self::Start(Start::Sample(it)) => it.sample.dry.run,
            Self::Start(Start::Full(it)) => it.dry.run,
            Self::Stop(it) => it.dry.run,
            Self::Fetch(it) => it.dry_run,
            Self::History(it) => it.dry_run,
            Self::Watch(it) => it.dry_run,
            Self::Bucket(
                Bucket::Prove { dry, .. }
                | Bucket::Add { dry, .. }
                | Bucket::Validate { dry, .. }
                | Bucket::Remove { dry, .. },
            ) => dry.run,
            _ => false,
        }
    }
}
