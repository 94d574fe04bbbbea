//! What was asked.

use std::fmt;

use super::{Operation, reading::Incoming};

/// Headers whose values are not printed.
const SECRET: [&str; 3] = ["authorization", "proxy-authorization", "x-auth-key"];

/// A request as the server read it.
///
/// Its `Debug` shows neither credentials nor the body, which may hold keys.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Request {
    /// What it asks for, if that is an operation.
    pub operation: Option<Operation>,
    /// Its method, `GET` for example.
    pub method: String,
    /// Its path, with the query if there is one.
    pub path: String,
    /// Its headers in their order. Names are lower case; bytes of a value that are not UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// Its body, without chunks.
    pub body: Vec<u8>,
    /// Whether it was passed on to the simulator.
    pub reached: bool,
}

impl Request {
    /// The value of a header, of the first one if there are more. The name is lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(it, _)| it == name);
        header.map(|(_, value)| value.as_str())
    }

    pub(super) fn new(incoming: &Incoming, reached: bool) -> Self {
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let headers = incoming.headers.iter();
        Self {
            operation: incoming.operation(),
            method: incoming.method.to_string(),
            path: incoming.path().to_owned(),
            headers: headers
                .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
                .collect(),
            body: incoming.body.to_vec(),
            reached,
        }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers = self.headers.iter().map(|(name, value)| {
            let is_secret = SECRET.contains(&name.as_str());
            (name.as_str(), if is_secret { "[hidden]" } else { value })
        });
        f.debug_struct("Request")
            .field("operation", &self.operation)
            .field("method", &self.method)
            .field("path", &self.path)
            .field("headers", &headers.collect::<Vec<_>>())
            .field("body", &format_args!("[{} bytes]", self.body.len()))
            .field("reached", &self.reached)
            .finish()
    }
}
