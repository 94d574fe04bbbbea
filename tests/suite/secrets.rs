//! What must not be shown, and the places that are searched for it.

use std::{
    io,
    sync::{Mutex, Once, PoisonError},
};

use tracing_subscriber::filter::LevelFilter;

use crate::support::TOKEN;

/// Keys that tests send and services echo.
pub(crate) const KEY_ID: &str = "AKIDTHATMUSTNOTBESHOWN";
pub(crate) const KEY: &str = "key/that+must-not-be-shown";

/// Secrets that a test was given.
static GIVEN: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Fails if a secret is in what is shown.
pub(crate) fn assert_none(text: &str) {
    for secret in [TOKEN, KEY_ID, KEY] {
        assert!(!text.contains(secret), "{secret} is in: {text}");
    }
    for secret in &*GIVEN.lock().unwrap_or_else(PoisonError::into_inner) {
        assert!(!text.contains(secret.as_str()), "{secret} is in: {text}");
    }
}

/// Another secret, to be searched for from now on.
pub(crate) fn keep(secret: &str) {
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    given.clear();
    given.push(secret.to_owned());
}

/// From now on every line that anything in this process logs, at any level, is searched for secrets; one that has one
/// fails the test that it comes from.
pub(crate) fn watch_logs() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // What is logged through the crate `log` comes with it.
        tracing_subscriber::fmt()
            .with_max_level(LevelFilter::TRACE)
            .with_ansi(false)
            .with_writer(|| Searcher)
            .init();
    });
}

struct Searcher;

impl io::Write for Searcher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        assert_none(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
