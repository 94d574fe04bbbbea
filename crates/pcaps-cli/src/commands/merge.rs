//! `pcaps merge`: one capture file of many.

use std::{
    error::Error as _,
    fs,
    io::{self, Write},
    path::Path,
};

use pcaps_file::{
    NewFile, StopOnDrop,
    merge::{Input, Merge, Merged},
};

use crate::{
    args::{self, Global},
    failure::{Exit, Failure},
    output::{self, MergedView, remarks},
    programs::{self, Viewer},
    progress::Progress,
    resume::Resume,
    runtime, target,
};

pub(super) fn run(global: &Global, args: &args::Merge) -> Result<(), Failure> {
    let path = &args.output.output_file;
    let is_stdout = path.as_os_str() == "-";
    let target = if is_stdout {
        target::check_stdout(global)?;
        None
    } else {
        refuse_inputs(args)?;
        Some(path.as_path())
    };
    let viewer = Viewer::find(&args.output.open, target)?;
    let inputs = inputs(args)?;
    let mut merge = Merge::new();
    if let Some(window) = args.dedup {
        merge = merge.dedup(window);
    }
    let merged = runtime::interruptible(&Resume::default(), to(global, target, merge, inputs))?;
    for line in remarks(&merged) {
        let line = output::one_line(&line);
        if line.starts_with("note:") {
            output::note(global, &line);
        } else {
            output::diagnostic(&line);
        }
    }
    let reported = report(global, args, &merged);
    programs::show(viewer, target, reported)
}

/// Says what was merged, where the capture itself has not gone.
fn report(global: &Global, args: &args::Merge, merged: &Merged) -> Result<(), Failure> {
    let path = &args.output.output_file;
    let view = MergedView::new(path, merged);
    if path.as_os_str() == "-" {
        output::note(global, view.text(&output::Zone::of(global)).trim_end());
    } else {
        output::result(global, || &view, || view.text(&output::Zone::of(global)))?;
    }
    let partial = merged.files.iter().filter(|it| it.is_partial()).count();
    if partial > 0 && !args.lenient {
        let files = if partial == 1 { "file is" } else { "files are" };
        return Err(Failure::new(
            Exit::Partial,
            format!(
                "{partial} of {} {files} not whole: what could be read is in the output",
                merged.files.len()
            ),
        ));
    }
    Ok(())
}

/// Merges, in a thread of its own, so that Ctrl-C is heard. The temporary file stays here: when this is dropped, it
/// goes.
async fn to(
    global: &Global,
    target: Option<&Path>,
    merge: Merge,
    inputs: Vec<Input>,
) -> Result<Merged, Failure> {
    let failed = |error: &pcaps_file::Error| Failure::because(Exit::Other, error);
    // Not before signals are heard.
    let target = target.map(NewFile::create).transpose();
    let target = target.map_err(|error| failed(&error))?;
    let progress = Progress::new(global, "merging");
    let stop = StopOnDrop::default();
    let handle = match &target {
        Some(target) => Some(target.open().map_err(|error| failed(&error))?),
        None => None,
    };
    let mut told = progress.written();
    let stopping = stop.signal();
    let merged = tokio::task::spawn_blocking(move || {
        let mut written = 0;
        let mut watch = move |count: usize| {
            written += count as u64;
            told(written);
        };
        if let Some(mut file) = handle {
            let output = stopping.writer(Watched(&mut file, &mut watch));
            let merged = merge.run(inputs, output);
            merged.map(|merged| (merged, file.sync_all()))
        } else {
            let mut stdout = io::stdout();
            let output = stopping.writer(Watched(&mut stdout, &mut watch));
            merge.run(inputs, output).map(|merged| (merged, Ok(())))
        }
    });
    let merged = merged
        .await
        .map_err(|error| Failure::because(Exit::Other, &error))?;
    let (merged, synced) = merged.map_err(|error| {
        // Only of what is written, as standard output is, can the reader have left.
        let cause = error.source().and_then(|it| it.downcast_ref::<io::Error>());
        match cause.filter(|it| it.kind() == io::ErrorKind::BrokenPipe) {
            Some(cause) => Failure::stdout(cause),
            None => failed(&error),
        }
    })?;
    if let Some(target) = target {
        synced.map_err(|error| Failure::write(target.path(), &error))?;
        target.put_in_place().map_err(|error| failed(&error))?;
    }
    Ok(merged)
}

/// A writer that tells how much is written.
struct Watched<'a, W, F>(&'a mut W, &'a mut F);

impl<W: Write, F: FnMut(usize)> Write for Watched<'_, W, F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.0.write(bytes)?;
        (self.1)(count);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn inputs(args: &args::Merge) -> Result<Vec<Input>, Failure> {
    let stdin = args.files.iter().filter(|it| it.as_os_str() == "-");
    if stdin.count() > 1 {
        return Err(Failure::usage(
            "standard input can be read once: give `-` once",
        ));
    }
    let input = |path: &std::path::PathBuf| {
        if path.as_os_str() == "-" {
            Input::reader(io::stdin(), "standard input")
        } else {
            Input::path(path)
        }
    };
    Ok(args.files.iter().map(input).collect())
}

/// The output would take the place of what it is made of.
fn refuse_inputs(args: &args::Merge) -> Result<(), Failure> {
    let output = &args.output.output_file;
    let Ok(target) = fs::canonicalize(output) else {
        return Ok(());
    };
    for file in &args.files {
        let same_path = fs::canonicalize(file).is_ok_and(|it| it == target);
        if same_path || is_same_file(file, &target) {
            return Err(Failure::usage(format!(
                "{} is one of the files to merge: give another output",
                output.display()
            )));
        }
    }
    Ok(())
}

/// Whether both are names of one file.
#[cfg(unix)]
fn is_same_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let identity = |path| fs::metadata(path).map(|it| (it.dev(), it.ino()));
    matches!((identity(one), identity(other)), (Ok(one), Ok(other)) if one == other)
}

#[cfg(not(unix))]
fn is_same_file(_: &Path, _: &Path) -> bool {
    false
}
