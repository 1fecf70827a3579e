//! Who may call over TCP: whoever has the token, from a page that we know, by a name that is really ours.
//!
//! The Unix socket needs none of this: its folder, its mode and the peer's user id guard it.
//! Three checks, each against another attack: the `Host` header (a name of somebody else's that was made to point here,
//! DNS rebinding), the `Origin` header (a page of somebody else's that uses the person's cookie), the token.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, AUTHORIZATION, COOKIE, HOST, ORIGIN, REFERRER_POLICY, SET_COOKIE,
    VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use subtle::ConstantTimeEq as _;

use super::answer::Refusal;
use crate::api::v1::ErrorCode;
use crate::env_vars;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::words::t;

/// The secret that TCP callers must have.
#[derive(Clone)]
pub(super) struct Token(String);

/// Fewest characters of a token that a person chose.
const SHORTEST: usize = 16;

impl Token {
    /// The token of `AIM_TOKEN`, else 256 random bits.
    ///
    /// # Errors
    /// For a token too short to be one, or with characters that a URL or a cookie would change.
    pub(super) fn of(host: &Host) -> Result<Self> {
        let Some(chosen) = host
            .var_os(env_vars::TOKEN)
            .filter(|token| !token.is_empty())
        else {
            return Self::random();
        };
        chosen
            .to_str()
            .filter(|token| token.len() >= SHORTEST)
            .filter(|token| token.bytes().all(is_plain))
            .map(|token| Self(token.to_owned()))
            .ok_or_else(|| Error::usage(t!("backend.bad_token", n = SHORTEST)))
    }

    fn random() -> Result<Self> {
        let mut bits = [0_u8; 32];
        getrandom::fill(&mut bits).map_err(std::io::Error::from)?;
        Ok(Self(bits.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })))
    }

    /// The secret itself, for the one line that tells it.
    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    /// Compares in a time that does not depend on where the two differ.
    fn is(&self, offered: &str) -> bool {
        self.0.as_bytes().ct_eq(offered.as_bytes()).into()
    }
}

/// Unreserved in URLs (RFC 3986, section 2.3), and so harmless in cookies.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// The guard of the TCP side.
pub(super) struct Guard {
    token: Token,
    address: SocketAddr,
    origins: BTreeSet<String>,
}

/// A call that the guard let in.
#[derive(Debug, Default, PartialEq, Eq)]
struct Admission {
    /// By the query: the answer sets the cookie for the calls that follow.
    is_first_visit: bool,
}

impl Guard {
    /// The guard of the listener at `address`; pages of `origins` may call, besides our own.
    pub(super) fn new(token: Token, address: SocketAddr, origins: &[String]) -> Self {
        Self {
            token,
            address,
            origins: origins.iter().cloned().collect(),
        }
    }

    fn admit(&self, headers: &HeaderMap, query: &str) -> Result<Admission, Refusal> {
        let refused = |detail| Refusal::new(StatusCode::FORBIDDEN, ErrorCode::Forbidden, detail);
        let host = text(headers, &HOST).ok_or_else(|| refused("no Host header"))?;
        if !self.is_ours(host) {
            return Err(refused("not served under this host name"));
        }
        if headers.contains_key(ORIGIN) && !self.is_known_origin(headers) {
            return Err(refused(
                "pages of this origin may not call; see --allow-origin",
            ));
        }
        let bearer = text(headers, &AUTHORIZATION).and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        if bearer
            .or_else(|| self.cookie(headers))
            .is_some_and(|token| self.token.is(token))
        {
            return Ok(Admission::default());
        }
        let in_query = query
            .split('&')
            .find_map(|pair| pair.strip_prefix("token="));
        if in_query.is_some_and(|token| self.token.is(token)) {
            return Ok(Admission {
                is_first_visit: true,
            });
        }
        Err(Refusal::new(
            StatusCode::UNAUTHORIZED,
            ErrorCode::Unauthorized,
            "the daemon's token is needed, as `Authorization: Bearer` or as query `token=`",
        ))
    }

    /// Whether `host` names this machine without asking anybody: an address, or `localhost`. The port may differ, for
    /// tunnels.
    fn is_ours(&self, host: &str) -> bool {
        let name = match host.strip_prefix('[') {
            Some(rest) => rest.split(']').next().unwrap_or_default(),
            None => host.rsplit_once(':').map_or(host, |(name, _)| name),
        };
        if name.eq_ignore_ascii_case("localhost") {
            return true;
        }
        // Whoever listens on every address does not know them all; an address in digits cannot be rebound, though.
        name.parse::<IpAddr>().is_ok_and(|ip| {
            ip.is_loopback() || ip == self.address.ip() || self.address.ip().is_unspecified()
        })
    }

    /// Whether the call comes from our own page or from one that the person allowed.
    fn is_known_origin(&self, headers: &HeaderMap) -> bool {
        let (Some(origin), Some(host)) = (text(headers, &ORIGIN), text(headers, &HOST)) else {
            return false;
        };
        self.origins.contains(origin) || origin.strip_prefix("http://") == Some(host)
    }

    fn cookie<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let name = self.cookie_name();
        headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .find_map(|pair| pair.trim().strip_prefix(name.as_str())?.strip_prefix('='))
    }

    /// Browsers share cookies between ports, and so between daemons.
    fn cookie_name(&self) -> String {
        format!("aim_token_{}", self.address.port())
    }

    fn set_cookie(&self) -> Option<HeaderValue> {
        let (name, token) = (self.cookie_name(), self.token.reveal());
        HeaderValue::from_str(&format!(
            "{name}={token}; HttpOnly; SameSite=Strict; Path=/"
        ))
        .ok()
    }
}

/// The layer that asks [`Guard`] before every call, and answers for pages of allowed origins (CORS).
pub(super) async fn guard(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Response {
    let other_origin = text(request.headers(), &ORIGIN)
        .filter(|origin| guard.origins.contains(*origin))
        .and_then(|origin| HeaderValue::from_str(origin).ok());
    let query = request.uri().query().unwrap_or_default();
    let mut response = if other_origin.is_some() && request.method() == Method::OPTIONS {
        preflight()
    } else {
        match guard.admit(request.headers(), query) {
            Ok(admission) => {
                let mut response = next.run(request).await;
                if admission.is_first_visit
                    && let Some(cookie) = guard.set_cookie()
                {
                    response.headers_mut().append(SET_COOKIE, cookie);
                }
                response
            }
            Err(refusal) => refusal.into_response(),
        }
    };
    let headers = response.headers_mut();
    // The token may stand in the page's address, which a browser would tell to the next site.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
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

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// An origin as browsers write it (RFC 6454, section 6.2): scheme, host, port; no path. For the command line.
pub(super) fn origin(text: &str) -> Result<String, String> {
    let text = text.trim_end_matches('/');
    let name = ["http://", "https://"]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme));
    match name {
        Some(name)
            if !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && !b"/?#@*".contains(&byte)) =>
        {
            Ok(text.to_ascii_lowercase())
        }
        _ => Err(t!("backend.bad_origin").into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "0123456789abcdef";

    fn guard_at(address: &str) -> Guard {
        let host = Host::fake(["x"]).with_var(env_vars::TOKEN, TOKEN);
        let token = Token::of(&host).expect("a token");
        let address = address.parse().expect("an address");
        Guard::new(token, address, &["http://localhost:5173".to_owned()])
    }

    fn check(address: &str, headers: &[(&str, &str)], query: &str, expected: u16) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
            map.append(name, HeaderValue::from_str(value).expect("a value"));
        }
        let status = match guard_at(address).admit(&map, query) {
            Ok(Admission { is_first_visit }) => 200 + u16::from(is_first_visit),
            Err(refusal) => refusal.status().as_u16(),
        };
        assert_eq!(status, expected, "{address} {headers:?} {query:?}");
    }

    #[test]
    fn a_table_of_callers() {
        let here = "127.0.0.1:8000";
        let host = ("host", here);
        let bearer = ("authorization", "Bearer 0123456789abcdef");
        let cookie = ("cookie", "a=b; aim_token_8000=0123456789abcdef");
        let query = "x=1&token=0123456789abcdef";
        // Tokens. 201 stands for a first visit.
        check(here, &[host], "", 401);
        check(here, &[host, bearer], "", 200);
        check(
            here,
            &[host, ("authorization", "bearer  0123456789abcdef")],
            "",
            200,
        );
        check(
            here,
            &[host, ("authorization", "Basic 0123456789abcdef")],
            "",
            401,
        );
        check(
            here,
            &[host, ("authorization", "Bearer 0123456789abcdeX")],
            "",
            401,
        );
        check(
            here,
            &[host, ("authorization", "Bearer 0123456789abcde")],
            "",
            401,
        );
        check(
            here,
            &[host, ("authorization", "Bearer 0123456789abcdef0")],
            "",
            401,
        );
        check(here, &[host, ("authorization", "Bearer ")], "", 401);
        check(here, &[host, cookie], "", 200);
        check(
            here,
            &[host, ("cookie", "aim_token_80000=0123456789abcdef")],
            "",
            401,
        );
        check(
            here,
            &[host, ("cookie", "aim_token=0123456789abcdef")],
            "",
            401,
        );
        check(here, &[host], query, 201);
        check(
            here,
            &[host, ("cookie", "aim_token_8000=of-an-earlier-daemon")],
            query,
            201,
        );
        check(here, &[host], "nottoken=0123456789abcdef", 401);
        // Host names.
        check(here, &[bearer], "", 403);
        for (name, expected) in [
            ("localhost:8000", 200),
            ("LOCALHOST", 200),
            ("[::1]:8000", 200),
            ("127.0.0.1:9000", 200),
            ("evil.example:8000", 403),
            ("localhost.evil.example", 403),
            ("192.168.1.5:8000", 403),
            ("127.0.0.1.evil.example", 403),
            ("[::1", 200),
            ("", 403),
        ] {
            check(here, &[("host", name), bearer], "", expected);
        }
        check(
            "0.0.0.0:8000",
            &[("host", "192.168.1.5:8000"), bearer],
            "",
            200,
        );
        check("0.0.0.0:8000", &[("host", "evil.example"), bearer], "", 403);
        check(
            "192.168.1.5:80",
            &[("host", "192.168.1.5"), bearer],
            "",
            200,
        );
        // Origins.
        for (origin, expected) in [
            ("http://127.0.0.1:8000", 200),
            ("http://localhost:5173", 200),
            ("http://localhost:8000", 403),
            ("https://127.0.0.1:8000", 403),
            ("http://evil.example", 403),
            ("null", 403),
            ("", 403),
        ] {
            check(here, &[host, cookie, ("origin", origin)], "", expected);
        }
    }

    #[test]
    fn a_token_is_long_and_plain_or_random() {
        let with = |token: &str| Token::of(&Host::fake(["x"]).with_var(env_vars::TOKEN, token));
        for bad in [
            "short",
            "with space in it....",
            "a&b=c;d=e;f=g;h=i",
            "가나다라마바사아자차카타",
        ] {
            assert!(with(bad).is_err(), "{bad}");
        }
        let (one, other) = (with("").expect("random"), with("").expect("random"));
        assert_eq!(one.reveal().len(), 64);
        assert!(!one.is(other.reveal()));
    }

    #[test]
    fn origins_have_no_path() {
        for (text, expected) in [
            ("http://localhost:5173", Some("http://localhost:5173")),
            ("https://Example.com/", Some("https://example.com")),
            ("http://a/b", None),
            ("http://", None),
            ("*", None),
            ("localhost", None),
        ] {
            assert_eq!(origin(text).ok().as_deref(), expected, "{text}");
        }
    }
}
