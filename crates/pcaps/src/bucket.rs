//! Registered buckets.

use std::fmt;

use jiff::Timestamp;
use pcaps_api::types::Ownership;
use serde::{Serialize, Serializer};

use crate::{BucketId, capture::timestamp, redact};

/// A registered bucket, and how far the proof is that it is the caller's.
///
/// It serializes as JSON of the service's own shape, with keys in the URI replaced by `REDACTED`.
#[derive(Clone)]
pub struct Bucket {
    id: BucketId,
    wire: Ownership,
}

impl Bucket {
    pub(crate) fn new(wire: Ownership) -> Self {
        Self {
            id: BucketId::given(wire.id.clone()),
            wire,
        }
    }

    /// Its id. Empty in the odd case that the service gave none; using it is an error then.
    pub fn id(&self) -> &BucketId {
        &self.id
    }

    /// Its status as the service gave it: `pending`, `success` (proven), `failed`; empty when it gave none.
    pub fn status(&self) -> &str {
        self.wire
            .status
            .as_ref()
            .map(pcaps_api::OwnershipStatus::as_str)
            .unwrap_or_default()
    }

    /// Whether it is proven to be the caller's, so that full captures can be written to it.
    pub fn is_validated(&self) -> bool {
        self.status() == "success"
    }

    /// Its URI, free of keys.
    pub fn destination(&self) -> String {
        self.wire
            .destination_conf
            .as_ref()
            .map(|it| redact::text(it.expose()))
            .unwrap_or_default()
    }

    /// The name of the challenge file that the service wrote into it.
    pub fn challenge_file(&self) -> Option<&str> {
        self.wire.filename.as_deref()
    }

    /// When it was registered.
    pub fn submitted(&self) -> Option<Timestamp> {
        timestamp(self.wire.submitted.as_ref())
    }

    /// When it was proven to be the caller's.
    pub fn validated(&self) -> Option<Timestamp> {
        timestamp(self.wire.validated.as_ref())
    }
}

impl Serialize for Bucket {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut json = serde_json::to_value(&self.wire).map_err(serde::ser::Error::custom)?;
        redact::json(&mut json);
        json.serialize(serializer)
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        write!(f, "Bucket({json})")
    }
}
