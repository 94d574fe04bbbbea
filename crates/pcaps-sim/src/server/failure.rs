//! Answers that say what is wrong.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use pcaps_api::types;

use super::envelope;
use crate::error::Repr;

/// The numbers of the errors. The first five are the vendor's; the others are made up.
pub(crate) mod code {
    /// No such path.
    pub(crate) const ROUTE: i64 = 7000;
    /// The path has no such method.
    pub(crate) const METHOD: i64 = 10405;
    /// The credentials are missing or wrong.
    pub(crate) const AUTHENTICATION: i64 = 10000;
    /// The credentials are for another account, or for less than what is asked.
    pub(crate) const FORBIDDEN: i64 = 9109;
    /// An id in the path that no id looks like.
    pub(crate) const IDENTIFIER: i64 = 7003;
    /// The simulator itself failed.
    pub(crate) const INTERNAL: i64 = 1000;
    /// The body is too large.
    pub(crate) const TOO_LARGE: i64 = 1001;
    /// The body is not a JSON object.
    pub(crate) const BODY: i64 = 1002;
    /// A field is missing.
    pub(crate) const MISSING: i64 = 1003;
    /// A field is of the wrong type.
    pub(crate) const TYPE: i64 = 1004;
    /// A field's value is out of its range.
    pub(crate) const RANGE: i64 = 1005;
    /// A field's value means nothing here.
    pub(crate) const VALUE: i64 = 1006;
    /// There were too many requests.
    pub(crate) const TOO_OFTEN: i64 = 1007;
    /// There is no such capture.
    pub(crate) const NO_CAPTURE: i64 = 1101;
    /// The capture is not of the type that this can be done with.
    pub(crate) const CAPTURE_TYPE: i64 = 1102;
    /// The capture's packets are not kept any more.
    pub(crate) const GONE: i64 = 1103;
    /// A full capture is not finished yet.
    pub(crate) const UNFINISHED: i64 = 1104;
    /// A download has none of the bytes that were asked for.
    pub(crate) const NO_BYTES: i64 = 1105;
    /// A sample was asked for within a minute of the last one.
    pub(crate) const TOO_EARLY: i64 = 1106;
    /// There is no such bucket.
    pub(crate) const NO_BUCKET: i64 = 1201;
    /// The bucket is not proven.
    pub(crate) const UNPROVEN: i64 = 1202;
    /// The challenge is not the right one.
    pub(crate) const CHALLENGE: i64 = 1203;
    /// The bucket cannot be written to.
    pub(crate) const UNWRITABLE: i64 = 1204;
    /// There are too many buckets.
    pub(crate) const TOO_MANY: i64 = 1205;
}

/// An answer that says what is wrong.
#[derive(Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    problems: Vec<Problem>,
    /// After how many seconds it is worth another try.
    retry_after: Option<u64>,
}

/// One thing that is wrong.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) code: i64,
    pub(crate) message: String,
    /// A JSON pointer into the request's body.
    pub(crate) pointer: Option<String>,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, code: i64, message: impl Into<String>) -> Self {
        let message = message.into();
        let problem = Problem {
            code,
            message,
            pointer: None,
        };
        Self {
            status,
            problems: vec![problem],
            retry_after: None,
        }
    }

    /// The request is wrong.
    pub(crate) fn bad_request(code: i64, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// The request is wrong, at these places.
    pub(crate) fn invalid(problems: Vec<Problem>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            problems,
            retry_after: None,
        }
    }

    /// It came too early, by this number of seconds.
    pub(crate) fn too_early(code: i64, message: impl Into<String>, seconds: u64) -> Self {
        Self {
            retry_after: Some(seconds),
            ..Self::new(StatusCode::TOO_MANY_REQUESTS, code, message)
        }
    }

    /// Something that a request cannot help went wrong.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, code::INTERNAL, message)
    }

    /// It is about this field of the body.
    pub(crate) fn at(mut self, pointer: &str) -> Self {
        for problem in &mut self.problems {
            problem.pointer = Some(pointer.to_owned());
        }
        self
    }
}

impl From<Repr> for Failure {
    fn from(error: Repr) -> Self {
        Self::internal(error.to_string())
    }
}

impl From<Problem> for types::Message {
    fn from(problem: Problem) -> Self {
        Self {
            code: Some(problem.code),
            message: Some(problem.message.into()),
            source: problem.pointer.map(|pointer| types::MessageSource {
                pointer: Some(pointer),
                ..types::MessageSource::default()
            }),
            ..Self::default()
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let errors = self.problems.into_iter().map(Into::into).collect();
        let mut response = envelope::failure(self.status, errors);
        if let Some(seconds) = self.retry_after {
            let value = HeaderValue::from(seconds);
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        response
    }
}
