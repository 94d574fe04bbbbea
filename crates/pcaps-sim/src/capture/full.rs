//! Full captures: they watch for new packets, and write them to a bucket.

use std::sync::Arc;

use jiff::Timestamp;
use pcaps_api::{
    CaptureStatus, limits,
    types::{FullCapture, FullCaptureRequest},
};
use tokio::sync::Mutex;

use super::{
    echo,
    stage::{Schedule, Stage},
    tap::{Chunk, Limits, Pulled, Tap},
    uploads::Uploads,
};
use crate::{
    Buckets, Files, buckets::Refusal, clock, random, server::Failure, stop::Stopped,
    traffic::Traffic, validation::FullOrder,
};

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
    /// After it, until they are there.
    late: Option<Late>,
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
    /// Always there, but while it takes packets.
    tap: Option<Tap>,
    uploads: Uploads,
    files: Files,
}

/// Files that are to appear some time after the end.
struct Late {
    due: Timestamp,
    files: Vec<Chunk>,
    uploads: Uploads,
}

impl Full {
    /// Begins a capture now.
    pub(crate) fn new(
        order: FullOrder,
        traffic: &Traffic,
        buckets: Buckets,
        files: Files,
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
            tap: Some(Tap::new(traffic, window, criteria, limits, files)),
            uploads: Uploads::new(buckets, destination.directory().clone(), &id),
            files,
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
                late: None,
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

    /// Makes late files appear now.
    pub(super) async fn hand_over(self: &Arc<Self>) {
        let this = Arc::clone(self);
        // See below.
        let task = tokio::spawn(async move { this.progress.lock().await.hand_over().await });
        // Whether it was done shows in the bucket.
        let _ = task.await;
    }

    /// Waits until nothing is under way, and takes back what is in the bucket of files that are not complete.
    pub(super) async fn settle(&self) {
        let mut progress = self.progress.lock().await;
        let work = progress.work.take().map(|work| work.uploads);
        let late = progress.late.take().map(|late| late.uploads);
        for uploads in [work, late].into_iter().flatten() {
            uploads.abort().await;
        }
    }

    /// Does what is to be done up to this moment.
    pub(super) async fn advance(self: &Arc<Self>, now: Timestamp) {
        let this = Arc::clone(self);
        // A task of its own, which goes on when whoever asked has hung up: half done, it would be lost.
        let task = tokio::spawn(async move { this.progress.lock().await.advance(now).await });
        if task.await.is_err() {
            let mut progress = self.progress.lock().await;
            progress.end(Outcome::Failed(BROKEN));
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
        if self.stopped.is() {
            return;
        }
        if self.outcome.is_some() {
            if self.late.as_ref().is_some_and(|it| it.due <= self.latest) {
                self.hand_over().await;
            }
            return;
        }
        // If this does not come to its end, there is no work to go on with.
        let Some(mut work) = self.work.take() else {
            self.end(Outcome::Failed(BROKEN));
            return;
        };
        match self.work_on(&mut work).await {
            Ok(false) => self.work = Some(work),
            Ok(true) => self.end(Outcome::Success),
            Err(reason) => {
                work.uploads.abort().await;
                self.end(Outcome::Failed(reason));
            }
        }
    }

    /// Takes the packets up to now, and hands over the files when it is time. Says whether it is done.
    async fn work_on(&mut self, work: &mut Work) -> Result<bool, &'static str> {
        while self.schedule.full.is_none() && !self.stopped.is() {
            let until = clock::to_file(self.latest.min(self.schedule.end()));
            let tap = work.tap.take().ok_or(BROKEN)?;
            let (tap, pulled, parts) = pull(tap, until).await?;
            self.captured = tap.captured();
            work.tap = Some(tap);
            work.uploads.add(parts).await.map_err(explain)?;
            match pulled {
                Pulled::More => {}
                Pulled::All => break,
                Pulled::Limit(moment) => self.schedule.full = Some(moment.to_jiff()),
            }
        }
        if self.stopped.is() || self.schedule.stage(self.latest) != Stage::Converted {
            return Ok(false);
        }
        let tap = work.tap.take().ok_or(BROKEN)?;
        let files = tokio::task::spawn_blocking(|| tap.finish()).await;
        let mut files = files.map_err(|_| BROKEN)?.map_err(|_| UNWRITABLE_PACKET)?;
        let on_time = files.len().saturating_sub(work.files.late.into());
        let late = files.split_off(on_time);
        work.uploads.finish(files).await.map_err(explain)?;
        if !late.is_empty() {
            let wait = i64::try_from(work.files.late_by.as_secs()).unwrap_or(i64::MAX);
            self.late = Some(Late {
                due: clock::shift(self.latest, wait),
                files: late,
                uploads: work.uploads.split_off(),
            });
        }
        Ok(true)
    }

    /// Makes late files appear.
    async fn hand_over(&mut self) {
        if self.stopped.is() {
            return;
        }
        if let Some(mut late) = self.late.take()
            && late.uploads.finish(late.files).await.is_err()
        {
            late.uploads.abort().await;
        }
    }
}

const BROKEN: &str = "the simulator failed";
const UNWRITABLE_PACKET: &str = "a packet does not fit in a capture file";

/// What is wrong with a bucket, and what to do about it.
fn explain(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Gone => {
            "the bucket is gone: make it again, or register another one, and start a new capture"
        }
        Refusal::NotWritable => {
            "the bucket cannot be written to: check its permissions, and start a new capture"
        }
    }
}

/// Takes packets, where it does not hold up others.
async fn pull(
    mut tap: Tap,
    until: pcaps_file::Timestamp,
) -> Result<(Tap, Pulled, Vec<Chunk>), &'static str> {
    let pulled = tokio::task::spawn_blocking(move || {
        let pulled = tap.pull(until)?;
        let parts = tap.drain();
        Ok::<_, pcaps_file::Error>((tap, pulled, parts))
    });
    pulled
        .await
        .map_err(|_| BROKEN)?
        .map_err(|_| UNWRITABLE_PACKET)
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
        let files = Files::default();
        let full = Full::new(order, &traffic, buckets.clone(), files, stopped, now);
        let full = Arc::new(full.expect("random bytes"));
        full.advance(clock::shift(now, 5)).await;
        let before = full.progress.lock().await.captured;
        assert!(before > 0);

        end.now();
        assert!(!full.is_finished(clock::shift(now, 100)).await);
        assert_eq!(full.progress.lock().await.captured, before);
        let (store, directory) = buckets.place("gs://b/d").expect("a bucket");
        let file = directory
            .join("server-01")
            .join(format!("pcap_{}.pcap", full.id()));
        assert!(store.head(&file).await.is_err());
    }
}
