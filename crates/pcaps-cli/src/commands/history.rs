//! `pcaps history`: past traffic, in many samples, to one file.

use std::{fs, path::PathBuf};

use jiff::Timestamp;
use pcaps::{Account, Change, PastTraffic, Request, WindowState};
use pcaps_file::Summary;
use schemars::JsonSchema;
use serde::Serialize;
use tempfile::TempDir;

use super::{dry_run, start};
use crate::{
    args::{self, Global},
    failure::{Exit, Failure},
    output::{self, FileView, PastView, Saved, past},
    programs::{self, Viewer},
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
    let viewer = Viewer::find(&args.output.open, target.path())?;
    let filter = start::parse(&args.filter)?;
    let new = |account: &Account| {
        let now = Timestamp::now();
        let since = args.since.map_or(now, |it| it.before(now));
        let until = args.until.map_or(now, |it| it.before(now));
        let history = account.history(since, until).filter(filter);
        history.packet_limit(args.limit.packets)
    };
    if args.dry_run {
        let samples = runtime::interruptible(&Resume::default(), async {
            Ok(new(&Session::open(global).await?.account).samples()?)
        })?;
        let requests: Vec<_> = samples.into_iter().map(Request::from).collect();
        let changes: Vec<_> = requests.iter().map(Change::Start).collect();
        return dry_run::show(global, &changes, None);
    }
    let place = Place::of(&target)?;
    let resume = Resume::default();
    let taken = runtime::interruptible(&resume, async {
        let session = Session::open(global).await?;
        let account = &session.account;
        let history = if args.resume {
            account.resume_history(&place.path)
        } else {
            new(account).to_path(&place.path)
        };
        let history = match args.max_time {
            Some(limit) => history.within(limit),
            None => history,
        };
        let progress = Progress::new(global, "looking back");
        if !global.simulate {
            resume.remember(resume::history(global, &place.path));
        }
        let past = history.on_progress(progress.recalled()).await;
        let past = past.map_err(|error| {
            let failure = Failure::from(error);
            match failure.exit() {
                // There is nothing to go on from.
                Exit::Usage => failure,
                _ => failure.noting(resume.note()),
            }
        })?;
        let saved = target.take(&place.path, past.bytes).await;
        let saved = saved.map_err(|failure| match failure.exit() {
            // The reader has left, and wants no more.
            Exit::Done => {
                place.clear_away();
                failure
            }
            _ => failure.noting(Some(format!(
                "what has been taken is in {}",
                place.path.display()
            ))),
        })?;
        Ok((past, saved))
    });
    let (past, saved) = taken.inspect_err(|_| place.clear_if_empty())?;
    let is_left = past
        .windows
        .iter()
        .any(|it| it.state == WindowState::NotAsked);
    if !is_left {
        place.clear_away();
        resume.forget();
    }
    let reported = report(global, &target, &past, &saved);
    let reported = reported.map_err(|failure| failure.noting(resume.note()));
    programs::show(viewer, target.path(), reported)
}

/// Where the history is made. What goes to standard output is in a folder that stays when it ends early: hours would be
/// lost with it.
struct Place {
    path: PathBuf,
    temporary: Option<PathBuf>,
}

impl Place {
    fn of(target: &Target) -> Result<Self, Failure> {
        let (path, folder) = target.place()?;
        Ok(Self {
            path,
            temporary: folder.map(TempDir::keep),
        })
    }

    /// When it has not even begun.
    fn clear_if_empty(&self) {
        if let Some(folder) = &self.temporary {
            // What is in it can be gone on with.
            let _ = fs::remove_dir(folder);
        }
    }

    /// When all is where it should be.
    fn clear_away(&self) {
        if let Some(folder) = &self.temporary {
            // What is left of it harms nobody.
            let _ = fs::remove_dir_all(folder);
        }
    }
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
        output::diagnostic(&format!("warning: {line}"));
    }
    let text = || saved.text_with(&zone, &self::past(&zone, past));
    let printed = match target {
        Target::Stdout => {
            output::note(global, text().trim_end());
            Ok(())
        }
        Target::File(_) => {
            let document = || Document {
                file: saved.file(),
                summary: &saved.summary,
                past: PastView::new(past),
            };
            output::result(global, document, text)
        }
    };
    // Whether or not somebody has read so far.
    if past.is_partial() {
        return Err(Failure::new(
            Exit::Partial,
            "packets are missing: what there is is in the output",
        ));
    }
    printed
}
