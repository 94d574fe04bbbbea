//! One operation: paced, limited in time, tried again where that is safe, and traced.

use std::time::Duration;

use jiff::Timestamp;
use pcaps_api::{Entry, Exchange, Head, ResponseValue, Secret, types};
use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, DATE, HeaderMap},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tracing::Instrument as _;

use crate::{
    Error, ErrorKind, Message,
    clock::{Chance, between, later},
    error::{beginning, http_date},
    operation::Operation,
    pace::{Looks, Pacer, Pass},
    redact::Secrets,
    retry::{Attempts, RetryPolicy, milliseconds},
    storage::Elsewhere,
};

/// What clones of a client have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) api: pcaps_api::Client,
    pub(crate) chance: Chance,
    pub(crate) retry: RetryPolicy,
    /// How long an answer may take; of a download, its head and each pause between bytes.
    pub(crate) timeout: Duration,
    pub(crate) pacer: Pacer,
    pub(crate) looks: Looks,
    /// What must not be shown, should the service repeat it.
    pub(crate) secrets: Secrets,
    pub(crate) buckets: Elsewhere,
}

/// One attempt of an operation.
pub(crate) struct Call {
    pub(crate) api: pcaps_api::Client,
    pub(crate) exchange: Exchange,
    pub(crate) operation: &'static Operation,
    /// Whether an attempt before this one may have arrived.
    pub(crate) repeated: bool,
    /// When it is sent.
    pub(crate) at: Timestamp,
    /// What must not be shown, should the service repeat it.
    pub(crate) secrets: Secrets,
}

impl Shared {
    /// Sends a request, and again as the client's policy has it, until `once` makes something of an answer.
    pub(crate) async fn run<T, F, Fut>(
        &self,
        operation: &'static Operation,
        once: F,
    ) -> Result<T, Error>
    where
        F: Fn(Call) -> Fut,
        Fut: Future<Output = Result<T, Error>>,
    {
        self.run_with(&self.retry, operation, once).await
    }

    /// The same by another policy.
    pub(crate) async fn run_with<T, F, Fut>(
        &self,
        policy: &RetryPolicy,
        operation: &'static Operation,
        once: F,
    ) -> Result<T, Error>
    where
        F: Fn(Call) -> Fut,
        Fut: Future<Output = Result<T, Error>>,
    {
        let mut attempts = Attempts::new(operation, policy, &self.chance);
        let span = attempts.span.clone();
        let trying = async {
            let outcome = loop {
                match self.attempt(&attempts, None, &once).await {
                    Ok(done) => break Ok(done),
                    Err(error) => {
                        if let Err(error) = attempts.pause_after(error).await {
                            break Err(error);
                        }
                    }
                }
            };
            attempts.end(outcome)
        };
        trying.instrument(span).await
    }

    /// Sends a request once: of a download with these headers.
    pub(crate) async fn attempt<T, F, Fut>(
        &self,
        attempts: &Attempts<'_>,
        download: Option<HeaderMap>,
        once: F,
    ) -> Result<T, Error>
    where
        F: FnOnce(Call) -> Fut,
        Fut: Future<Output = Result<T, Error>>,
    {
        let (operation, clock) = (attempts.operation, &self.chance.clock);
        let _pass = self.admitted(attempts).await?;
        let number = attempts.made + 1;
        attempts.span.record("attempt", number);
        let start = clock.now();
        let (api, exchange) = match download {
            Some(headers) => self.api.download_call(headers),
            None => self.api.call(),
        };
        let call = Call {
            api,
            exchange: exchange.clone(),
            operation,
            repeated: attempts.arrived,
            at: start,
            secrets: self.secrets.clone(),
        };
        // It is large, and would be copied several times on its way into a task.
        let answer = Box::pin(once(call));
        let outcome = self.in_time(answer).await.unwrap_or_else(|| {
            let limit = self.timeout.as_secs_f64();
            let what = format!("the service did not answer in {limit} s");
            Err(Error::new(ErrorKind::Timeout, what))
        });
        let now = clock.now();
        let head = exchange.head();
        if let Some(head) = head {
            self.pacer.learn(&head.headers, now);
            let status = head.status.as_u16();
            attempts.span.record("http.response.status_code", status);
        }
        tracing::debug!(
            attempt = number,
            http.response.status_code = head.map(|it| it.status.as_u16()),
            duration_ms = milliseconds(between(start, now)),
            cf_ray = head.and_then(|it| it.headers.get("cf-ray")?.to_str().ok()),
            error = outcome
                .as_ref()
                .err()
                .map(|it| tracing::field::debug(it.kind())),
            "answered"
        );
        outcome.map_err(|error| {
            let error = error.during(operation).seen(&exchange, now);
            // Reads are turned away only when everything is: other requests need not try.
            if error.is_rate_limited()
                && !operation.writes()
                && let Some(wait) = error.retry_after()
            {
                self.pacer.block(later(now, wait), now);
            }
            error.warn_of_twice()
        })
    }

    /// Waits until the service's limit on requests lets another one through.
    async fn admitted(&self, attempts: &Attempts<'_>) -> Result<Pass<'_>, Error> {
        let clock = &self.chance.clock;
        let (begun, most) = (clock.now(), attempts.longest_hold());
        loop {
            let now = clock.now();
            let pause = match self.pacer.admit(now) {
                Ok(pass) => return Ok(pass),
                Err(pause) => pause,
            };
            if between(begun, now).saturating_add(pause) > most {
                let what = "the service's limit on requests leaves none for now";
                let error = Error::new(ErrorKind::RateLimited, what);
                return Err(error.during(attempts.operation).wait_for(pause));
            }
            tracing::debug!(
                pause_ms = milliseconds(pause),
                "holding back: few requests are left"
            );
            clock.sleep(pause).await;
        }
    }

    /// What comes within the limit on an answer.
    pub(crate) async fn in_time<T>(&self, answer: impl Future<Output = T>) -> Option<T> {
        self.chance.within(self.timeout, answer).await
    }
}

/// An answer of the generated client.
type Answer<E> = Result<ResponseValue<E>, pcaps_api::Error<types::Failure>>;

impl Call {
    /// The same, in which these must not be shown either.
    pub(crate) fn hiding(self, secrets: &[Secret]) -> Self {
        Self {
            secrets: self.secrets.and(secrets.to_vec()),
            ..self
        }
    }

    pub(crate) fn head(&self) -> Option<&Head> {
        self.exchange.head()
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.head().map(|it| it.status).unwrap_or_default()
    }

    /// When it answered, by the service's own clock.
    pub(crate) fn date(&self) -> Option<Timestamp> {
        let value = self.head()?.headers.get(DATE)?;
        http_date(value.to_str().ok()?)
    }

    /// An error that the generated client gave.
    pub(crate) async fn error(&self, error: pcaps_api::Error<types::Failure>) -> Error {
        Error::from_api(self.operation, error, &self.exchange, &self.secrets).await
    }

    /// An answer without a result.
    pub(crate) async fn nothing(&self, answer: Answer<()>) -> Result<(), Error> {
        match answer {
            Ok(_) => Ok(()),
            // It is described to come without a body; an envelope that says that it worked says so, too.
            Err(pcaps_api::Error::UnexpectedResponse(response))
                if response.status().is_success() =>
            {
                let (status, body) = (response.status(), beginning(response.bytes_stream()).await);
                match serde_json::from_slice::<Value>(&body) {
                    Ok(envelope) if envelope["success"] == Value::Bool(true) => Ok(()),
                    _ => Err(match Message::in_failure(&body, &self.secrets) {
                        Some(messages) => Error::refusal(self.operation, status, messages),
                        None => Error::undescribed(status, &body),
                    }),
                }
            }
            Err(error) => Err(self.error(error).await),
        }
    }

    /// The result of an answer that must have one.
    pub(crate) async fn single<R, E>(&self, answer: Answer<E>) -> Result<R, Error>
    where
        E: Into<Parts<R>> + DeserializeOwned,
    {
        self.result(answer)
            .await?
            .ok_or_else(|| unexpected("the service says that it worked, and gives no result"))
    }

    /// The result of an answer that claims success under its status; a failure if it says otherwise.
    pub(crate) async fn result<R, E>(&self, answer: Answer<E>) -> Result<Option<R>, Error>
    where
        E: Into<Parts<R>> + DeserializeOwned,
    {
        let envelope = match answer {
            Ok(response) => response.into_inner(),
            Err(pcaps_api::Error::InvalidResponsePayload(body, source)) => {
                let Some(envelope) = salvaged(self.head(), &body) else {
                    let error = pcaps_api::Error::InvalidResponsePayload(body, source);
                    return Err(self.error(error).await);
                };
                envelope
            }
            Err(error) => return Err(self.error(error).await),
        };
        let parts = envelope.into();
        let status = self.status();
        match parts.success {
            Some(true) => {
                self.check_media_type()?;
                for message in Message::of(parts.messages.as_deref(), &self.secrets) {
                    tracing::info!(code = message.code, "the service says: {}", message.text);
                }
                Ok(parts.result)
            }
            Some(false) => {
                let errors = Message::of(parts.errors.as_deref(), &self.secrets);
                Err(Error::refusal(self.operation, status, errors))
            }
            None => Err(unexpected("the service does not say that it worked")),
        }
    }

    /// JSON that calls itself something else comes from somebody else.
    fn check_media_type(&self) -> Result<(), Error> {
        let Some(value) = self.head().and_then(|it| it.headers.get(CONTENT_TYPE)) else {
            return Ok(());
        };
        if is_json(value.as_bytes()) {
            return Ok(());
        }
        Err(unexpected(
            "the service sent JSON under another media type: something between here and there answered in its place",
        ))
    }
}

pub(crate) fn unexpected(what: &str) -> Error {
    Error::new(ErrorKind::UnexpectedResponse, what)
}

/// Whether it is `application/json`, or another type of JSON, whatever its parameters are.
pub(crate) fn is_json(media_type: &[u8]) -> bool {
    let essence = media_type
        .split(|it| *it == b';')
        .next()
        .unwrap_or_default();
    let essence = essence.trim_ascii().to_ascii_lowercase();
    essence == b"application/json"
        || (essence.starts_with(b"application/") && essence.ends_with(b"+json"))
}

/// A result that is as it should be, in an answer that says that it worked, with something odd beside it.
fn salvaged<E: DeserializeOwned>(head: Option<&Head>, body: &[u8]) -> Option<E> {
    if !head?.status.is_success() {
        return None;
    }
    let mut body: Value = serde_json::from_slice(body).ok()?;
    if body["success"] != Value::Bool(true) {
        return None;
    }
    let fields = body.as_object_mut()?;
    fields.retain(|name, _| matches!(name.as_str(), "success" | "result"));
    serde_json::from_value(body).ok()
}

/// The parts of an envelope that every operation looks at.
pub(crate) struct Parts<R> {
    success: Option<bool>,
    errors: Option<Vec<Entry<types::Message>>>,
    messages: Option<Vec<Entry<types::Message>>>,
    result: Option<R>,
}

macro_rules! envelope {
    ($($envelope:ident => $result:ty,)*) => {$(
        impl From<types::$envelope> for Parts<$result> {
            fn from(envelope: types::$envelope) -> Self {
                let types::$envelope { success, errors, messages, result, .. } = envelope;
                Self { success, errors, messages, result }
            }
        }
    )*};
}

envelope! {
    CaptureEnvelope => pcaps_api::Capture,
    CaptureListEnvelope => Vec<pcaps_api::Capture>,
    OwnershipEnvelope => types::Ownership,
    OwnershipListEnvelope => Vec<Entry<types::Ownership>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_of_json() {
        for good in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/problem+json",
        ] {
            assert!(is_json(good.as_bytes()), "{good}");
        }
        for bad in [
            "text/html",
            "text/plain; application/json",
            "",
            "application/jsonp",
            "text/+json",
        ] {
            assert!(!is_json(bad.as_bytes()), "{bad}");
        }
    }
}
