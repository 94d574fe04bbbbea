//! Operations on buckets.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::{Fields, Owner, Service, envelope, failure::Failure};
use crate::validation;

type Reply = Result<Response, Failure>;

/// `POST /pcaps/ownership`
pub(super) async fn register(
    State(service): State<Arc<Service>>,
    Extension(account): Owner,
    Fields(fields): Fields,
) -> Reply {
    let registration = validation::registration(fields)?;
    let entry = account
        .ownerships
        .register(registration, &service.buckets, service.clock.now())
        .await?;
    Ok(envelope::ownership(entry))
}

/// `GET /pcaps/ownership`
pub(super) async fn list(Extension(account): Owner) -> Response {
    envelope::ownerships(account.ownerships.list().await)
}

/// `POST /pcaps/ownership/validate`
pub(super) async fn validate(
    State(service): State<Arc<Service>>,
    Extension(account): Owner,
    Fields(fields): Fields,
) -> Reply {
    let proof = validation::proof(fields)?;
    let entry = account
        .ownerships
        .validate(&proof, service.clock.now())
        .await?;
    Ok(envelope::ownership(entry))
}

/// `DELETE /pcaps/ownership/{ownership_id}`
pub(super) async fn remove(
    State(service): State<Arc<Service>>,
    Extension(account): Owner,
    Path((_, id)): Path<(String, String)>,
) -> Reply {
    account.ownerships.remove(&id, &service.buckets).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
