//! Who may call over TCP: whoever has the token, from a page that we know, by a name that is really ours.
//!
//! The Unix socket needs none of this: its folder, its mode and the peer's user id guard it.
//! Three checks, each against another attack: the `Host` header (a name of somebody else's that was made to point here,
//! DNS rebinding), the `Origin` header (a page of somebody else's that uses the person's cookie), the token.
//!
//! `admission` has the checks, `token` the secret, `origin` reads `--allow-origin`. What is here puts the checks before
//! every call, and tells browsers what pages of allowed origins may do (CORS).

mod admission;
mod origin;
mod token;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, REFERRER_POLICY, SET_COOKIE, VARY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

pub(super) use self::admission::Guard;
pub(super) use self::origin::origin;
pub(super) use self::token::Token;
use super::page;

/// The layer that asks [`Guard`] before every call, and answers for pages of allowed origins (CORS).
pub(super) async fn guard(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Response {
    let other_origin = guard.allowed_origin(request.headers());
    let query = request.uri().query().unwrap_or_default();
    let is_page = page::is_page(request.method(), request.uri(), request.headers());
    let mut response = if other_origin.is_some() && request.method() == Method::OPTIONS {
        preflight()
    } else {
        match guard.admit(request.headers(), query) {
            Ok(admission) => {
                let mut response = if admission.is_first_visit && is_page {
                    page::come_again()
                } else {
                    next.run(request).await
                };
                if admission.is_first_visit
                    && let Some(cookie) = guard.set_cookie()
                {
                    response.headers_mut().append(SET_COOKIE, cookie);
                }
                response
            }
            Err(refusal) if is_page => page::refused(&refusal),
            Err(refusal) => refusal.into_response(),
        }
    };
    let headers = response.headers_mut();
    // The token may stand in the page's address, which a browser would tell to the next site.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    // What one call answers is for no frame, no script element and no window of another site.
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Some(origin) = other_origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(
            ACCESS_CONTROL_ALLOW_CREDENTIALS,
            HeaderValue::from_static("true"),
        );
        headers.append(VARY, HeaderValue::from_static("origin"));
    }
    response
}

/// What a browser asks before it lets a page of another origin call; it has no token yet.
fn preflight() -> Response {
    let headers = [
        (ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, DELETE"),
        (ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type"),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}
