//! `pcaps stop`: the early end of a full capture.

use pcaps::CaptureId;
use serde_json::json;

use crate::{
    args::Global,
    failure::Failure,
    output,
    resume::{self, Resume},
    runtime,
    session::Session,
};

pub(super) fn run(global: &Global, id: &CaptureId) -> Result<(), Failure> {
    runtime::interruptible(&Resume::default(), async {
        Ok(Session::open(global).await?.account.stop(id).await?)
    })?;
    let document = || json!({"id": id.as_str(), "stopped": true});
    output::result(global.json, document, || format!("stopped {id}\n"))?;
    let flags = resume::flags(global);
    output::hint(
        global.json,
        &format!("next: pcaps wait {id}{flags}    (what it has taken goes to its bucket)"),
    );
    Ok(())
}
