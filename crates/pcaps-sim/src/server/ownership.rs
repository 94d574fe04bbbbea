//! Operations on buckets.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::{Fields, Service, envelope, failure::Failure};
use crate::validation;

type Reply = Result<Response, Failure>;

/// `POST /pcaps/ownership`
pub(super) async fn register(State(service): State<Arc<Service>>, Fields(fields): Fields) -> Reply {
    let registration = validation::registration(fields)?;
    let entry = service
        .ownerships
        .register(registration, &service.buckets, service.clock.now())
        .await?;
    Ok(envelope::ownership(entry))
}

/// `GET /pcaps/ownership`
pub(super) async fn list(State(service): State<Arc<Service>>) -> Response {
    envelope::ownerships(service.ownerships.list().await)
}

/// `POST /pcaps/ownership/validate`
pub(super) async fn validate(State(service): State<Arc<Service>>, Fields(fields): Fields) -> Reply {
    let proof = validation::proof(fields)?;
    let entry = service
        .ownerships
        .validate(&proof, service.clock.now())
        .await?;
    Ok(envelope::ownership(entry))
}

/// `DELETE /pcaps/ownership/{ownership_id}`
pub(super) async fn remove(
    State(service): State<Arc<Service>>,
    Path((_, id)): Path<(String, String)>,
) -> Reply {
    service.ownerships.remove(&id, &service.buckets).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
