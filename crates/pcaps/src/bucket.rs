//! Registered buckets.

use std::fmt;

use jiff::Timestamp;
use pcaps_api::{Entry, types::Ownership};
use serde::{Serialize, Serializer};

use crate::{BucketId, capture::timestamp, redact};

/// A registered bucket, and how far the proof is that it is the caller's.
///
/// It comes from [`Account::register_bucket`](crate::Account::register_bucket),
/// [`Account::validate_bucket`](crate::Account::validate_bucket) and
/// [`Account::list_buckets`](crate::Account::list_buckets). What the service does not tell, or tells in a form that is
/// not understood, is empty or `None`.
///
/// It serializes as JSON of the service's own shape, with keys in the URI replaced by `REDACTED`.
///
/// ```no_run
/// # async fn example(account: pcaps::Account) -> Result<(), pcaps::Error> {
/// let buckets = account.list_buckets().await?;
/// let ready = buckets.iter().filter(|it| it.is_validated());
/// for bucket in ready {
///     println!("{} since {:?}", bucket.destination(), bucket.validated());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Bucket {
    id: BucketId,
    wire: Entry<Ownership>,
}

impl Bucket {
    pub(crate) fn new(wire: Entry<Ownership>) -> Self {
        let id = match &wire {
            Entry::Known(it) => it.id.clone(),
            Entry::Other(it) => it["id"].as_str().map(str::to_owned),
        };
        Self {
            id: BucketId::given(id),
            wire,
        }
    }

    /// One field, where the entry is of the shape that it should have.
    fn field<'a, T>(&'a self, field: impl Fn(&'a Ownership) -> &'a Option<T>) -> Option<&'a T> {
        self.wire.known().and_then(|it| field(it).as_ref())
    }

    /// Its id. Empty in the odd case that the service gave none; using it is an error then.
    pub fn id(&self) -> &BucketId {
        &self.id
    }

    /// Its status as the service gave it: `pending`, `success` (proven), `failed`; empty when it gave none.
    ///
    /// Source: Cloudflare's API reference.
    pub fn status(&self) -> &str {
        let status = match &self.wire {
            Entry::Known(it) => it.status.as_ref().map(pcaps_api::OwnershipStatus::as_str),
            // One field that is odd says nothing about the others.
            Entry::Other(it) => it["status"].as_str(),
        };
        status.unwrap_or_default()
    }

    /// Whether it is proven to be the caller's, so that full captures can be written to it.
    pub fn is_validated(&self) -> bool {
        self.status() == "success"
    }

    /// Its URI, with `REDACTED` in place of keys; empty when the service gave none.
    pub fn destination(&self) -> String {
        self.field(|it| &it.destination_conf)
            .map(|it| redact::redacted(it.expose()))
            .unwrap_or_default()
    }

    /// The name of the challenge file that the service wrote into it. Its content is what
    /// [`Account::validate_bucket`](crate::Account::validate_bucket) takes.
    pub fn challenge_file(&self) -> Option<&str> {
        self.field(|it| &it.filename).map(String::as_str)
    }

    /// When it was registered.
    pub fn submitted(&self) -> Option<Timestamp> {
        timestamp(self.field(|it| &it.submitted))
    }

    /// When it was proven to be the caller's; `None` while it is not.
    pub fn validated(&self) -> Option<Timestamp> {
        timestamp(self.field(|it| &it.validated))
    }
}

impl Serialize for Bucket {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut json = serde_json::to_value(&self.wire).map_err(serde::ser::Error::custom)?;
        redact::json(&mut json);
        json.serialize(serializer)
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for Bucket {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Bucket".into()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        concat!(module_path!(), "::Bucket").into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        <Entry<Ownership>>::json_schema(generator)
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        write!(f, "Bucket({json})")
    }
}
