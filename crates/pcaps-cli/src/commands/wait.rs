//! `pcaps wait`: until a capture has finished.

use pcaps::ErrorKind;

use crate::{
    args::{self, Global},
    failure::Failure,
    output,
    progress::Progress,
    resume::{self, Resume},
    runtime,
    session::Session,
};

pub(super) fn run(global: &Global, args: &args::Wait) -> Result<(), Failure> {
    let resume = Resume::default();
    let capture = runtime::interruptible(&resume, async {
        let session = Session::open(global).await?;
        let progress = Progress::new(global, "waiting");
        let mut wait = session.account.wait(&args.id).on_update(progress.watch());
        if let Some(timeout) = args.timeout {
            wait = wait.deadline(timeout);
        }
        if !global.simulate {
            resume.remember(resume::wait(global, &args.id));
        }
        wait.await.map_err(|error| {
            let ended = matches!(error.kind(), ErrorKind::CaptureFailed | ErrorKind::NotFound);
            let failure = Failure::from(error);
            // A capture that failed or is gone leaves nothing to wait for.
            if ended {
                failure
            } else {
                failure.noting(resume.note())
            }
        })
    })?;
    output::result(
        global,
        || &capture,
        || output::capture(&output::Zone::of(global), &capture),
    )
}
