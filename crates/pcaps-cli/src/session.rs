//! Whom a command asks.

use pcaps::{Account, Client, ClientBuilder, ErrorKind, Folder, RetryPolicy};
use pcaps_sim::{Buckets, Simulator};

use crate::{
    args::Global,
    credentials::Credentials,
    failure::{Exit, Failure},
    settings::{Origin, Setting, Settings},
};

/// The account of every simulator, so that what one has begun can be gone on with. It is nobody's.
const SIMULATED: &str = "00000000000000000000000000000000";

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
        let settings = Settings::load(global)?;
        let credentials = credentials(global, &settings).await?;
        Self::of(global, &settings, &credentials)
    }

    /// The account that is meant, asked with these credentials.
    pub(crate) fn of(
        global: &Global,
        settings: &Settings,
        credentials: &Credentials,
    ) -> Result<Self, Failure> {
        let base_url = settings.base_url(global);
        let client = client(global, &base_url, |it| credentials.give(it))?;
        let account = settings.account(global).ok_or_else(no_account)?;
        Ok(Self {
            account: client.account(account.parse()?),
            _simulator: None,
        })
    }

    async fn simulated() -> Result<Self, Failure> {
        let simulator = Simulator::builder().account_id(SIMULATED).start().await?;
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

/// What to say when nobody has named an account.
pub(crate) fn no_account() -> Failure {
    Failure::usage(
        "there is no account id: give --account ID, set CLOUDFLARE_ACCOUNT_ID, or put `account` into a profile",
    )
}

/// Who asks.
pub(crate) async fn credentials(
    global: &Global,
    settings: &Settings,
) -> Result<Credentials, Failure> {
    let (profile, base_url) = (settings.name().to_owned(), settings.base_url(global));
    // The keyring is asked on another thread: it waits there by means of its own.
    let found = tokio::task::spawn_blocking(move || Credentials::find(&profile, &base_url));
    found
        .await
        .map_err(|error| Failure::because(Exit::Other, &error))?
}

/// A client for the service at this address, with the credentials that `identify` gives it.
pub(crate) fn client(
    global: &Global,
    base_url: &Setting,
    identify: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Result<Client, Failure> {
    let retry = RetryPolicy::default().attempts(global.retries.saturating_add(1));
    let mut client = identify(Client::builder().base_url(&base_url.value).retry(retry));
    if let Some(find) = mapped(global)? {
        client = client.buckets(find);
    }
    client.build().map_err(|error| {
        let is_said = matches!(base_url.origin, Origin::Variable(_) | Origin::Line(_));
        let is_about_it = is_said && error.kind() == ErrorKind::InvalidInput;
        let note = is_about_it.then(|| format!("the base URL is that of {}", base_url.origin));
        Failure::from(error).noting(note)
    })
}

/// Where buckets are by --bucket-map, if it is given.
pub(crate) fn mapped(
    global: &Global,
) -> Result<Option<impl Fn(&str) -> Option<Folder> + Send + Sync + 'static>, Failure> {
    if global.bucket_map.is_empty() {
        return Ok(None);
    }
    let mut buckets = Buckets::memory();
    for mapping in &global.bucket_map {
        buckets = buckets.map(&mapping.uri, mapping.store.parse()?)?;
    }
    let mapped: Vec<_> = global.bucket_map.iter().map(|it| it.uri.clone()).collect();
    Ok(Some(move |uri: &str| {
        let place = uri.split('?').next().unwrap_or_default();
        let is_below = |it: &String| {
            let rest = place.strip_prefix(it.trim_end_matches('/'));
            rest.is_some_and(|it| it.is_empty() || it.starts_with('/'))
        };
        let is_mapped = mapped.iter().any(is_below);
        is_mapped.then(|| folder(&buckets, uri)).flatten()
    }))
}

/// Where the simulator has a bucket.
fn folder(buckets: &Buckets, uri: &str) -> Option<Folder> {
    let (store, prefix) = buckets.place(uri).ok()?;
    Some(Folder::new(store, prefix))
}
