//! Looking after captures, for all waits on an account at once.
//!
//! Nothing is locked while a look is under way: whoever needs what comes of it can carry it on, should the one that began
//! it have been dropped, or be left alone.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::{
    FutureExt as _,
    future::{BoxFuture, Shared, WeakShared},
};
use jiff::Timestamp;

use crate::{Account, Capture, CaptureId, Error, RetryPolicy, clock::between};

/// How long what was seen serves others: no capture is asked for more often, whatever came of it.
const RECENT: Duration = Duration::from_secs(2);

/// How long a look may be under way: held back, and then not answered.
const LONGEST: Duration = Duration::from_mins(5);

/// What the waits on an account share.
#[derive(Debug, Default)]
pub(crate) struct Lookout(Mutex<Sights>);

#[derive(Debug, Default)]
struct Sights {
    list: Slot<Arc<HashMap<CaptureId, Capture>>>,
    /// The captures that are waited for, or have been a moment ago.
    places: HashMap<CaptureId, Place>,
}

#[derive(Debug, Default)]
struct Place {
    waits: usize,
    slot: Slot<Capture>,
}

/// What came of a look, and when it was sent.
type Seen<T> = (Timestamp, Result<T, Error>);

/// A look that whoever needs it can carry on.
type Look<T> = Shared<BoxFuture<'static, Seen<T>>>;

/// A look under way, and what came of the last one.
#[derive(Debug)]
struct Slot<T> {
    /// When it began.
    under_way: Option<(Timestamp, WeakShared<BoxFuture<'static, Seen<T>>>)>,
    seen: Option<Seen<T>>,
    /// How often what a look tells has been overtaken.
    changes: u64,
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self {
            under_way: None,
            seen: None,
            changes: 0,
        }
    }
}

impl<T: Clone> Slot<T> {
    fn recent(&self, now: Timestamp) -> Option<Result<T, Error>> {
        let (at, outcome) = self.seen.as_ref()?;
        (between(*at, now) < RECENT).then(|| outcome.clone())
    }

    /// The look that is under way, or one that begins now.
    fn look(
        &mut self,
        now: Timestamp,
        begin: impl FnOnce() -> BoxFuture<'static, Seen<T>>,
    ) -> Look<T> {
        // One that has been under way for too long has been left alone, and would tell of the past.
        if let Some((begun, look)) = &self.under_way
            && between(*begun, now) < LONGEST
            && let Some(look) = look.upgrade()
            && look.peek().is_none()
        {
            return look;
        }
        let look = begin().shared();
        self.under_way = look.downgrade().map(|it| (now, it));
        look
    }

    /// From now on looks that have begun tell of the past: they serve those that wait for them, and nobody else.
    fn has_changed(&mut self) {
        *self = Self {
            changes: self.changes + 1,
            ..Self::default()
        };
    }

    /// What came of a look that began after so many changes, or of a later one if there was.
    fn end(&mut self, seen: Seen<T>, changes: u64) -> Result<T, Error> {
        if changes != self.changes {
            return seen.1;
        }
        let latest = self.seen.take().filter(|it| it.0 > seen.0).unwrap_or(seen);
        self.seen = Some(latest.clone());
        latest.1
    }
}

impl Lookout {
    fn lock(&self) -> MutexGuard<'_, Sights> {
        // What it guards is whole after every statement.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sights {
    fn place(&mut self, id: &CaptureId) -> &mut Place {
        self.places.entry(id.clone()).or_default()
    }
}

/// A wait that is under way, until it is dropped.
pub(crate) struct Waiter {
    account: Account,
    id: CaptureId,
}

impl Waiter {
    pub(crate) fn new(account: Account, id: CaptureId) -> Self {
        let now = account.shared.chance.clock.now();
        let mut state = account.lookout.lock();
        state
            .places
            .retain(|_, it| it.waits > 0 || it.slot.recent(now).is_some());
        state.place(&id).waits += 1;
        drop(state);
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
        let now = self.account.shared.chance.clock.now();
        let several = {
            let mut sights = self.account.lookout.lock();
            if let Some(seen) = sights.place(&self.id).slot.recent(now) {
                return seen;
            }
            sights.places.values().filter(|it| it.waits > 0).count() > 1
        };
        if several && let Some(listed) = self.list().await?.get(&self.id) {
            return Ok(listed.clone());
        }
        let (account, id) = (self.account.clone(), self.id.clone());
        let look = async move {
            let at = account.hold_back().await;
            (at, account.get_by(&RetryPolicy::never(), &id).await)
        };
        self.share(|it| &mut it.place(&self.id).slot, look).await
    }

    async fn list(&self) -> Result<Arc<HashMap<CaptureId, Capture>>, Error> {
        let account = self.account.clone();
        let look = async move {
            let at = account.hold_back().await;
            let listed = account.list_by(&RetryPolicy::never()).await;
            let by_id = listed.map(|it| {
                let captures = it.captures.into_iter();
                Arc::new(captures.map(|it| (it.id().clone(), it)).collect())
            });
            (at, by_id)
        };
        self.share(|it| &mut it.list, look).await
    }

    /// What was seen a moment ago, or comes of the look that is under way, or else of this one.
    async fn share<T: Clone>(
        &self,
        slot: impl Fn(&mut Sights) -> &mut Slot<T>,
        look: impl Future<Output = Seen<T>> + Send + 'static,
    ) -> Result<T, Error> {
        let (clock, lookout) = (&self.account.shared.chance.clock, &self.account.lookout);
        let now = clock.now();
        let (look, changes) = {
            let mut sights = lookout.lock();
            let slot = slot(&mut sights);
            if let Some(seen) = slot.recent(now) {
                return seen;
            }
            (slot.look(now, || look.boxed()), slot.changes)
        };
        let seen = look.await;
        slot(&mut lookout.lock()).end(seen, changes)
    }
}

impl Account {
    /// What waits have seen of a capture is the past.
    pub(crate) fn has_changed(&self, id: &CaptureId) {
        let mut sights = self.lookout.lock();
        sights.list.has_changed();
        if let Some(place) = sights.places.get_mut(id) {
            place.slot.has_changed();
        }
    }

    /// Waits until the next look may be sent, and says when that is.
    async fn hold_back(&self) -> Timestamp {
        let clock = &self.shared.chance.clock;
        let turn = self.shared.looks.next(clock.now());
        if !turn.pause.is_zero() {
            clock.sleep(turn.pause).await;
        }
        turn.take();
        clock.now()
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.account.lookout.lock().place(&self.id).waits -= 1;
    }
}
