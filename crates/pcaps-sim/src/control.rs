//! The control interface: what a test in another language moves the simulator with.

use std::{error::Error as _, num::NonZeroU32, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, FromRequest, Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::{
    Access, Traffic, clock,
    faults::{Fault, Front, Operation},
    random,
    server::bearer,
    traffic,
};

/// How many faults may wait in an operation's queue.
const QUEUED: usize = 1_000;

/// The largest body that is read, in bytes: 64 MiB.
const BODY: usize = 64 << 20;

/// What can be asked.
const GUIDE: &str = "\
The control interface of a simulator of the packet captures API. All of it takes `Authorization: Bearer <token>`, with the
token of the first account; bodies and answers are JSON.

GET    /clock      what time it is
POST   /clock      {\"advance\": SECONDS}: moves the clock on, and does what is to be done until then
POST   /faults     {\"operation\": ID, \"times\": N or \"always\": true, \"fault\": {...}}: spoils the next N answers, or all
DELETE /faults     from now on nothing is spoilt
PUT    /traffic    {\"seed\": N, \"sampling\": N}, or a capture file: the traffic of captures that are started from now on
PUT    /files      {\"servers\": N, \"empty\": N, \"torn\": N, ...}: which files full captures leave that are started from now on
POST   /buckets    {\"destination\": URI, \"refusal\": \"gone\", \"not_writable\" or null}: takes nothing more for it, or takes it again
GET    /requests   what was asked, the oldest first
DELETE /requests   forgets what was asked
GET    /accounts   the accounts with their tokens
POST   /accounts   one more
";

type Shared = State<Arc<Front>>;

/// The control interface's address space.
pub(crate) fn router(front: Arc<Front>) -> Router {
    Router::new()
        .route("/clock", get(now).post(advance))
        .route("/faults", post(spoil).delete(spoil_nothing))
        .route("/traffic", put(set_traffic))
        .route("/files", put(set_files))
        .route("/buckets", post(refuse))
        .route("/requests", get(requests).delete(forget_requests))
        .route("/accounts", get(accounts).post(add_account))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&front), guard))
        .route("/", get(async || GUIDE))
        .fallback(async || {
            Refusal::new(
                StatusCode::NOT_FOUND,
                "there is no such path: GET / lists them",
            )
        })
        .method_not_allowed_fallback(async || {
            Refusal::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "this path has no such method: GET / lists them",
            )
        })
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(front)
}

type Reply = Result<Response, Refusal>;

/// Why something was not done.
struct Refusal {
    status: StatusCode,
    reason: String,
}

impl Refusal {
    fn new(status: StatusCode, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        Self { status, reason }
    }

    fn bad_request(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.reason }))).into_response()
    }
}

async fn guard(State(front): Shared, request: Request, next: Next) -> Reply {
    let value = request.headers().get(header::AUTHORIZATION);
    let token = value.and_then(|it| it.to_str().ok()).and_then(bearer);
    let ours = &front.service.accounts.first().access.token;
    if token.is_some_and(|it| random::same(ours.expose(), it)) {
        Ok(next.run(request).await)
    } else {
        Err(Refusal::new(
            StatusCode::UNAUTHORIZED,
            "send `Authorization: Bearer <token>`, with the token of the simulator's first account",
        ))
    }
}

/// A body, or why it was not read.
struct Body(Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let body = Bytes::from_request(request, state).await;
        body.map(Self).map_err(|error| {
            Refusal::new(
                error.status(),
                format!("the body was not read; {BODY} bytes are the most"),
            )
        })
    }
}

/// What the body says, whatever its media type: curl says that it is a form.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| Refusal::bad_request(format!("the body does not say what to do: {error}")))
}

fn time(front: &Front) -> Response {
    Json(json!({ "now": clock::text(front.service.clock.now()) })).into_response()
}

async fn now(State(front): Shared) -> Response {
    time(&front)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance: f64,
}

async fn advance(State(front): Shared, Body(body): Body) -> Reply {
    let Advance { advance } = read(&body)?;
    if advance < 0.0 {
        return Err(Refusal::bad_request(
            "`advance` must be a number of seconds, 0 or more: the clock does not go back",
        ));
    }
    // What is no duration is longer than any.
    let by = Duration::try_from_secs_f64(advance).unwrap_or(Duration::MAX);
    let moved = front.service.clock.advance(by);
    moved.map_err(|error| Refusal::bad_request(error.to_string()))?;
    front.service.advance().await;
    Ok(time(&front))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spoil {
    operation: Operation,
    times: Option<usize>,
    #[serde(default)]
    always: bool,
    fault: Fault,
}

async fn spoil(State(front): Shared, Body(body): Body) -> Reply {
    let Spoil {
        operation,
        times,
        always,
        fault,
    } = read(&body)?;
    if always {
        if times.is_some() {
            return Err(Refusal::bad_request("give either `times` or `always`"));
        }
        front.always(operation, fault);
    } else {
        let times = times.unwrap_or(1);
        if front.waiting(operation).saturating_add(times) > QUEUED {
            return Err(Refusal::bad_request(format!(
                "at most {QUEUED} faults may wait for an operation; `always` spoils all its answers"
            )));
        }
        for _ in 0..times {
            front.next(operation, fault.clone());
        }
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn spoil_nothing(State(front): Shared) -> StatusCode {
    front.clear();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Synthetic {
    seed: u64,
    sampling: Option<NonZeroU32>,
}

/// Made-up traffic as JSON says; or a capture file, which does not begin as JSON does.
async fn set_traffic(State(front): Shared, Body(body): Body) -> Reply {
    let traffic = if body.trim_ascii_start().starts_with(b"{") {
        let Synthetic { seed, sampling } = read(&body)?;
        Traffic::synthetic(seed).with_sampling(sampling.unwrap_or(NonZeroU32::MIN))
    } else {
        // A large file takes its time.
        let read = tokio::task::spawn_blocking(move || Traffic::replay_bytes(&body, "the body"));
        match read.await {
            Ok(Ok(traffic)) => traffic,
            Ok(Err(error)) => return Err(unreadable(&error)),
            Err(_) => return Err(Refusal::bad_request("the body could not be read")),
        }
    };
    front.service.set_traffic(traffic);
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn unreadable(error: &traffic::Error) -> Refusal {
    let cause = error.source();
    let cause = cause.map_or_else(String::new, |it| format!(": {it}"));
    Refusal::bad_request(format!("{error}{cause}"))
}

async fn set_files(State(front): Shared, Body(body): Body) -> Reply {
    front.service.set_files(read(&body)?);
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Refuse {
    destination: String,
    refusal: Option<crate::Refusal>,
}

async fn refuse(State(front): Shared, Body(body): Body) -> Reply {
    let Refuse {
        destination,
        refusal,
    } = read(&body)?;
    let buckets = &front.service.buckets;
    let done = match refusal {
        Some(refusal) => buckets.refuse(&destination, refusal),
        None => buckets.accept(&destination),
    };
    done.map_err(|error| Refusal::bad_request(error.to_string()))?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn requests(State(front): Shared) -> Response {
    Json(front.log.requests()).into_response()
}

async fn forget_requests(State(front): Shared) -> StatusCode {
    front.log.clear();
    StatusCode::NO_CONTENT
}

/// An account, with its tokens.
#[derive(Serialize)]
struct Shown<'a> {
    account_id: &'a str,
    api_token: &'a str,
    read_token: &'a str,
}

impl<'a> From<&'a Access> for Shown<'a> {
    fn from(access: &'a Access) -> Self {
        Self {
            account_id: &access.id,
            // Who asks here has the token that is above the others.
            api_token: access.token.expose(),
            read_token: access.read_token.expose(),
        }
    }
}

async fn accounts(State(front): Shared) -> Response {
    let all = front.service.accounts.all();
    let shown: Vec<_> = all.iter().map(|it| Shown::from(&it.access)).collect();
    Json(shown).into_response()
}

async fn add_account(State(front): Shared) -> Reply {
    match front.service.accounts.add() {
        Ok(access) => Ok(Json(Shown::from(&access)).into_response()),
        Err(error) => Err(Refusal::bad_request(error.to_string())),
    }
}
