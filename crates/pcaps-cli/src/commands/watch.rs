//! `pcaps watch`: recent traffic in a folder that does not grow.

use std::path::PathBuf;

use jiff::Timestamp;
use pcaps::{Account, Change, RecentFile, Request, Watch};
use schemars::JsonSchema;
use serde::Serialize;

use super::{dry_run, start};
use crate::{
    args::{self, Global},
    failure::Failure,
    output::{self, FileView, Format, PastView, Zone, count, missing_past},
    progress::Progress,
    resume::Resume,
    runtime,
    session::Session,
};

pub(super) fn run(global: &Global, args: &args::Watch) -> Result<(), Failure> {
    let filter = start::parse(&args.filter)?;
    let watch = |account: &Account| {
        let watch = account.watch(&args.folder).filter(filter).keep(args.keep);
        watch.every(args.every).packet_limit(args.limit.packets)
    };
    if args.dry_run {
        let samples = runtime::interruptible(&Resume::default(), async {
            Ok(watch(&Session::open(global).await?.account).samples()?)
        })?;
        let requests: Vec<_> = samples.into_iter().map(Request::from).collect();
        let changes: Vec<_> = requests.iter().map(Change::Start).collect();
        return dry_run::show(global, &changes, None);
    }
    runtime::run(async {
        let stop = runtime::stop()?;
        let session = Session::open(global).await?;
        let progress = Progress::new(global, "looking back");
        let zone = Zone::of(global);
        let shown = progress.watched(zone.clone());
        let watch = watch(&session.account).on_progress(shown);
        tokio::select! {
            biased;
            // Who has it end has it end well: what has been begun goes on when it is watched again.
            () = stop => Ok(()),
            failed = print_all(global, &zone, &progress, watch) => failed,
        }
    })
}

async fn print_all(
    global: &Global,
    zone: &Zone,
    progress: &Progress,
    mut watch: Watch,
) -> Result<(), Failure> {
    loop {
        let file = watch.next().await?;
        for line in warnings(zone, &file) {
            progress.warning(&line);
        }
        print(global, zone, progress, &file)?;
    }
}

/// What programs are told of each file.
#[derive(Serialize, JsonSchema)]
pub(super) struct Document<'a> {
    /// Where the packets are.
    file: FileView,
    /// The range of time, and what became of each window of it.
    past: PastView<'a>,
    /// From when on until this file there is none, RFC 3339; null where the last file ends.
    missing_from: Option<String>,
    /// The files that went, because there were more than are kept.
    removed: Vec<String>,
    /// Those that should have gone, and could not be taken away.
    not_removed: Vec<String>,
}

fn print(
    global: &Global,
    zone: &Zone,
    progress: &Progress,
    file: &RecentFile,
) -> Result<(), Failure> {
    let shown = |paths: &[PathBuf]| paths.iter().map(|it| it.display().to_string()).collect();
    let document = || Document {
        file: FileView::new(&file.path, file.past.bytes),
        past: PastView::new(&file.past),
        missing_from: file.missing_from.map(|it| it.to_string()),
        removed: shown(&file.removed),
        not_removed: shown(&file.not_removed),
    };
    let text = || {
        let (path, packets) = (file.path.display(), count(file.past.packets));
        let (from, to) = (zone.seconds(file.past.from), zone.seconds(file.past.to));
        format!("{path}: {packets} packets, from {from} to {to}\n")
    };
    progress.beside(|| {
        if global.format() == Format::Yaml {
            // A document of many.
            output::print("---\n")?;
        }
        output::result(global, document, text)
    })
}

/// What is missing in, or before, a file.
fn warnings(zone: &Zone, file: &RecentFile) -> Vec<String> {
    let between = |from: Timestamp| {
        let (from, to) = (zone.seconds(from), zone.seconds(file.past.from));
        format!("nothing is there from {from} to {to}")
    };
    let stuck = |it: &PathBuf| format!("{} is too old, and cannot be taken away", it.display());
    let gap = file.missing_from.map(between).into_iter();
    gap.chain(missing_past(zone, &file.past))
        .chain(file.not_removed.iter().map(stuck))
        .collect()
}
