//! What every JSON answer looks like.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use pcaps_api::{Capture, types};
use serde::Serialize;
use serde_json::Value;

/// The answer that is a success: an envelope with what is its own, and what every one has.
macro_rules! success {
    ($envelope:ident { $($field:ident: $value:expr),+ }) => {
        json(
            StatusCode::OK,
            &types::$envelope {
                errors: Some(Vec::new()),
                messages: Some(Vec::new()),
                success: Some(true),
                $($field: $value,)+
                ..types::$envelope::default()
            },
        )
    };
}

/// One capture.
pub(crate) fn capture(capture: Capture) -> Response {
    success!(CaptureEnvelope {
        result: Some(capture)
    })
}

/// Captures.
pub(crate) fn captures(captures: Vec<Capture>) -> Response {
    success!(CaptureListEnvelope {
        result: Some(captures)
    })
}

/// One registered bucket.
pub(crate) fn ownership(ownership: types::Ownership) -> Response {
    success!(OwnershipEnvelope {
        result: Some(ownership)
    })
}

/// Registered buckets.
pub(crate) fn ownerships(ownerships: Vec<types::Ownership>) -> Response {
    success!(OwnershipListEnvelope {
        result: Some(ownerships.into_iter().map(Into::into).collect())
    })
}

/// What is wrong.
pub(crate) fn failure(status: StatusCode, errors: Vec<types::Message>) -> Response {
    json(
        status,
        &types::Failure {
            errors: Some(errors.into_iter().map(Into::into).collect()),
            messages: Some(Vec::new()),
            result: Some(Value::Null),
            success: Some(false),
            ..types::Failure::default()
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
