//! Programs of others on this machine, and capture files in them.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    args,
    failure::{Exit, Failure},
    output,
};

/// A program, by its name or its path. Wireshark's are also where its installers put them and no search path leads.
pub(crate) fn find(program: impl AsRef<OsStr>) -> Option<PathBuf> {
    let program = program.as_ref();
    let found = which::which(program).ok();
    found.or_else(|| {
        let is_wiresharks = program == "wireshark" || program == "tshark";
        let folders = elsewhere().filter(|_| is_wiresharks);
        folders.and_then(|it| which::which_in(program, Some(it), ".").ok())
    })
}

fn elsewhere() -> Option<PathBuf> {
    if cfg!(target_os = "macos") {
        Some("/Applications/Wireshark.app/Contents/MacOS".into())
    } else if cfg!(windows) {
        Some(PathBuf::from(env::var_os("ProgramFiles")?).join("Wireshark"))
    } else {
        None
    }
}

/// A program that is to show a capture file.
pub(crate) struct Viewer(PathBuf);

impl Viewer {
    /// Finds it, before anything is asked of the service. `target` is where the capture goes, if that is a file.
    pub(crate) fn find(open: &args::Open, target: Option<&Path>) -> Result<Option<Self>, Failure> {
        let Some(program) = &open.program else {
            return Ok(None);
        };
        if target.is_none() {
            return Err(Failure::usage(
                "--open needs a file to open: give `-o FILE`, or leave it out",
            ));
        }
        match find(program) {
            Some(found) => Ok(Some(Self(found))),
            None => Err(Failure::usage(format!(
                "there is no program `{}` to open the capture with: install it, or name another",
                program.display()
            ))),
        }
    }
}

/// Shows a capture that is in its place, whole or not, and gives what the command has to say of it. The program goes on by
/// itself, and has nothing of this terminal.
pub(crate) fn show(
    viewer: Option<Viewer>,
    path: Option<&Path>,
    reported: Result<(), Failure>,
) -> Result<(), Failure> {
    let (Some(Viewer(program)), Some(path)) = (viewer, path) else {
        return reported;
    };
    let is_there = |it: &Failure| matches!(it.exit(), Exit::Partial | Exit::Done);
    if reported.as_ref().is_err_and(|it| !is_there(it)) {
        return reported;
    }
    // Whatever its name is, it is no option.
    let file = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut command = Command::new(&program);
    command.arg(file);
    command.stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    detach(&mut command);
    let Err(error) = command.spawn() else {
        return reported;
    };
    let (path, program) = (path.display(), program.display());
    let what = format!("the capture is in {path}, and {program} cannot be started: {error}");
    match reported {
        Ok(()) => Err(Failure::new(Exit::Other, what)),
        Err(failure) => {
            output::diagnostic(&format!("warning: {what}"));
            Err(failure)
        }
    }
}

/// Ctrl-C in this terminal is not meant for it.
#[cfg(unix)]
fn detach(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
}

#[cfg(windows)]
fn detach(command: &mut Command) {
    use std::os::windows::process::CommandExt as _;
    const DETACHED_PROCESS: u32 = 0x8;
    const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
    command.creation_flags(DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP);
}
