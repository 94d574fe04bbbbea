//! Answers, down to their bytes.

use axum::{
    body::to_bytes,
    http::{HeaderValue, Method, StatusCode, header},
    response::Response,
};
use bytes::Bytes;

use super::{Fault, Framing, Operation, Place, reading::Incoming};
use crate::server::{ranged, ray};

/// How many bytes of a body are in a chunk.
const CHUNK: usize = 4096;

/// An answer: status, headers and body. It may hold what no HTTP library would send.
pub(super) struct Answer {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Bytes,
}

/// The bytes of an answer. The default is one of no bytes.
#[derive(Default)]
pub(super) struct Message {
    /// None where there is no answer.
    pub(super) status: Option<u16>,
    pub(super) head: Vec<u8>,
    pub(super) body: Bytes,
    /// The size of the body, where it is in chunks.
    in_chunks: Option<usize>,
    /// Whether the connection goes on after it.
    pub(super) keep: bool,
}

impl Answer {
    /// What the simulator answers, without its framing. Its bodies are in memory: none fails to be read.
    pub(super) async fn of(response: Response) -> Option<Self> {
        let (head, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.ok()?;
        let mut answer = Self {
            status: head.status.as_u16(),
            headers: Vec::new(),
            body,
        };
        for (name, value) in &head.headers {
            if name != header::CONTENT_LENGTH && name != header::TRANSFER_ENCODING {
                let header = (name.to_string(), value.as_bytes().to_vec());
                answer.headers.push(header);
            }
        }
        Some(answer)
    }

    /// What a fault has instead.
    pub(super) fn instead(fault: &Fault) -> Option<Self> {
        let answer = fault.answer.as_ref()?;
        let media_type = Some(&answer.media_type).filter(|it| !it.is_empty());
        let mut replacement = Self {
            status: answer.status,
            headers: Vec::new(),
            body: answer.body.0.clone(),
        };
        replacement.set("content-type", media_type.cloned());
        Some(replacement.traced())
    }

    /// With a trace.
    pub(super) fn traced(mut self) -> Self {
        self.set("cf-ray", ray());
        self
    }

    /// The answer to a request for a part of a download.
    pub(super) async fn ranged(self, request: &Incoming, fault: &Fault) -> Option<Self> {
        let is_download = request.operation() == Some(Operation::DownloadCapture);
        // The simulator's answer to HEAD says all that there is to say.
        if !is_download || request.method != Method::GET || self.status != StatusCode::OK {
            return Some(self);
        }
        let id = request.uri.path().rsplit('/').nth(1)?;
        let tag = fault.headers.iter().rev();
        let tag = tag
            .filter(|(name, _)| name.eq_ignore_ascii_case("etag"))
            .find_map(|(_, value)| HeaderValue::from_str(value.as_deref()?).ok());
        let response = ranged(&request.method, &request.headers, id, tag, self.body);
        let mut answer = Self::of(response).await?;
        for (name, value) in self.headers {
            if answer.headers.iter().all(|(it, _)| *it != name) {
                answer.headers.push((name, value));
            }
        }
        Some(answer)
    }

    /// Its bytes, as the fault wants them.
    pub(super) fn message(mut self, request: &Incoming, fault: &Fault) -> Message {
        let has_body =
            request.method != Method::HEAD && !matches!(self.status, 100..=199 | 204 | 304);
        let mut message = Message {
            status: Some(self.status),
            keep: request.keep,
            ..Message::default()
        };
        if has_body {
            message.body = self.body.clone();
            let length = |len: &dyn ToString| ("content-length", len.to_string());
            let framing = match fault.framing {
                Framing::Length => Some(length(&self.body.len())),
                Framing::Claimed(len) => {
                    message.keep = false;
                    Some(length(&len))
                }
                Framing::Chunked => {
                    message.in_chunks = Some(self.body.len());
                    message.body = chunks(&self.body);
                    Some(("transfer-encoding", "chunked".to_owned()))
                }
                Framing::UntilClosed => {
                    message.keep = false;
                    None
                }
            };
            if let Some((name, value)) = framing {
                self.set(name, Some(value));
            }
        }
        if !request.keep {
            self.set("connection", Some("close".to_owned()));
        }
        for (name, value) in &fault.headers {
            let is = |other: &&str| name.eq_ignore_ascii_case(other);
            let framing = ["content-length", "transfer-encoding", "connection"];
            message.keep &= !framing.iter().any(is);
            self.set(name, value.clone());
        }
        message.head = self.head();
        message
    }

    /// Replaces the body.
    pub(super) fn with(self, body: Bytes) -> Self {
        Self { body, ..self }
    }

    /// Sets a header, or leaves it out.
    fn set(&mut self, name: &str, value: Option<String>) {
        self.headers
            .retain(|(it, _)| !it.eq_ignore_ascii_case(name));
        if let Some(value) = value {
            self.headers.push((name.to_owned(), value.into_bytes()));
        }
    }

    fn head(&self) -> Vec<u8> {
        let reason = StatusCode::from_u16(self.status).ok();
        let reason = reason.and_then(|it| it.canonical_reason());
        let line = format!("HTTP/1.1 {:03} {}\r\n", self.status, reason.unwrap_or(""));
        let mut head = line.into_bytes();
        for (name, value) in &self.headers {
            head.extend_from_slice(name.as_bytes());
            head.extend_from_slice(b": ");
            head.extend_from_slice(value);
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(b"\r\n");
        head
    }
}

impl Message {
    /// What comes before a place: of the head, and of the body.
    pub(super) fn before(&self, place: Place) -> (&[u8], &[u8]) {
        let (head, body) = match place {
            Place::BeforeHead => (0, 0),
            Place::Head(len) => (len, 0),
            Place::Body(len) => (
                usize::MAX,
                self.in_chunks.map_or(len, |size| within(len, size)),
            ),
        };
        let up_to = |len, bytes| <[u8]>::get(bytes, ..len).unwrap_or(bytes);
        (up_to(head, &self.head), up_to(body, &self.body))
    }
}

/// A body in chunks.
fn chunks(body: &[u8]) -> Bytes {
    let mut bytes = Vec::new();
    for chunk in body.chunks(CHUNK) {
        bytes.extend_from_slice(line(chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    Bytes::from(bytes)
}

/// The line before a chunk.
fn line(size: usize) -> String {
    format!("{size:x}\r\n")
}

/// How long the chunks are up to a byte of the body, whose size is given.
fn within(len: usize, size: usize) -> usize {
    let len = len.min(size);
    if len == 0 {
        return 0;
    }
    // Chunks before the one that the byte is in or ends.
    let whole = (len - 1) / CHUNK;
    let this = CHUNK.min(size - whole * CHUNK);
    whole * (line(CHUNK).len() + CHUNK + 2) + line(this).len() + len - whole * CHUNK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_in_chunks_are_found() {
        for size in [0, 1, 100, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 10_000] {
            let body: Vec<u8> = (0..=250).cycle().take(size).collect();
            let bytes = chunks(&body);
            for len in [0, 1, 99, 100, CHUNK - 1, CHUNK, CHUNK + 1, 9_999, 10_000] {
                let found = bytes.get(..within(len, size));
                let last = len.min(size).checked_sub(1);
                let last = last.and_then(|it| body.get(it));
                assert_eq!(found.and_then(<[u8]>::last), last, "{len} of {size}");
            }
            let end = bytes.get(within(usize::MAX, size)..);
            let rest: &[u8] = if size == 0 {
                b"0\r\n\r\n"
            } else {
                b"\r\n0\r\n\r\n"
            };
            assert_eq!(end, Some(rest), "{size}");
        }
    }
}
