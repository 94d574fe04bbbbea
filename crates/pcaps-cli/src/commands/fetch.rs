//! `pcaps fetch`: the files of a full capture, from their bucket to one.

use std::path::Path;

use pcaps::{Capture, Collect, Collected};
use pcaps_file::Summary;
use schemars::JsonSchema;
use serde::Serialize;

use super::{dry_run, start};
use crate::{
    args::{self, Global},
    failure::{Exit, Failure},
    output::{self, CollectedView, FileView, Saved, collected, missing},
    programs::{self, Viewer},
    progress::Progress,
    resume::{self, Resume},
    runtime,
    session::Session,
    target::Target,
};

pub(super) fn run(global: &Global, args: args::Fetch) -> Result<(), Failure> {
    let prepare = |path: &std::path::PathBuf| Target::prepare(global, path);
    let target = args.output_file.as_ref().map(prepare).transpose()?;
    let path = target.as_ref().and_then(Target::path);
    let viewer = Viewer::find(&args.open, path)?;
    check(&args.fetching, target.as_ref())?;
    let bucket = args.bucket.map(start::bucket).transpose()?;
    if args.dry_run {
        let files = dry_run::files(bucket.as_ref(), args.id.as_str());
        return dry_run::show(global, &[], Some(files));
    }
    let resume = Resume::default();
    let fetched = runtime::interruptible(&resume, async {
        let session = Session::open(global).await?;
        let progress = Progress::new(global, "fetching");
        if !global.simulate {
            let left = resume::Fetch {
                id: &args.id,
                bucket: bucket.as_ref(),
                path,
                split: args.split.as_deref(),
                more: Some(&args.fetching),
            };
            resume.remember(left.goes_on(global));
        }
        let mut collect = session.account.collect(&args.id);
        if let Some(bucket) = bucket.clone() {
            collect = collect.from(bucket);
        }
        if let Some(folder) = &args.split {
            collect = collect.split_into(folder);
        }
        let collect = with(collect, &args.fetching, &progress);
        self::collect(collect, target.as_ref(), &resume).await
    })?;
    let reported = fetched.report(
        global,
        target.as_ref(),
        args.split.as_deref(),
        args.fetching.lenient,
    );
    programs::show(viewer, path, reported)
}

/// Nothing is deleted for what may get lost.
pub(super) fn check(how: &args::Fetching, target: Option<&Target>) -> Result<(), Failure> {
    if matches!(target, Some(Target::Stdout)) && how.delete_remote {
        return Err(Failure::usage(
            "what goes to standard output may get lost, so nothing is deleted for it: give `-o FILE`",
        ));
    }
    Ok(())
}

/// A collection as it is asked for, that tells how far it is.
pub(super) fn with<'a>(
    collect: Collect<'a>,
    how: &args::Fetching,
    progress: &Progress,
) -> Collect<'a> {
    let collect = if how.delete_remote {
        collect.delete_remote()
    } else {
        collect
    };
    collect
        .transfers(how.transfers.into())
        .settle(how.settle)
        .on_progress(progress.collected())
}

/// What was fetched.
pub(super) struct Fetched {
    collected: Collected,
    /// The merged file, if there is one.
    saved: Option<Saved>,
}

/// What programs are told.
#[derive(Serialize, JsonSchema)]
pub(super) struct Document<'a> {
    /// The capture, as the service told of it.
    capture: &'a Capture,
    /// Where its packets are, if they were merged into one file.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<FileView>,
    /// What they are, if they were.
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a Summary>,
    /// What was in the bucket.
    collected: CollectedView<'a>,
}

/// Collects, to `target` or nowhere. What has been fetched when it fails can be gone on from.
pub(super) async fn collect(
    collect: Collect<'_>,
    target: Option<&Target>,
    resume: &Resume,
) -> Result<Fetched, Failure> {
    let fetched = match target {
        Some(target) => {
            let fetched = target.collect(collect).await;
            fetched.map(|(collected, saved)| (collected, Some(saved)))
        }
        None => match collect.await {
            Ok(collected) => Ok((collected, None)),
            Err(error) => Err(error.into()),
        },
    };
    match fetched {
        Ok((collected, saved)) => Ok(Fetched { collected, saved }),
        Err(failure) => Err(match failure.exit() {
            // There is nothing to go on from.
            Exit::Usage | Exit::NotFound | Exit::CaptureFailed | Exit::Done => failure,
            _ => failure.noting(resume.note()),
        }),
    }
}

impl Fetched {
    /// Says what there is, and what is missing.
    pub(super) fn report(
        &self,
        global: &Global,
        target: Option<&Target>,
        split: Option<&Path>,
        lenient: bool,
    ) -> Result<(), Failure> {
        for line in missing(&self.collected) {
            output::diagnostic(&line);
        }
        let document = || Document {
            capture: &self.collected.capture,
            file: self.saved.as_ref().map(Saved::file),
            summary: self.saved.as_ref().map(|it| &it.summary),
            collected: CollectedView::new(&self.collected),
        };
        let text = || {
            let lines = collected(&self.collected, split);
            match &self.saved {
                Some(saved) => saved.text_with(&output::Zone::of(global), &lines),
                None => lines,
            }
        };
        let printed = match target {
            Some(Target::Stdout) => {
                output::note(global, text().trim_end());
                Ok(())
            }
            _ => output::result(global, document, text),
        };
        // Whether or not somebody has read so far.
        if self.collected.is_partial() && !lenient {
            return Err(Failure::new(
                Exit::Partial,
                "packets are missing: what there is is in the output",
            ));
        }
        printed
    }
}
