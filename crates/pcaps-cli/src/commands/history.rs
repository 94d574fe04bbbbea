//! `pcaps history`: past traffic, in many samples, to one file.

use jiff::Timestamp;
use pcaps::{History, PastTraffic};
use pcaps_file::Summary;
use schemars::JsonSchema;
use serde::Serialize;

use super::start;
use crate::{
    args::{self, Global},
    failure::{Exit, Failure},
    output::{self, FileView, PastView, Saved, past},
    progress::Progress,
    resume::{self, Resume},
    runtime,
    session::Session,
    target::Target,
};

pub(super) fn run(global: &Global, args: &args::History) -> Result<(), Failure> {
    let target = Target::prepare(global, &args.output.output_file)?;
    if args.resume && target.path().is_none() {
        return Err(Failure::usage(
            "what went to standard output left nothing to go on from: give the `-o FILE` of before",
        ));
    }
    let filter = start::parse(&args.filter)?;
    let resume = Resume::default();
    let (past, saved) = runtime::interruptible(&resume, async {
        let session = Session::open(global).await?;
        let account = &session.account;
        let history = if let (true, Some(path)) = (args.resume, target.path()) {
            account.resume_history(path)
        } else {
            let now = Timestamp::now();
            let since = args.since.map_or(now, |it| it.before(now));
            let until = args.until.map_or(now, |it| it.before(now));
            let history = account.history(since, until).filter(filter);
            history.packet_limit(args.packets)
        };
        let history = match args.max_time {
            Some(limit) => history.within(limit),
            None => history,
        };
        let progress = Progress::new(global, "looking back");
        if let (false, Some(path)) = (global.simulate, target.path()) {
            resume.remember(resume::history(global, path));
        }
        let history: History = history.on_progress(progress.recalled());
        let taken = target.history(history).await;
        taken.map_err(|failure| match failure.exit() {
            // There is nothing to go on from.
            Exit::Usage => failure,
            _ => failure.noting(resume.note()),
        })
    })?;
    report(global, &target, &past, &saved)
}

/// What programs are told.
#[derive(Serialize, JsonSchema)]
pub(super) struct Document<'a> {
    /// Where the packets are.
    file: FileView,
    /// What they are.
    summary: &'a Summary,
    /// The range of time, and what became of each window of it.
    past: PastView<'a>,
}

fn report(
    global: &Global,
    target: &Target,
    past: &PastTraffic,
    saved: &Saved,
) -> Result<(), Failure> {
    let zone = output::Zone::of(global);
    for line in output::missing_past(&zone, past) {
        output::diagnostic(&line);
    }
    let text = || saved.text_with(&zone, &self::past(&zone, past));
    match target {
        Target::Stdout => output::note(global, text().trim_end()),
        Target::File(_) => {
            let document = || Document {
                file: saved.file(),
                summary: &saved.summary,
                past: PastView::new(past),
            };
            output::result(global, document, text)?;
        }
    }
    if past.is_partial() {
        return Err(Failure::new(
            Exit::Partial,
            "packets are missing: what there is is in the output",
        ));
    }
    Ok(())
}
