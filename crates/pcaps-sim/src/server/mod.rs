//! The nine operations over HTTP.

mod body;
mod captures;
mod envelope;
mod failure;
mod guard;
mod ownership;
mod ranges;

use std::{num::NonZeroU8, sync::Arc};

use axum::{
    Router,
    extract::{DefaultBodyLimit, State},
    http::{HeaderValue, StatusCode, header},
    middleware,
    response::Response,
    routing::{delete, get, post, put},
};
use jiff::fmt::rfc2822::DateTimePrinter;
use pcaps_api::Secret;

use crate::{
    Buckets, Traffic, capture::Captures, clock::Clock, ownership::Ownerships, random, stop::Stopped,
};
pub(crate) use body::Fields;
pub(crate) use failure::{Failure, Problem, code};
pub(crate) use ranges::ranged;

/// Everything that the service knows.
pub(crate) struct Service {
    pub(crate) account_id: String,
    pub(crate) token: Secret,
    pub(crate) clock: Clock,
    pub(crate) traffic: Traffic,
    pub(crate) servers: NonZeroU8,
    pub(crate) buckets: Buckets,
    pub(crate) captures: Captures,
    pub(crate) ownerships: Ownerships,
    pub(crate) stopped: Stopped,
    /// Whether a part of a download may be asked for.
    pub(crate) ranges: bool,
}

/// The service's address space.
pub(crate) fn router(service: Arc<Service>) -> Router {
    let operations = Router::new()
        .route("/", post(captures::start).get(captures::list))
        .route("/{pcap_id}", get(captures::get))
        .route("/{pcap_id}/download", get(captures::download))
        .route("/{pcap_id}/stop", put(captures::stop))
        .route("/ownership", post(ownership::register).get(ownership::list))
        .route("/ownership/validate", post(ownership::validate))
        .route("/ownership/{ownership_id}", delete(ownership::remove));
    let router = Router::new()
        .nest("/client/v4/accounts/{account_id}/pcaps", operations)
        .method_not_allowed_fallback(no_method)
        .route_layer(middleware::from_fn_with_state(
            Arc::clone(&service),
            guard::guard,
        ))
        .fallback(no_route)
        .layer(DefaultBodyLimit::max(body::LIMIT))
        .layer(middleware::map_response_with_state(
            Arc::clone(&service),
            trace,
        ))
        .with_state(service);
    // Outside of everything that has a part in an answer.
    #[cfg(feature = "conformance")]
    let router = router.layer(middleware::from_fn(crate::conformance::checked));
    router
}

async fn no_route() -> Failure {
    Failure::new(
        StatusCode::NOT_FOUND,
        code::ROUTE,
        "No route for that URI: the simulator has the packet captures below \
         /client/v4/accounts/<account id>/pcaps only",
    )
}

async fn no_method() -> Failure {
    Failure::new(
        StatusCode::METHOD_NOT_ALLOWED,
        code::METHOD,
        "Method not allowed at this path",
    )
}

/// The trace of an answer: 16 hexadecimal digits, and where the data centre's name would be, `SIM`. Without
/// random bytes there is none.
pub(crate) fn ray() -> Option<String> {
    let digits = random::hex::<8>().ok()?;
    Some(format!("{digits}-SIM"))
}

/// Gives an answer its trace, and the date by the simulator's clock.
async fn trace(State(service): State<Arc<Service>>, mut response: Response) -> Response {
    let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&service.clock.now());
    // A date before the year 0 has no such form.
    if let Some(value) = date.ok().and_then(|it| HeaderValue::try_from(it).ok()) {
        response.headers_mut().insert(header::DATE, value);
    }
    if let Some(value) = ray().and_then(|ray| HeaderValue::try_from(ray).ok()) {
        response.headers_mut().insert("cf-ray", value);
    }
    response
}
