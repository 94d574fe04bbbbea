//! `pcaps stop`: the early end of a full capture.

use pcaps::Change;
use schemars::JsonSchema;
use serde::Serialize;

use super::dry_run;
use crate::{
    args::{self, Global},
    failure::Failure,
    output,
    resume::{self, Resume},
    runtime,
    session::Session,
};

pub(super) fn run(global: &Global, args: &args::Stop) -> Result<(), Failure> {
    let id = &args.id;
    if args.dry.run {
        return dry_run::show(global, &[Change::Stop(id)], None);
    }
    runtime::interruptible(&Resume::default(), async {
        Ok(Session::open(global).await?.account.stop(id).await?)
    })?;
    let document = || Document {
        id: id.as_str(),
        stopped: true,
    };
    output::result(global, document, || format!("stopped {id}\n"))?;
    let flags = resume::flags(global);
    output::hint(
        global,
        &format!("next: pcaps wait {id}{flags}    (what it has taken goes to its bucket)"),
    );
    Ok(())
}

/// What programs are told.
#[derive(Serialize, JsonSchema)]
pub(super) struct Document<'a> {
    /// The capture's id.
    id: &'a str,
    /// Always true.
    stopped: bool,
}
