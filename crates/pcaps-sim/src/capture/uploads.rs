//! The files of a full capture on their way into its bucket.

use std::collections::BTreeMap;

use object_store::{ObjectStoreExt, WriteMultipart, path::Path as Key};
use tokio::task::JoinSet;

use super::tap::{Chunk, PART};
use crate::{Buckets, buckets::Refusal};

/// How many files are handed over at once.
const AT_ONCE: usize = 16;

/// The files of one capture. Nobody sees one before it is complete.
pub(super) struct Uploads {
    buckets: Buckets,
    directory: Key,
    name: String,
    open: BTreeMap<usize, WriteMultipart>,
}

impl Uploads {
    /// None yet, of a capture with this id.
    pub(super) fn new(buckets: Buckets, directory: Key, id: &str) -> Self {
        Self {
            buckets,
            directory,
            name: format!("pcap_{id}.pcap"),
            open: BTreeMap::new(),
        }
    }

    /// Adds parts to files. Each is written while the next is made.
    pub(super) async fn add(&mut self, parts: Vec<Chunk>) -> Result<(), Refusal> {
        for (server, part) in parts {
            let (store, directory) = self.buckets.open(&self.directory)?;
            if !self.open.contains_key(&server) {
                let key = self.key(directory, server);
                let upload = store.put_multipart(&key).await?;
                let upload = WriteMultipart::new_with_chunk_size(upload, PART);
                self.open.insert(server, upload);
            }
            if let Some(upload) = self.open.get_mut(&server) {
                // The one before it is written then.
                upload.wait_for_capacity(1).await?;
                upload.put(part);
            }
        }
        Ok(())
    }

    /// Ends files with their last bytes, and makes them appear in the bucket. After a failure no more are ended,
    /// and those that have ended stay.
    pub(super) async fn finish(&mut self, files: Vec<Chunk>) -> Result<(), Refusal> {
        let mut tasks = JoinSet::new();
        let mut outcome = Ok(());
        for (server, last) in files {
            while tasks.len() >= AT_ONCE {
                outcome = outcome.and(ended(tasks.join_next().await));
            }
            let place = self.buckets.open(&self.directory);
            let (store, directory) = match (outcome, place) {
                (Ok(()), Ok(place)) => place,
                (Err(refusal), _) | (Ok(()), Err(refusal)) => {
                    outcome = Err(refusal);
                    break;
                }
            };
            let key = self.key(directory, server);
            let upload = self.open.remove(&server);
            tasks.spawn(async move {
                match upload {
                    Some(mut upload) => {
                        upload.put(last);
                        // It aborts the upload if it fails.
                        upload.finish().await?;
                    }
                    None => {
                        store.put(&key, last.into()).await?;
                    }
                }
                Ok(())
            });
        }
        while !tasks.is_empty() {
            outcome = outcome.and(ended(tasks.join_next().await));
        }
        outcome
    }

    /// Those that are begun and not ended.
    pub(super) fn split_off(&mut self) -> Self {
        Self {
            buckets: self.buckets.clone(),
            directory: self.directory.clone(),
            name: self.name.clone(),
            open: std::mem::take(&mut self.open),
        }
    }

    /// Takes back what was begun and not ended, where the store can do that.
    pub(super) async fn abort(self) {
        for upload in self.open.into_values() {
            // Nothing is left to be tried.
            let _ = upload.abort().await;
        }
    }

    fn key(&self, directory: Key, server: usize) -> Key {
        directory
            .join(format!("server-{:02}", server + 1))
            .join(self.name.as_str())
    }
}

/// How a task ended. One that panicked has not written its file.
fn ended(
    task: Option<Result<object_store::Result<()>, tokio::task::JoinError>>,
) -> Result<(), Refusal> {
    match task {
        Some(Ok(written)) => Ok(written?),
        Some(Err(_)) => Err(Refusal::NotWritable),
        None => Ok(()),
    }
}
