//! Operations on captures.

use std::sync::Arc;

use axum::{
    Extension,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Response},
};

use super::{
    Fields, Owner, Service, envelope,
    failure::{Failure, code},
    ranges::ranged,
};
use crate::{
    capture::{Full, Record, Sample},
    validation::{self, Order},
};

type Reply = Result<Response, Failure>;

/// `POST /pcaps`
pub(super) async fn start(
    State(service): State<Arc<Service>>,
    Extension(account): Owner,
    Fields(fields): Fields,
) -> Reply {
    let now = service.clock.now();
    let record = match validation::order(fields, &service.colos, now)? {
        Order::Sample(order) => {
            if service.is_limited {
                account.samples.take(now).map_err(too_early)?;
            }
            let (sample, bytes) = Sample::take(order, service.traffic(), now).await?;
            account.captures.add_sample(sample, bytes)
        }
        Order::Full(order) => {
            account.ownerships.check(&order.destination).await?;
            let mut turn = account.captures.turn(now).await?;
            let full = Full::new(
                order,
                &service.traffic(),
                service.buckets.clone(),
                service.files(),
                service.stopped.clone(),
                now,
            )?;
            account.captures.add_full(&mut turn, full)
        }
    };
    Ok(envelope::capture(record.show(now).await))
}

fn too_early(seconds: u64) -> Failure {
    Failure::too_early(
        code::TOO_EARLY,
        format!("one sample may be asked for in a minute: the next in {seconds} s"),
        seconds,
    )
}

/// `GET /pcaps`
pub(super) async fn list(
    State(service): State<Arc<Service>>,
    Extension(account): Owner,
) -> Response {
    let now = service.clock.now();
    let mut captures = Vec::new();
    for record in account.captures.newest() {
        captures.push(record.show(now).await);
    }
    envelope::captures(captures)
}

/// `GET /pcaps/{pcap_id}`
pub(super) async fn get(
    State(service): State<Arc<Service>>,
    Extension(account): Owner,
    Path((_, id)): Path<(String, String)>,
) -> Reply {
    let record = account.captures.get(&id)?;
    Ok(envelope::capture(record.show(service.clock.now()).await))
}

/// `GET /pcaps/{pcap_id}/download`
pub(super) async fn download(
    State(service): State<Arc<Service>>,
    Extension(account): Owner,
    Path((_, id)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Reply {
    if let Record::Full(_) = account.captures.get(&id)? {
        return Err(Failure::bad_request(
            code::CAPTURE_TYPE,
            "a full capture cannot be downloaded: its files are in the bucket that its `destination_conf` names, \
             once its status is `success`",
        ));
    }
    let bytes = account.captures.packets(&id)?;
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
    Extension(account): Owner,
    Path((_, id)): Path<(String, String)>,
) -> Reply {
    match account.captures.get(&id)? {
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
