//! The commands, one module each.

mod auth;
mod bucket;
mod capture;
mod doctor;
mod download;
mod dry_run;
mod export;
mod extcap;
mod fetch;
mod filter;
mod history;
mod list;
mod man;
mod merge;
mod query;
mod report;
mod schema;
mod sim;
mod start;
mod stats;
mod stdin;
mod stop;
mod wait;
mod watch;
mod wireshark;

pub(crate) use extcap::answer as answer_wireshark;

use crate::{
    args::{Args, Command},
    completions,
    failure::Failure,
    log, output,
};

/// Runs the command that the arguments name.
pub(crate) fn run(args: Args) -> Result<(), Failure> {
    let global = &args.global;
    let (name, is_dry_run) = (args.command.name(), args.command.is_dry_run());
    schema::check(global, if is_dry_run { dry_run::NAME } else { name })?;
    // The simulator has lines of its own.
    if global.verbose && !matches!(args.command, Command::Sim(_)) {
        log::requests(global);
    }
    match args.command {
        Command::Capture(it) => capture::run(global, &it),
        Command::Start(it) => start::run(global, it),
        Command::List => list::all(global),
        Command::Show(it) => list::one(global, &it.id),
        Command::Wait(it) => wait::run(global, &it),
        Command::Stop(it) => stop::run(global, &it),
        Command::Download(it) => download::run(global, &it),
        Command::Fetch(it) => fetch::run(global, it),
        Command::History(it) => history::run(global, &it),
        Command::Watch(it) => watch::run(global, &it),
        Command::Bucket(it) => bucket::run(global, it),
        Command::Auth(it) => auth::run(global, &it),
        Command::Doctor => doctor::run(global),
        Command::Completions(it) => output::print(&completions::script(it.shell)),
        Command::Man(it) => man::run(&it),
        Command::Stats(it) => stats::run(global, &it),
        Command::Report(it) => report::run(global, &it),
        Command::Filter(it) => filter::run(global, it),
        Command::Merge(it) => merge::run(global, &it),
        Command::Export(it) => export::run(global, &it),
        Command::Query(it) => query::run(global, it),
        Command::Sim(it) => sim::run(global, &it),
        Command::Wireshark(it) => wireshark::run(global, &it),
        Command::Schema(it) => schema::run(global, &it),
    }
}
