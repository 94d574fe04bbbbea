//! `pcaps download`: a finished sample to a file.

use pcaps_file::Summary;
use serde::Serialize;

use crate::{
    args::{self, Global},
    failure::Failure,
    output::{self, FileView, Saved},
    progress::Progress,
    resume::Resume,
    runtime,
    session::Session,
    target::Target,
};

pub(super) fn run(global: &Global, args: &args::Download) -> Result<(), Failure> {
    let target = Target::prepare(&args.output.output, global.json)?;
    let saved = runtime::interruptible(&Resume::default(), async {
        let session = Session::open(global).await?;
        let progress = Progress::new("downloading");
        target.download(&session.account, &args.id, &progress).await
    })?;
    let document = || Document {
        id: args.id.as_str(),
        file: saved.file(),
        summary: &saved.summary,
    };
    report(global, &target, &saved, document)
}

/// What a program is told.
#[derive(Serialize)]
struct Document<'a> {
    id: &'a str,
    file: FileView,
    summary: &'a Summary,
}

/// Says what was saved, where the capture itself has not gone.
pub(super) fn report<T: Serialize>(
    global: &Global,
    target: &Target,
    saved: &Saved,
    document: impl FnOnce() -> T,
) -> Result<(), Failure> {
    match target {
        Target::Stdout => {
            output::diagnostic(saved.text().trim_end());
            Ok(())
        }
        Target::File(_) => output::result(global.json, document, || saved.text()),
    }
}
