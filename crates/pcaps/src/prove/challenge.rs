//! The challenge that the service writes into a bucket.

use object_store::path::Path as Key;
use pcaps_api::Secret;

use crate::{Bucket, BucketId, Error, ErrorKind, call::Shared, storage::Source};

/// A name as challenges have it, of a file that need not be there: a policy may permit no other to be read.
pub(super) const PROBE: &str = "ownership-challenge-probe.txt";

/// No challenge is longer.
const LONGEST: u64 = 4 * 1024;

/// Where a challenge may be.
pub(super) struct Challenge {
    name: String,
    /// How the service lays its keys out is not documented: in the destination's folder, or at the bucket's root.
    keys: Vec<Key>,
}

impl Challenge {
    /// The challenge of a registered bucket.
    pub(super) fn of(bucket: &Bucket, source: &Source) -> Result<Self, Error> {
        let name = bucket.challenge_file().unwrap_or_default();
        let given = Key::parse(name.trim_start_matches('/'));
        let Some(given) = given.ok().filter(|it| it.parts_count() > 0) else {
            let what = format!("the service does not say which file of {source} has the challenge");
            return Err(Error::new(ErrorKind::UnexpectedResponse, what));
        };
        let in_folder: Key = source.prefix.parts().chain(given.parts()).collect();
        let mut keys = vec![in_folder];
        if source.prefix.parts_count() > 0 {
            keys.push(given);
        }
        Ok(Self {
            name: name.to_owned(),
            keys,
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What it says, if it is there.
    pub(super) async fn read(
        &self,
        source: &Source,
        shared: &Shared,
    ) -> Result<Option<Secret>, Error> {
        const DOING: &str = "read the challenge";
        for (at, key) in self.keys.iter().enumerate() {
            let content = match source.read(shared, key, LONGEST, DOING).await {
                // The folder may be all that is permitted.
                Err(error) if at > 0 && error.is_permission() => None,
                content => content?,
            };
            let Some(content) = content else {
                continue;
            };
            let Ok(text) = String::from_utf8(content) else {
                let what = format!("cannot {DOING} in {source}: it is no text");
                return Err(Error::new(ErrorKind::UnexpectedResponse, what)
                    .advise("see what else has written to the bucket"));
            };
            // One that is empty is still being written.
            let text = text.trim();
            if !text.is_empty() {
                return Ok(Some(text.into()));
            }
        }
        Ok(None)
    }

    /// It does not come.
    pub(super) fn missing(&self, source: &Source, id: &BucketId) -> Error {
        let what = format!(
            "the challenge {:?} has not come into {source}: it was registered as {id}",
            self.name
        );
        Error::new(ErrorKind::NotFound, what).advise(
            "see that the service may write to the bucket, and that no rule of it deletes files; if the file was \
             there once, remove the bucket from the list, and prove it again",
        )
    }
}
