//! How bodies are read and answers written: JSON in, JSON out, and every refusal is an [`ErrorBody`].

use std::fmt;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;

use crate::api::v1::{ErrorBody, ErrorCode};
use crate::secrets;

/// Why a call was not done.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    body: ErrorBody,
}

impl Refusal {
    /// A refusal with its status and its reason, for programs and for people.
    pub(super) fn new(status: StatusCode, code: ErrorCode, detail: impl fmt::Display) -> Self {
        let detail = secrets::hide(&detail.to_string()).into_owned();
        Self {
            status,
            body: ErrorBody { detail, code },
        }
    }

    /// A call that cannot be understood.
    pub(super) fn bad_request(detail: impl fmt::Display) -> Self {
        Self::new(StatusCode::BAD_REQUEST, ErrorCode::BadRequest, detail)
    }

    /// A call that this caller may not make.
    pub(super) fn forbidden(detail: impl fmt::Display) -> Self {
        Self::new(StatusCode::FORBIDDEN, ErrorCode::Forbidden, detail)
    }

    /// No such project.
    pub(super) fn no_such_project(detail: impl fmt::Display) -> Self {
        Self::new(StatusCode::NOT_FOUND, ErrorCode::NoSuchProject, detail)
    }

    /// The daemon itself failed at `what`.
    pub(super) fn internal(what: &str, why: impl fmt::Display) -> Self {
        tracing::error!(error = %why, "{what}");
        let detail = format!("{what}: {why}");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            ErrorCode::Internal,
            detail,
        )
    }

    /// Why, for people.
    pub(super) fn detail(&self) -> &str {
        &self.body.detail
    }

    /// Its status.
    pub(super) fn status(&self) -> StatusCode {
        self.status
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

/// What a route gives back.
pub(super) type Answer<T> = Result<Json<T>, Refusal>;

/// The body of a call, read as JSON whatever its media type is said to be; an empty one is read as `{}`.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| unread(&rejection))?;
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        serde_json::from_slice(text).map(Self).map_err(|error| {
            let status = if error.is_data() {
                StatusCode::UNPROCESSABLE_ENTITY
            } else {
                StatusCode::BAD_REQUEST
            };
            Refusal::new(status, ErrorCode::BadRequest, format!("bad body: {error}"))
        })
    }
}

/// A body that could not be received.
pub(super) fn unread(rejection: &BytesRejection) -> Refusal {
    let code = match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => ErrorCode::TooLarge,
        _ => ErrorCode::BadRequest,
    };
    Refusal::new(rejection.status(), code, rejection.body_text())
}

/// The query of a call, with refusals in our shape.
pub(super) struct Query<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> axum::extract::FromRequestParts<S> for Query<T> {
    type Rejection = Refusal;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        _: &S,
    ) -> Result<Self, Refusal> {
        axum::extract::Query::<T>::try_from_uri(&parts.uri)
            .map(|axum::extract::Query(value)| Self(value))
            .map_err(|rejection| Refusal::bad_request(rejection.body_text()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_refusal_tells_a_secret() {
        let why = "no such file: https://kim:hunter2@host/x?token=hunter2";
        for refusal in [
            Refusal::bad_request(why),
            Refusal::no_such_project(why),
            Refusal::internal("reading", why),
        ] {
            let detail = refusal.body.detail;
            assert!(
                detail.ends_with("https://kim:****@host/x?token=****"),
                "{detail}"
            );
        }
    }
}
