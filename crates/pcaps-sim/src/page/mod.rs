//! What a person finds at the simulator's own address: a page that shows what is going on, and the API's
//! description.
//!
//! Neither takes a token, and so neither has anything secret. What is asked here is not counted and not remembered.

mod view;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, header, uri::Authority},
    response::{Html, IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};

use crate::{
    log::Log,
    random,
    server::{Failure, Service},
};
use view::{Shown, View};

/// What every operation's path is below.
const BASE: &str = "/client/v4";

/// How many requests are shown.
const REQUESTS: usize = 50;

/// What the page shows.
struct Scene {
    service: Arc<Service>,
    /// What was asked at this address.
    log: Arc<Log>,
}

/// The page's address space.
pub(crate) fn router(service: Arc<Service>, log: Arc<Log>) -> Router {
    Router::new()
        .route("/", get(page))
        .route("/openapi.json", get(description))
        .with_state(Arc::new(Scene { service, log }))
}

/// Whether this path is one of those here.
pub(crate) fn has(path: &str) -> bool {
    matches!(path, "/" | "/openapi.json")
}

/// `GET /`
async fn page(
    State(scene): State<Arc<Scene>>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Failure> {
    let Scene { service, log } = &*scene;
    let now = service.clock.now();
    let mut accounts = Vec::new();
    for account in service.accounts.all() {
        let mut captures = Vec::new();
        for record in account.captures.newest() {
            captures.push(record.show(now).await);
        }
        accounts.push(Shown {
            id: account.access.id.clone(),
            captures,
            buckets: account.ownerships.list().await,
        });
    }
    let view = View {
        base_url: base_url(&headers),
        now,
        traffic: service.traffic().describe(),
        accounts,
        requests: log.newest(REQUESTS),
    };
    let nonce = random::hex::<16>()?;
    // Nothing but what came with the page, and nothing from elsewhere.
    let policy = format!(
        "default-src 'none'; base-uri 'none'; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; \
         img-src data:; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'"
    );
    let mut response = plain(Html(view::page(&view, &nonce).into_string()));
    // Digits and letters are a value.
    if let Ok(policy) = HeaderValue::try_from(policy) {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    Ok(response)
}

/// `GET /openapi.json`
async fn description(headers: HeaderMap) -> Result<Response, Failure> {
    let mut description: Value = serde_json::from_str(pcaps_api::DESCRIPTION)
        .map_err(|_| Failure::internal("the description cannot be read"))?;
    description["servers"] = json!([{
        "description": "This simulator.",
        "url": base_url(&headers),
    }]);
    Ok(plain(Json(description)))
}

/// An answer that is what it says, and is not kept.
fn plain(content: impl IntoResponse) -> Response {
    const HEADERS: [(HeaderName, &str); 3] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (HEADERS, content).into_response()
}

/// What clients are to be pointed at: where this was asked, if that is told in a plain form, and otherwise its path.
fn base_url(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|it| it.to_str().ok());
    match host.filter(|it| is_plain(it)) {
        Some(host) => format!("http://{host}{BASE}"),
        None => BASE.to_owned(),
    }
}

/// Whether this is a host, or a host and a port.
fn is_plain(host: &str) -> bool {
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"-._:[]".contains(&it);
    let Ok(authority) = host.parse::<Authority>() else {
        return false;
    };
    let name = authority.host();
    host.bytes().all(plain)
        && !name.is_empty()
        && host.strip_prefix(name).is_some_and(|rest| {
            let port = rest.strip_prefix(':').map(str::parse::<u16>);
            rest.is_empty() || matches!(port, Some(Ok(_)))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_host_is_repeated() {
        let url = |host: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(
                header::HOST,
                HeaderValue::from_bytes(host).expect("a value"),
            );
            base_url(&headers)
        };
        for host in [
            "127.0.0.1:8080",
            "localhost",
            "[::1]:80",
            "sim.example.com:1",
            "a_b",
        ] {
            assert_eq!(url(host.as_bytes()), format!("http://{host}/client/v4"));
        }
        for host in [
            "", ":80", "a:", "a:65536", "a:b", "a:1:2", "a@b", "a:b@c", "a/b", "a?b", "a b",
            "a\"b", "a'b", "[a", "::1", "a,b", "a%20b",
        ] {
            assert_eq!(url(host.as_bytes()), "/client/v4", "{host}");
        }
        assert_eq!(url(b"\xff"), "/client/v4");
        assert_eq!(base_url(&HeaderMap::new()), "/client/v4");
    }
}
