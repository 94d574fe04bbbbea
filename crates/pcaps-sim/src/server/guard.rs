//! Who may ask, and for what.

use std::sync::Arc;

use axum::{
    extract::{RawPathParams, Request, State, rejection::RawPathParamsRejection},
    http::{HeaderMap, StatusCode, header},
    middleware::Next,
    response::Response,
};
use pcaps_api::{Secret, types::Identifier};

use super::{
    Service,
    failure::{Failure, code},
};
use crate::random;

/// Lets through who has the token and asks for the account, with ids that could be some.
pub(super) async fn guard(
    State(service): State<Arc<Service>>,
    ids: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
    next: Next,
) -> Result<Response, Failure> {
    authenticate(request.headers(), &service.token)?;
    check(ids, &service.account_id)?;
    Ok(next.run(request).await)
}

fn authenticate(headers: &HeaderMap, token: &Secret) -> Result<(), Failure> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let credential = if headers.contains_key(header::AUTHORIZATION) {
        // A header that is there counts, also when it is wrong.
        text("authorization").and_then(bearer)
    } else {
        // Any email will do: the simulator has one user.
        text("x-auth-email")
            .filter(|email| !email.is_empty())
            .and(text("x-auth-key"))
    };
    if credential.is_some_and(|it| random::same(token.expose(), it)) {
        Ok(())
    } else {
        Err(Failure::new(
            StatusCode::UNAUTHORIZED,
            code::AUTHENTICATION,
            "Authentication error: send `Authorization: Bearer <token>`, or `X-Auth-Email` and `X-Auth-Key`, with \
             this simulator's token",
        ))
    }
}

fn bearer(value: &str) -> Option<&str> {
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
