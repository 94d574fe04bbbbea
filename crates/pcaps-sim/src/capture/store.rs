//! The captures of the account.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::http::StatusCode;
use bytes::Bytes;
use jiff::Timestamp;

use super::{Full, Record, Sample};
use crate::server::{Failure, code};

/// How many captures a list shows.
const LISTED: usize = 50;

/// How many captures are known. Older ones are forgotten, except for the newest full one: it may be unfinished,
/// and must not be out of reach then.
const KNOWN: usize = 1_000;

/// How many simple captures keep their packets: as many as a list shows, so that whatever it shows can be
/// downloaded. One takes 1.8 MB at most, so this bounds them to 90 MB.
const DOWNLOADABLE: usize = LISTED;

/// The captures of the account.
#[derive(Default)]
pub(crate) struct Captures {
    records: Mutex<Records>,
    /// The full capture that was started last: of those only one may be unfinished.
    watch: tokio::sync::Mutex<Option<Arc<Full>>>,
}

/// The right to start a full capture, for one at a time.
pub(crate) type Turn<'a> = tokio::sync::MutexGuard<'a, Option<Arc<Full>>>;

#[derive(Default)]
struct Records {
    newest: VecDeque<Record>,
    newest_full: Option<Record>,
    packets: VecDeque<(String, Bytes)>,
}

impl Captures {
    /// Adds a simple capture and its packets.
    pub(crate) fn add_sample(&self, sample: Sample, packets: Bytes) -> Record {
        let record = Record::Sample(Arc::new(sample));
        let mut records = self.records();
        records
            .packets
            .push_front((record.id().to_owned(), packets));
        records.packets.truncate(DOWNLOADABLE);
        records.add(record)
    }

    /// The right to start a full capture now, unless there is one that is not finished.
    pub(crate) async fn turn(&self, now: Timestamp) -> Result<Turn<'_>, Failure> {
        let watch = self.watch.lock().await;
        if let Some(full) = &*watch
            && !full.is_finished(now).await
        {
            return Err(Failure::new(
                StatusCode::CONFLICT,
                code::UNFINISHED,
                format!(
                    "the full capture {} is not finished: an account has one at a time; stop it or wait",
                    full.id()
                ),
            ));
        }
        if let Some(full) = &*watch {
            // Nobody looks after it any more.
            full.hand_over().await;
        }
        Ok(watch)
    }

    /// Adds a full capture.
    pub(crate) fn add_full(&self, turn: &mut Turn<'_>, full: Full) -> Record {
        let full = Arc::new(full);
        **turn = Some(Arc::clone(&full));
        let record = Record::Full(full);
        let mut records = self.records();
        records.newest_full = Some(record.clone());
        records.add(record)
    }

    /// The newest captures, the newest first.
    pub(crate) fn newest(&self) -> Vec<Record> {
        self.records().newest.iter().take(LISTED).cloned().collect()
    }

    /// A capture.
    pub(crate) fn get(&self, id: &str) -> Result<Record, Failure> {
        let records = self.records();
        let mut known = records.newest.iter().chain(&records.newest_full);
        let record = known.find(|record| record.id() == id);
        record.cloned().ok_or_else(|| {
            Failure::new(
                StatusCode::NOT_FOUND,
                code::NO_CAPTURE,
                "there is no capture with this id",
            )
        })
    }

    /// The packets of a simple capture.
    pub(crate) fn packets(&self, id: &str) -> Result<Bytes, Failure> {
        let records = self.records();
        let packets = records.packets.iter().find(|(of, _)| of == id);
        packets.map(|(_, packets)| packets.clone()).ok_or_else(|| {
            Failure::new(
                StatusCode::GONE,
                code::GONE,
                format!(
                    "the packets of this capture are not kept any more: the simulator keeps those of the newest \
                     {DOWNLOADABLE} simple captures"
                ),
            )
        })
    }

    /// Does what the unfinished full capture has to do up to this moment.
    pub(crate) async fn advance(&self, now: Timestamp) {
        let full = self.watch.lock().await.clone();
        if let Some(full) = full {
            full.advance(now).await;
        }
    }

    /// Waits until the unfinished full capture has nothing under way.
    pub(crate) async fn settle(&self) {
        let full = self.watch.lock().await.clone();
        if let Some(full) = full {
            full.settle().await;
        }
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Records {
    fn add(&mut self, record: Record) -> Record {
        self.newest.push_front(record.clone());
        self.newest.truncate(KNOWN);
        record
    }
}
