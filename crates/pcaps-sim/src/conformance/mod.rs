//! Whether answers are what the API's description says, and what the vendor's published one says.
//!
//! For tests: the feature `conformance` turns it on. Then the simulator looks at each of its answers before it is sent, and
//! one that does not hold ends the process, so that no test can miss it: a panic would end a task of the server, and the
//! client would try again.
//!
//! Looked at are the status, the media type, the headers that are described, and the body. An answer to what is no operation
//! is looked at when it is JSON of the API's address space: it must be a failure. `spec/pcaps.json` is held to the letter: a
//! field that it does not have may not be there. `spec/upstream.json` lacks fields that the wire has, and is not.
//! [`Deviation`] has what either is not held to.

mod description;
mod deviation;
mod layer;
mod schema;
#[cfg(test)]
mod tests;

use std::{fmt, sync::LazyLock};

use axum::http::{HeaderMap, Method, StatusCode};
use serde_json::Value;

use self::description::Description;
pub use self::deviation::Deviation;
pub(crate) use self::layer::checked;

static DESCRIPTIONS: LazyLock<Result<[Description; 2], String>> = LazyLock::new(|| {
    let read = |name, text, strict| {
        let document: Value =
            serde_json::from_str(text).map_err(|it| format!("{name} is not JSON: {it}"))?;
        Description::new(name, &document, strict).map_err(|it| format!("{name}: {it}"))
    };
    Ok([
        read("spec/pcaps.json", pcaps_api::DESCRIPTION, true)?,
        read(
            "spec/upstream.json",
            include_str!("../../../../spec/upstream.json"),
            false,
        )?,
    ])
});

/// Something about an answer that is not as described. It shows the place, and nothing of what the answer holds: that may
/// be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    description: &'static str,
    operation: String,
    status: u16,
    what: String,
    place: String,
    schema: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}, status {}", self.operation, self.status)?;
        writeln!(f, "  is not as {} says: {}", self.description, self.what)?;
        writeln!(f, "  in the answer: {}", self.place)?;
        write!(f, "  in the description: {}", self.schema)
    }
}

/// Checks an answer against both descriptions. The body of an answer to `HEAD` may be absent.
///
/// # Errors
///
/// Everything that does not hold.
///
/// # Examples
///
/// ```
/// use axum::http::{HeaderMap, Method, StatusCode};
/// use pcaps_sim::conformance::check;
///
/// let path = "/client/v4/accounts/0123/pcaps/4567/stop";
/// let status = StatusCode::NO_CONTENT;
/// assert!(check(&Method::PUT, path, status, &HeaderMap::new(), b"").is_ok());
/// let breaches = check(&Method::PUT, path, status, &HeaderMap::new(), b"done").unwrap_err();
/// // Neither of the two descriptions has a body there.
/// assert_eq!(breaches.len(), 2);
/// ```
pub fn check(
    method: &Method,
    path: &str,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(), Vec<Breach>> {
    let breaches: Vec<_> = match &*DESCRIPTIONS {
        Ok(descriptions) => descriptions
            .iter()
            .flat_map(|it| it.check(method, path, status, headers, body))
            .collect(),
        Err(problem) => vec![Breach {
            description: "neither description",
            operation: "any".to_owned(),
            status: status.as_u16(),
            what: problem.clone(),
            place: String::new(),
            schema: String::new(),
        }],
    };
    if breaches.is_empty() {
        Ok(())
    } else {
        Err(breaches)
    }
}
