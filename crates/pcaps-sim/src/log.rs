//! What was asked, and what became of it.

use std::{
    collections::VecDeque,
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use axum::http::{HeaderMap, Method, Uri};
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::{clock, faults::Operation};

/// Headers whose values are not shown.
const SECRET: [&str; 6] = [
    "authorization",
    "cf-access-client-secret",
    "cookie",
    "proxy-authorization",
    "x-auth-key",
    "x-auth-user-service-key",
];

/// How many requests are remembered, and how many bytes of them.
const REMEMBERED: usize = 1_000;
const REMEMBERED_BYTES: usize = 64 << 20;

/// A request as it was read.
///
/// Its `Debug` shows neither credentials, nor the query, nor the body, which may hold keys. What it is serialized to
/// has the query, and the body as text.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Request {
    /// When it arrived, by the simulator's clock.
    #[serde(serialize_with = "moment")]
    pub at: Timestamp,
    /// What it asks for, if that is an operation.
    pub operation: Option<Operation>,
    /// Its method, `GET` for example.
    pub method: String,
    /// Its path, with the query if there is one.
    pub path: String,
    /// Its headers in their order. Names are lower case; bytes of a value that are not UTF-8 are replaced.
    #[serde(serialize_with = "shown")]
    pub headers: Vec<(String, String)>,
    /// Its body, without chunks. Of a request that a simulator read itself it is there once an operation has
    /// read it.
    #[serde(serialize_with = "text")]
    pub body: Bytes,
    /// Whether it was passed on to the simulator.
    pub reached: bool,
    /// The status of its answer, once it has one: the one that was sent.
    pub status: Option<u16>,
}

impl Request {
    /// The value of a header, of the first one if there are more. The name is lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(it, _)| it == name);
        header.map(|(_, value)| value.as_str())
    }

    pub(crate) fn new(at: Timestamp, method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let path = uri.path_and_query();
        let path = path.map_or_else(|| uri.path(), |it| it.as_str());
        Self {
            at,
            operation: Operation::of(method.as_str(), uri.path()),
            method: method.to_string(),
            path: path.to_owned(),
            headers: headers
                .iter()
                .map(|(name, value)| (name.to_string(), text(value.as_bytes())))
                .collect(),
            body: Bytes::new(),
            reached: true,
            status: None,
        }
    }

    /// About how many bytes of memory it takes.
    fn size(&self) -> usize {
        let headers = self.headers.iter();
        let headers: usize = headers.map(|(name, value)| name.len() + value.len()).sum();
        self.path.len() + headers + self.body.len()
    }

    /// Its headers, without what is secret.
    fn shown_headers(headers: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
        headers.iter().map(|(name, value)| {
            let is_secret = SECRET.contains(&name.as_str());
            (name.as_str(), if is_secret { "[hidden]" } else { value })
        })
    }
}

fn moment<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&clock::text(*at))
}

fn shown<S: Serializer>(headers: &[(String, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(Request::shown_headers(headers))
}

fn text<S: Serializer>(body: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&String::from_utf8_lossy(body))
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<_> = Self::shown_headers(&self.headers).collect();
        f.debug_struct("Request")
            .field("at", &self.at)
            .field("operation", &self.operation)
            .field("method", &self.method)
            .field("path", &self.path.split('?').next())
            .field("headers", &headers)
            .field("body", &format_args!("[{} bytes]", self.body.len()))
            .field("reached", &self.reached)
            .field("status", &self.status)
            .finish()
    }
}

/// The newest requests.
#[derive(Default)]
pub(crate) struct Log(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    requests: VecDeque<Request>,
    /// The number of the first that is remembered.
    first: u64,
    /// Of all that is remembered.
    bytes: usize,
}

/// A request that is being answered. When the last clone is gone, it never will be.
#[derive(Clone)]
pub(crate) struct Entry(Arc<Pending>);

struct Pending {
    log: Arc<Log>,
    number: u64,
    begun: Instant,
    method: String,
    path: String,
    is_answered: AtomicBool,
}

impl Log {
    /// Remembers a request.
    pub(crate) fn add(self: &Arc<Self>, request: Request) -> Entry {
        let (method, path) = (request.method.clone(), request.path.clone());
        let mut entries = self.entries();
        entries.bytes += request.size();
        entries.requests.push_back(request);
        let number = entries.first + entries.requests.len() as u64 - 1;
        entries.shrink();
        drop(entries);
        Entry(Arc::new(Pending {
            log: Arc::clone(self),
            number,
            begun: Instant::now(),
            method,
            path,
            is_answered: AtomicBool::new(false),
        }))
    }

    /// What is remembered, the oldest first.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.entries().requests.iter().cloned().collect()
    }

    /// The newest of what is remembered, as many as this at most, the newest first.
    pub(crate) fn newest(&self, count: usize) -> Vec<Request> {
        let entries = self.entries();
        entries.requests.iter().rev().take(count).cloned().collect()
    }

    /// Forgets everything.
    pub(crate) fn clear(&self) {
        let mut entries = self.entries();
        entries.first += entries.requests.len() as u64;
        entries.requests.clear();
        entries.bytes = 0;
    }

    fn entries(&self) -> MutexGuard<'_, Entries> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    /// Forgets the oldest, until what is left is not too much.
    fn shrink(&mut self) {
        while self.requests.len() > REMEMBERED || self.bytes > REMEMBERED_BYTES {
            let Some(oldest) = self.requests.pop_front() else {
                return;
            };
            self.bytes -= oldest.size();
            self.first += 1;
        }
    }

    fn get(&mut self, number: u64) -> Option<&mut Request> {
        let place = number.checked_sub(self.first)?;
        self.requests.get_mut(usize::try_from(place).ok()?)
    }
}

impl Entry {
    /// Its body has been read.
    pub(crate) fn read(&self, body: &Bytes) {
        let mut entries = self.0.log.entries();
        if let Some(request) = entries.get(self.0.number) {
            let before = std::mem::replace(&mut request.body, body.clone()).len();
            entries.bytes = entries.bytes + body.len() - before;
            entries.shrink();
        }
    }

    /// It is answered, with a status or without: a line is written about it.
    pub(crate) fn answered(&self, status: Option<u16>) {
        self.0.answered(status);
    }
}

impl Pending {
    fn answered(&self, status: Option<u16>) {
        if self.is_answered.swap(true, Ordering::Relaxed) {
            return;
        }
        let took = self.begun.elapsed();
        if let Some(request) = self.log.entries().get(self.number) {
            request.status = status;
        }
        line(&self.method, &self.path, status, took);
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        // Whoever asked has hung up.
        self.answered(None);
    }
}

fn line(method: &str, path: &str, status: Option<u16>, took: Duration) {
    // Not the query: nobody knows what may be in it.
    let path = path.split('?').next().unwrap_or_default();
    let took = took.as_micros();
    let (whole, tenth) = (took / 1_000, took / 100 % 10);
    let answer = status.map_or_else(|| "no answer".to_owned(), |it| it.to_string());
    tracing::info!("{method} {path} {answer} {whole}.{tenth} ms");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(body: usize) -> Request {
        let uri = Uri::from_static("/client/v4/accounts/a/pcaps?page=1");
        let mut headers = HeaderMap::new();
        for name in SECRET {
            headers.insert(name, "s3cr3t".parse().expect("a value"));
        }
        Request {
            body: vec![b'x'; body].into(),
            ..Request::new(Timestamp::UNIX_EPOCH, &Method::GET, &uri, &headers)
        }
    }

    #[test]
    fn the_newest_are_remembered() {
        let log = Arc::new(Log::default());
        let first = log.add(request(0));
        let entries: Vec<_> = (0..REMEMBERED).map(|_| log.add(request(1))).collect();
        assert_eq!(log.requests().len(), REMEMBERED);
        // It is not there any more, and takes no other's place.
        first.answered(Some(500));
        entries[0].answered(Some(200));
        entries[REMEMBERED - 1].answered(Some(204));
        let requests = log.requests();
        assert_eq!(requests[0].status, Some(200));
        assert_eq!(requests[1].status, None);
        assert_eq!(requests[REMEMBERED - 1].status, Some(204));
        log.clear();
        entries[0].answered(Some(500));
        assert!(log.requests().is_empty());
        let next = log.add(request(2));
        next.answered(Some(200));
        assert_eq!(log.requests()[0].status, Some(200));
    }

    #[test]
    fn bodies_are_bounded() {
        let log = Arc::new(Log::default());
        let others = request(0).size();
        for _ in 0..3 {
            log.add(request(REMEMBERED_BYTES / 2 - others));
        }
        assert_eq!(log.requests().len(), 2);
        let entry = log.add(request(0));
        entry.read(&vec![0; REMEMBERED_BYTES - others].into());
        assert_eq!(log.requests().len(), 1);
        assert_eq!(log.requests()[0].size(), REMEMBERED_BYTES);
        // Headers count too.
        let mut heavy = request(0);
        heavy
            .headers
            .push(("x".to_owned(), "x".repeat(REMEMBERED_BYTES)));
        log.add(heavy);
        assert!(log.requests().is_empty());
    }

    #[test]
    fn credentials_are_not_shown() {
        let request = request(3);
        let json = serde_json::to_string(&request).expect("JSON");
        let debug = format!("{request:?}");
        for text in [&json, &debug] {
            assert!(!text.contains("s3cr3t"), "{text}");
            assert!(text.contains("[hidden]"), "{text}");
        }
        assert!(json.contains(r#""body":"xxx""#), "{json}");
        assert!(!debug.contains("xxx") && !debug.contains("page"), "{debug}");
        assert_eq!(request.header("authorization"), Some("s3cr3t"));
    }
}
