//! The one error type.

use std::{
    borrow::Cow, error::Error as StdError, fmt, path::Path, pin::pin, sync::Arc, time::Duration,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use http_body_util::LengthLimitError;
use jiff::Timestamp;
use pcaps_api::{Entry, Exchange, MAX_JSON_LEN, types};
use reqwest::{StatusCode, header};
use serde_json::Value;

use crate::{Capture, advice, clock::between, operation::Operation, redact::Secrets};

/// Why something could not be done.
///
/// Its text says what was tried, what happened, what the service said, and where possible what to do; it holds no
/// secret. [`kind`](Self::kind) tells cases apart that a program treats differently, and there are predicates for those
/// that most programs ask about.
///
/// ```no_run
/// # async fn example(account: pcaps::Account, id: pcaps::CaptureId) -> Result<(), pcaps::Error> {
/// match account.get(&id).await {
///     Ok(capture) => println!("{}", capture.status()),
///     Err(error) if error.is_not_found() => println!("there is no capture {id}"),
///     Err(error) if error.is_rate_limited() => println!("again in {:?}", error.retry_after()),
///     Err(error) => return Err(error),
/// }
/// # Ok(())
/// # }
/// ```
///
/// What the service said and what lies below ([`source`](std::error::Error::source)) are not lost: the text repeats
/// [`messages`](Self::messages), and leaves the source to who prints it.
#[derive(Clone)]
pub struct Error(Arc<Repr>);

#[derive(Clone, Debug)]
struct Repr {
    kind: ErrorKind,
    operation: Option<&'static Operation>,
    what: String,
    advice: Option<Cow<'static, str>>,
    status: Option<StatusCode>,
    messages: Vec<Message>,
    ray_id: Option<String>,
    retry_after: Option<Duration>,
    attempts: u32,
    /// Whether the request certainly never arrived.
    unsent: bool,
    capture: Option<Capture>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
}

/// The cases that a program may want to tell apart: [`Error::kind`].
///
/// ```
/// use pcaps::ErrorKind;
///
/// let error = "not/an/id".parse::<pcaps::CaptureId>().unwrap_err();
/// let exit_code = match error.kind() {
///     ErrorKind::InvalidInput => 2,
///     ErrorKind::Authentication | ErrorKind::Permission => 3,
///     _ => 1,
/// };
/// assert_eq!(exit_code, 2);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A value was refused before anything was sent: out of range, or not of its form.
    InvalidInput,
    /// No credentials, or the service does not accept them (401).
    Authentication,
    /// The credentials lack a permission (403).
    Permission,
    /// There is no such account, capture or bucket (404).
    NotFound,
    /// Too many requests (429); or the service's limit is used up, and the request was not sent.
    RateLimited,
    /// The service refused the request for another reason (4xx, or a failure under a success status).
    Refused,
    /// The service failed (5xx).
    Service,
    /// The service could not be reached, or the connection broke.
    Connection,
    /// The service did not answer in time ([`ClientBuilder::timeout`](crate::ClientBuilder::timeout)), or says so of the
    /// request (408).
    Timeout,
    /// What came back is not what the service is described to send.
    UnexpectedResponse,
    /// What was downloaded is not a whole capture file.
    NotACapture,
    /// A file or another writer could not be written, or the operating system gave no thread.
    Io,
    /// The capture failed at the service: [`Error::capture`] holds it.
    CaptureFailed,
    /// The capture had not finished when the deadline passed, or the proof of a bucket.
    DeadlinePassed,
    /// The service does not take the proof that a bucket is the caller's.
    ProofFailed,
}

/// What the service said: an entry of `errors` in its response, from [`Error::messages`].
///
/// ```
/// fn explain(error: &pcaps::Error) {
///     for message in error.messages() {
///         println!("{:?}: {}", message.code, message.text);
///     }
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// A number that stands for the kind of message, where there is one: 1000 or more. Source: Cloudflare's API
    /// reference.
    pub code: Option<i64>,
    /// The message, with `REDACTED` in place of the keys of a bucket; `(no message)` where there is none.
    pub text: String,
    /// A JSON pointer to the part of the request that it is about.
    pub pointer: Option<String>,
    /// Where to read more.
    pub documentation_url: Option<String>,
}

impl Error {
    /// What kind of error it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The operation that was tried, by its id in `spec/pcaps.json` (`start_capture`), if it got that far.
    pub fn operation(&self) -> Option<&'static str> {
        self.0.operation.map(|it| it.id)
    }

    /// The HTTP status of the response, if there was one.
    pub fn status(&self) -> Option<u16> {
        self.0.status.map(|it| it.as_u16())
    }

    /// What the service said; empty when it said nothing, or was not asked.
    pub fn messages(&self) -> &[Message] {
        &self.0.messages
    }

    /// The value of the response's `CF-Ray` header: Cloudflare's support asks for it.
    pub fn ray_id(&self) -> Option<&str> {
        self.0.ray_id.as_deref()
    }

    /// The capture that it is about, as it was last seen: one that failed, did not finish in time, or could not be
    /// saved by [`Account::sample_to`](crate::Account::sample_to).
    pub fn capture(&self) -> Option<&Capture> {
        self.0.capture.as_ref()
    }

    /// How long the service asks to wait before the same is tried again (`Retry-After`, or the time until its rate limit
    /// is lifted), counted from when it said so.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// How many attempts were made; of a download, since there were last new bytes. One that the client held back,
    /// because the service's limit on requests is used up, counts as well. 0 when it did not get that far.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Whether there are no credentials, or the service does not accept them.
    pub fn is_auth(&self) -> bool {
        self.0.kind == ErrorKind::Authentication
    }

    /// Whether the credentials lack a permission.
    pub fn is_permission(&self) -> bool {
        self.0.kind == ErrorKind::Permission
    }

    /// Whether there is no such account, capture or bucket.
    pub fn is_not_found(&self) -> bool {
        self.0.kind == ErrorKind::NotFound
    }

    /// Whether there were too many requests; [`retry_after`](Self::retry_after) may tell when there may be more.
    pub fn is_rate_limited(&self) -> bool {
        self.0.kind == ErrorKind::RateLimited
    }

    /// Whether the service did not answer in time, or the deadline of a wait has passed.
    pub fn is_timeout(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Timeout | ErrorKind::DeadlinePassed)
    }

    /// Whether the service could not be reached, or the connection broke.
    pub fn is_connect(&self) -> bool {
        self.0.kind == ErrorKind::Connection
    }

    /// Whether what came is not what the service is described to send, or not a whole capture file.
    pub fn is_decode(&self) -> bool {
        matches!(
            self.0.kind,
            ErrorKind::UnexpectedResponse | ErrorKind::NotACapture
        )
    }

    /// Whether the same may be tried again later, and might then work: after too many requests, after the failures of a
    /// connection, and those of the service that pass, except when a capture or a bucket may have been made all the
    /// same.
    pub fn is_retryable(&self) -> bool {
        self.is_transient() && !self.may_have_worked()
    }

    /// Whether it is a failure of the kind that passes.
    pub(crate) fn is_transient(&self) -> bool {
        match (self.0.kind, self.0.status) {
            (ErrorKind::RateLimited | ErrorKind::Connection | ErrorKind::Timeout, _) => true,
            // The last five are Cloudflare's own, for a service behind it that it cannot reach.
            (ErrorKind::Service, Some(status)) => {
                matches!(status.as_u16(), 500 | 502..=504 | 520..=524)
            }
            _ => false,
        }
    }

    /// Whether the request certainly never arrived: there was no connection.
    pub(crate) fn never_arrived(&self) -> bool {
        self.0.unsent
    }

    /// Whether the request may have had its effect, whatever came of the answer.
    pub(crate) fn may_have_arrived(&self) -> bool {
        !self.0.unsent && !self.is_rate_limited()
    }

    /// Whether something that must not be done twice may have been done.
    pub(crate) fn may_have_worked(&self) -> bool {
        use ErrorKind::{Connection, Service, Timeout, UnexpectedResponse};
        let sent_elsewhere = self.0.status.is_some_and(|it| it.is_redirection());
        self.0.operation.is_some_and(|it| it.twice.is_some())
            && matches!(
                self.0.kind,
                Service | Connection | Timeout | UnexpectedResponse
            )
            && !self.0.unsent
            && !sent_elsewhere
    }

    pub(crate) fn new(kind: ErrorKind, what: impl Into<String>) -> Self {
        Self(Arc::new(Repr {
            kind,
            operation: None,
            what: what.into(),
            advice: None,
            status: None,
            messages: Vec::new(),
            ray_id: None,
            retry_after: None,
            attempts: 0,
            unsent: false,
            capture: None,
            source: None,
        }))
    }

    /// To be changed: nobody else has it yet, as a rule.
    fn repr(&mut self) -> &mut Repr {
        Arc::make_mut(&mut self.0)
    }

    /// A value that is not acceptable.
    pub(crate) fn invalid(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, what)
    }

    pub(crate) fn io(what: &str, path: &Path, source: std::io::Error) -> Self {
        Self::new(ErrorKind::Io, format!("cannot {what} {}", path.display())).because(source)
    }

    pub(crate) fn during(mut self, operation: &'static Operation) -> Self {
        self.repr().operation = Some(operation);
        self
    }

    pub(crate) fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.repr().source = Some(source.into().into());
        self
    }

    pub(crate) fn about(mut self, capture: Capture) -> Self {
        self.repr().capture = Some(capture);
        self
    }

    pub(crate) fn advise(mut self, advice: impl Into<Cow<'static, str>>) -> Self {
        self.repr().advice = Some(advice.into());
        self
    }

    /// The same, behind what is advised already.
    pub(crate) fn advise_too(self, more: &'static str) -> Self {
        match self.0.advice.clone() {
            Some(advice) => self.advise(format!("{advice}; {more}")),
            None => self.advise(more),
        }
    }

    /// The same as another kind.
    pub(crate) fn of_kind(mut self, kind: ErrorKind) -> Self {
        self.repr().kind = kind;
        self
    }

    /// The status of an answer that is not the service's.
    pub(crate) fn answered(mut self, status: StatusCode) -> Self {
        self.repr().status = Some(status);
        self
    }

    pub(crate) fn after_attempts(mut self, attempts: u32) -> Self {
        self.repr().attempts = attempts;
        self
    }

    /// It may be tried again after so long.
    pub(crate) fn wait_for(mut self, duration: Duration) -> Self {
        self.repr().retry_after = Some(duration);
        self
    }

    pub(crate) fn said(mut self, messages: Vec<Message>) -> Self {
        self.repr().messages = messages;
        self
    }

    /// What the head of the answer says, at `now`.
    pub(crate) fn seen(mut self, exchange: &Exchange, now: Timestamp) -> Self {
        if let Some(head) = exchange.head() {
            self.repr().retry_after = retry_after(&head.headers, now);
            self.repr().status = Some(head.status);
            self.repr().ray_id = head
                .headers
                .get("cf-ray")
                .and_then(|it| it.to_str().ok())
                .map(str::to_owned);
        }
        self
    }

    /// An error that the generated client gave.
    pub(crate) async fn from_api(
        operation: &'static Operation,
        error: pcaps_api::Error<types::Failure>,
        exchange: &Exchange,
        secrets: &Secrets,
    ) -> Self {
        use pcaps_api::Error as Api;
        let status = exchange.head().map(|head| head.status).unwrap_or_default();
        match error {
            Api::ErrorResponse(failure) => {
                let errors = failure.into_inner().errors;
                Self::refusal(operation, status, Message::of(errors.as_deref(), secrets))
            }
            Api::CommunicationError(source) | Api::ResponseBodyError(source) => {
                Self::transport(source)
            }
            Api::InvalidResponsePayload(body, source) => {
                Self::undecodable(operation, status, &body, &source, secrets)
            }
            Api::UnexpectedResponse(response) if status.is_redirection() => {
                drop(response);
                let what = format!("the service answered {status}: redirects are not followed");
                Self::new(ErrorKind::UnexpectedResponse, what).advise("check the base URL")
            }
            Api::UnexpectedResponse(response) => {
                let body = beginning(response.bytes_stream()).await;
                match Message::in_failure(&body, secrets) {
                    Some(messages) => Self::refusal(operation, status, messages),
                    None => Self::new(
                        ErrorKind::UnexpectedResponse,
                        format!("the service answered {status}, which it is not described to do"),
                    ),
                }
            }
            Api::InvalidRequest(what) => Self::invalid(what),
            other => Self::new(ErrorKind::UnexpectedResponse, other.to_string()),
        }
    }

    /// A body that is not of the shape that it should have. What can be understood of a failure is.
    pub(crate) fn undecodable(
        operation: &'static Operation,
        status: StatusCode,
        body: &[u8],
        source: &serde_json::Error,
        secrets: &Secrets,
    ) -> Self {
        if let Some(messages) = Message::in_failure(body, secrets) {
            return Self::refusal(operation, status, messages);
        }
        let mut error = Self::undescribed(status, body);
        if !status.is_success() {
            let what = error.0.what.clone();
            error = Self::refusal(operation, status, Vec::new());
            error.repr().what = what;
        }
        // The text of the cause quotes the body, which may hold a secret: its place is enough.
        if !body.is_empty() {
            let (line, column) = (source.line(), source.column());
            error = error.because(format!("it goes wrong at line {line}, column {column}"));
        }
        error
    }

    /// An answer with a body that is not described.
    pub(crate) fn undescribed(status: StatusCode, body: &[u8]) -> Self {
        let what = format!("the service answered {status} with {}", sketch(body));
        Self::new(ErrorKind::UnexpectedResponse, what)
    }

    /// Says, where it is so, that trying again may do a thing twice.
    pub(crate) fn warn_of_twice(self) -> Self {
        match self.0.operation.and_then(|it| it.twice) {
            Some(advice) if self.may_have_worked() => self.advise(advice),
            _ => self,
        }
    }

    /// A failure in the service's own form.
    pub(crate) fn refusal(
        operation: &'static Operation,
        status: StatusCode,
        messages: Vec<Message>,
    ) -> Self {
        let what = format!("the service answered {status}");
        let advice = advice::on(operation, status, &messages);
        let error = Self::new(kind_of(status), what)
            .said(messages)
            .during(operation);
        match advice {
            Some(advice) => error.advise(advice),
            None => error,
        }
    }

    /// A failure below HTTP.
    pub(crate) fn transport(source: reqwest::Error) -> Self {
        // The address of the request stands in other errors; here it would repeat the account's id.
        let source = source.without_url();
        let unsent = source.is_connect();
        let (kind, what) = if is_too_long(&source) {
            let what = format!(
                "the service sent more than the {MAX_JSON_LEN} bytes that an answer may have"
            );
            return Self::new(ErrorKind::UnexpectedResponse, what);
        } else if unsent {
            (ErrorKind::Connection, "the service cannot be reached")
        } else if source.is_timeout() {
            (ErrorKind::Timeout, "the service did not answer in time")
        } else if source.is_builder() {
            (ErrorKind::InvalidInput, "the request cannot be made")
        } else {
            (ErrorKind::Connection, "the connection broke")
        };
        let mut error = Self::new(kind, what).because(source);
        error.repr().unsent = unsent;
        error
    }
}

fn is_too_long(error: &reqwest::Error) -> bool {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(it) = cause {
        if it.is::<LengthLimitError>() {
            return true;
        }
        cause = it.source();
    }
    false
}

/// How long the service asks to wait: so many seconds, or until a date, which goes by the service's own clock if it
/// tells the time.
fn retry_after(headers: &header::HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = |name| {
        headers
            .get(name)
            .and_then(|it| it.to_str().ok())
            .map(str::trim)
    };
    let value = text(header::RETRY_AFTER)?;
    if !value.is_empty() && value.bytes().all(|it| it.is_ascii_digit()) {
        // What is too long for a number is as long as can be.
        return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
    }
    let until = http_date(value)?;
    let now = text(header::DATE).and_then(http_date).unwrap_or(now);
    Some(between(now, until))
}

/// A date as HTTP writes it. One that is too late for a [`Timestamp`] is the last there is.
pub(crate) fn http_date(text: &str) -> Option<Timestamp> {
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.try_into().unwrap_or(Timestamp::MAX))
}

/// Nobody reads more.
const MOST_MESSAGES: usize = 100;

impl Message {
    /// The errors of a decoded response.
    pub(crate) fn of(errors: Option<&[Entry<types::Message>]>, secrets: &Secrets) -> Vec<Self> {
        let values = errors.unwrap_or_default().iter().take(MOST_MESSAGES);
        values
            .filter_map(|it| serde_json::to_value(it).ok())
            .map(|it| Self::read(&it, secrets))
            .collect()
    }

    /// The errors in a body that says that it is a failure.
    pub(crate) fn in_failure(body: &[u8], secrets: &Secrets) -> Option<Vec<Self>> {
        let body: Value = serde_json::from_slice(body).ok()?;
        (body["success"] == Value::Bool(false)).then(|| match &body["errors"] {
            Value::Array(errors) => errors
                .iter()
                .take(MOST_MESSAGES)
                .map(|it| Self::read(it, secrets))
                .collect(),
            Value::Null => Vec::new(),
            error => vec![Self::read(error, secrets)],
        })
    }

    /// Whatever of a message can be understood.
    fn read(message: &Value, secrets: &Secrets) -> Self {
        let text = |value: &Value| value.as_str().map(|it| secrets.clean(it));
        let code = &message["code"];
        Self {
            code: code.as_i64().or_else(|| code.as_str()?.parse().ok()),
            text: text(message)
                .or_else(|| text(&message["message"]))
                .unwrap_or_else(|| "(no message)".to_owned()),
            pointer: text(&message["source"]["pointer"]),
            documentation_url: text(&message["documentation_url"]),
        }
    }
}

/// How much is looked at of a body that should not be there: a failure in the service's form is short.
pub(crate) const SHORT: usize = 64 * 1024;

/// The first bytes of such a body.
pub(crate) async fn beginning(pieces: impl Stream<Item = reqwest::Result<Bytes>>) -> Vec<u8> {
    let mut pieces = pin!(pieces);
    let mut body = Vec::new();
    while body.len() < SHORT
        && let Some(Ok(piece)) = pieces.next().await
    {
        body.extend_from_slice(&piece);
    }
    body
}

fn kind_of(status: StatusCode) -> ErrorKind {
    match status.as_u16() {
        401 => ErrorKind::Authentication,
        403 => ErrorKind::Permission,
        404 => ErrorKind::NotFound,
        408 => ErrorKind::Timeout,
        429 => ErrorKind::RateLimited,
        500.. => ErrorKind::Service,
        _ => ErrorKind::Refused,
    }
}

/// What a body that is not JSON looks like: enough to recognise a gateway's page, and never its content.
fn sketch(body: &[u8]) -> String {
    let start = body.trim_ascii_start();
    let length = body.len();
    match start.first() {
        None => "an empty body".to_owned(),
        Some(b'<') => format!("an HTML or XML page of {length} bytes in place of JSON"),
        Some(b'{' | b'[') => format!("JSON of another shape than described ({length} bytes)"),
        Some(_) => format!("{length} bytes that are not JSON"),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let repr = &*self.0;
        if let Some(operation) = repr.operation {
            write!(f, "cannot {}: ", operation.purpose)?;
        }
        f.write_str(&repr.what)?;
        for (index, message) in repr.messages.iter().enumerate() {
            f.write_str(if index == 0 { ": " } else { "; " })?;
            f.write_str(&message.text)?;
            match (message.code, &message.pointer) {
                (Some(code), Some(pointer)) => write!(f, " (code {code}, at {pointer})")?,
                (Some(code), None) => write!(f, " (code {code})")?,
                (None, Some(pointer)) => write!(f, " (at {pointer})")?,
                (None, None) => {}
            }
        }
        if repr.attempts > 1 {
            write!(f, " ({} attempts)", repr.attempts)?;
        }
        if let Some(wait) = repr.retry_after {
            // Up, so that whoever waits so long waits long enough.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            write!(f, "; wait {seconds} s")?;
        }
        if let Some(advice) = &repr.advice {
            write!(f, "; {advice}")?;
        }
        if let Some(ray_id) = &repr.ray_id {
            write!(f, " [CF-Ray {ray_id}]")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|it| it as &(dyn StdError + 'static))
    }
}
