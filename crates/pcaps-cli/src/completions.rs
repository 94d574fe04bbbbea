//! What a shell offers while a line is typed. The scripts of `pcaps completions` call the program itself for that, with a
//! variable that says so.

use std::{
    env,
    ffi::{OsStr, OsString},
    process::ExitCode,
    time::Duration,
};

use clap::Parser as _;
use clap_complete::{
    CompleteEnv,
    engine::CompletionCandidate,
    env::{Bash, EnvCompleter, Fish, Powershell, Zsh},
};
use pcaps::{Account, Capture, CaptureKind, CaptureState};

use crate::{
    args::{self, Args, Global, Shell},
    failure::Failure,
    output,
    session::Session,
    settings::{Config, Settings},
};

/// Who sets it is asked for what can be typed next.
const VARIABLE: &str = "_PCAPS_COMPLETE";

/// How long somebody who has pressed a key waits without wondering.
const PATIENCE: Duration = Duration::from_secs(2);

/// The script that makes a shell ask.
pub(crate) fn script(shell: Shell) -> Vec<u8> {
    let shell: &dyn EnvCompleter = match shell {
        Shell::Bash => &Bash,
        Shell::Fish => &Fish,
        Shell::Powershell => &Powershell,
        Shell::Zsh => &Zsh,
    };
    let mut script = Vec::new();
    // Writing to memory does not fail.
    let _ = shell.write_registration(VARIABLE, "pcaps", "pcaps", "pcaps", &mut script);
    script
}

/// Answers a shell, if it is one that asks. Nothing is said of what goes wrong: it would be in the way of who is typing.
pub(crate) fn answer() -> Option<ExitCode> {
    env::var_os(VARIABLE)?;
    let folder = env::current_dir().ok();
    let shells = CompleteEnv::with_factory(args::command).var(VARIABLE);
    let answered = shells.try_complete(env::args_os(), folder.as_deref());
    Some(if answered.is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Captures of any kind.
pub(crate) fn captures(word: &OsStr) -> Vec<CompletionCandidate> {
    ids(word, |_| true)
}

/// Samples that can be downloaded.
pub(crate) fn samples(word: &OsStr) -> Vec<CompletionCandidate> {
    ids(word, |it| {
        it.kind() == CaptureKind::Sample && it.state() == CaptureState::Ready
    })
}

/// Full captures that have finished.
pub(crate) fn finished(word: &OsStr) -> Vec<CompletionCandidate> {
    ids(word, |it| {
        it.kind() == CaptureKind::Full && it.state() != CaptureState::InProgress
    })
}

/// Full captures that can be stopped.
pub(crate) fn running(word: &OsStr) -> Vec<CompletionCandidate> {
    ids(word, |it| {
        it.kind() == CaptureKind::Full && it.state() == CaptureState::InProgress
    })
}

/// Registered buckets, by their ids.
pub(crate) fn buckets(word: &OsStr) -> Vec<CompletionCandidate> {
    let buckets = asked(async |account| account.list_buckets().await).unwrap_or_default();
    let buckets = buckets.iter().map(|it| {
        let help = format!("{} {}", it.destination(), it.status());
        candidate(it.id().as_str(), &help)
    });
    beginning(word, buckets)
}

/// Data centres of earlier captures.
pub(crate) fn colos(word: &OsStr) -> Vec<CompletionCandidate> {
    let captures = asked(async |account| account.list().await).unwrap_or_default();
    let mut names: Vec<_> = captures.iter().filter_map(Capture::colo).collect();
    names.sort_unstable();
    names.dedup();
    beginning(word, names.into_iter().map(|it| candidate(it, "")))
}

/// Profiles of the configuration file.
pub(crate) fn profiles(word: &OsStr) -> Vec<CompletionCandidate> {
    let settings = global().and_then(|it| Settings::load_any(&it).ok());
    let config = settings.and_then(|it| it.config);
    let names = config.iter().flat_map(Config::names);
    beginning(word, names.map(|it| candidate(it, "")))
}

fn ids(word: &OsStr, is_meant: impl Fn(&Capture) -> bool) -> Vec<CompletionCandidate> {
    let captures = asked(async |account| account.list().await).unwrap_or_default();
    let captures = captures.iter().filter(|it| is_meant(it)).map(|it| {
        let filter = it.filter().map(|it| it.to_string()).unwrap_or_default();
        let help = format!("{} {} {filter}", it.kind().as_str(), it.status());
        candidate(it.id().as_str(), help.trim_end())
    });
    beginning(word, captures)
}

/// What stands on a line of its own, whatever the service has sent.
fn candidate(value: &str, help: &str) -> CompletionCandidate {
    let help = Some(output::one_line(help)).filter(|it| !it.is_empty());
    CompletionCandidate::new(output::one_line(value)).help(help.map(Into::into))
}

fn beginning(
    word: &OsStr,
    all: impl Iterator<Item = CompletionCandidate>,
) -> Vec<CompletionCandidate> {
    let word = word.to_string_lossy();
    all.filter(|it| it.get_value().to_string_lossy().starts_with(&*word))
        .collect()
}

/// What the service says, if it does so soon.
fn asked<T>(ask: impl AsyncFnOnce(&Account) -> Result<T, pcaps::Error>) -> Option<T> {
    let global = global()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .ok()?;
    let answer = runtime.block_on(async {
        let asking = async {
            let session = Session::open(&global).await?;
            Ok::<_, Failure>(ask(&session.account).await?)
        };
        tokio::time::timeout(PATIENCE, asking).await
    });
    // What hangs is left behind.
    runtime.shutdown_background();
    answer.ok()?.ok()
}

/// The options of the line that is being typed that say who is to be asked.
fn global() -> Option<Global> {
    let mut given: Vec<OsString> = ["pcaps", "list", "--retries=0"].map(Into::into).into();
    let mut words = env::args_os().skip_while(|it| it != "--").skip(1);
    while let Some(word) = words.next() {
        let text = word.to_string_lossy();
        let name = text.split('=').next().unwrap_or_default();
        if name == "--simulate" {
            given.push(word);
            continue;
        }
        if !["--profile", "--account", "--base-url"].contains(&name) {
            continue;
        }
        let has_value = text.contains('=');
        given.push(word.clone());
        if !has_value {
            given.push(words.next()?);
        }
    }
    Args::try_parse_from(given).ok().map(|it| it.global)
}
