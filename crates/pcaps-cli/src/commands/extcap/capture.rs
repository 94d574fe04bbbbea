//! Packets for Wireshark, until there are no more, or until it wants no more.
//!
//! How Wireshark ends a capture: it stops to read, sends SIGTERM, and SIGKILL after 30 s (`EXTCAP_CLEANUP_TIMEOUT` in its
//! extcap.c; on Windows it ends this program at once, so that a full capture goes on at the service there). What is on
//! standard error by then it shows, whatever the exit code is.

use std::{future::IntoFuture as _, path::Path, pin::Pin, pin::pin, time::Duration};

use pcaps::{Account, Capture, CaptureState, Collected, Destination};
use pcaps_file::PcapNgWriter;
use tokio::{
    io::AsyncWriteExt as _,
    time::{Instant, timeout_at},
};

use super::{
    asked::{Asked, Kind},
    fifo::{Begun, Fifo, carry},
};
use crate::{
    commands::start,
    failure::{Exit, Failure},
    output,
    resume::{self, Resume},
    runtime,
    session::Session,
};

/// How long it may take, in all, to stop a capture at the service: there is time for that until Wireshark ends this program.
const GRACE: Duration = Duration::from_secs(25);
/// How many bytes wait for Wireshark.
const WAITING: usize = 256 * 1024;

pub(super) fn run(asked: &Asked) -> Result<(), Failure> {
    let Some(fifo) = &asked.fifo else {
        return Err(Failure::usage("--capture goes with --fifo PIPE"));
    };
    runtime::run(async {
        let mut stop = pin!(runtime::stop()?);
        // First of all: while nobody has opened the pipe, Wireshark waits for it, whatever becomes of this program.
        let fifo = tokio::select! {
            biased;
            () = &mut stop => return Ok(()),
            opened = Fifo::open(fifo) => opened.map_err(|it| Failure::write(fifo, &it))?,
        };
        let (ours, theirs) = tokio::io::duplex(WAITING);
        let leaving = pin!(async {
            tokio::select! {
                () = stop => {}
                () = carry(theirs, fifo) => {}
            }
        });
        let mut leave = Leave {
            leaving,
            is_over: false,
        };
        let mut to = Begun::new(ours);
        let captured = match asked.kind {
            Kind::Full => full(asked, &mut to, &mut leave).await,
            Kind::Sample | Kind::Samples => samples(asked, &mut to, &mut leave).await,
        };
        if captured.is_err() && !to.is_begun {
            let empty = nothing()?;
            tokio::select! {
                biased;
                () = leave.come() => {}
                // Why it has failed is told.
                _ = to.write_all(&empty) => {}
            }
        }
        // Until Wireshark has all of it.
        drop(to);
        leave.come().await;
        captured
    })
}

/// A capture of nothing: without one, Wireshark shows an error of its own as well.
fn nothing() -> Result<Vec<u8>, Failure> {
    let empty = PcapNgWriter::new(Vec::new()).and_then(PcapNgWriter::finish);
    empty.map_err(|it| Failure::because(Exit::Other, &it))
}

/// Captures nothing, because what is asked for makes no sense: Wireshark waits for the pipe all the same.
pub(super) fn refuse(fifo: &Path) -> Result<(), Failure> {
    let empty = nothing()?;
    runtime::run(async {
        let stop = runtime::stop()?;
        let captured = async {
            // Why it has failed is told.
            if let Ok(mut fifo) = Fifo::open(fifo).await {
                let _ = fifo.write(&empty).await;
            }
        };
        tokio::select! {
            biased;
            () = stop => {}
            () = captured => {}
        }
        Ok(())
    })
}

/// The moment from which on Wireshark wants no more.
struct Leave<'a> {
    leaving: Pin<&'a mut dyn Future<Output = ()>>,
    is_over: bool,
}

impl Leave<'_> {
    /// Ends when it is there, also for who asks again.
    async fn come(&mut self) {
        if !self.is_over {
            self.leaving.as_mut().await;
            self.is_over = true;
        }
    }
}

/// One sample, or as many as are wanted.
async fn samples(asked: &Asked, to: &mut Begun, leave: &mut Leave<'_>) -> Result<(), Failure> {
    let sample = asked.sample()?;
    let sampling = async {
        let session = Session::open(&asked.global).await?;
        let samples = session.account.samples(sample, to);
        // (That one is full is not told: Wireshark would show it as an error. The dialog says how many there are at most.)
        match asked.kind {
            Kind::Sample => samples.times(1).await?,
            _ => samples.await?,
        };
        Ok(())
    };
    tokio::select! {
        biased;
        () = leave.come() => Ok(()),
        sampled = sampling => sampled,
    }
}

/// A full capture. Whatever ends it early, it is stopped at the service.
async fn full(asked: &Asked, to: &mut Begun, leave: &mut Leave<'_>) -> Result<(), Failure> {
    let global = &asked.global;
    let (request, bucket) = start::full(global, &asked.full()?)?;
    let session = tokio::select! {
        biased;
        () = leave.come() => return Ok(()),
        session = Session::open(global) => session?,
    };
    let account = &session.account;
    // What cannot be reached is not captured into. Nothing is sent.
    account.folder(&bucket)?;
    let resume = Resume::default();
    let mut starting = pin!(start::start(global, &resume, account, request));
    let started = tokio::select! {
        biased;
        () = leave.come() => None,
        started = &mut starting => Some(started?),
    };
    let Some(capture) = started else {
        // It may be on its way: it is waited for, so that it can be stopped.
        let end = Instant::now() + GRACE;
        return match timeout_at(end, starting).await {
            Ok(started) => stop(asked, account, &started?, &bucket, end).await,
            Err(_) => Err(Failure::interrupted(Some(resume::started_perhaps(global)))),
        };
    };
    let following = account.follow(capture.id(), to).from(bucket.clone());
    let followed = tokio::select! {
        biased;
        () = leave.come() => None,
        followed = following.into_future() => Some(followed),
    };
    let end = Instant::now() + GRACE;
    match followed {
        None => stop(asked, account, &capture, &bucket, end).await,
        Some(Ok(collected)) => ended(asked, &collected, &bucket),
        Some(Err(error)) => {
            let stopped = stop(asked, account, &capture, &bucket, end).await;
            let note = stopped.err().map(|it| it.message().to_owned());
            Err(Failure::from(error).noting(note))
        }
    }
}

/// What to do about what is in the bucket.
fn left<'a>(capture: &'a Capture, bucket: &'a Destination) -> resume::Fetch<'a> {
    resume::Fetch {
        id: capture.id(),
        bucket: Some(bucket),
        path: None::<&Path>,
        split: None,
        more: None,
    }
}

/// Stops a capture, and says where its packets are: those that Wireshark has not read are in the bucket.
async fn stop(
    asked: &Asked,
    account: &Account,
    capture: &Capture,
    bucket: &Destination,
    end: Instant,
) -> Result<(), Failure> {
    let id = capture.id();
    let stopping = async {
        match account.stop(id).await {
            Ok(()) => Ok(()),
            // It may have finished meanwhile.
            Err(error) => match account.get(id).await {
                Ok(capture) if capture.state() != CaptureState::InProgress => Ok(()),
                _ => Err(error),
            },
        }
    };
    let why = match timeout_at(end, stopping).await {
        Ok(Ok(())) => {
            let left = left(capture, bucket).stopped(&asked.global);
            output::diagnostic(&left);
            return Ok(());
        }
        Ok(Err(error)) => Failure::from(error).message().to_owned(),
        Err(_) => "the service has not answered in time".to_owned(),
    };
    let flags = resume::flags(&asked.global);
    Err(Failure::new(
        Exit::Other,
        format!(
            "the capture {id} goes on at the service: it could not be stopped ({why}); stop it with `pcaps stop {id}{flags}`"
        ),
    ))
}

/// Says what is missing.
fn ended(asked: &Asked, collected: &Collected, bucket: &Destination) -> Result<(), Failure> {
    if !collected.is_partial() {
        return Ok(());
    }
    let lines = output::missing(collected).join("; ");
    let what = format!("packets are missing: {}", lines.replace("warning: ", ""));
    let left = left(&collected.capture, bucket).in_bucket(&asked.global);
    Err(Failure::new(Exit::Partial, what).noting(Some(left)))
}
