//! The three checks of a call over TCP: the `Host` header, the `Origin` header, the token.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use axum::http::header::{AUTHORIZATION, COOKIE, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::token::Token;
use crate::api::v1::ErrorCode;
use crate::backend::answer::Refusal;

/// The guard of the TCP side.
pub(in crate::backend) struct Guard {
    token: Token,
    address: SocketAddr,
    origins: BTreeSet<String>,
}

/// A call that the guard let in.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Admission {
    /// By the query: the answer sets the cookie for the calls that follow.
    pub(super) is_first_visit: bool,
}

impl Guard {
    /// The guard of the listener at `address`; pages of `origins` may call, besides our own.
    pub(in crate::backend) fn new(token: Token, address: SocketAddr, origins: &[String]) -> Self {
        Self {
            token,
            address,
            origins: origins.iter().cloned().collect(),
        }
    }

    /// Lets a call with `headers` and `query` in, or says why not.
    pub(super) fn admit(&self, headers: &HeaderMap, query: &str) -> Result<Admission, Refusal> {
        let host = text(headers, &HOST).ok_or_else(|| Refusal::forbidden("no Host header"))?;
        if !self.is_ours(host) {
            return Err(Refusal::forbidden("not served under this host name"));
        }
        if headers.contains_key(ORIGIN) && !self.is_known_origin(headers) {
            return Err(Refusal::forbidden(
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
        // A listener on every address does not know them all. It takes any address in digits, since DNS cannot make one
        // point elsewhere.
        name.parse::<IpAddr>().is_ok_and(|ip| {
            ip.is_loopback() || ip == self.address.ip() || self.address.ip().is_unspecified()
        })
    }

    /// The origin of the call, if it is a page of another origin that the person allowed.
    pub(super) fn allowed_origin(&self, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(ORIGIN)?;
        self.origins
            .contains(origin.to_str().ok()?)
            .then(|| origin.clone())
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

    /// The cookie that has the token, for the calls that follow a first visit.
    pub(super) fn set_cookie(&self) -> Option<HeaderValue> {
        let (name, token) = (self.cookie_name(), self.token.reveal());
        HeaderValue::from_str(&format!(
            "{name}={token}; HttpOnly; SameSite=Strict; Path=/"
        ))
        .ok()
    }
}

/// The value of a header, if it is text.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env_vars;
    use crate::host::Host;

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
}
