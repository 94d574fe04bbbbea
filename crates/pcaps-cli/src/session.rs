//! Whom a command asks.

use pcaps::{Account, Client, Folder, RetryPolicy};
use pcaps_sim::{Buckets, Simulator};

use crate::{args::Global, failure::Failure};

/// The account that a command works on.
pub(crate) struct Session {
    pub(crate) account: Account,
    /// Serves the account until the session ends.
    _simulator: Option<Simulator>,
}

impl Session {
    /// Nothing is sent yet.
    pub(crate) async fn open(global: &Global) -> Result<Self, Failure> {
        if global.simulate {
            return Self::simulated().await;
        }
        let retry = RetryPolicy::default().attempts(global.retries.saturating_add(1));
        let mut client = Client::builder().or_env().retry(retry);
        if let Some(url) = given(global.base_url.as_ref()) {
            client = client.base_url(url);
        }
        if !global.bucket_map.is_empty() {
            let mut buckets = Buckets::memory();
            for mapping in &global.bucket_map {
                buckets = buckets.map(&mapping.uri, mapping.store.parse()?)?;
            }
            let mapped: Vec<_> = global.bucket_map.iter().map(|it| it.uri.clone()).collect();
            client = client.buckets(move |uri| {
                let place = uri.split('?').next().unwrap_or_default();
                let is_below = |it: &String| {
                    let rest = place.strip_prefix(it.trim_end_matches('/'));
                    rest.is_some_and(|it| it.is_empty() || it.starts_with('/'))
                };
                let is_mapped = mapped.iter().any(is_below);
                is_mapped.then(|| folder(&buckets, uri)).flatten()
            });
        }
        let client = client.build()?;
        let variable = std::env::var("CLOUDFLARE_ACCOUNT_ID").ok();
        let Some(account) = given(global.account.as_ref()).or(given(variable.as_ref())) else {
            return Err(Failure::usage(
                "there is no account id: give --account ID, or set CLOUDFLARE_ACCOUNT_ID",
            ));
        };
        Ok(Self {
            account: client.account(account.parse()?),
            _simulator: None,
        })
    }

    async fn simulated() -> Result<Self, Failure> {
        let simulator = Simulator::builder().start().await?;
        let buckets = simulator.buckets().clone();
        let client = Client::builder()
            .buckets(move |uri| folder(&buckets, uri))
            .token(simulator.token().expose())
            .base_url(simulator.base_url())
            .build()?;
        Ok(Self {
            account: client.account(simulator.account_id().parse()?),
            _simulator: Some(simulator),
        })
    }
}

/// Where the simulator has a bucket.
fn folder(buckets: &Buckets, uri: &str) -> Option<Folder> {
    let (store, prefix) = buckets.place(uri).ok()?;
    Some(Folder::new(store, prefix))
}

/// An empty variable counts as not set.
fn given(value: Option<&String>) -> Option<&str> {
    value.map(String::as_str).filter(|it| !it.is_empty())
}
