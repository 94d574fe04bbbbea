//! Looking after captures, for all waits on an account at once.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::Mutex;

use crate::{Account, Capture, CaptureId, Error, RetryPolicy, clock::between};

/// How long what was seen serves others: no capture is asked for more often.
const RECENT: Duration = Duration::from_secs(2);

/// What the waits on an account share: one looks at a time, and what it sees serves the others.
#[derive(Debug, Default)]
pub(crate) struct Lookout {
    waits: AtomicUsize,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    listed: Option<Timestamp>,
    captures: HashMap<CaptureId, (Capture, Timestamp)>,
}

/// A wait that is under way, until it is dropped.
pub(crate) struct Watch {
    account: Account,
    id: CaptureId,
}

impl Watch {
    pub(crate) fn new(account: Account, id: CaptureId) -> Self {
        account.lookout.waits.fetch_add(1, Ordering::Relaxed);
        Self { account, id }
    }

    pub(crate) fn id(&self) -> &CaptureId {
        &self.id
    }

    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    /// The capture as it is, or was a moment ago.
    ///
    /// One capture is asked for by its id. When several are waited for, the list is asked for, and by their ids only
    /// those that it does not hold.
    pub(crate) async fn look(&self) -> Result<Capture, Error> {
        let Self { account, id } = self;
        let lookout = &account.lookout;
        let asked = account.shared.chance.clock.now();
        let mut seen = lookout.seen.lock().await;
        let recent = |at: Timestamp| between(at, asked) < RECENT;
        if let Some((capture, at)) = seen.captures.get(id)
            && recent(*at)
        {
            return Ok(capture.clone());
        }
        let once = RetryPolicy::never();
        let several = lookout.waits.load(Ordering::Relaxed) > 1;
        if several && !seen.listed.is_some_and(recent) {
            let sent = self.hold_back().await;
            let listed = account.list_by(&once).await?;
            seen.captures.clear();
            for capture in listed.captures {
                // The newest is the first, should there be two.
                let entry = seen.captures.entry(capture.id().clone());
                entry.or_insert((capture, sent));
            }
            seen.listed = Some(sent);
            if let Some((capture, _)) = seen.captures.get(id) {
                return Ok(capture.clone());
            }
        }
        let sent = self.hold_back().await;
        let capture = account.get_by(&once, id).await?;
        if several {
            seen.captures.insert(id.clone(), (capture.clone(), sent));
        }
        Ok(capture)
    }

    /// Waits until the next look may be sent, and says when that is.
    async fn hold_back(&self) -> Timestamp {
        let shared = &self.account.shared;
        let pause = shared.looks.admit(shared.chance.clock.now());
        if !pause.is_zero() {
            shared.chance.clock.sleep(pause).await;
        }
        shared.chance.clock.now()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.account.lookout.waits.fetch_sub(1, Ordering::Relaxed);
    }
}
