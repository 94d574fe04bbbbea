//! The nine operations, by their names.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An operation of the packet captures API, by its id in the API's description. It is also read and written by
/// that.
///
/// # Examples
///
/// ```
/// use pcaps_sim::faults::Operation;
///
/// let path = "/client/v4/accounts/0123/pcaps/4567/download";
/// let operation = Operation::of("GET", path).ok_or("none")?;
/// assert_eq!(operation, Operation::DownloadCapture);
/// assert_eq!(operation.as_str(), "download_capture");
/// # Ok::<(), &str>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// `POST /pcaps`
    StartCapture,
    /// `GET /pcaps`
    ListCaptures,
    /// `GET /pcaps/{pcap_id}`
    GetCapture,
    /// `GET /pcaps/{pcap_id}/download`
    DownloadCapture,
    /// `PUT /pcaps/{pcap_id}/stop`
    StopCapture,
    /// `POST /pcaps/ownership`
    RegisterBucket,
    /// `GET /pcaps/ownership`
    ListBuckets,
    /// `POST /pcaps/ownership/validate`
    ValidateBucket,
    /// `DELETE /pcaps/ownership/{ownership_id}`
    RemoveBucket,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::StartCapture,
        Self::ListCaptures,
        Self::GetCapture,
        Self::DownloadCapture,
        Self::StopCapture,
        Self::RegisterBucket,
        Self::ListBuckets,
        Self::ValidateBucket,
        Self::RemoveBucket,
    ];

    /// Its id in the API's description, `get_capture` for example.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StartCapture => "start_capture",
            Self::ListCaptures => "list_captures",
            Self::GetCapture => "get_capture",
            Self::DownloadCapture => "download_capture",
            Self::StopCapture => "stop_capture",
            Self::RegisterBucket => "register_bucket",
            Self::ListBuckets => "list_buckets",
            Self::ValidateBucket => "validate_bucket",
            Self::RemoveBucket => "remove_bucket",
        }
    }

    /// The operation that a request asks for, from its method and its path, which begins with
    /// `/client/v4/accounts/` and may have a query. `HEAD` asks for what `GET` would.
    pub fn of(method: &str, path: &str) -> Option<Self> {
        let path = path.split('?').next()?;
        let mut pieces = path.strip_prefix("/client/v4/accounts/")?.split('/');
        let (_, "pcaps") = (pieces.next()?, pieces.next()?) else {
            return None;
        };
        let pieces: Vec<_> = pieces.collect();
        if pieces.contains(&"") {
            return None;
        }
        let method = if method == "HEAD" { "GET" } else { method };
        match (method, &*pieces) {
            ("POST", []) => Some(Self::StartCapture),
            ("GET", []) => Some(Self::ListCaptures),
            ("POST", ["ownership"]) => Some(Self::RegisterBucket),
            ("GET", ["ownership"]) => Some(Self::ListBuckets),
            ("POST", ["ownership", "validate"]) => Some(Self::ValidateBucket),
            ("DELETE", ["ownership", _]) => Some(Self::RemoveBucket),
            // Not a capture of that name.
            (_, ["ownership", ..]) => None,
            ("GET", [_]) => Some(Self::GetCapture),
            ("GET", [_, "download"]) => Some(Self::DownloadCapture),
            ("PUT", [_, "stop"]) => Some(Self::StopCapture),
            _ => None,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
