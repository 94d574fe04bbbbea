//! The nine operations over HTTP.

mod body;
mod captures;
mod envelope;
mod failure;
mod guard;
mod ownership;
mod ranges;

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use axum::{
    Extension, Router,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::Response,
    routing::{delete, get, post, put},
};
use jiff::fmt::rfc2822::DateTimePrinter;

use crate::{
    Buckets, Files, Traffic,
    account::{Account, Accounts, RequestLimit},
    clock::Clock,
    colos::Colos,
    log::{self, Log},
    page, random,
    stop::Stopped,
};
use body::Fields;
pub(crate) use failure::{Failure, Problem, code};
pub(crate) use guard::bearer;
pub(crate) use ranges::ranged;

/// Whose a request is, once it is let through.
type Owner = Extension<Arc<Account>>;

/// Everything that the service knows.
pub(crate) struct Service {
    pub(crate) accounts: Accounts,
    /// The requests of nobody.
    pub(crate) strangers: RequestLimit,
    /// Whether there are limits on how often something may be asked.
    pub(crate) is_limited: bool,
    pub(crate) clock: Clock,
    pub(crate) traffic: RwLock<Traffic>,
    pub(crate) colos: Colos,
    /// Of captures that are started from now on.
    pub(crate) files: Mutex<Files>,
    pub(crate) buckets: Buckets,
    pub(crate) stopped: Stopped,
    /// Whether a part of a download may be asked for.
    pub(crate) ranges: bool,
    /// What was asked at the simulator's own address.
    pub(crate) log: Arc<Log>,
}

impl Service {
    /// What there is to be captured now.
    pub(crate) fn traffic(&self) -> Traffic {
        let traffic = self.traffic.read().unwrap_or_else(PoisonError::into_inner);
        traffic.clone()
    }

    /// Sets what there is to be captured by captures that are started from now on.
    pub(crate) fn set_traffic(&self, traffic: Traffic) {
        *self.traffic.write().unwrap_or_else(PoisonError::into_inner) = traffic;
    }

    /// Which files a full capture leaves that is started now.
    pub(crate) fn files(&self) -> Files {
        *self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes them.
    pub(crate) fn set_files(&self, files: Files) {
        *self.files.lock().unwrap_or_else(PoisonError::into_inner) = files;
    }

    /// Sees to what is to be done up to now without being asked.
    pub(crate) async fn advance(&self) {
        for account in self.accounts.all() {
            account.captures.advance(self.clock.now()).await;
        }
    }
}

/// The service's address space, and the page's. The log is of what is asked here.
pub(crate) fn router(service: Arc<Service>, log: Arc<Log>) -> Router {
    let operations = Router::new()
        .route("/", post(captures::start).get(captures::list))
        .route("/{pcap_id}", get(captures::get))
        .route("/{pcap_id}/download", get(captures::download))
        .route("/{pcap_id}/stop", put(captures::stop))
        .route("/ownership", post(ownership::register).get(ownership::list))
        .route("/ownership/validate", post(ownership::validate))
        .route("/ownership/{ownership_id}", delete(ownership::remove));
    let page = page::router(Arc::clone(&service), log);
    let router = Router::new()
        .nest("/client/v4/accounts/{account_id}/pcaps", operations)
        .method_not_allowed_fallback(no_method)
        .route_layer(middleware::from_fn(guard::guard))
        .fallback(no_route)
        .layer(middleware::from_fn_with_state(
            Arc::clone(&service),
            guard::admit,
        ))
        .layer(DefaultBodyLimit::max(body::LIMIT))
        .layer(middleware::map_response_with_state(
            Arc::clone(&service),
            trace,
        ))
        .with_state(service)
        .merge(page.method_not_allowed_fallback(no_method));
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
         /client/v4/accounts/<account id>/pcaps only, and a page that shows them at /",
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

/// The same, at the simulator's own address: what is asked there is remembered, unless a person looks at the page.
pub(crate) fn logged_router(service: Arc<Service>) -> Router {
    let log = Arc::clone(&service.log);
    router(Arc::clone(&service), log).layer(middleware::from_fn_with_state(service, remember))
}

async fn remember(
    State(service): State<Arc<Service>>,
    mut request: Request,
    next: Next,
) -> Response {
    let (method, uri, headers) = (request.method(), request.uri(), request.headers());
    if page::has(uri.path()) {
        return next.run(request).await;
    }
    let asked = log::Request::new(service.clock.now(), method, uri, headers);
    let entry = service.log.add(asked);
    request.extensions_mut().insert(entry.clone());
    let response = next.run(request).await;
    entry.answered(Some(response.status().as_u16()));
    response
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
