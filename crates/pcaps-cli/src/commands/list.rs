//! `pcaps list` and `pcaps show`.

use pcaps::CaptureId;

use crate::{args::Global, failure::Failure, output, resume::Resume, runtime, session::Session};

pub(super) fn all(global: &Global) -> Result<(), Failure> {
    let captures = runtime::interruptible(&Resume::default(), async {
        Ok(Session::open(global).await?.account.list().await?)
    })?;
    if captures.is_empty() && global.is_text() {
        output::hint(global, "there are no captures");
        return Ok(());
    }
    output::result(
        global,
        || &captures,
        || output::captures(&output::Zone::of(global), &captures),
    )
}

pub(super) fn one(global: &Global, id: &CaptureId) -> Result<(), Failure> {
    let capture = runtime::interruptible(&Resume::default(), async {
        Ok(Session::open(global).await?.account.get(id).await?)
    })?;
    output::result(
        global,
        || &capture,
        || output::capture(&output::Zone::of(global), &capture),
    )
}
