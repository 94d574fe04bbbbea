//! The control interface: what a test in another language moves the simulator with.

use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Request, State},
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
    server::{Fields, bearer},
};

/// How many faults may wait in an operation's queue.
const QUEUED: usize = 1_000;

/// What can be asked.
const GUIDE: &str = "\
The control interface of a simulator of the packet captures API. All of it takes `Authorization: Bearer <token>`, with the
token of the first account; bodies and answers are JSON.

GET    /clock      what time it is
POST   /clock      {\"advance\": SECONDS}: moves the clock on, and does what is to be done until then
POST   /faults     {\"operation\": ID, \"times\": N or \"always\": true, \"fault\": {...}}: spoils the next N answers, or all
DELETE /faults     from now on nothing is spoilt
PUT    /traffic    {\"seed\": N, \"sampling\": N}: the traffic of captures that are started from now on
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
        .route("/requests", get(requests).delete(forget_requests))
        .route("/accounts", get(accounts).post(add_account))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&front), guard))
        .route("/", get(async || GUIDE))
        .fallback(async || {
            refusal(
                StatusCode::NOT_FOUND,
                "there is no such path: GET / lists them",
            )
        })
        .method_not_allowed_fallback(async || {
            refusal(
                StatusCode::METHOD_NOT_ALLOWED,
                "this path has no such method: GET / lists them",
            )
        })
        .with_state(front)
}

/// Why something was not done.
fn refusal(status: StatusCode, message: impl Into<String>) -> Response {
    let error: String = message.into();
    (status, Json(json!({ "error": error }))).into_response()
}

fn bad_request(message: impl Into<String>) -> Response {
    refusal(StatusCode::BAD_REQUEST, message)
}

async fn guard(State(front): Shared, request: Request, next: Next) -> Response {
    let value = request.headers().get(header::AUTHORIZATION);
    let token = value.and_then(|it| it.to_str().ok()).and_then(bearer);
    let ours = &front.service.accounts.first().access.token;
    if token.is_some_and(|it| random::same(ours.expose(), it)) {
        next.run(request).await
    } else {
        refusal(
            StatusCode::UNAUTHORIZED,
            "send `Authorization: Bearer <token>`, with the token of the simulator's first account",
        )
    }
}

/// What the body says. The message of an error is about the place in it, and does not quote it.
fn read<T: DeserializeOwned>(Fields(fields): Fields) -> Result<T, Response> {
    serde_json::from_value(fields.into())
        .map_err(|error| bad_request(format!("the body does not say what to do: {error}")))
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

async fn advance(State(front): Shared, fields: Fields) -> Result<Response, Response> {
    let Advance { advance } = read(fields)?;
    let by = Duration::try_from_secs_f64(advance).map_err(|_| {
        bad_request("`advance` must be a number of seconds, 0 or more: the clock does not go back")
    })?;
    front.service.clock.advance(by);
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

async fn spoil(State(front): Shared, fields: Fields) -> Result<Response, Response> {
    let Spoil {
        operation,
        times,
        always,
        fault,
    } = read(fields)?;
    if always {
        if times.is_some() {
            return Err(bad_request("give either `times` or `always`"));
        }
        front.always(operation, fault);
    } else {
        let times = times.unwrap_or(1);
        if front.waiting(operation).saturating_add(times) > QUEUED {
            return Err(bad_request(format!(
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
    sampling: Option<std::num::NonZeroU32>,
}

async fn set_traffic(State(front): Shared, fields: Fields) -> Result<Response, Response> {
    let Synthetic { seed, sampling } = read(fields)?;
    let mut traffic = Traffic::synthetic(seed);
    if let Some(one_in) = sampling {
        traffic = traffic.with_sampling(one_in);
    }
    front.service.set_traffic(traffic);
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

async fn add_account(State(front): Shared) -> Result<Response, Response> {
    match front.service.accounts.add() {
        Ok(access) => Ok(Json(Shown::from(&access)).into_response()),
        Err(error) => Err(bad_request(error.to_string())),
    }
}
