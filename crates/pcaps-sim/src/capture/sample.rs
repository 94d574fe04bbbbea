//! Simple captures: a look at traffic that has already passed, finished at once.

use std::ops::Range;

use bytes::Bytes;
use jiff::Timestamp;
use pcaps_api::{
    CaptureStatus,
    types::{SimpleCapture, SimpleCaptureRequest},
};
use pcaps_file::{Writer, WriterOptions};

use super::{Criteria, echo};
use crate::{clock, random, server::Failure, traffic::Traffic, validation::SampleOrder};

/// The bytes that are kept of each packet.
const SNAP_LEN: u32 = 160;

/// A simple capture, without its packets.
pub(crate) struct Sample {
    id: String,
    request: SimpleCaptureRequest,
    submitted: Timestamp,
}

impl Sample {
    /// Takes a sample of the traffic; its capture file comes with it.
    pub(crate) async fn take(
        order: SampleOrder,
        traffic: Traffic,
        now: Timestamp,
    ) -> Result<(Self, Bytes), Failure> {
        let SampleOrder {
            request,
            criteria,
            until,
        } = order;
        let from = clock::shift(until, -request.time_limit);
        let window = clock::to_file(from)..clock::to_file(until);
        let limit = usize::try_from(request.packet_limit).unwrap_or(0);
        let made =
            tokio::task::spawn_blocking(move || file(&traffic, window, &criteria, limit)).await;
        let bytes = made
            .map_err(|_| Failure::internal("the sample was not finished"))?
            .map_err(|error| Failure::internal(format!("the sample cannot be written: {error}")))?;
        let sample = Self {
            id: random::id()?,
            request,
            submitted: now,
        };
        Ok((sample, bytes))
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The capture as the service shows it.
    pub(super) fn show(&self) -> SimpleCapture {
        SimpleCapture {
            filter_v1: echo(self.request.filter_v1.as_ref()),
            id: Some(self.id.clone()),
            offset_time: self.request.offset_time.clone(),
            packet_limit: Some(self.request.packet_limit),
            status: Some(CaptureStatus::Success),
            submitted: Some(clock::text(self.submitted)),
            system: Some(self.request.system.clone()),
            time_limit: Some(self.request.time_limit),
            ..SimpleCapture::default()
        }
    }
}

/// The capture file of the first packets of a window that are wanted.
fn file(
    traffic: &Traffic,
    window: Range<pcaps_file::Timestamp>,
    criteria: &Criteria,
    limit: usize,
) -> Result<Bytes, pcaps_file::Error> {
    let options = WriterOptions {
        snap_len: SNAP_LEN,
        ..WriterOptions::new(traffic.link_type())
    };
    let mut writer = Writer::new(Vec::new(), options)?;
    let wanted = traffic
        .packets(window)
        .filter(|packet| criteria.take(packet));
    for packet in wanted.take(limit) {
        writer.write(&packet.as_packet())?;
    }
    Ok(writer.finish()?.into())
}
