//! Credentials that have to be asked for, at a metadata service or a token service.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use object_store::{BackoffConfig, CredentialProvider, Error, Result, RetryConfig};

/// Where there is no such service, nobody should wait long to hear it.
pub(super) fn retry() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig::default(),
        max_retries: 2,
        retry_timeout: Duration::from_secs(10),
    }
}

/// Whoever gives credentials out. That none come is told apart from what a bucket answers.
pub(super) struct Asked<T>(pub(super) Arc<dyn CredentialProvider<Credential = T>>);

impl<T> fmt::Debug for Asked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asked(..)")
    }
}

impl<T: Send + Sync> CredentialProvider for Asked<T> {
    type Credential = T;

    // As `async_trait` writes it.
    fn get_credential<'a, 'b>(&'a self) -> Pin<Box<dyn Future<Output = Result<Arc<T>>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async {
            // What went wrong may quote a token.
            let given = self.0.get_credential().await;
            given.map_err(|_| Error::Unauthenticated {
                path: String::new(),
                source: NoCredentials.into(),
            })
        })
    }
}

/// No credentials came.
#[derive(Debug)]
pub(super) struct NoCredentials;

impl fmt::Display for NoCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no credentials came")
    }
}

impl std::error::Error for NoCredentials {}
