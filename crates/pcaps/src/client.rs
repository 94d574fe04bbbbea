//! The connection to the service: where it is, and who asks.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use pcaps_api::Secret;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use url::{Host, Url};

use crate::{
    Account, AccountId, Clock, Error, ErrorKind, Folder, RetryPolicy,
    call::Shared,
    clock::Chance,
    lookout::Lookout,
    pace::{Looks, Pacer},
    redact::Secrets,
    storage::Elsewhere,
};

/// Where the service is, unless it is said otherwise: with [`ClientBuilder::base_url`], or `CLOUDFLARE_BASE_URL` where
/// the environment is read.
pub const DEFAULT_BASE_URL: &str = "https://api.cloudflare.com/client/v4";

/// How long to wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long to wait for an answer, unless it is said otherwise.
pub(crate) const TIMEOUT: Duration = Duration::from_mins(1);

/// A connection to the service. Cheap to clone, `Send` and `Sync`; clones share their connections, and what they know of
/// the service's limit on requests.
///
/// ```no_run
/// # async fn example() -> Result<(), pcaps::Error> {
/// let account = pcaps::Client::from_env()?.account_from_env()?;
/// for capture in account.list().await? {
///     println!("{} {}", capture.id(), capture.status());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Client {
    shared: Arc<Shared>,
    /// What the waits on each account share.
    lookouts: Arc<Mutex<HashMap<AccountId, Arc<Lookout>>>>,
}

impl Client {
    /// A client from the environment, by the names that Cloudflare's own clients use: `CLOUDFLARE_API_TOKEN`, or
    /// `CLOUDFLARE_API_KEY` with `CLOUDFLARE_EMAIL`; and `CLOUDFLARE_BASE_URL`, if it is set. A variable that is empty
    /// counts as not set.
    ///
    /// ```no_run
    /// let client = pcaps::Client::from_env()?;
    /// # Ok::<(), pcaps::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Authentication`](ErrorKind::Authentication) when there are no credentials,
    /// [`InvalidInput`](ErrorKind::InvalidInput) when a value cannot be used.
    pub fn from_env() -> Result<Self, Error> {
        Self::builder().or_env().build()
    }

    /// A client whose parts are given one by one. The environment is not read, unless
    /// [`or_env`](ClientBuilder::or_env) is called.
    ///
    /// ```
    /// let client = pcaps::Client::builder().token("v1.0-0123456789abcdef").build()?;
    /// # Ok::<(), pcaps::Error>(())
    /// ```
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// The account of this id. Nothing is sent: whether there is one shows at the first request.
    ///
    /// ```
    /// # fn example(client: pcaps::Client) -> Result<(), pcaps::Error> {
    /// let account = client.account("0123456789abcdef0123456789abcdef".parse()?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn account(&self, id: AccountId) -> Account {
        let mut lookouts = self.lookouts.lock().unwrap_or_else(PoisonError::into_inner);
        let lookout = Arc::clone(lookouts.entry(id.clone()).or_default());
        Account::new(Arc::clone(&self.shared), lookout, id)
    }

    /// The account that `CLOUDFLARE_ACCOUNT_ID` names.
    ///
    /// ```no_run
    /// let account = pcaps::Client::from_env()?.account_from_env()?;
    /// # Ok::<(), pcaps::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](ErrorKind::InvalidInput) when it is not set or not an id.
    pub fn account_from_env(&self) -> Result<Account, Error> {
        let id = variable("CLOUDFLARE_ACCOUNT_ID")
            .ok_or_else(|| Error::invalid("there is no account id: set CLOUDFLARE_ACCOUNT_ID"))?;
        Ok(self.account(id.parse()?))
    }
}

/// Makes a [`Client`]: [`Client::builder`], then credentials and whatever else is not as by default, then
/// [`build`](Self::build).
///
/// ```
/// let client = pcaps::Client::builder()
///     .token("v1.0-0123456789abcdef")
///     .base_url("http://127.0.0.1:8080/client/v4")
///     .build()?;
/// # Ok::<(), pcaps::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct ClientBuilder {
    token: Option<Secret>,
    key: Option<(String, Secret)>,
    base_url: Option<String>,
    plain_http_host: Option<String>,
    retry: RetryPolicy,
    timeout: Option<Duration>,
    chance: Chance,
    buckets: Elsewhere,
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What has not been checked may be anything, a URL with a password in it for example.
        f.debug_struct("ClientBuilder")
            .field("retry", &self.retry)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

impl ClientBuilder {
    /// Authenticates with an API token. This is the preferred way. (Source: Cloudflare's API reference.)
    ///
    /// ```
    /// let client = pcaps::Client::builder().token("v1.0-0123456789abcdef").build()?;
    /// # Ok::<(), pcaps::Error>(())
    /// ```
    #[must_use]
    pub fn token(self, token: impl Into<Secret>) -> Self {
        Self {
            token: Some(token.into()),
            ..self
        }
    }

    /// Authenticates with a user's e-mail address and global API key, which may do all that the user may.
    ///
    /// ```
    /// let client = pcaps::Client::builder().email_and_key("user@example.com", "0123456789abcdef").build()?;
    /// # Ok::<(), pcaps::Error>(())
    /// ```
    #[must_use]
    pub fn email_and_key(self, email: impl Into<String>, key: impl Into<Secret>) -> Self {
        Self {
            key: Some((email.into(), key.into())),
            ..self
        }
    }

    /// Sends to another place than [`DEFAULT_BASE_URL`]: `https`, or `http` to this machine (see
    /// [`plain_http_to`](Self::plain_http_to) for others). It is checked by [`build`](Self::build).
    ///
    /// ```
    /// let client = pcaps::Client::builder().token("t").base_url("http://localhost:8080/client/v4").build()?;
    /// # Ok::<(), pcaps::Error>(())
    /// ```
    #[must_use]
    pub fn base_url(self, url: impl Into<String>) -> Self {
        Self {
            base_url: Some(url.into()),
            ..self
        }
    }

    /// Allows `http` to this host, by the name that it has in the base URL. Everybody on the way can read the credentials
    /// then.
    ///
    /// ```
    /// let builder = pcaps::Client::builder().token("t").base_url("http://lab.example:8080/client/v4");
    /// assert!(builder.clone().build().is_err());
    /// let client = builder.plain_http_to("lab.example").build()?;
    /// # Ok::<(), pcaps::Error>(())
    /// ```
    #[must_use]
    pub fn plain_http_to(self, host: impl Into<String>) -> Self {
        Self {
            plain_http_host: Some(host.into()),
            ..self
        }
    }

    /// When a failed request is sent again. By default [`RetryPolicy::default`].
    ///
    /// ```
    /// use pcaps::RetryPolicy;
    ///
    /// let client = pcaps::Client::builder().token("t").retry(RetryPolicy::never()).build()?;
    /// # Ok::<(), pcaps::Error>(())
    /// ```
    #[must_use]
    pub fn retry(self, policy: RetryPolicy) -> Self {
        Self {
            retry: policy,
            ..self
        }
    }

    /// How long one answer may take; of a download, its head and each pause between its bytes. By default a minute.
    /// Making the connection counts, and may take 10 s at most. Each attempt has the time anew.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let client = pcaps::Client::builder().token("t").timeout(Duration::from_secs(20)).build()?;
    /// # Ok::<(), pcaps::Error>(())
    /// ```
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self {
            timeout: Some(timeout),
            ..self
        }
    }

    /// What time it is, and how pauses pass. By default the system's; see [`Clock`], which has an example.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.chance.clock = Arc::new(clock);
        self
    }

    /// Where the pauses between attempts get their randomness: numbers from 0 up to, and without, 1. For tests.
    ///
    /// ```
    /// let client = pcaps::Client::builder().token("t").random(|| 0.5).build()?;
    /// # Ok::<(), pcaps::Error>(())
    /// ```
    #[must_use]
    pub fn random(mut self, random: impl Fn() -> f64 + Send + Sync + 'static) -> Self {
        self.chance.random = Arc::new(random);
        self
    }

    /// Where buckets are that are not to be looked for in their clouds: a function from a destination's URI, without
    /// keys, to a folder. For servers of one's own, and for tests.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use pcaps::{Folder, object_store::{memory::InMemory, path::Path}};
    ///
    /// let store = Arc::new(InMemory::new());
    /// let client = pcaps::Client::builder()
    ///     .token("t")
    ///     .buckets(move |uri| uri.starts_with("gs://captures").then(|| Folder::new(store.clone(), Path::ROOT)))
    ///     .build()?;
    /// # Ok::<(), pcaps::Error>(())
    /// ```
    #[must_use]
    pub fn buckets(self, find: impl Fn(&str) -> Option<Folder> + Send + Sync + 'static) -> Self {
        Self {
            buckets: Elsewhere::new(find),
            ..self
        }
    }

    /// Takes from the environment what has not been given: credentials and base URL, as
    /// [`Client::from_env`] does. It reads the environment now, so call it last.
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// let client = pcaps::Client::builder().timeout(Duration::from_secs(20)).or_env().build()?;
    /// # Ok::<(), pcaps::Error>(())
    /// ```
    #[must_use]
    pub fn or_env(self) -> Self {
        self.or(variable)
    }

    fn or(mut self, variable: impl Fn(&str) -> Option<String>) -> Self {
        if self.base_url.is_none() {
            self.base_url = variable("CLOUDFLARE_BASE_URL");
        }
        if self.token.is_none() && self.key.is_none() {
            self.token = variable("CLOUDFLARE_API_TOKEN").map(Secret::from);
            if self.token.is_none() {
                self.key = variable("CLOUDFLARE_API_KEY")
                    .map(|key| (variable("CLOUDFLARE_EMAIL").unwrap_or_default(), key.into()));
            }
        }
        self
    }

    /// Makes the client. Nothing is sent: whether the credentials are accepted shows at the first request.
    ///
    /// ```
    /// let error = pcaps::Client::builder().build().unwrap_err();
    /// assert!(error.is_auth());
    /// ```
    ///
    /// # Errors
    ///
    /// [`Authentication`](ErrorKind::Authentication) when there are no credentials,
    /// [`InvalidInput`](ErrorKind::InvalidInput) when both kinds are given or a value cannot be used.
    pub fn build(self) -> Result<Client, Error> {
        let base_url = self.base_url.as_deref().unwrap_or(DEFAULT_BASE_URL);
        let (base_url, local) = check_base_url(base_url, self.plain_http_host.as_deref())?;
        let credentials = match (self.token, self.key) {
            (Some(_), Some(_)) => {
                return Err(Error::invalid(
                    "both an API token and a global key are given: give one",
                ));
            }
            (Some(token), None) if is_blank(&token) => {
                return Err(Error::new(
                    ErrorKind::Authentication,
                    "the API token is empty",
                ));
            }
            (_, Some((_, key))) if is_blank(&key) => {
                return Err(Error::new(
                    ErrorKind::Authentication,
                    "the global API key is empty",
                ));
            }
            (Some(token), None) => Credentials::Token(token),
            (None, Some((email, key))) => Credentials::Key { email, key },
            (None, None) => {
                return Err(Error::new(
                    ErrorKind::Authentication,
                    "there are no credentials: set CLOUDFLARE_API_TOKEN, or CLOUDFLARE_API_KEY and CLOUDFLARE_EMAIL",
                ));
            }
        };
        let secrets = credentials.secrets();
        let mut http = reqwest::Client::builder()
            .default_headers(credentials.headers()?)
            .user_agent(concat!("pcaps/", env!("CARGO_PKG_VERSION")))
            // Credentials must not follow a redirect to another place; the service makes none.
            .redirect(reqwest::redirect::Policy::none())
            // Nothing is sent twice behind the caller's back: a capture that is started twice is two captures.
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_TIMEOUT);
        if base_url.starts_with("http:") {
            // Nothing is encrypted: the certificates that the platform trusts need not be read.
            http = http.tls_certs_only([]);
        }
        if local {
            // A proxy that the environment names for the outside cannot reach this machine.
            http = http.no_proxy();
        }
        let http = http.build().map_err(Error::transport)?;
        Ok(Client {
            shared: Arc::new(Shared {
                api: pcaps_api::Client::new(&base_url, http).watched(trace),
                chance: self.chance,
                retry: self.retry,
                timeout: self.timeout.unwrap_or(TIMEOUT),
                pacer: Pacer::default(),
                looks: Looks::default(),
                secrets,
                buckets: self.buckets,
            }),
            lookouts: Arc::default(),
        })
    }
}

/// Tells of a request that is about to be sent. What it is about is in its path, and credentials are in its headers: the
/// URL has no secrets.
fn trace(request: &reqwest::Request) {
    tracing::debug!(
        http.request.method = request.method().as_str(),
        url.full = request.url().as_str(),
        "request"
    );
}

enum Credentials {
    Token(Secret),
    Key { email: String, key: Secret },
}

impl Credentials {
    fn secrets(&self) -> Secrets {
        let (Self::Token(secret) | Self::Key { key: secret, .. }) = self;
        Secrets::new([secret.clone()])
    }

    fn headers(&self) -> Result<HeaderMap, Error> {
        let header = |what: &str, text: &str| {
            let mut value = HeaderValue::from_str(text).map_err(|_| {
                Error::invalid(format!(
                    "the {what} has a character that cannot be sent, a line break perhaps"
                ))
            })?;
            value.set_sensitive(true);
            Ok::<_, Error>(value)
        };
        let headers = match self {
            Self::Token(token) => vec![(
                AUTHORIZATION,
                header("API token", &format!("Bearer {}", token.expose()))?,
            )],
            Self::Key { email, .. } if email.is_empty() => {
                return Err(Error::new(
                    ErrorKind::Authentication,
                    "a global API key needs its user's e-mail address: set CLOUDFLARE_EMAIL, or CLOUDFLARE_API_TOKEN in place of the key",
                ));
            }
            Self::Key { email, key } => vec![
                (
                    HeaderName::from_static("x-auth-email"),
                    header("e-mail address", email)?,
                ),
                (
                    HeaderName::from_static("x-auth-key"),
                    header("global API key", key.expose())?,
                ),
            ],
        };
        Ok(headers.into_iter().collect())
    }
}

fn is_blank(secret: &Secret) -> bool {
    secret.expose().trim().is_empty()
}

/// A variable of the environment; one that is empty counts as not set.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|it| !it.is_empty())
}

/// Whether the URL's host is of this name, or has this address.
fn is_host(url: &Url, name: &str) -> bool {
    let bracketed = format!("[{name}]");
    let host = url.host().map(|it| it.to_owned());
    [name, &bracketed]
        .into_iter()
        .filter_map(|it| Host::parse(it).ok())
        .any(|it| Some(it) == host)
}

/// The URL without a slash at its end, and whether it is on this machine.
fn check_base_url(text: &str, plain_http_host: Option<&str>) -> Result<(String, bool), Error> {
    // The text is not repeated: it may hold a password.
    let url = Url::parse(text).map_err(|error| {
        Error::invalid(format!(
            "the base URL is not a URL ({error}): write it as {DEFAULT_BASE_URL}"
        ))
    })?;
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err(Error::invalid(
            "the base URL has a user, a query or a fragment: leave scheme, host and path",
        ));
    }
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => {}
        "http" if local => {}
        "http" if plain_http_host.is_some_and(|it| is_host(&url, it)) => {}
        "http" => {
            return Err(Error::invalid(format!(
                "the base URL {url} would send credentials in the clear: use https (http is for this machine only)"
            )));
        }
        other => {
            return Err(Error::invalid(format!(
                "the base URL is {other}:, which is neither https nor http"
            )));
        }
    }
    Ok((url.as_str().trim_end_matches('/').to_owned(), local))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(builder: ClientBuilder, variables: &[(&str, &str)]) -> ClientBuilder {
        builder.or(|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn a_token_comes_before_a_key_and_nothing_is_an_error() {
        let key = [("CLOUDFLARE_API_KEY", "k"), ("CLOUDFLARE_EMAIL", "e@x")];
        let all = [key[0], key[1], ("CLOUDFLARE_API_TOKEN", "t")];
        let builder = from(Client::builder(), &all);
        assert!(builder.token.is_some() && builder.key.is_none());
        assert!(from(Client::builder(), &key).build().is_ok());
        for some in [&[][..], &key[..1], &key[1..]] {
            let error = from(Client::builder(), some).build().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Authentication);
            assert!(
                error.to_string().contains("CLOUDFLARE_API_TOKEN"),
                "{error}"
            );
        }
    }

    #[test]
    fn what_is_given_beats_the_environment() {
        let all = [
            ("CLOUDFLARE_API_TOKEN", "t"),
            ("CLOUDFLARE_BASE_URL", "https://env"),
        ];
        let given = Client::builder()
            .email_and_key("e@x", "k")
            .base_url("https://given");
        let builder = from(given, &all);
        assert!(builder.token.is_none());
        assert_eq!(builder.base_url.as_deref(), Some("https://given"));
    }

    #[test]
    fn credentials_show_nowhere() {
        let builder = Client::builder()
            .token("hunter2")
            .base_url(DEFAULT_BASE_URL);
        let shown = format!("{builder:?} {:?}", builder.clone().build().unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
        let error = Client::builder().token("hunter2\n").build().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
        for blank in ["", " "] {
            for builder in [
                Client::builder().token(blank),
                Client::builder().email_and_key("e@x", blank),
            ] {
                let error = builder.build().unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Authentication);
            }
        }
        let both = builder.email_and_key("e@x", "k").build().unwrap_err();
        assert_eq!(both.kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn the_clear_is_for_this_machine_and_for_who_is_named() {
        let named = |url| check_base_url(url, Some("lab.example"));
        named("http://lab.example/v4").unwrap();
        named("http://lab.example.org/v4").unwrap_err();
        named("http://example/v4").unwrap_err();
        check_base_url("http://lab.example", Some("LAB.example")).unwrap();
        check_base_url("http://[fd00::1]:80", Some("fd00::1")).unwrap();
        for good in [
            "https://example.com/v4/",
            "http://127.0.0.1:8080/client/v4",
            "http://[::1]:1",
            "http://localhost:1",
        ] {
            check_base_url(good, None).unwrap();
        }
        for bad in [
            "",
            "example.com",
            "http://example.com",
            "ftp://x",
            "https://u:p@x",
            "https://x?y",
            "http://10.0.0.1",
        ] {
            let error = check_base_url(bad, None).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{bad}");
        }
        assert_eq!(
            check_base_url("https://x/v4/", None).unwrap(),
            ("https://x/v4".to_owned(), false)
        );
        assert!(check_base_url("https://localhost", None).unwrap().1);
    }
}
