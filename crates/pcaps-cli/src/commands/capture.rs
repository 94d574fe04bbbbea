//! `pcaps capture`: from a filter to a file.

use pcaps::Capture;
use pcaps_file::Summary;
use serde::Serialize;

use super::{download, start};
use crate::{
    args::{self, Global},
    failure::{Exit, Failure},
    output::{self, FileView, Saved},
    progress::Progress,
    resume::{self, Resume},
    runtime,
    session::Session,
    target::Target,
};

pub(super) fn run(global: &Global, args: &args::Capture) -> Result<(), Failure> {
    let sample = start::sample(filter(&args.filter)?, &args.sample)?;
    let target = Target::prepare(&args.output.output, global.json)?;
    let resume = Resume::default();
    let (capture, saved) = runtime::interruptible(&resume, async {
        let session = Session::open(global).await?;
        let progress = Progress::new("starting the capture");
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
    if saved.summary.packets() >= u64::from(args.sample.packets) {
        output::hint(
            global.json,
            "note: that is as many packets as were asked for, and there may be more: narrow the filter or the time limit",
        );
    }
    let document = || Document {
        capture: &capture,
        file: saved.file(),
        summary: &saved.summary,
    };
    download::report(global, &target, &saved, document)
}

/// What a program is told.
#[derive(Serialize)]
struct Document<'a> {
    capture: &'a Capture,
    file: FileView,
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

/// The filter's words, without the word for the type of capture.
fn filter(words: &[String]) -> Result<&[String], Failure> {
    match words.split_first() {
        Some((first, rest)) if first == "sample" => Ok(rest),
        Some((first, _)) if first == "full" => Err(Failure::usage(
            "a full capture goes to a bucket, not to a file: start it with `pcaps start full`",
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
