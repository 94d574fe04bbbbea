//! Operations on captures.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{
    Fields, Service, envelope,
    failure::{Failure, code},
    ranges::ranged,
};
use crate::{
    capture::{Full, Record, Sample},
    validation::{self, Order},
};

type Reply = Result<Response, Failure>;

/// `POST /pcaps`
pub(super) async fn start(State(service): State<Arc<Service>>, Fields(fields): Fields) -> Reply {
    let now = service.clock.now();
    let record = match validation::order(fields, now)? {
        Order::Sample(order) => {
            let (sample, bytes) = Sample::take(order, service.traffic.clone(), now).await?;
            service.captures.add_sample(sample, bytes)
        }
        Order::Full(order) => {
            service.ownerships.check(&order.destination).await?;
            let mut turn = service.captures.turn(now).await?;
            let full = Full::new(
                order,
                &service.traffic,
                service.buckets.clone(),
                service.files(),
                service.stopped.clone(),
                now,
            )?;
            service.captures.add_full(&mut turn, full)
        }
    };
    Ok(envelope::capture(record.show(now).await))
}

/// `GET /pcaps`
pub(super) async fn list(State(service): State<Arc<Service>>) -> Response {
    let now = service.clock.now();
    let mut captures = Vec::new();
    for record in service.captures.newest() {
        captures.push(record.show(now).await);
    }
    envelope::captures(captures)
}

/// `GET /pcaps/{pcap_id}`
pub(super) async fn get(
    State(service): State<Arc<Service>>,
    Path((_, id)): Path<(String, String)>,
) -> Reply {
    let record = service.captures.get(&id)?;
    Ok(envelope::capture(record.show(service.clock.now()).await))
}

/// `GET /pcaps/{pcap_id}/download`
pub(super) async fn download(
    State(service): State<Arc<Service>>,
    Path((_, id)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Reply {
    if let Record::Full(_) = service.captures.get(&id)? {
        return Err(Failure::bad_request(
            code::CAPTURE_TYPE,
            "a full capture cannot be downloaded: its files are in the bucket that its `destination_conf` names, \
             once its status is `success`",
        ));
    }
    let bytes = service.captures.packets(&id)?;
    let mut response = if service.ranges {
        ranged(&method, &headers, &id, None, bytes)
    } else {
        Response::new(Body::from(bytes))
    };
    response
        .headers_mut()
        .entry(header::CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("application/vnd.tcpdump.pcap"));
    Ok(response)
}

/// `PUT /pcaps/{pcap_id}/stop`
pub(super) async fn stop(
    State(service): State<Arc<Service>>,
    Path((_, id)): Path<(String, String)>,
) -> Reply {
    match service.captures.get(&id)? {
        Record::Sample(_) => Err(Failure::bad_request(
            code::CAPTURE_TYPE,
            "a simple capture cannot be stopped: it is finished as soon as it is there",
        )),
        Record::Full(full) => {
            full.stop(service.clock.now()).await;
            Ok(StatusCode::NO_CONTENT.into_response())
        }
    }
}
