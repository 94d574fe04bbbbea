//! What leads Wireshark to this program: a link, and on Windows, where making one takes a right that few people have, a file of
//! commands.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use crate::{
    failure::{Exit, Failure},
    output::{LinkState, WiresharkLink},
};

/// This program, by the path that people know it by: what stands there after an update is the new version.
pub(super) fn program() -> Result<PathBuf, Failure> {
    let failed = |error: io::Error| {
        let what = format!("cannot tell where this program is: {error}");
        Failure::new(Exit::Other, what)
    };
    let program = env::current_exe().map_err(failed)?;
    let is_this = |it: &PathBuf| is_same(it, &program);
    let name = env::args_os().next().unwrap_or_default();
    let name = Path::new(&name).file_name().unwrap_or_default();
    let known = which::which_all(name).ok().into_iter().flatten();
    let known = known.filter(|it| it.is_absolute()).find(is_this);
    Ok(known.unwrap_or(program))
}

fn is_same(one: &Path, other: &Path) -> bool {
    matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

/// Looks at what is in a folder.
pub(super) fn look(folder: &Path, program: &Path) -> Result<WiresharkLink, Failure> {
    let path = folder.join(NAME);
    let state = match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => LinkState::Absent,
        Err(error) => {
            let what = format!("cannot look at {}: {error}", path.display());
            return Err(Failure::new(Exit::Other, what));
        }
        Ok(_) => match leads_to(&path) {
            Some(target) if is_same(&target, program) => LinkState::Installed,
            // Another that is called so was put there by another of ours; what is called otherwise may be anything.
            Some(target) if !is_ours(&target) => LinkState::Foreign,
            Some(target) if target.exists() => LinkState::Other,
            Some(_) => LinkState::Broken,
            None => LinkState::Foreign,
        },
    };
    Ok(WiresharkLink {
        path,
        state,
        changed: false,
    })
}

#[cfg(unix)]
const NAME: &str = "pcaps";

/// What a link leads to.
#[cfg(unix)]
fn leads_to(path: &Path) -> Option<PathBuf> {
    let target = fs::read_link(path).ok()?;
    // One that is relative is so to its folder.
    Some(path.parent().unwrap_or(Path::new("")).join(&target))
}

/// Whether a program is called as this one is.
#[cfg(unix)]
fn is_ours(program: &Path) -> bool {
    program.file_name().is_some_and(|it| it == NAME)
}

/// Makes a link, in the place of one that is there, in one step.
#[cfg(unix)]
pub(super) fn make(path: &Path, program: &Path) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let link = |it: &Path| std::os::unix::fs::symlink(program, it);
    let made = tempfile::Builder::new()
        .prefix(".pcaps-")
        .make_in(folder, link)?;
    made.into_temp_path().persist(path).map_err(|it| it.error)
}

#[cfg(not(unix))]
const NAME: &str = "pcaps.bat";

#[cfg(not(unix))]
const FIRST: &str = "@rem made by pcaps wireshark install";

/// The file of commands says whose it is.
#[cfg(not(unix))]
fn is_ours(_: &Path) -> bool {
    true
}

#[cfg(not(unix))]
fn leads_to(path: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(path).ok()?;
    let mut lines = text.lines();
    lines.next().filter(|it| *it == FIRST)?;
    let command = lines.next()?.strip_prefix("@\"")?;
    let (program, _) = command.split_once('"')?;
    Some(program.replace("%%", "%").into())
}

#[cfg(not(unix))]
pub(super) fn make(path: &Path, program: &Path) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    // In such a file, two of them are one.
    let program = program.display().to_string().replace('%', "%%");
    let text = format!("{FIRST}\r\n@\"{program}\" %*\r\n");
    crate::settings::replace(path, text.as_bytes(), None)
}
