//! What the credentials are good for.

use std::sync::{Mutex, PoisonError};

use jiff::SignedDuration;
use pcaps_api::Capture as WireCapture;

use crate::{
    Account, CaptureId, Error, ErrorKind,
    operation::{LIST, STOP},
};

/// What a client may do on an account, and how its clock is: [`Account::probe`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Probe {
    /// Whether captures and buckets may be read: *Magic Firewall Packet Captures - Read PCAPs API*.
    pub may_read: bool,
    /// Whether captures may be started and stopped, and buckets registered: *Magic Firewall Packet Captures - Write PCAPs
    /// API*.
    pub may_write: bool,
    /// How far this machine's clock is ahead of the service's, to a second or two; negative when it is behind. Nothing
    /// when the service did not say what time it is.
    pub clock_ahead: Option<SignedDuration>,
}

/// No capture has this id: the service makes them of 32 random digits.
const NOBODY: &str = "00000000000000000000000000000000";

impl Account {
    /// Finds out what the credentials are good for, without changing anything: it lists the captures, and asks to stop one
    /// that does not exist.
    ///
    /// Who may write shows in that the service looks for that capture: that it checks permissions before is not
    /// documented.
    ///
    /// ```no_run
    /// # async fn example(account: pcaps::Account) -> Result<(), pcaps::Error> {
    /// let probe = account.probe().await?;
    /// println!("read: {}, write: {}", probe.may_read, probe.may_write);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [Those of any request](Self#errors-of-any-request), but `Permission`, which is what is asked about.
    pub async fn probe(&self) -> Result<Probe, Error> {
        let id = &self.id().identifier()?;
        let (ahead, clock) = (&Mutex::new(None), &self.shared.chance.clock);
        let listed = self.shared.run(&LIST, |call| async move {
            let answer = call.api.list_captures(id).await;
            let difference = call.date().map(|date| clock.now().duration_since(date));
            *ahead.lock().unwrap_or_else(PoisonError::into_inner) = difference;
            let captures: Result<Option<Vec<WireCapture>>, _> = call.result(answer).await;
            captures.map(drop)
        });
        let may_read = is_permitted(listed.await)?;
        let (nobody, stop) = (&NOBODY.parse::<CaptureId>()?.identifier()?, &STOP);
        let stopped = self.shared.run(stop, |call| async move {
            let answer = call.api.stop_capture(id, nobody).await;
            call.nothing(answer).await
        });
        let may_write = match stopped.await {
            // It was looked at.
            Err(error) if is_answer(&error) => true,
            outcome => is_permitted(outcome)?,
        };
        let clock_ahead = *ahead.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Probe {
            may_read,
            may_write,
            clock_ahead,
        })
    }
}

/// Whether the service said no to what was asked, and not to who asked.
fn is_answer(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Refused)
}

fn is_permitted(outcome: Result<(), Error>) -> Result<bool, Error> {
    match outcome {
        Ok(()) => Ok(true),
        Err(error) if error.is_permission() => Ok(false),
        Err(error) => Err(error),
    }
}
