//! Looking after captures, for all waits on an account at once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex as SyncMutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use jiff::Timestamp;
use tokio::sync::Mutex;

use crate::{Account, Capture, CaptureId, Error, RetryPolicy, clock::between};

/// How long what was seen serves others: no capture is asked for more often.
const RECENT: Duration = Duration::from_secs(2);

/// What the waits on an account share.
#[derive(Debug, Default)]
pub(crate) struct Lookout {
    /// Who looks for the list; the others wait for what comes of it.
    listed: Mutex<Option<Listed>>,
    /// The captures that are waited for.
    places: SyncMutex<HashMap<CaptureId, Weak<Place>>>,
}

#[derive(Debug)]
struct Listed {
    at: Timestamp,
    captures: HashMap<CaptureId, Capture>,
}

/// A capture that is waited for: whoever holds it looks, and the others see what comes of it.
type Place = Mutex<Option<(Timestamp, Capture)>>;

/// A wait that is under way, until it is dropped.
pub(crate) struct Watch {
    account: Account,
    id: CaptureId,
    place: Arc<Place>,
}

impl Lookout {
    fn places(&self) -> MutexGuard<'_, HashMap<CaptureId, Weak<Place>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    pub(crate) fn new(account: Account, id: CaptureId) -> Self {
        let mut places = account.lookout.places();
        let known = places.get(&id).and_then(Weak::upgrade);
        let place = known.unwrap_or_default();
        places.insert(id.clone(), Arc::downgrade(&place));
        drop(places);
        Self { account, id, place }
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
        let asked = self.account.shared.chance.clock.now();
        let recent = |at: Timestamp| between(at, asked) < RECENT;
        let mut place = self.place.lock().await;
        if let Some((at, capture)) = &*place
            && recent(*at)
        {
            return Ok(capture.clone());
        }
        if self.account.lookout.places().len() > 1 {
            let mut listed = self.account.lookout.listed.lock().await;
            let list = match listed.take() {
                Some(list) if recent(list.at) => list,
                _ => self.list().await?,
            };
            let found = list.captures.get(&self.id).cloned();
            let list = listed.insert(list);
            if let Some(capture) = found {
                *place = Some((list.at, capture.clone()));
                return Ok(capture);
            }
        }
        let at = self.hold_back().await;
        let capture = self.account.get_by(&RetryPolicy::never(), &self.id).await?;
        *place = Some((at, capture.clone()));
        Ok(capture)
    }

    async fn list(&self) -> Result<Listed, Error> {
        let at = self.hold_back().await;
        let listed = self.account.list_by(&RetryPolicy::never()).await?;
        let captures = listed.captures.into_iter();
        Ok(Listed {
            at,
            captures: captures.map(|it| (it.id().clone(), it)).collect(),
        })
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
        let mut places = self.account.lookout.places();
        // The place goes with the last of its waits, which is this one if there is no other.
        if Arc::strong_count(&self.place) == 1 {
            places.remove(&self.id);
        }
    }
}
