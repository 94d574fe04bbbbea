//! The check of each answer that is sent.

use std::io::{self, Write as _};

use axum::{
    body::{Body, to_bytes},
    extract::Request,
    http::{Method, StatusCode},
    middleware::Next,
    response::Response,
};

use super::check;

/// The address space of the API.
const SPACE: &str = "/client/v4/";

/// The largest body that can be checked, in bytes: several times what a sample is at most.
const LIMIT: usize = 64 * 1024 * 1024;

/// Passes an answer on when it holds, and ends the process when it does not.
pub(crate) async fn checked(request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = next.run(request).await;
    if !path.starts_with(SPACE) {
        return response;
    }
    let (head, body) = response.into_parts();
    let Ok(body) = to_bytes(body, LIMIT).await else {
        give_up(
            &method,
            head.status,
            &["its body has no end, or one too far off".to_owned()],
        );
    };
    if let Err(breaches) = check(&method, &path, head.status, &head.headers, &body) {
        let breaches: Vec<_> = breaches.iter().map(ToString::to_string).collect();
        give_up(&method, head.status, &breaches);
    }
    Response::from_parts(head, Body::from(body))
}

/// Ends the process. The words go past what the tests' harness keeps until a test is over: this one never is.
fn give_up(method: &Method, status: StatusCode, breaches: &[String]) -> ! {
    let mut words =
        format!("the simulator gave an answer to {method} ({status}) that is not as described:\n");
    for breach in breaches {
        words.push_str(breach);
        words.push('\n');
    }
    // There is nobody else to tell.
    let _ = io::stderr().lock().write_all(words.as_bytes());
    std::process::abort();
}
