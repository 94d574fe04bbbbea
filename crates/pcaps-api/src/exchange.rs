//! What a response's head said, for callers who need it also when the body could not be decoded.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use progenitor_client::{ClientHooks, Error, OperationInfo};
use reqwest::{Client as Http, Request, Response, StatusCode, header::HeaderMap};

use crate::generated::Client;

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
pub struct Exchange(Arc<OnceLock<Head>>);

impl Exchange {
    /// The response's head, once one has arrived.
    pub fn head(&self) -> Option<&Head> {
        self.0.get()
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

    /// A copy of the client for one call, and the exchange that will tell of it.
    pub fn call(&self) -> (Self, Exchange) {
        let exchange = Exchange::default();
        (
            Self {
                inner: exchange.clone(),
                ..self.clone()
            },
            exchange,
        )
    }
}

impl ClientHooks<Exchange> for Client {
    /// The generator adds its description's version as a header, which the service knows nothing of.
    async fn pre<E>(&self, request: &mut Request, _: &OperationInfo) -> Result<(), Error<E>> {
        request.headers_mut().remove("api-version");
        Ok(())
    }

    async fn post<E>(
        &self,
        result: &reqwest::Result<Response>,
        _: &OperationInfo,
    ) -> Result<(), Error<E>> {
        if let Ok(response) = result {
            let head = Head {
                status: response.status(),
                headers: response.headers().clone(),
            };
            // A client that is used for several calls without `call` remembers the first only.
            let _ = self.inner.0.set(head);
        }
        Ok(())
    }
}
