//! Bodies of requests: JSON objects of a modest size.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request, rejection::BytesRejection},
    http::StatusCode,
};
use serde_json::{Map, Value};

use super::failure::{Failure, code};
use crate::log::Entry;

/// The largest body that is read, in bytes.
pub(crate) const LIMIT: usize = 64 * 1024;

/// The fields of the object that is the body.
pub(crate) struct Fields(pub(crate) Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let entry = request.extensions().get::<Entry>().cloned();
        let body = Bytes::from_request(request, state).await.map_err(unread)?;
        if let Some(entry) = entry {
            entry.read(&body);
        }
        match serde_json::from_slice(&body) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(Failure::bad_request(
                code::BODY,
                "the body must be a JSON object",
            )),
            Err(error) => Err(Failure::bad_request(
                code::BODY,
                format!(
                    "the body is not JSON, from line {}, column {}",
                    error.line(),
                    error.column()
                ),
            )),
        }
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "this is how `map_err` calls it"
)]
fn unread(rejection: BytesRejection) -> Failure {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        Failure::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            code::TOO_LARGE,
            format!("the body is larger than {LIMIT} bytes"),
        )
    } else {
        Failure::bad_request(code::BODY, "the body ended before it was whole")
    }
}
