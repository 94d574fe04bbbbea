//! `pcaps download`: a finished sample to a file.

use pcaps_file::Summary;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    args::{self, Global},
    failure::Failure,
    output::{self, FileView, Saved},
    programs::{self, Viewer},
    progress::Progress,
    resume::Resume,
    runtime,
    session::Session,
    target::Target,
};

pub(super) fn run(global: &Global, args: &args::Download) -> Result<(), Failure> {
    let target = Target::prepare(global, &args.output.output_file)?;
    let viewer = Viewer::find(&args.output.open, target.path())?;
    let saved = runtime::interruptible(&Resume::default(), async {
        let session = Session::open(global).await?;
        let progress = Progress::new(global, "downloading");
        target.download(&session.account, &args.id, &progress).await
    })?;
    let document = || Document {
        id: args.id.as_str(),
        file: saved.file(),
        summary: &saved.summary,
    };
    let reported = report(global, &target, &saved, document);
    programs::show(viewer, target.path(), reported)
}

/// What programs are told.
#[derive(Serialize, JsonSchema)]
pub(super) struct Document<'a> {
    /// The capture's id.
    id: &'a str,
    /// Where its packets are.
    file: FileView,
    /// What they are.
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
            output::note(global, saved.text(&output::Zone::of(global)).trim_end());
            Ok(())
        }
        Target::File(_) => {
            output::result(global, document, || saved.text(&output::Zone::of(global)))
        }
    }
}
