//! What every JSON answer looks like.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use pcaps_api::{Capture, types};
use serde::Serialize;
use serde_json::{Map, Value};

/// One capture.
pub(crate) fn capture(capture: Capture) -> Response {
    json(
        StatusCode::OK,
        &types::CaptureEnvelope {
            errors: Some(Vec::new()),
            messages: Some(Vec::new()),
            result: Some(capture),
            success: Some(true),
            extra: Map::new(),
        },
    )
}

/// Captures.
pub(crate) fn captures(captures: Vec<Capture>) -> Response {
    json(
        StatusCode::OK,
        &types::CaptureListEnvelope {
            errors: Some(Vec::new()),
            messages: Some(Vec::new()),
            result: Some(captures),
            result_info: None,
            success: Some(true),
            extra: Map::new(),
        },
    )
}

/// One registered bucket.
pub(crate) fn ownership(ownership: types::Ownership) -> Response {
    json(
        StatusCode::OK,
        &types::OwnershipEnvelope {
            errors: Some(Vec::new()),
            messages: Some(Vec::new()),
            result: Some(ownership),
            success: Some(true),
            extra: Map::new(),
        },
    )
}

/// Registered buckets.
pub(crate) fn ownerships(ownerships: Vec<types::Ownership>) -> Response {
    json(
        StatusCode::OK,
        &types::OwnershipListEnvelope {
            errors: Some(Vec::new()),
            messages: Some(Vec::new()),
            result: Some(ownerships),
            result_info: None,
            success: Some(true),
            extra: Map::new(),
        },
    )
}

/// What is wrong.
pub(crate) fn failure(status: StatusCode, errors: Vec<types::Message>) -> Response {
    json(
        status,
        &types::Failure {
            errors: Some(errors),
            messages: Some(Vec::new()),
            result: Some(Value::Null),
            success: Some(false),
            extra: Map::new(),
        },
    )
}

fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(body) => {
            let mut response = Response::new(Body::from(body));
            *response.status_mut() = status;
            response.headers_mut().insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
            response
        }
        // None of these types fails to encode.
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
