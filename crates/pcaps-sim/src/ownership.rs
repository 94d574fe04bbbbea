//! The buckets that are registered, and the proofs that they are the account's.

use axum::http::StatusCode;
use jiff::Timestamp;
use object_store::ObjectStoreExt;
use pcaps_api::{OwnershipStatus, Secret, types};
use serde_json::Map;
use tokio::sync::Mutex;

use crate::{
    Buckets, clock,
    destination::Destination,
    random,
    server::{Failure, code},
    validation::{Proof, Registration},
};

/// How many buckets may be registered.
const LIMIT: usize = 100;

/// The registered buckets, the newest last.
#[derive(Default)]
pub(crate) struct Ownerships(Mutex<Vec<Ownership>>);

struct Ownership {
    id: String,
    conf: Secret,
    destination: Destination,
    filename: String,
    challenge: Secret,
    submitted: Timestamp,
    validated: Option<Timestamp>,
}

impl Ownerships {
    /// Registers a bucket, and writes a challenge into it. One that is registered already stays as it is.
    pub(crate) async fn register(
        &self,
        registration: Registration,
        buckets: &Buckets,
        now: Timestamp,
    ) -> Result<types::Ownership, Failure> {
        let Registration { conf, destination } = registration;
        // Held while the challenge is written, so that a bucket is not registered twice.
        let mut entries = self.0.lock().await;
        if let Some(entry) = entries.iter().find(|it| it.destination == destination) {
            return Ok(entry.show());
        }
        if entries.len() >= LIMIT {
            return Err(Failure::bad_request(
                code::TOO_MANY,
                format!("{LIMIT} buckets are registered, which is the most: delete one"),
            ));
        }
        let entry = Ownership {
            id: random::id()?,
            conf,
            destination,
            filename: format!("ownership-challenge-{}.txt", random::id()?),
            challenge: random::hex::<32>()?.into(),
            submitted: now,
            validated: None,
        };
        let key = entry
            .destination
            .directory()
            .clone()
            .join(entry.filename.as_str());
        let content = entry.challenge.expose().to_owned();
        let written = buckets.object_store().put(&key, content.into()).await;
        if written.is_err() {
            return Err(Failure::bad_request(
                code::UNWRITABLE,
                "the challenge cannot be written into the bucket: check its permissions",
            )
            .at("/destination_conf"));
        }
        let shown = entry.show();
        entries.push(entry);
        Ok(shown)
    }

    /// The registered buckets, the newest first.
    pub(crate) async fn list(&self) -> Vec<types::Ownership> {
        self.0
            .lock()
            .await
            .iter()
            .rev()
            .map(Ownership::show)
            .collect()
    }

    /// Takes a proof.
    pub(crate) async fn validate(
        &self,
        proof: &Proof,
        now: Timestamp,
    ) -> Result<types::Ownership, Failure> {
        let mut entries = self.0.lock().await;
        let entry = entries
            .iter_mut()
            .find(|it| it.destination == proof.destination)
            .ok_or_else(|| {
                Failure::new(
                    StatusCode::NOT_FOUND,
                    code::NO_BUCKET,
                    "this bucket is not registered: register it first",
                )
                .at("/destination_conf")
            })?;
        if !random::same(entry.challenge.expose(), proof.challenge.expose()) {
            return Err(Failure::bad_request(
                code::CHALLENGE,
                "this is not the challenge: send the content of the challenge file, not its name",
            )
            .at("/ownership_challenge"));
        }
        entry.validated.get_or_insert(now);
        Ok(entry.show())
    }

    /// Forgets a bucket.
    pub(crate) async fn remove(&self, id: &str) -> Result<(), Failure> {
        let mut entries = self.0.lock().await;
        let place = entries.iter().position(|it| it.id == id).ok_or_else(|| {
            Failure::new(
                StatusCode::NOT_FOUND,
                code::NO_BUCKET,
                "there is no registered bucket with this id",
            )
        })?;
        entries.remove(place);
        Ok(())
    }

    /// Whether a full capture may be written here.
    pub(crate) async fn check(&self, destination: &Destination) -> Result<(), Failure> {
        let entries = self.0.lock().await;
        let entry = entries.iter().find(|it| it.destination == *destination);
        let missing = match entry {
            None => "is not registered: register and validate it first",
            Some(entry) if entry.validated.is_none() => "is not validated: validate it first",
            Some(_) => return Ok(()),
        };
        let message = format!("the bucket and directory of `destination_conf` {missing}");
        Err(Failure::bad_request(code::UNPROVEN, message).at("/destination_conf"))
    }
}

impl Ownership {
    /// The bucket as the service shows it: with its keys, as it may.
    fn show(&self) -> types::Ownership {
        let status = match self.validated {
            Some(_) => OwnershipStatus::Success,
            None => OwnershipStatus::Pending,
        };
        types::Ownership {
            destination_conf: Some(self.conf.clone()),
            filename: Some(self.filename.clone()),
            id: Some(self.id.clone()),
            status: Some(status),
            submitted: Some(clock::text(self.submitted)),
            validated: Some(self.validated.map(clock::text).unwrap_or_default()),
            extra: Map::new(),
        }
    }
}
