//! `pcaps capture`: from a filter to a file.

use pcaps::{Capture, Change, ErrorKind};
use pcaps_file::Summary;
use schemars::JsonSchema;
use serde::Serialize;

use super::{download, dry_run, fetch, start};
use crate::{
    args::{self, Global},
    failure::{Exit, Failure},
    output::{self, FileView, Saved},
    programs::{self, Viewer},
    progress::Progress,
    resume::{self, Resume},
    runtime::{self, Brake},
    session::Session,
    target::Target,
};

pub(super) fn run(global: &Global, args: &args::Capture) -> Result<(), Failure> {
    match &args.other {
        Some(args::CaptureOther::Full(it)) => full(global, it),
        None => sample(global, args),
    }
}

fn sample(global: &Global, args: &args::Capture) -> Result<(), Failure> {
    let sample = start::sample(filter(&args.filter)?, &args.sample)?;
    let Some(output) = &args.output_file else {
        return Err(Failure::usage("it is not said where to: give `-o FILE`"));
    };
    let target = Target::prepare(global, output)?;
    let viewer = Viewer::find(&args.open, target.path())?;
    if args.sample.dry.run {
        return dry_run::show(global, &[Change::Start(&sample.into())], None);
    }
    let resume = Resume::default();
    let (capture, saved) = runtime::interruptible(&resume, async {
        let session = Session::open(global).await?;
        let progress = Progress::new(global, "starting the capture");
        let capture = start::start(global, &resume, &session.account, sample).await?;
        progress.line(&format!("started capture {}", capture.id()));
        if !global.simulate {
            resume.remember(resume::download(global, capture.id(), target.path()));
        }
        match save(&session, &capture, &target, &progress).await {
            Ok(done) => Ok(done),
            // A capture that failed or is gone, or a reader that left, leaves nothing to be picked up.
            Err(failure)
                if matches!(
                    failure.exit(),
                    Exit::CaptureFailed | Exit::NotFound | Exit::Done
                ) =>
            {
                Err(failure)
            }
            Err(failure) => Err(failure.noting(resume.note())),
        }
    })?;
    if saved.summary.packets() >= u64::from(args.sample.limit.packets) {
        output::hint(
            global,
            "note: that is as many packets as were asked for, and there may be more: narrow the filter or the time limit",
        );
    }
    let document = || Document {
        capture: &capture,
        file: saved.file(),
        summary: &saved.summary,
    };
    let reported = download::report(global, &target, &saved, document);
    programs::show(viewer, target.path(), reported)
}

/// What programs are told.
#[derive(Serialize, JsonSchema)]
pub(super) struct Document<'a> {
    /// The capture, when it had finished.
    capture: &'a Capture,
    /// Where its packets are.
    file: FileView,
    /// What they are.
    summary: &'a Summary,
}

async fn save(
    session: &Session,
    capture: &Capture,
    target: &Target,
    progress: &Progress,
) -> Result<(Capture, Saved), Failure> {
    let wait = session.account.wait(capture.id());
    let capture = wait.on_update(progress.watch()).await?;
    progress.doing("downloading");
    let saved = target
        .download(&session.account, capture.id(), progress)
        .await?;
    Ok((capture, saved))
}

/// A full capture, from its start to one file.
fn full(global: &Global, args: &args::CaptureFull) -> Result<(), Failure> {
    let (request, bucket) = start::full(global, &args.start)?;
    let target = Target::prepare(global, &args.output.output_file)?;
    let viewer = Viewer::find(&args.output.open, target.path())?;
    fetch::check(&args.fetching, Some(&target))?;
    if args.start.dry.run {
        let delete = args
            .fetching
            .delete_remote
            .then(|| dry_run::files(Some(&bucket), "ID"));
        return dry_run::show(global, &[Change::Start(&request.into())], delete);
    }
    let (resume, brake) = (Resume::default(), Brake::default());
    let fetched = runtime::braked(&resume, &brake, async {
        let session = Session::open(global).await?;
        if global.simulate {
            // A simulator that has just begun knows no bucket.
            session.account.prove(&bucket).await?;
        }
        let progress = Progress::new(global, "starting the capture");
        let capture = start::start(global, &resume, &session.account, request).await?;
        progress.line(&format!("started capture {}", capture.id()));
        let left = resume::Fetch {
            id: capture.id(),
            bucket: Some(&bucket),
            path: target.path(),
            split: None,
            more: Some(&args.fetching),
        };
        if !global.simulate {
            resume.remember(left.captures(global));
        }
        brake.set();
        let finished = finished(&session, &capture, &brake, &progress).await;
        brake.release();
        finished.map_err(|failure| failure.noting(resume.note()))?;
        if !global.simulate {
            resume.remember(left.goes_on(global));
        }
        let collect = session.account.collect(capture.id()).from(bucket.clone());
        let collect = fetch::with(collect, &args.fetching, &progress);
        fetch::collect(collect, Some(&target), &resume).await
    })?;
    let reported = fetched.report(global, Some(&target), None, args.fetching.lenient);
    programs::show(viewer, target.path(), reported)
}

/// Waits until a capture has finished. When it is interrupted, it is stopped.
async fn finished(
    session: &Session,
    capture: &Capture,
    brake: &Brake,
    progress: &Progress,
) -> Result<(), Failure> {
    let (account, id) = (&session.account, capture.id());
    let wait = || account.wait(id).on_update(progress.watch());
    let waited = tokio::select! {
        waited = wait() => waited,
        () = brake.pulled() => {
            progress.line("stopping the capture, to collect what it has taken; once more to leave at once");
            if let Err(error) = account.stop(id).await {
                // It may have finished meanwhile.
                progress.warning(&error.to_string());
            }
            wait().await
        }
    };
    match waited {
        // It may have left files all the same.
        Err(error) if error.kind() == ErrorKind::CaptureFailed => {
            progress.warning(&error.to_string());
            Ok(())
        }
        waited => Ok(waited.map(drop)?),
    }
}

/// The filter's words, without the word for the type of capture.
fn filter(words: &[String]) -> Result<&[String], Failure> {
    match words.split_first() {
        Some((first, rest)) if first == "sample" => Ok(rest),
        Some((first, _)) if first == "full" => Err(Failure::usage(
            "the word `full` comes first: pcaps capture full [FILTER] --colo NAME --bucket URI -o FILE",
        )),
        _ => Ok(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_may_come_first() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(filter(&words("sample udp")).unwrap(), ["udp"]);
        assert_eq!(filter(&words("udp")).unwrap(), ["udp"]);
        assert!(filter(&[]).unwrap().is_empty());
        assert!(filter(&words("full udp")).is_err());
    }
}
