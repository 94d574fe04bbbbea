//! Requests to the servers of buckets are traced, as those to the service are.

use std::{future::Future, pin::Pin, time::Instant};

use object_store::{
    ClientOptions,
    client::{
        HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService,
        ReqwestConnector,
    },
};

use crate::retry::milliseconds;

/// Makes clients that trace.
#[derive(Debug)]
pub(super) struct Traced;

impl HttpConnector for Traced {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = ReqwestConnector::default().connect(options)?;
        Ok(HttpClient::new(Tracing(client)))
    }
}

#[derive(Debug)]
struct Tracing(HttpClient);

impl HttpService for Tracing {
    fn call<'a, 'b>(
        &'a self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            let url = request.uri().to_string();
            tracing::debug!(
                http.request.method = request.method().as_str(),
                // The query of one that asks for credentials may hold some.
                url.full = url.split('?').next(),
                "request"
            );
            let begun = Instant::now();
            let answer = self.0.execute(request).await;
            tracing::debug!(
                http.response.status_code = answer.as_ref().ok().map(|it| it.status().as_u16()),
                duration_ms = milliseconds(begun.elapsed()),
                error = answer
                    .as_ref()
                    .err()
                    .map(|it| tracing::field::debug(it.kind())),
                "answered"
            );
            answer
        })
    }
}
