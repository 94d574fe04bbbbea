//! Full captures: they watch for new packets, and write them to a bucket.

use std::{collections::BTreeMap, num::NonZeroU8, sync::Arc};

use jiff::Timestamp;
use object_store::{buffered::BufWriter, path::Path as Key};
use pcaps_api::{
    CaptureStatus, limits,
    types::{FullCapture, FullCaptureRequest},
};
use tokio::{io::AsyncWriteExt, sync::Mutex};

use super::{
    echo,
    files::{Chunk, Limits, Pulled, Tap},
    stage::{Schedule, Stage},
};
use crate::{
    Buckets, clock, random, server::Failure, stop::Stopped, traffic::Traffic, validation::FullOrder,
};

/// How much of a file waits in memory for the next part of an upload, in bytes: 1 MiB.
const PART: usize = 1 << 20;

/// A full capture.
pub(crate) struct Full {
    id: String,
    request: FullCaptureRequest,
    submitted: Timestamp,
    progress: Mutex<Progress>,
}

/// How far it is.
struct Progress {
    schedule: Schedule,
    /// The latest moment that it has heard of: it does not go back when the clock does.
    latest: Timestamp,
    captured: u64,
    outcome: Option<Outcome>,
    /// Until there is an outcome.
    work: Option<Work>,
    /// From then on nothing is begun.
    stopped: Stopped,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Success,
    /// And why.
    Failed(&'static str),
}

/// What it does while it runs.
struct Work {
    tap: Tap,
    uploads: Uploads,
}

/// The files in the bucket that are being written.
struct Uploads {
    buckets: Buckets,
    directory: Key,
    name: String,
    open: BTreeMap<usize, BufWriter>,
}

impl Full {
    /// Begins a capture now.
    pub(crate) fn new(
        order: FullOrder,
        traffic: &Traffic,
        buckets: Buckets,
        servers: NonZeroU8,
        stopped: Stopped,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let FullOrder {
            request,
            criteria,
            destination,
        } = order;
        let id = random::id()?;
        let schedule = Schedule::new(now, request.time_limit);
        let window = clock::to_file(schedule.begin)..clock::to_file(schedule.deadline);
        let bytes = request
            .byte_limit
            .unwrap_or(*limits::full_capture_request::BYTE_LIMIT.end());
        let limits = Limits {
            packets: request.packet_limit.map_or(u64::MAX, i64::unsigned_abs),
            bytes: bytes.unsigned_abs(),
        };
        let work = Work {
            tap: Tap::new(traffic, window, criteria, limits, servers),
            uploads: Uploads {
                buckets,
                directory: destination.directory().clone(),
                name: format!("pcap_{id}.pcap"),
                open: BTreeMap::new(),
            },
        };
        Ok(Self {
            id,
            request,
            submitted: now,
            progress: Mutex::new(Progress {
                schedule,
                latest: now,
                captured: 0,
                outcome: None,
                work: Some(work),
                stopped,
            }),
        })
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The capture as the service shows it at this moment.
    pub(super) async fn show(self: &Arc<Self>, now: Timestamp) -> FullCapture {
        self.advance(now).await;
        let progress = self.progress.lock().await;
        let error = match progress.outcome {
            Some(Outcome::Failed(reason)) => Some(reason.into()),
            Some(Outcome::Success) | None => None,
        };
        FullCapture {
            byte_limit: self.request.byte_limit,
            colo_name: Some(self.request.colo_name.clone()),
            destination_conf: Some(self.request.destination_conf.clone()),
            error_message: error,
            filter_v1: echo(self.request.filter_v1.as_ref()),
            id: Some(self.id.clone()),
            packet_limit: self.request.packet_limit,
            packets_captured: Some(i64::try_from(progress.captured).unwrap_or(i64::MAX)),
            status: Some(progress.status()),
            stop_requested: progress.schedule.stop.map(clock::text),
            submitted: Some(clock::text(self.submitted)),
            system: Some(self.request.system.clone()),
            time_limit: Some(self.request.time_limit),
            ..FullCapture::default()
        }
    }

    /// Whether it is finished at this moment, with a result or without.
    pub(super) async fn is_finished(self: &Arc<Self>, now: Timestamp) -> bool {
        self.advance(now).await;
        self.progress.lock().await.outcome.is_some()
    }

    /// Asks it to stop now. What has ended already stays as it is.
    pub(crate) async fn stop(self: &Arc<Self>, now: Timestamp) {
        self.advance(now).await;
        {
            let mut progress = self.progress.lock().await;
            let now = now.max(progress.latest);
            let schedule = &mut progress.schedule;
            if schedule.stop.is_none() && now < schedule.end() {
                schedule.stop = Some(now);
            }
        }
        self.advance(now).await;
    }

    /// Waits until nothing is under way.
    pub(super) async fn settle(&self) {
        drop(self.progress.lock().await);
    }

    /// Does what is to be done up to this moment.
    pub(super) async fn advance(self: &Arc<Self>, now: Timestamp) {
        let this = Arc::clone(self);
        // A task of its own, which goes on when whoever asked has hung up: half done, it would be lost.
        let task = tokio::spawn(async move { this.progress.lock().await.advance(now).await });
        if task.await.is_err() {
            let mut progress = self.progress.lock().await;
            progress.end(Outcome::Failed("the simulator failed"));
        }
    }
}

impl Progress {
    fn status(&self) -> CaptureStatus {
        match self.outcome {
            Some(Outcome::Success) => CaptureStatus::Success,
            Some(Outcome::Failed(_)) => CaptureStatus::Failed,
            None => self.schedule.stage(self.latest).into(),
        }
    }

    fn end(&mut self, outcome: Outcome) {
        self.outcome.get_or_insert(outcome);
        self.work = None;
    }

    async fn advance(&mut self, now: Timestamp) {
        self.latest = self.latest.max(now);
        // If this does not come to its end, there is no work to go on with: see below.
        let Some(work) = self.work.take() else {
            if self.outcome.is_none() {
                self.end(Outcome::Failed("the simulator failed"));
            }
            return;
        };
        match self.work_on(work).await {
            Ok(Some(work)) => self.work = Some(work),
            Ok(None) => self.end(Outcome::Success),
            Err(reason) => self.end(Outcome::Failed(reason)),
        }
    }

    /// Takes the packets up to now, and hands over the files when it is time. Gives back what remains to
    /// be done.
    async fn work_on(&mut self, mut work: Work) -> Result<Option<Work>, &'static str> {
        while self.schedule.full.is_none() && !self.stopped.is() {
            let until = clock::to_file(self.latest.min(self.schedule.end()));
            let pulled;
            let chunks;
            (work.tap, pulled, chunks) = pull(work.tap, until).await?;
            self.captured = work.tap.captured();
            work.uploads.add(chunks).await?;
            match pulled {
                Pulled::More => {}
                Pulled::All => break,
                Pulled::Limit(moment) => self.schedule.full = Some(moment.to_jiff()),
            }
        }
        if self.stopped.is() || self.schedule.stage(self.latest) != Stage::Converted {
            return Ok(Some(work));
        }
        let Work { tap, mut uploads } = work;
        let last = tokio::task::spawn_blocking(|| tap.finish()).await;
        let last = last.map_err(|_| BROKEN)?.map_err(|_| UNWRITABLE_PACKET)?;
        uploads.add(last).await?;
        uploads.finish().await?;
        Ok(None)
    }
}

const BROKEN: &str = "the simulator failed";
const UNWRITABLE_PACKET: &str = "a packet does not fit in a capture file";
const UNWRITABLE_BUCKET: &str = "the bucket cannot be written to";

/// Takes packets, where it does not hold up others.
async fn pull(
    mut tap: Tap,
    until: pcaps_file::Timestamp,
) -> Result<(Tap, Pulled, Vec<Chunk>), &'static str> {
    let pulled = tokio::task::spawn_blocking(move || {
        let pulled = tap.pull(until)?;
        let chunks = tap.drain();
        Ok::<_, pcaps_file::Error>((tap, pulled, chunks))
    });
    pulled
        .await
        .map_err(|_| BROKEN)?
        .map_err(|_| UNWRITABLE_PACKET)
}

impl Uploads {
    /// Adds to the files, and begins those that are not there yet.
    async fn add(&mut self, chunks: Vec<Chunk>) -> Result<(), &'static str> {
        for (server, bytes) in chunks {
            let upload = self.open.entry(server).or_insert_with(|| {
                let key = self
                    .directory
                    .clone()
                    .join(format!("server-{:02}", server + 1))
                    .join(self.name.as_str());
                let store = Arc::clone(self.buckets.object_store());
                BufWriter::with_capacity(store, key, PART).with_max_concurrency(2)
            });
            upload.put(bytes).await.map_err(|_| UNWRITABLE_BUCKET)?;
        }
        Ok(())
    }

    /// Makes the files appear in the bucket.
    async fn finish(self) -> Result<(), &'static str> {
        for mut upload in self.open.into_values() {
            upload.shutdown().await.map_err(|_| UNWRITABLE_BUCKET)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt;
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        stop::stop,
        validation::{self, Order},
    };

    #[tokio::test]
    async fn nothing_is_begun_after_the_end() {
        let now = Timestamp::UNIX_EPOCH;
        let Value::Object(fields) = json!({
            "type": "full",
            "system": "magic-transit",
            "time_limit": 10,
            "colo_name": "ord02",
            "destination_conf": "gs://b/d",
        }) else {
            panic!("an object");
        };
        let Ok(Order::Full(order)) =
            validation::order(fields, &crate::colos::Colos::default(), now)
        else {
            panic!("a full capture");
        };
        let (end, stopped) = stop();
        let (traffic, buckets) = (Traffic::synthetic(1), Buckets::memory());
        let one = NonZeroU8::MIN;
        let full = Full::new(order, &traffic, buckets.clone(), one, stopped, now);
        let full = Arc::new(full.expect("random bytes"));
        full.advance(clock::shift(now, 5)).await;
        let before = full.progress.lock().await.captured;
        assert!(before > 0);

        end.now();
        assert!(!full.is_finished(clock::shift(now, 100)).await);
        assert_eq!(full.progress.lock().await.captured, before);
        let file = format!("gs/b/d/server-01/pcap_{}.pcap", full.id());
        assert!(buckets.object_store().head(&file.into()).await.is_err());
    }
}
