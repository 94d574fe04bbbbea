//! Ends a query that somebody waits for.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Ends queries from another thread, such as at Ctrl-C: the engine gives the query up, and whoever waits for rows gets an
/// error of the kind [`Stopped`](crate::ErrorKind::Stopped).
#[derive(Clone, Default)]
pub struct Stop(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    is_stopped: bool,
    /// What ends those that are under way, by their numbers.
    ends: BTreeMap<u64, Box<dyn FnOnce() + Send>>,
    /// The number of the next.
    next: u64,
}

/// Something that is done when it is time. Dropped, it is not done any more.
pub(crate) struct OnStop {
    stop: Stop,
    number: u64,
}

impl Drop for OnStop {
    fn drop(&mut self) {
        let end = self.stop.state().ends.remove(&self.number);
        // Not while the state is held.
        drop(end);
    }
}

impl Stop {
    /// Ends what was begun with it, and what will be.
    pub fn now(&self) {
        let mut state = self.state();
        state.is_stopped = true;
        let ends = std::mem::take(&mut state.ends);
        drop(state);
        for end in ends.into_values() {
            end();
        }
    }

    /// Whether that has been asked for.
    pub fn is_stopped(&self) -> bool {
        self.state().is_stopped
    }

    /// Has this done when it is time; at once, if that has passed.
    pub(crate) fn on(&self, end: impl FnOnce() + Send + 'static) -> OnStop {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        if state.is_stopped {
            drop(state);
            end();
        } else {
            state.ends.insert(number, Box::new(end));
        }
        OnStop {
            stop: self.clone(),
            number,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What is in it is whole at any time.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Stop").field(&self.is_stopped()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn what_comes_late_is_ended_at_once() {
        let (tell, told) = channel();
        let stop = Stop::default();
        let other = tell.clone();
        let first = stop.on(move || tell.send(1).unwrap());
        assert!(told.try_recv().is_err() && !stop.is_stopped());
        stop.now();
        let second = stop.on(move || other.send(2).unwrap());
        drop((first, second));
        assert_eq!(told.iter().collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn what_has_ended_is_forgotten() {
        let (tell, told) = channel();
        let stop = Stop::default();
        drop(stop.on(move || tell.send(1).unwrap()));
        stop.now();
        assert_eq!(told.iter().count(), 0);
    }
}
