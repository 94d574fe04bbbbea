//! A clock for tests: nobody waits, and it still tells what was waited for.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use jiff::Timestamp;
use pcaps::{Clock, Sleep};

/// How many times everybody else has to have had a turn without asking for the time, before it goes on. A request and
/// its answer, over a socket of this thread, take far fewer.
const QUIET: u32 = 1_000;

/// A clock that stands still while anything is going on, and jumps to the end of the next pause when nothing is.
///
/// Limits on time do not end by themselves: [`Time::run_out`] ends the next one.
#[derive(Clone)]
pub(crate) struct Time(Arc<Mutex<State>>);

struct State {
    now: Timestamp,
    /// Pauses and limits that are under way, by their end and in the order in which they began.
    under_way: BTreeMap<(Timestamp, u64), Entry>,
    begun: u64,
    /// Whether the clock was used since somebody looked.
    used: bool,
    pauses: Vec<Duration>,
    run_out: u32,
}

struct Entry {
    limit: bool,
    over: Arc<AtomicBool>,
    waker: Option<Waker>,
}

impl Time {
    /// Begins at a time that has passed long ago, and runs until it is dropped, on a runtime of a single thread.
    pub(crate) fn start() -> Self {
        let time = Self(Arc::new(Mutex::new(State {
            now: "2026-01-02T03:04:05Z".parse().unwrap(),
            under_way: BTreeMap::new(),
            begun: 0,
            used: false,
            pauses: Vec::new(),
            run_out: 0,
        })));
        tokio::spawn(run(Arc::downgrade(&time.0)));
        time
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.lock().unwrap().now
    }

    /// The pauses that have begun since the last time, limits on time aside.
    pub(crate) fn pauses(&self) -> Vec<Duration> {
        std::mem::take(&mut self.0.lock().unwrap().pauses)
    }

    /// Lets a limit on time run out, the one that ends first, when nothing else goes on.
    pub(crate) fn run_out(&self) {
        self.0.lock().unwrap().run_out += 1;
    }

    fn begin(&self, duration: Duration, limit: bool) -> Sleep {
        let mut state = self.0.lock().unwrap();
        state.used = true;
        state.begun += 1;
        let key = (state.now + duration, state.begun);
        let over = Arc::new(AtomicBool::new(false));
        let entry = Entry {
            limit,
            over: Arc::clone(&over),
            waker: None,
        };
        state.under_way.insert(key, entry);
        if !limit {
            state.pauses.push(duration);
        }
        Box::pin(UnderWay {
            time: self.clone(),
            key,
            over,
        })
    }
}

/// Lets time pass.
async fn run(state: Weak<Mutex<State>>) {
    let mut quiet = 0;
    loop {
        tokio::task::yield_now().await;
        let Some(state) = state.upgrade() else {
            return;
        };
        let mut state = state.lock().unwrap();
        let used = std::mem::take(&mut state.used);
        quiet = if used { 0 } else { quiet + 1 };
        if quiet >= QUIET {
            quiet = 0;
            state.go_on();
        }
    }
}

impl State {
    fn go_on(&mut self) {
        // Limits wait for somebody to say so, and for the pauses that end before them.
        let mut entries = self.under_way.iter();
        let next = entries.find(|(_, it)| !it.limit || self.run_out > 0);
        let Some(key) = next.map(|(key, _)| *key) else {
            return;
        };
        self.now = self.now.max(key.0);
        let entry = self.under_way.remove(&key).unwrap();
        self.run_out -= u32::from(entry.limit);
        entry.over.store(true, Ordering::Relaxed);
        if let Some(waker) = entry.waker {
            waker.wake();
        }
    }
}

impl Clock for Time {
    fn now(&self) -> Timestamp {
        let mut state = self.0.lock().unwrap();
        state.used = true;
        state.now
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        self.begin(duration, false)
    }

    fn timer(&self, duration: Duration) -> Sleep {
        self.begin(duration, true)
    }
}

/// A pause or a limit under way.
struct UnderWay {
    time: Time,
    key: (Timestamp, u64),
    over: Arc<AtomicBool>,
}

impl Future for UnderWay {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.over.load(Ordering::Relaxed) {
            return Poll::Ready(());
        }
        let mut state = self.time.0.lock().unwrap();
        state.under_way.get_mut(&self.key).unwrap().waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = self.time.0.lock().unwrap();
        state.used = true;
        state.under_way.remove(&self.key);
    }
}
