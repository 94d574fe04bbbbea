//! From a list of files to the file system: what is stale, and writing it.

use std::{
    collections::BTreeSet,
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use similar::{ChangeTag, TextDiff};
use tempfile::NamedTempFile;

/// What to do about a stale file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Mend it.
    Write,
    /// Only report it, with a diff: for a script that wants to know whether there is anything to do.
    Check,
    /// Say what writing would do.
    DryRun,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing was stale.
    UpToDate,
    /// What was stale has been written.
    Written,
    /// Something is stale and was left so, which is what was asked for.
    Stale,
}

/// A file that ought to exist, relative to the workspace's root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Where, with `/` between folders.
    pub path: PathBuf,
    /// What it ought to hold.
    pub text: String,
}

/// The longest line that a person may have to read, in bytes. A diff of whatever has longer ones would tell nothing.
const LONGEST_LINE: usize = 1000;

/// Compares `files` with what is there and, in [`Mode::Write`], makes them so. Other files in `owned`, a folder that
/// holds generated files only, are stale too and are removed. Says what it found in `report`.
///
/// # Errors
///
/// When a file cannot be read or written.
pub fn sync(
    root: &Path,
    owned: Option<&Path>,
    files: &[File],
    mode: Mode,
    report: &mut dyn Write,
) -> Result<Outcome> {
    let mut stale = Vec::new();
    for file in files {
        let present = read(&root.join(&file.path))?;
        if present.as_deref() != Some(&file.text) {
            stale.push((file, present.unwrap_or_default()));
        }
    }
    let orphans = owned.map_or_else(|| Ok(BTreeSet::new()), |it| orphans(root, it, files))?;
    if mode == Mode::Write {
        // All or, when one cannot be written, nothing.
        let prepared = stale
            .iter()
            .map(|(file, _)| prepare(&root.join(&file.path), &file.text));
        let prepared: Vec<_> = prepared.collect::<Result<_>>()?;
        for ((file, _), prepared) in stale.iter().zip(prepared) {
            put(prepared, &root.join(&file.path))?;
            writeln!(report, "wrote {}", file.path.display())?;
        }
    }
    for (file, present) in &stale {
        let shown = file.path.display();
        let diff = || TextDiff::from_lines(present, &file.text);
        match mode {
            Mode::Write => {}
            Mode::Check if file.text.lines().any(|it| it.len() > LONGEST_LINE) => {
                writeln!(
                    report,
                    "{shown} is stale, and its lines are too long for a diff"
                )?;
            }
            Mode::Check => {
                writeln!(report, "{shown} is stale:")?;
                let (old, new) = (format!("{shown} (present)"), format!("{shown} (generated)"));
                writeln!(report, "{}", diff().unified_diff().header(&old, &new))?;
            }
            Mode::DryRun => {
                let diff = diff();
                let count = |tag| diff.iter_all_changes().filter(|it| it.tag() == tag).count();
                let (removed, added) = (count(ChangeTag::Delete), count(ChangeTag::Insert));
                writeln!(report, "would write {shown} (-{removed} +{added} lines)")?;
            }
        }
    }
    let mut stale = !stale.is_empty();
    for orphan in orphans {
        stale = true;
        let shown = orphan.display();
        match mode {
            Mode::Write => {
                fs::remove_file(root.join(&orphan))
                    .with_context(|| format!("cannot remove {shown}"))?;
                writeln!(report, "removed {shown}")?;
            }
            Mode::Check => writeln!(report, "{shown} is stale: it is no longer generated")?,
            Mode::DryRun => writeln!(report, "would remove {shown}")?,
        }
    }
    Ok(match (stale, mode) {
        (false, _) => Outcome::UpToDate,
        (true, Mode::Write) => Outcome::Written,
        (true, Mode::Check | Mode::DryRun) => Outcome::Stale,
    })
}

fn read(path: &Path) -> Result<Option<String>> {
    match fs::read_to_string(path) {
        // A checkout may have given it the line endings of its system; what is generated has one kind.
        Ok(text) => Ok(Some(text.replace("\r\n", "\n"))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Files in the owned folder that are not among `files`.
fn orphans(root: &Path, owned: &Path, files: &[File]) -> Result<BTreeSet<PathBuf>> {
    let folder = root.join(owned);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot list {}", folder.display()));
        }
    };
    let mut orphans = BTreeSet::new();
    for entry in entries {
        let entry = entry?;
        let path = owned.join(entry.file_name());
        ensure!(
            !entry.file_type()?.is_dir(),
            "{} is a folder, where only generated files belong: move it away",
            path.display()
        );
        if files.iter().all(|file| file.path != path) {
            orphans.insert(path);
        }
    }
    Ok(orphans)
}

/// Writes beside the file, which is renamed later, so that an interruption leaves the old text or the new, never a part.
fn prepare(path: &Path, text: &str) -> Result<NamedTempFile> {
    let folder = path.parent().context("a file to write has no folder")?;
    let attempt = || -> std::io::Result<_> {
        fs::create_dir_all(folder)?;
        let mut temporary = tempfile::Builder::new();
        // Sources are readable by everybody; a temporary file, by default, is not.
        #[cfg(unix)]
        temporary.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644));
        let mut file = temporary.tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        Ok(file)
    };
    attempt().with_context(|| format!("cannot write {}", path.display()))
}

/// Puts what was prepared in its place.
fn put(prepared: NamedTempFile, path: &Path) -> Result<()> {
    let put = prepared.persist(path).map_err(|error| error.error);
    put.map(drop)
        .with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(root: &Path, text: &str, mode: Mode) -> (Outcome, String) {
        let files = [File {
            path: "out/a.txt".into(),
            text: text.into(),
        }];
        let mut report = Vec::new();
        let outcome = sync(root, Some(Path::new("out")), &files, mode, &mut report).unwrap();
        (outcome, String::from_utf8(report).unwrap())
    }

    #[test]
    fn stale_files_are_reported_then_written_then_up_to_date() {
        let root = tempfile::tempdir().unwrap();
        let (outcome, report) = run(root.path(), "one\n", Mode::Check);
        assert_eq!(outcome, Outcome::Stale);
        assert!(
            report.contains("out/a.txt is stale") && report.contains("+one"),
            "{report}"
        );
        assert!(
            !root.path().join("out/a.txt").exists(),
            "a check must not write"
        );
        assert_eq!(run(root.path(), "one\n", Mode::Write).0, Outcome::Written);
        assert_eq!(
            run(root.path(), "one\n", Mode::Check),
            (Outcome::UpToDate, String::new())
        );
        let (outcome, report) = run(root.path(), "two\n", Mode::Check);
        assert_eq!(outcome, Outcome::Stale);
        assert!(
            report.contains("-one") && report.contains("+two"),
            "{report}"
        );
    }

    #[test]
    fn files_that_are_no_longer_generated_are_stale() {
        let root = tempfile::tempdir().unwrap();
        run(root.path(), "one\n", Mode::Write);
        fs::write(root.path().join("out/old.txt"), "").unwrap();
        let (outcome, report) = run(root.path(), "one\n", Mode::Check);
        assert_eq!(outcome, Outcome::Stale);
        assert!(
            report.contains("out/old.txt is stale: it is no longer generated"),
            "{report}"
        );
        assert_eq!(run(root.path(), "one\n", Mode::Write).0, Outcome::Written);
        assert!(!root.path().join("out/old.txt").exists());
    }

    #[test]
    fn lines_that_nobody_reads_are_not_shown() {
        let root = tempfile::tempdir().unwrap();
        let (outcome, report) = run(root.path(), &"1".repeat(LONGEST_LINE + 1), Mode::Check);
        assert_eq!(outcome, Outcome::Stale);
        let said = "out/a.txt is stale, and its lines are too long for a diff\n";
        assert_eq!(report, said);
        let (_, report) = run(root.path(), &"1".repeat(LONGEST_LINE), Mode::Check);
        assert!(report.contains("+111"), "{report}");
    }

    #[test]
    fn a_dry_run_says_what_would_be_done() {
        let root = tempfile::tempdir().unwrap();
        run(root.path(), "one\ntwo\n", Mode::Write);
        fs::write(root.path().join("out/old.txt"), "").unwrap();
        assert_eq!(
            run(root.path(), "one\nthree\nfour\n", Mode::DryRun),
            (
                Outcome::Stale,
                "would write out/a.txt (-1 +2 lines)\nwould remove out/old.txt\n".to_owned()
            )
        );
        let text = fs::read_to_string(root.path().join("out/a.txt")).unwrap();
        assert_eq!(text, "one\ntwo\n");
        assert!(root.path().join("out/old.txt").exists());
    }

    #[test]
    fn a_write_that_fails_leaves_what_was_there_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        // A folder that is not empty cannot be replaced by a file.
        let path = root.path().join("a.txt");
        fs::create_dir_all(path.join("in the way")).unwrap();
        assert!(put(prepare(&path, "new").unwrap(), &path).is_err());
        let names = fs::read_dir(root.path()).unwrap();
        let names: Vec<_> = names.map(|it| it.unwrap().file_name()).collect();
        assert_eq!(names, ["a.txt"]);
        assert!(path.join("in the way").exists());
    }

    #[test]
    fn what_an_interrupted_run_left_is_removed_by_the_next() {
        let root = tempfile::tempdir().unwrap();
        run(root.path(), "one\n", Mode::Write);
        // What a process that was killed before the rename leaves.
        fs::write(root.path().join("out/.tmpAbCdEf"), "half of o").unwrap();
        let (outcome, report) = run(root.path(), "one\n", Mode::Write);
        assert_eq!(
            (outcome, report.as_str()),
            (Outcome::Written, "removed out/.tmpAbCdEf\n")
        );
    }

    #[test]
    fn the_line_endings_of_a_checkout_are_no_difference() {
        let root = tempfile::tempdir().unwrap();
        run(root.path(), "one\ntwo\n", Mode::Write);
        fs::write(root.path().join("out/a.txt"), "one\r\ntwo\r\n").unwrap();
        assert_eq!(
            run(root.path(), "one\ntwo\n", Mode::Check).0,
            Outcome::UpToDate
        );
    }
}
