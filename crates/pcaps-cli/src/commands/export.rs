//! `pcaps export`: captures as a table.

use pcaps::{DataSet, Export, Location};

use crate::{
    args::{self, Global},
    failure::{Exit, Failure},
    output::{self, ExportView},
    progress::Progress,
    resume::Resume,
    runtime, session,
};

pub(super) fn run(global: &Global, args: &args::Export) -> Result<(), Failure> {
    if args.inputs.iter().any(|it| it == "-") || args.output_dir == "-" {
        return Err(Failure::usage(
            "what is exported is found again by its name, and `-` has none: give files, folders or URIs",
        ));
    }
    let output: Location = args.output_dir.parse()?;
    let mut export = Export::to(output);
    for input in &args.inputs {
        export = export.input(input.parse()?);
    }
    if let Some(name) = &args.capture_id {
        export = export.capture_id(name.clone());
    }
    if let Some(colo) = &args.colo {
        export = export.colo(colo);
    }
    if let Some((number, count)) = args.shard {
        export = export.shard(number, count)?;
    }
    if let Some(find) = session::mapped(global)? {
        export = export.buckets(find);
    }
    let resume = Resume::default();
    resume.remember("what has been exported stays; the same command goes on".to_owned());
    let exported = runtime::interruptible(&resume, async {
        let progress = Progress::new(global, "exporting");
        let export = export.on_progress(progress.exported());
        export.run().await.map_err(Failure::from)
    })?;
    report(global, args, &exported)
}

fn report(global: &Global, args: &args::Export, exported: &DataSet) -> Result<(), Failure> {
    for (name, error) in exported
        .inputs
        .iter()
        .filter_map(|it| Some((&it.name, it.error.as_ref()?)))
    {
        // Most errors of files name them.
        let line = if error.contains(name.as_str()) {
            error.clone()
        } else {
            format!("{name}: {error}")
        };
        output::diagnostic(&output::one_line(&format!("warning: {line}")));
    }
    let location = args.output_dir.parse::<Location>()?;
    let view = ExportView::new(&location, exported);
    output::result(global, || &view, || view.text())?;
    let partial = exported
        .inputs
        .iter()
        .filter(|it| it.error.is_some())
        .count();
    if partial > 0 && !args.lenient {
        let files = if partial == 1 { "file is" } else { "files are" };
        return Err(Failure::new(
            Exit::Partial,
            format!(
                "{partial} of {} {files} not whole: what could be read is in the table",
                exported.inputs.len()
            ),
        ));
    }
    Ok(())
}
