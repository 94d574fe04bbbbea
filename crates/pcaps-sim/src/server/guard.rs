//! Who may ask, how often, and for what.

use std::sync::Arc;

use axum::{
    extract::{RawPathParams, Request, State, rejection::RawPathParamsRejection},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use pcaps_api::types::Identifier;

use super::{
    Service,
    failure::{Failure, code},
};
use crate::account::{Account, Permission, REQUESTS, Standing, WINDOW};

/// Counts a request, and finds out whose it is. What comes too often is not looked at further.
pub(super) async fn admit(
    State(service): State<Arc<Service>>,
    mut request: Request,
    next: Next,
) -> Response {
    let user = credential(request.headers()).and_then(|it| service.accounts.find(it));
    let standing = service.is_limited.then(|| {
        let limit = match &user {
            Some((account, _)) => &account.requests,
            // All who are nobody are one.
            None => &service.strangers,
        };
        limit.count(service.clock.now())
    });
    if let Some((account, permission)) = user {
        request.extensions_mut().insert(permission);
        request.extensions_mut().insert(account);
    }
    let mut response = match standing {
        Some(standing) if !standing.admitted => Failure::too_early(
            code::TOO_OFTEN,
            format!(
                "too many requests: a user has {REQUESTS} in {} minutes; wait as `Retry-After` says",
                WINDOW / 60
            ),
            standing.reset,
        )
        .into_response(),
        _ => next.run(request).await,
    };
    if let Some(standing) = standing {
        tell(standing, &mut response);
    }
    response
}

/// Says how the user stands.
fn tell(standing: Standing, response: &mut Response) {
    let Standing {
        remaining, reset, ..
    } = standing;
    for (name, value) in [
        ("ratelimit", format!("\"default\";r={remaining};t={reset}")),
        (
            "ratelimit-policy",
            format!("\"default\";q={REQUESTS};w={WINDOW}"),
        ),
    ] {
        // Numbers and quotes are a value.
        if let Ok(value) = HeaderValue::try_from(value) {
            let name = HeaderName::from_static(name);
            response.headers_mut().insert(name, value);
        }
    }
}

/// Lets through who has a token that suffices and asks for its account, with ids that could be some.
pub(super) async fn guard(
    ids: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
    next: Next,
) -> Result<Response, Failure> {
    let extensions = request.extensions();
    let (Some(account), Some(permission)) = (
        extensions.get::<Arc<Account>>(),
        extensions.get::<Permission>(),
    ) else {
        return Err(Failure::new(
            StatusCode::UNAUTHORIZED,
            code::AUTHENTICATION,
            "Authentication error: send `Authorization: Bearer <token>`, or `X-Auth-Email` and `X-Auth-Key`, with \
             this simulator's token",
        ));
    };
    check(ids, &account.access.id)?;
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if reads {
        return Ok(next.run(request).await);
    }
    if *permission == Permission::Read {
        return Err(Failure::new(
            StatusCode::FORBIDDEN,
            code::FORBIDDEN,
            "Unauthorized to access requested resource: the token may only read; this takes `Magic Firewall Packet \
             Captures - Write PCAPs API`",
        ));
    }
    // A task of its own, which goes on when whoever asked has hung up: what was asked for takes effect.
    let task = tokio::spawn(next.run(request));
    task.await
        .map_err(|_| Failure::internal("the request was not finished"))
}

/// What is there to be let through by.
fn credential(headers: &HeaderMap) -> Option<&str> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if headers.contains_key(header::AUTHORIZATION) {
        // A header that is there counts, also when it is wrong.
        text("authorization").and_then(bearer)
    } else {
        // Any email will do: each account has one user.
        text("x-auth-email")
            .filter(|email| !email.is_empty())
            .and(text("x-auth-key"))
    }
}

/// The token of a value of `Authorization`.
pub(crate) fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim_matches(' '))
}

fn check(
    ids: Result<RawPathParams, RawPathParamsRejection>,
    account_id: &str,
) -> Result<(), Failure> {
    let malformed = |name: &str| {
        Failure::bad_request(
            code::IDENTIFIER,
            format!("{name} must be 1 to 32 letters, digits, hyphens and underscores"),
        )
    };
    let ids = ids.map_err(|_| malformed("an id in the path"))?;
    for (name, value) in &ids {
        if value.parse::<Identifier>().is_err() {
            return Err(malformed(name));
        }
        if name == "account_id" && value != account_id {
            return Err(Failure::new(
                StatusCode::FORBIDDEN,
                code::FORBIDDEN,
                "Unauthorized to access requested resource: the credentials are for another account",
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bearer_tokens_are_read() {
        assert_eq!(bearer("Bearer token"), Some("token"));
        assert_eq!(bearer("bearer  token "), Some("token"));
        for value in ["token", "Basic token", "Bearer", "Bearertoken", ""] {
            assert_eq!(bearer(value), None, "{value}");
        }
    }
}
