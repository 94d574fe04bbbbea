//! The buckets that are registered, and the proofs that they are the account's.

use axum::http::StatusCode;
use jiff::Timestamp;
use object_store::ObjectStoreExt;
use pcaps_api::{OwnershipStatus, Secret, types};
use tokio::sync::Mutex;

use crate::{
    Buckets,
    buckets::Refusal,
    clock,
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
        if let Some(entry) = entries
            .iter()
            .find(|it| it.destination.is_same(&destination))
        {
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
        if let Err(refusal) = entry.write_challenge(buckets).await {
            let message = match refusal {
                Refusal::Gone => "there is no such bucket: make it, and register it then",
                Refusal::NotWritable => {
                    "the challenge cannot be written into the bucket: check its permissions"
                }
            };
            return Err(Failure::bad_request(code::UNWRITABLE, message).at("/destination_conf"));
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
        // Several, if the accounts that they are of are not told apart.
        let mut meant: Vec<_> = entries
            .iter_mut()
            .filter(|it| it.destination.is_same(&proof.destination))
            .collect();
        if meant.is_empty() {
            return Err(Failure::new(
                StatusCode::NOT_FOUND,
                code::NO_BUCKET,
                "this bucket is not registered: register it first",
            )
            .at("/destination_conf"));
        }
        let entry = meant
            .iter_mut()
            .find(|it| random::same(it.challenge.expose(), proof.challenge.expose()))
            .ok_or_else(|| {
                Failure::bad_request(
                    code::CHALLENGE,
                    "this is not the challenge: send the content of the challenge file, not its name",
                )
                .at("/ownership_challenge")
            })?;
        entry.validated.get_or_insert(now);
        Ok(entry.show())
    }

    /// Forgets a bucket, and takes its challenge away, if that can be done.
    pub(crate) async fn remove(&self, id: &str, buckets: &Buckets) -> Result<(), Failure> {
        let mut entries = self.0.lock().await;
        let place = entries.iter().position(|it| it.id == id).ok_or_else(|| {
            Failure::new(
                StatusCode::NOT_FOUND,
                code::NO_BUCKET,
                "there is no registered bucket with this id",
            )
        })?;
        let entry = entries.remove(place);
        drop(entries);
        if let Ok((store, directory)) = buckets.open(entry.destination.directory()) {
            // It may be gone already, and the bucket with it.
            let _ = store.delete(&directory.join(entry.filename)).await;
        }
        Ok(())
    }

    /// Whether a full capture may be written here.
    pub(crate) async fn check(&self, destination: &Destination) -> Result<(), Failure> {
        let entries = self.0.lock().await;
        let mut meant = entries
            .iter()
            .filter(|it| it.destination.is_same(destination))
            .peekable();
        let missing = if meant.peek().is_none() {
            "is not registered: register and validate it first"
        } else if meant.all(|it| it.validated.is_none()) {
            "is not validated: validate it first"
        } else {
            return Ok(());
        };
        let message = format!("the bucket and directory of `destination_conf` {missing}");
        Err(Failure::bad_request(code::UNPROVEN, message).at("/destination_conf"))
    }
}

impl Ownership {
    /// Writes the challenge file.
    async fn write_challenge(&self, buckets: &Buckets) -> Result<(), Refusal> {
        let (store, directory) = buckets.open(self.destination.directory())?;
        let key = directory.join(self.filename.as_str());
        let content = self.challenge.expose().to_owned();
        store.put(&key, content.into()).await?;
        Ok(())
    }

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
            ..types::Ownership::default()
        }
    }
}
