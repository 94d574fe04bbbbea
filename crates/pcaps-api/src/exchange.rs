//! What a response's head said, for callers who need it also when the body could not be decoded.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use http_body_util::Limited;
use progenitor_client::{ClientHooks, Error, OperationInfo};
use reqwest::{Body, Client as Http, Request, Response, StatusCode, header::HeaderMap};

use crate::generated::Client;

/// The most bytes of a JSON body that are read: 16 MiB. One that is longer ends in an error of its body, whose source
/// is an [`http_body_util::LengthLimitError`].
pub const MAX_JSON_LEN: usize = 16 * 1024 * 1024;

/// Status and headers of a response.
#[derive(Clone)]
pub struct Head {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers, as they came.
    pub headers: HeaderMap,
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A header may hold anything, a location with a secret in it for example.
        f.debug_struct("Head")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// One request and its response: remembers the response's [`Head`].
///
/// The generated client's errors keep no headers when a body does not decode; with them, Cloudflare's ray id would be
/// lost, which is what its support asks for. See [`Client::call`].
#[derive(Clone, Debug, Default)]
pub struct Exchange(Arc<State>);

#[derive(Default)]
struct State {
    head: OnceLock<Head>,
    /// Headers of the request beside those that every one has.
    headers: HeaderMap,
    /// Whether the body of a success is read piece by piece.
    streams: bool,
    watch: Option<Watch>,
}

/// Is shown each request.
type Watch = Arc<dyn Fn(&Request) + Send + Sync>;

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.head.fmt(f)
    }
}

impl Exchange {
    /// The response's head, once one has arrived.
    pub fn head(&self) -> Option<&Head> {
        self.0.head.get()
    }
}

impl Client {
    /// A client that sends to `base_url` (scheme, host and path stem, without a slash at the end) through `http`,
    /// whose default headers hold the credentials.
    ///
    /// ```
    /// let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
    /// let client = pcaps_api::Client::new("https://api.cloudflare.com/client/v4", http);
    /// # Ok::<(), reqwest::Error>(())
    /// ```
    pub fn new(base_url: &str, http: Http) -> Self {
        Self::new_with_client(base_url.trim_end_matches('/'), http, Exchange::default())
    }

    /// Shows each request to `watch` before it is sent. Headers that are sensitive are marked so; the body may hold
    /// secrets.
    ///
    /// ```
    /// # let client = pcaps_api::Client::new("https://api.cloudflare.com/client/v4", reqwest::Client::new());
    /// let client = client.watched(|request| println!("{} {}", request.method(), request.url()));
    /// ```
    #[must_use]
    pub fn watched(self, watch: impl Fn(&Request) + Send + Sync + 'static) -> Self {
        let state = State {
            watch: Some(Arc::new(watch)),
            ..State::default()
        };
        self.with(Exchange(Arc::new(state))).0
    }

    /// A copy of the client for one call, and the exchange that will tell of it.
    pub fn call(&self) -> (Self, Exchange) {
        self.with(Exchange(Arc::new(State {
            watch: self.inner.0.watch.clone(),
            ..State::default()
        })))
    }

    /// The same for a download: the request has these headers as well (a range, perhaps), and the body of a success
    /// may be of any length.
    pub fn download_call(&self, headers: HeaderMap) -> (Self, Exchange) {
        self.with(Exchange(Arc::new(State {
            headers,
            streams: true,
            watch: self.inner.0.watch.clone(),
            ..State::default()
        })))
    }

    fn with(&self, exchange: Exchange) -> (Self, Exchange) {
        let client = Self {
            inner: exchange.clone(),
            ..self.clone()
        };
        (client, exchange)
    }
}

impl ClientHooks<Exchange> for Client {
    /// The generator adds its description's version as a header, which the service knows nothing of.
    async fn pre<E>(&self, request: &mut Request, _: &OperationInfo) -> Result<(), Error<E>> {
        let headers = request.headers_mut();
        headers.remove("api-version");
        for (name, value) in &self.inner.0.headers {
            headers.insert(name.clone(), value.clone());
        }
        Ok(())
    }

    async fn exec(&self, request: Request, _: &OperationInfo) -> reqwest::Result<Response> {
        if let Some(watch) = &self.inner.0.watch {
            watch(&request);
        }
        let response = self.client.execute(request).await?;
        let head = Head {
            status: response.status(),
            headers: response.headers().clone(),
        };
        // A client that is used for several calls without `call` remembers the first only.
        let _ = self.inner.0.head.set(head);
        let short = response
            .content_length()
            .is_some_and(|it| it <= MAX_JSON_LEN as u64);
        let streamed = self.inner.0.streams && response.status().is_success();
        Ok(if short || streamed {
            response
        } else {
            bounded(response)
        })
    }
}

/// A response whose body ends in an error when it is too long to be kept.
fn bounded(response: Response) -> Response {
    let (head, body) = http::Response::<Body>::from(response).into_parts();
    let body = Body::wrap(Limited::new(body, MAX_JSON_LEN));
    http::Response::from_parts(head, body).into()
}
